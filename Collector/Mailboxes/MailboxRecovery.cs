using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>What a start found in a mailbox's folder.</summary>
/// <param name="Disk">The folder, ready for work.</param>
/// <param name="Vanished">Events whose files are gone though nobody removed them; to be entered into the loss ledger, then booked.</param>
/// <param name="Unreadable">
/// Blocks at the end of the stream of which nothing could be read, so that nobody knows how many events they held; to be entered into the
/// loss ledger. What is unreadable before the end shows as vanished.
/// </param>
/// <param name="Findings">Sentences for the log, one for each thing out of the ordinary.</param>
/// <param name="HasDamage">True when accepted data was found damaged or missing.</param>
internal sealed record RecoveredMailbox(
    MailboxDisk Disk, IReadOnlyList<RemovedBlock> Vanished, IReadOnlyList<string> Unreadable, IReadOnlyList<string> Findings, bool HasDamage);

/// <summary>
/// Brings a mailbox's folder into order at start, whatever a crash or a bad disk left there. It reads header and trailer of sealed
/// blocks, and all of a file only when it is not a whole sealed block, or the newest one.
/// </summary>
/// <remarks>
/// <list type="table">
/// <item><term>sealed block, books say gone</term><description>its deletion was undone by a power loss: delete again</description></item>
/// <item><term>sealed block, header and trailer intact</term><description>backlog</description></item>
/// <item><term>sealed by name, header or trailer not intact</term><description>salvage</description></item>
/// <item><term>open block, the newest</term><description>salvage and seal</description></item>
/// <item><term>open block with a newer one behind it</term><description>its sync had failed, and what was not durable was written again into
/// the newer one: salvage up to the sequence number where that begins</description></item>
/// <item><term>salvage file, block of its name absent</term><description>the salvage was done but for the name: finish it</description></item>
/// <item><term>salvage file, block of its name present</term><description>the salvage was cut short: delete, salvage again</description></item>
/// <item><term>block there both sealed and open</term><description>it was re-coded, and its old file is not gone or came back: delete that, if
/// the sealed one is whole and holds all of it; else go on with the better one and move the other aside</description></item>
/// <item><term>file of a re-coding, block of its name present</term><description>cut short: delete, before anything needs the room</description></item>
/// <item><term>file of a re-coding alone</term><description>salvage</description></item>
/// <item><term>block of another stream, or a number twice</term><description>move aside</description></item>
/// <item><term>file that the disk does not give any more, or a link to nowhere</term><description>move aside</description></item>
/// </list>
/// </remarks>
internal sealed class MailboxRecovery
{
    private readonly IStorage _storage;
    private readonly IKeepAside _aside;
    private readonly TimeProvider _time;
    private readonly MailboxOptions _options;
    private readonly List<string> _findings = [];
    private readonly SortedDictionary<ulong, SealedBlock> _blocks = [];
    private readonly List<BlockName> _unreadable = [];

    // Nothing is moved before everything was read: where the whole disk gives nothing for a moment, a start fails and leaves all as it is.
    private readonly List<(string Path, string Reason)> _toSetAside = [];
    private MailboxState? _state;
    private StreamId? _stream;
    private long _newestName;
    private bool _hasDamage;

    private MailboxRecovery(IStorage storage, IKeepAside aside, TimeProvider time, MailboxOptions options)
    {
        _storage = storage;
        _aside = aside;
        _time = time;
        _options = options;
    }

    /// <summary>Recovers a mailbox. An error means that the folder can't be read or written at all.</summary>
    public static StorageResult<RecoveredMailbox> Recover(IStorage storage, IKeepAside aside, TimeProvider time, MailboxOptions options) =>
        new MailboxRecovery(storage, aside, time, options).Run();

    private StorageResult<RecoveredMailbox> Run()
    {
        var created = _storage.CreateFolder(_options.Folder);
        if (!created.IsOk)
        {
            return created.Error;
        }

        var stateRead = ReadState();
        if (!stateRead.IsOk)
        {
            return stateRead.Error;
        }

        var listed = _storage.List(_options.Folder);
        if (!listed.IsOk)
        {
            return listed.Error;
        }

        var names = listed.Value.Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        var cleaned = FinishRecodings(names);
        if (!cleaned.IsOk)
        {
            return cleaned.Error;
        }

        foreach (var name in listed.Value.Select(e => e.Name).Where(names.Contains))
        {
            var done = Classify(name, names);
            if (done is { IsOk: false, Error: { Errno: Errno.InputOutput } first } && IsOf(name, first))
            {
                // A cable or a controller may have hung for a moment: a bad place of the disk stays one.
                _findings.Add($"{name} is read once more: {first}");
                done = Classify(name, names);
            }

            if (done is { IsOk: false, Error: var error } && IsOf(name, error))
            {
                done = SetAsideUnreadable(name, error);
            }

            if (!done.IsOk)
            {
                return done.Error;
            }
        }

        return Conclude();
    }

    /// <summary>
    /// True when one file is at fault: a bad place on the disk, a link to nowhere. One such file must not keep the mailbox shut. Where another one
    /// can't be made, as for a copy, the block is none the worse: the start is tried again.
    /// </summary>
    internal static bool IsOfOneFile(StorageError error) =>
        error.Operation is StorageOperation.Open or StorageOperation.Read
        && error.Errno is Errno.InputOutput or Errno.NotFound or Errno.TooManyLinks;

    private bool IsOf(string fileName, StorageError error) => IsOfOneFile(error) && error.Path == Path.Combine(_options.Folder, fileName);

    private StorageResult SetAsideUnreadable(string fileName, StorageError error)
    {
        // Also one that was open: whoever has its readings acknowledged will not send them again.
        if (BlockName.TryParse(fileName, out var name) || BlockName.TryParseOpen(fileName, out name))
        {
            var noted = NoteUnreadable(name);
            if (!noted.IsOk)
            {
                return noted;
            }
        }

        SetAsideLater(fileName, $"{fileName} can't be read: {error}");
        return StorageResult.Ok;
    }

    private void SetAsideLater(string fileName, string reason)
    {
        _hasDamage = true;
        _findings.Add(reason);
        _toSetAside.Add((Path.Combine(_options.Folder, fileName), reason));
    }

    /// <summary>
    /// Writes the name of a block that may be unreadable into the books, before its file is moved aside: should this start be cut short, the next one would
    /// find nothing that tells of it. Where the books are lost they are written anew at the end.
    /// </summary>
    private StorageResult NoteUnreadable(BlockName name)
    {
        if (_unreadable.Contains(name))
        {
            return StorageResult.Ok;
        }

        _unreadable.Add(name);
        if (_state is null)
        {
            return StorageResult.Ok;
        }

        var noted = _state with { Unreadable = [.. _unreadable.Select(n => n.ToString())] };
        var written = MailboxStateFile.Write(_storage, _options.Folder, noted);
        if (written.IsOk)
        {
            _state = noted;
        }
        else
        {
            _unreadable.Remove(name);
        }

        return written;
    }

    private StorageResult ReadState()
    {
        var read = MailboxStateFile.Read(_storage, _options.Folder, out var damage);
        if (!read.IsOk)
        {
            return read.Error;
        }

        _state = read.Value;
        if (_state is not null && StreamId.TryParse(_state.Stream, out var stream))
        {
            _stream = stream;
        }

        foreach (var text in _state?.Unreadable ?? [])
        {
            if (BlockName.TryParse(text, out var name) && !_unreadable.Contains(name))
            {
                _unreadable.Add(name);
            }
        }

        if (damage is not null)
        {
            SetAsideLater(MailboxStateFile.FileName, $"{MailboxStateFile.FileName} is damaged ({damage}); accounts start anew, blocks are kept");
        }

        return StorageResult.Ok;
    }

    private StorageResult Classify(string fileName, HashSet<string> all)
    {
        var path = Path.Combine(_options.Folder, fileName);
        if (BlockName.TryParse(fileName, out var name))
        {
            return AddSealed(path, name, all);
        }

        if (BlockName.TryParseOpen(fileName, out name))
        {
            return AddOpen(path, name, all);
        }

        if (TryParseRecode(fileName, out name))
        {
            return AddSalvaged(path, name, "was being re-coded");
        }

        if (fileName.EndsWith(BlockSalvage.SalvageSuffix, StringComparison.Ordinal)
            && BlockName.TryParse(fileName[..^BlockSalvage.SalvageSuffix.Length], out name))
        {
            var originalIsThere = all.Contains(name.ToString()) || all.Contains(name + BlockName.OpenSuffix);
            return originalIsThere ? Delete(path) : AddSalvaged(path, name, "was being salvaged");
        }

        return StorageResult.Ok;
    }

    /// <summary>Leaves one file of each block that was being re-coded.</summary>
    private StorageResult FinishRecodings(HashSet<string> names)
    {
        foreach (var fileName in names.Order(StringComparer.Ordinal).ToArray())
        {
            var done = StorageResult.Ok;
            if (TryParseRecode(fileName, out var name) && (names.Contains(name.ToString()) || names.Contains(name + BlockName.OpenSuffix)))
            {
                names.Remove(fileName);
                done = Delete(Path.Combine(_options.Folder, fileName));
            }
            else if (BlockName.TryParse(fileName, out name) && names.Contains(name + BlockName.OpenSuffix))
            {
                var twins = RecodedTwins.Decide(_storage, Path.Combine(_options.Folder, fileName), _stream, out var unreadable);
                done = twins.IsOk ? LeaveOne(name, twins.Value, names, unreadable is null ? "" : $" ({unreadable})") : twins.Error;
            }

            if (!done.IsOk)
            {
                return done;
            }
        }

        return StorageResult.Ok;
    }

    private StorageResult LeaveOne(BlockName name, Twins decision, HashSet<string> names, string why)
    {
        var goes = decision == Twins.OpenCounts ? name.ToString() : name + BlockName.OpenSuffix;
        names.Remove(goes);
        var path = Path.Combine(_options.Folder, goes);
        return decision switch
        {
            Twins.SealedIsWhole => Delete(path),
            Twins.SealedCounts => SetAside(path, $"{name} is there both open and sealed, and the open one is not what the sealed one was made of{why}"),
            _ => SetAside(path, $"{name} is there both open and sealed, and the sealed one is damaged{why}"),
        };
    }

    private static bool TryParseRecode(string fileName, out BlockName name)
    {
        name = default;
        return fileName.EndsWith(BlockRecoder.RecodeSuffix, StringComparison.Ordinal)
            && BlockName.TryParse(fileName[..^BlockRecoder.RecodeSuffix.Length], out name);
    }

    private StorageResult AddSealed(string path, BlockName name, HashSet<string> all)
    {
        var opened = SealedBlock.TryOpen(_storage, path, name);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        if (opened.Value is not { } block)
        {
            // Old content of the disk at its end may be frames of a later block: those count where they belong.
            var next = FollowerOf(path, name, all);
            return next.IsOk
                ? AddSalvaged(path, name, "is sealed by name, and its header or trailer is damaged", nextSequence: EndOf(path, name, next.Value))
                : next.Error;
        }

        return Add(path, block);
    }

    private StorageResult AddOpen(string path, BlockName name, HashSet<string> all)
    {
        var follower = FollowerOf(path, name, all);
        if (!follower.IsOk)
        {
            return follower.Error;
        }

        if (follower.Value is not { } next)
        {
            return AddSalvaged(path, name, "was open");
        }

        var end = FindEnd(path, next);
        return end.IsOk ? AddSalvaged(path, name, end.Value is null ? "was closed and not sealed yet" : "was given up while open", end.Value) : end.Error;
    }

    /// <summary>
    /// The header of the block behind a block, or null. A file that only has a later name, as one of another mailbox or a copy of an older block, says
    /// nothing about where this one ends; and one that can't be read is no reason to give this one up.
    /// </summary>
    private StorageResult<BlockHeader?> FollowerOf(string path, BlockName name, HashSet<string> all)
    {
        var own = ReadHeader(path);
        if (!own.IsOk)
        {
            return own.Error;
        }

        var (stream, index) = (own.Value?.Stream ?? _stream, own.Value?.Index ?? Fallback(path, name).Index);
        var later = all
            .Select(file => BlockName.TryParse(file, out var other) || BlockName.TryParseOpen(file, out other) ? other : (BlockName?)null)
            .Where(other => other is { } o && o.CompareTo(name) > 0)
            .Distinct()
            .Order();
        foreach (var file in later.Select(other => other.ToString()!))
        {
            var next = ReadHeader(Path.Combine(_options.Folder, all.Contains(file) ? file : file + BlockName.OpenSuffix));
            if (!next.IsOk && !IsOfOneFile(next.Error))
            {
                return next.Error;
            }

            if (next is { IsOk: true, Value: { } header } && (stream is null || header.Stream == stream) && header.Index > index)
            {
                return header;
            }
        }

        return (BlockHeader?)null;
    }

    /// <summary>The first sequence number behind a sealed block: where the next one begins, be that there or gone on purpose; null when nobody knows.</summary>
    private ulong? EndOf(string path, BlockName name, BlockHeader? next)
    {
        var own = ReadHeader(path);
        var index = own is { IsOk: true, Value: { } header } ? header.Index : Fallback(path, name).Index;
        var ends = (_state?.Removed ?? []).Where(r => r.Index > index).Select(r => r.FirstSequence).Concat(next is null ? [] : [next.FirstSequence]).ToArray();
        return ends.Length > 0 ? ends.Min() : null;
    }

    /// <summary>The first sequence number of the first intact frame of events; null when there is none, or the disk does not give it.</summary>
    private ulong? FirstEventOf(string path)
    {
        var opened = _storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return null;
        }

        using var file = opened.Value;
        var scanner = BlockScanner.Open(file, _stream);
        while (scanner.IsOk && scanner.Value.Next() is { IsOk: true, Value: { Kind: not ScanKind.End } item })
        {
            if (item.Kind == ScanKind.Frame && item.Header.EventCount > 0)
            {
                return item.Header.FirstSequence;
            }
        }

        return null;
    }

    /// <summary>How much of a block lies before the sequence number where the next one begins, in bytes; null when all of it does.</summary>
    private StorageResult<long?> FindEnd(string path, BlockHeader next)
    {
        var opened = _storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var scanner = BlockScanner.Open(file, _stream);
        if (!scanner.IsOk)
        {
            return scanner.Error;
        }

        while (true)
        {
            var item = scanner.Value.Next();
            if (!item.IsOk)
            {
                return item.Error;
            }

            if (item.Value.Kind == ScanKind.End)
            {
                break;
            }

            // A frame without events carries the number of the next event, so it may stand at the very end.
            if (item.Value.Kind == ScanKind.Frame
                && item.Value.Header is var header
                && (header.EventCount > 0 ? header.NextSequence > next.FirstSequence : header.FirstSequence > next.FirstSequence))
            {
                return item.Value.Offset;
            }
        }

        return (long?)null;
    }

    private StorageResult<BlockHeader?> ReadHeader(string path)
    {
        var opened = _storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var scanner = BlockScanner.Open(file, _stream);
        return scanner.IsOk ? scanner.Value.Header : scanner.Error;
    }

    /// <summary>The header of a block that has lost its own: what its place behind the blocks before it says.</summary>
    private BlockHeader Fallback(string path, BlockName name)
    {
        var previous = _blocks.Count > 0 ? _blocks.Values.Last() : null;
        var (index, sequence) = previous is null
            ? (_state?.LowIndex ?? 1, _state?.LowSequence ?? 1)
            : (previous.Header.Index + 1, previous.Trailer.NextSequence);

        // The numbers of blocks between the two that are gone on purpose are theirs. Where another one is gone besides, the events here tell what came before.
        var removed = _state?.Removed ?? [];
        var first = removed.Count > 0 ? FirstEventOf(path) : null;
        foreach (var gone in removed.OrderBy(r => r.Index).ThenBy(r => r.FirstSequence).Where(r => r.Index >= index))
        {
            if (gone.Index != index && !(gone.FirstSequence < first))
            {
                break;
            }

            (index, sequence) = (gone.IsHole ? gone.Index : gone.Index + 1, Math.Max(sequence, gone.NextSequence));
        }

        return new BlockHeader(
            _stream ?? default,
            index,
            sequence,
            name.UnixSeconds * UnixTime.NsPerSecond,
            _options.Node,
            _options.Name);
    }

    private StorageResult AddSalvaged(string path, BlockName name, string what, long? durableBytes = null, ulong? nextSequence = null)
    {
        // An open block without a whole frame held nothing that was accepted; a sealed one did.
        var isSealed = Path.GetFileName(path) == name.ToString();
        var noted = isSealed ? NoteUnreadable(name) : StorageResult.Ok;
        if (!noted.IsOk)
        {
            return noted.Error;
        }

        var salvaged = BlockSalvage.Salvage(
            _storage, path, name, Fallback(path, name), _aside, UnixTime.FromDateTimeOffset(_time.GetUtcNow()), durableBytes, nextSequence);
        if (!salvaged.IsOk)
        {
            return salvaged.Error;
        }

        var (block, report, kept) = salvaged.Value;
        var damaged = report.Damages.Count > 0 || report.Missing.Count > 0;
        _hasDamage |= damaged;
        var keptText = kept is null ? "" : $"; kept aside: {kept}";
        _findings.Add(block is null
            ? $"{Path.GetFileName(path)} {what} and held no frame{keptText}"
            : $"{Path.GetFileName(path)} {what}: {block.Trailer.EventCount} events recovered{(damaged ? $", {report.Damages.Count} damaged places, {report.Missing.Aggregate(0UL, (s, m) => s + m.Count)} events missing" : "")}{keptText}");
        if (block is null)
        {
            _hasDamage |= isSealed;
            Spend(name);
            return StorageResult.Ok;
        }

        _unreadable.Remove(name);
        return Add(Path.Combine(_options.Folder, name.ToString()), block);
    }

    /// <summary>
    /// Does not give a name again although its file is gone from here. A wild name of one that was never a block must not push the names to come into the
    /// far future.
    /// </summary>
    private void Spend(BlockName name)
    {
        if (name.UnixSeconds <= _time.GetUtcNow().ToUnixTimeSeconds())
        {
            _newestName = Math.Max(_newestName, name.UnixSeconds);
        }
    }

    private StorageResult Add(string path, SealedBlock block)
    {
        _newestName = Math.Max(_newestName, block.Name.UnixSeconds);
        _stream ??= block.Header.Stream;
        if (block.Header.Stream != _stream)
        {
            return SetAside(path, $"{block.Name} belongs to another stream than this mailbox");
        }

        if (_state is not null && Retention.IsGone(_state, block.Header.Index))
        {
            _findings.Add($"{block.Name} was removed before and is back after a power loss; removed again");
            return Delete(path);
        }

        return _blocks.TryAdd(block.Header.Index, block)
            ? StorageResult.Ok
            : SetAside(path, $"{block.Name} has the same number {block.Header.Index} as {_blocks[block.Header.Index].Name}");
    }

    private StorageResult<RecoveredMailbox> Conclude()
    {
        var stream = _stream ?? StreamId.Create();
        var newest = _blocks.Count > 0 ? _blocks.Values.Last() : null;
        var unreadable = _unreadable.Where(name => newest is null || name.CompareTo(newest.Name) > 0).Select(name => name.ToString()).ToArray();
        _unreadable.ForEach(Spend);
        var state = (_state ?? WithoutBooks(stream)) with { Unreadable = unreadable.Length > 0 ? unreadable : null };
        var positions = ReadPositions(state);
        if (!positions.IsOk)
        {
            return positions.Error;
        }

        // A number that a block had is not given again, although nobody can read it any more.
        var nextIndex = Math.Max(state.NextIndex, (newest is null ? state.LowIndex : newest.Header.Index + 1) + (ulong)unreadable.Length);
        var nextSequence = Math.Max(state.NextSequence, newest?.Trailer.NextSequence ?? 1);
        var vanished = Retention.Vanished(state with { NextIndex = nextIndex, NextSequence = nextSequence }, _blocks.Values);
        foreach (var range in vanished.Where(v => v.NextSequence > v.FirstSequence))
        {
            _hasDamage = true;
            _findings.Add($"events {range.FirstSequence} to {range.NextSequence - 1} are in no file: a block vanished");
        }

        var book = RemovalBook.Open(_storage, _options.Folder, stream, state, out var damage);
        if (!book.IsOk)
        {
            return book.Error;
        }

        if (damage is not null)
        {
            _findings.Add($"{RemovalBook.FileName} is damaged ({damage}); the accounts by hour start anew, those as a whole are kept");
        }

        var aside = SetAsideAll(state);
        if (!aside.IsOk)
        {
            return aside.Error;
        }

        var disk = new MailboxDisk(
            _storage, _aside, _time, _options, stream, state, book.Value, _blocks.Values, nextIndex, nextSequence,
            Math.Max(_newestName, state.NewestName), positions.Value);
        return new RecoveredMailbox(disk, vanished, unreadable, _findings, _hasDamage);
    }

    /// <summary>Moves aside what could not be read: books first, and when there are new ones that name the blocks, those.</summary>
    private StorageResult SetAsideAll(MailboxState state)
    {
        var books = Path.Combine(_options.Folder, MailboxStateFile.FileName);
        var done = SetAsideAll(_toSetAside.Where(f => f.Path == books));
        done = done.IsOk && _state is null ? MailboxStateFile.Write(_storage, _options.Folder, state) : done;
        return done.IsOk ? SetAsideAll(_toSetAside.Where(f => f.Path != books)) : done;
    }

    private StorageResult SetAsideAll(IEnumerable<(string Path, string Reason)> files)
    {
        foreach (var (path, reason) in files)
        {
            var moved = _aside.Move(path, reason);
            if (!moved.IsOk)
            {
                return moved.Error;
            }
        }

        return StorageResult.Ok;
    }

    /// <summary>
    /// The state of a mailbox whose own is lost. What came before the oldest block left on purpose, delivered or given up with an entry in the ledger:
    /// which of the two is not known here any more, and said. The accounts have to be whole again, so it counts as delivered, and the target, which
    /// knows what it never got, has the last word.
    /// </summary>
    private MailboxState WithoutBooks(StreamId stream)
    {
        var oldest = _blocks.Count > 0 ? _blocks.Values.First() : null;
        var lowSequence = oldest?.Trailer.FirstSequence ?? 1;
        if (lowSequence > 1)
        {
            _hasDamage = true;
            _findings.Add(
                $"the books of events 1 to {lowSequence - 1} are lost: they count as delivered, whatever became of them; what is missing of them is in the target's account");
        }

        return new MailboxState
        {
            Stream = stream.ToString(),
            LowIndex = oldest?.Header.Index ?? 1,
            LowSequence = lowSequence,
            DeliveredEvents = lowSequence - 1,
        };
    }

    /// <summary>Each block begins with all positions of its time, so the newest one knows them all; the state file knows those of removed blocks.</summary>
    private StorageResult<IReadOnlyList<SourcePosition>> ReadPositions(MailboxState state)
    {
        if (_blocks.Count == 0 || _blocks.Keys.Last() < state.NextIndex - 1)
        {
            return state.Positions.ToArray();
        }

        var opened = _storage.Open(Path.Combine(_options.Folder, _blocks.Values.Last().Name.ToString()), write: false);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var report = BlockReport.Create(file, _stream);
        if (!report.IsOk)
        {
            return report.Error;
        }

        return new SourcePositionSet([.. state.Positions, .. report.Value.Positions]).ToArray();
    }

    private StorageResult SetAside(string path, string reason)
    {
        _hasDamage = true;
        _findings.Add(reason);
        var moved = _aside.Move(path, reason);
        return moved.IsOk ? StorageResult.Ok : moved.Error;
    }

    private StorageResult Delete(string path)
    {
        // What is gone already, as a cut-short salvage that was written anew, is as it should be.
        var deleted = _storage.Delete(path);
        return deleted.IsOk || deleted.Error.IsNotFound ? _storage.SyncFolder(_options.Folder) : deleted;
    }
}
