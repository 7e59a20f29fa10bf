using System.Security.Cryptography;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes.Relay;

/// <summary>What was odd at a start.</summary>
/// <param name="Text">A sentence for the log.</param>
/// <param name="IsDamage">False where it has passed.</param>
internal readonly record struct RelayFinding(string Text, bool IsDamage);

/// <summary>What a start found missing: more events are in the books than in the files.</summary>
internal readonly record struct RelayMissing(ulong Events, bool IsAside);

/// <summary>
/// The blocks of other nodes in a mailbox's folder: files and books. What always holds: a block that was called durable is in the books and on disk
/// until the books say where it went. Not thread-safe: the mailbox calls it under a gate of its own.
/// </summary>
internal sealed class RelayBox
{
    /// <summary>The folder's name within the mailbox's.</summary>
    public const string FolderName = "relay";

    private const string StateName = "relay.state";
    private const int MaxBlockBytes = 1024 * 1024 * 1024;
    private const int RememberedGone = 512;

    // 2024-01-01: no block came before, except with a clock that was not set, and that says nothing of its age.
    private const long EarliestNs = 1_704_067_200 * UnixTime.NsPerSecond;

    private readonly IStorage _storage;
    private readonly IKeepAside _aside;
    private readonly TimeProvider _time;
    private readonly Inbox _files;
    private readonly string _node;
    private readonly MailboxOptions _options;
    private readonly List<BlockKey> _toDelete = [];
    private readonly List<RelayFinding> _findings = [];
    private RelayState _state = new();

    private RelayBox(IStorage storage, IKeepAside aside, TimeProvider time, Inbox files, MailboxOptions options)
    {
        (_storage, _aside, _time, _files) = (storage, aside, time, files);
        (_node, _options) = (options.Node, options);
    }

    /// <summary>The books.</summary>
    public RelayState State => _state;

    /// <summary>What was odd at the start, for the log.</summary>
    public IReadOnlyList<RelayFinding> Findings => _findings;

    /// <summary>The blocks that were there at the start.</summary>
    public IReadOnlyList<RelayedBlock> Found { get; private set; } = [];

    /// <summary>What was missing at the start and is not in the books yet.</summary>
    public RelayMissing Missing { get; private set; }

    /// <summary>Whether files of blocks that are gone could not be deleted yet.</summary>
    public bool HasUnfinishedWork => _toDelete.Count > 0;

    /// <summary>Opens the folder, makes it if need be, and takes stock.</summary>
    public static StorageResult<RelayBox> Open(IStorage storage, IKeepAside aside, TimeProvider time, MailboxOptions options)
    {
        var files = Inbox.Open(storage, Path.Combine(options.Folder, FolderName));
        if (!files.IsOk)
        {
            return files.Error;
        }

        var box = new RelayBox(storage, aside, time, files.Value, options);
        var taken = box.TakeStock();
        return taken.IsOk ? box : taken.Error;
    }

    /// <summary>True when the target has confirmed the block before.</summary>
    public bool IsDelivered(BlockKey key)
    {
        var text = RelayedBlock.TextOf(key);
        return _state.Gone.Any(g => g.IsDelivered && g.Block == text);
    }

    /// <summary>Reads a block that is handed over and holds it against what is said of it. Nothing is written.</summary>
    /// <returns>The block and its content; or what is wrong with it; or the error that kept it from being read.</returns>
    public StorageResult<(SealedBlock? Block, byte[] Content, string Wrong)> Check(string path, BlockKey key, BlockWay way)
    {
        var opened = SealedBlock.TryOpen(_storage, path, default);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        if (opened.Value is not { } block)
        {
            return ((SealedBlock?)null, [], "header or trailer of the file are not intact");
        }

        var content = StorageFiles.ReadAll(_storage, path, MaxBlockBytes);
        if (!content.IsOk)
        {
            return content.Error;
        }

        var wrong = block.Header.Stream != key.Stream || block.Header.Index != key.Index ? $"the file is block {block.Header.Stream}/{block.Header.Index}"
            : !way.Begins(block.Header, _node) ? $"node '{block.Header.Node}' collected it for '{block.Header.Mailbox}', which its way ({way}) does not say"
            : !block.Trailer.Hash.Equals(key.Hash) ? "the file has another hash"
            : content.Value.Length != block.LengthBytes || !IsContent(content.Value, key.Hash) ? "the file's content does not have its hash"
            : "";
        return (wrong.Length == 0 ? block : null, content.Value, wrong);
    }

    /// <summary>Makes a block durable here. After an error nothing of it counts.</summary>
    /// <returns>The file's path.</returns>
    public StorageResult<string> Put(BlockKey key, SealedBlock block, byte[] content, BlockWay way, long nowNs)
    {
        var room = DiskReserve.CheckBytes(_storage, _files.Folder, content.Length, _options);
        room = room.IsOk ? DiskReserve.CheckFiles(_storage, _files.Folder) : room;
        if (!room.IsOk)
        {
            return room.Error;
        }

        _toDelete.Remove(key);
        var put = _files.Put(key, content, new InboxNote { Way = way.Nodes, ArrivedNs = nowNs });
        if (!put.IsOk)
        {
            return GiveUp(key, put.Error);
        }

        var text = RelayedBlock.TextOf(key);
        var booked = Write(_state with
        {
            AcceptedEvents = _state.AcceptedEvents + block.Trailer.EventCount,
            AcceptedBlocks = _state.AcceptedBlocks + 1,
            Gone = [.. _state.Gone.Where(g => g.Block != text)],
        });
        return booked.IsOk ? put.Value : GiveUp(key, booked.Error);
    }

    /// <summary>Removes a block from the books, durably; from the disk by <see cref="FinishWork"/>.</summary>
    public StorageResult Remove(RelayedBlock block, RelayRemoval removal)
    {
        var booked = Write(_state with
        {
            DeliveredEvents = _state.DeliveredEvents + (removal == RelayRemoval.Delivered ? block.Events : 0),
            DeliveredBlocks = _state.DeliveredBlocks + (removal == RelayRemoval.Delivered ? 1UL : 0),
            LostEvents = _state.LostEvents + (removal == RelayRemoval.Lost ? block.Events : 0),
            QuarantinedEvents = _state.QuarantinedEvents + (removal == RelayRemoval.Quarantined ? block.Events : 0),
            Gone = [.. _state.Gone.TakeLast(RememberedGone - 1), new RelayGone(RelayedBlock.TextOf(block.Key), removal == RelayRemoval.Delivered)],
        });
        if (booked.IsOk)
        {
            // The removal stands, whatever becomes of the file: the caller goes on with that.
            _toDelete.Add(block.Key);
        }

        return booked;
    }

    /// <summary>Deletes files that could not be deleted before.</summary>
    public StorageResult FinishWork()
    {
        while (_toDelete.Count > 0)
        {
            var removed = _files.Remove(_toDelete[0]);
            if (!removed.IsOk)
            {
                return removed;
            }

            _toDelete.RemoveAt(0);
        }

        return StorageResult.Ok;
    }

    /// <summary>Books what was missing at the start; the loss ledger already has it.</summary>
    public StorageResult BookMissing()
    {
        var (events, isAside) = Missing;
        var booked = Write(_state with
        {
            LostEvents = _state.LostEvents + (isAside ? 0 : events),
            QuarantinedEvents = _state.QuarantinedEvents + (isAside ? events : 0),
        });
        if (booked.IsOk)
        {
            Missing = default;
        }

        return booked;
    }

    /// <summary>Whether a file still has the content that its hash says; false also when it is not there, or the disk does not give it any more.</summary>
    public StorageResult<bool> IsSound(RelayedBlock block)
    {
        var sound = HasContent(block);
        if (sound is { IsOk: false, Error.Errno: Errno.InputOutput })
        {
            // A cable or a controller may have hung for a moment: a bad place of the disk stays one.
            sound = HasContent(block);
        }

        return sound is { IsOk: false, Error: var error } && MailboxRecovery.IsOfOneFile(error) ? false : sound;
    }

    private StorageResult<bool> HasContent(RelayedBlock block)
    {
        var opened = SealedBlock.TryOpen(_storage, block.Path, default);
        var content = opened.IsOk ? StorageFiles.ReadAll(_storage, block.Path, MaxBlockBytes) : opened.Error;
        if (!content.IsOk)
        {
            return content.Error;
        }

        return opened.Value == block.Block && IsContent(content.Value, block.Key.Hash);
    }

    /// <summary>Moves a damaged file aside.</summary>
    /// <returns>False when there is none.</returns>
    public StorageResult<bool> MoveAside(string path, string reason)
    {
        var moved = _aside.Move(path, reason);
        return moved.IsOk ? true : moved.Error.IsNotFound ? false : moved.Error;
    }

    private static bool IsContent(byte[] content, BlockHash hash) =>
        content.Length > BlockTrailer.FrameBytes && hash.Bytes.SequenceEqual(SHA256.HashData(content.AsSpan(0, content.Length - BlockTrailer.FrameBytes)));

    /// <summary>What is left of a block that could not be taken; where it can't be removed, the next start finds and takes it.</summary>
    private StorageError GiveUp(BlockKey key, StorageError error)
    {
        if (!_files.Remove(key).IsOk)
        {
            _toDelete.Add(key);
        }

        return error;
    }

    private string StatePath => Path.Combine(_files.Folder, StateName);

    private StorageResult Write(RelayState state)
    {
        var written = CheckedJsonFile.Write(_storage, StatePath, state);
        if (written.IsOk)
        {
            _state = state;
        }

        return written;
    }

    private StorageResult TakeStock()
    {
        var read = RelayState.Read(_storage, StatePath, out var damage);
        var listed = read.IsOk ? _files.List() : read.Error;
        if (!listed.IsOk)
        {
            return listed.Error;
        }

        if (damage is not null)
        {
            _findings.Add(new RelayFinding($"the books of relayed blocks are damaged and begun anew: {damage}", IsDamage: true));
            var moved = MoveAside(StatePath, $"damaged: {damage}");
            if (!moved.IsOk)
            {
                return moved.Error;
            }
        }

        var gone = (read.Value?.Gone ?? []).Select(g => g.Block).ToHashSet(StringComparer.Ordinal);
        var found = new List<RelayedBlock>();
        var isAnyAside = false;
        foreach (var entry in listed.Value)
        {
            if (!entry.IsComplete || gone.Contains(RelayedBlock.TextOf(entry.Block)))
            {
                var removed = _files.Remove(entry.Block);
                if (!removed.IsOk)
                {
                    return removed;
                }

                continue;
            }

            var block = Look(entry, (ulong)found.Count + 1);
            if (block is { IsOk: false, Error: { Errno: Errno.InputOutput } first } && IsOf(entry, first))
            {
                // As with the mailbox's own blocks: what has passed costs nothing, and a bad place of the disk keeps no mailbox shut.
                _findings.Add(new RelayFinding($"relayed block {entry.Block} is read once more: {first}", IsDamage: false));
                block = Look(entry, (ulong)found.Count + 1);
            }

            if (block is { IsOk: false, Error: var error } && IsOf(entry, error))
            {
                block = SetAside(entry, $"can't be read ({error})", "the disk does not give a relayed block any more");
            }

            if (!block.IsOk)
            {
                return block.Error;
            }

            isAnyAside |= block.Value is null;
            found.AddRange(block.Value is { } one ? [one] : []);
        }

        Found = found;
        return Balance(read.Value, found, isAnyAside);
    }

    /// <summary>Reads what is on disk of a block; null when it is no such block and was moved aside.</summary>
    private StorageResult<RelayedBlock?> Look(InboxEntry entry, ulong arrival)
    {
        var opened = SealedBlock.TryOpen(_storage, entry.Path, default);
        string? damage = null;
        var note = opened.IsOk ? _files.ReadNote(entry.Block, out damage) : opened.Error;
        if (!note.IsOk)
        {
            return note.Error;
        }

        if (opened.Value is not { } block
            || block.Header.Stream != entry.Block.Stream || block.Header.Index != entry.Block.Index || !block.Trailer.Hash.Equals(entry.Block.Hash))
        {
            return SetAside(entry, "is damaged", "the header or trailer of a relayed block is not intact");
        }

        if (damage is not null)
        {
            _findings.Add(new RelayFinding($"the note of relayed block {entry.Block}, which says the way that it has come, is damaged: {damage}", IsDamage: true));
        }

        var way = note.Value?.Parsed ?? FallbackWay(block.Header);
        if (way is null)
        {
            return SetAside(entry, "does not say which way it has come", "the way of a relayed block is not known");
        }

        var arrivedNs = note.Value?.ArrivedNs ?? 0;
        return new RelayedBlock(entry.Block, block, way, entry.Path, Anchor: 0, arrival, AgeOf(arrivedNs), _time.GetTimestamp()) { ArrivedNs = arrivedNs };
    }

    private static bool IsOf(InboxEntry entry, StorageError error) => error.Path == entry.Path && MailboxRecovery.IsOfOneFile(error);

    private StorageResult<RelayedBlock?> SetAside(InboxEntry entry, string finding, string reason)
    {
        _findings.Add(new RelayFinding($"relayed block {entry.Block} {finding}; the file is kept aside", IsDamage: true));
        var moved = MoveAside(entry.Path, reason);
        return moved.IsOk ? (RelayedBlock?)null : moved.Error;
    }

    /// <summary>Where the note is lost, the block itself says where it began.</summary>
    private BlockWay? FallbackWay(BlockHeader header)
    {
        string[] nodes = header.Mailbox == _node ? [header.Node, _node] : [header.Node, header.Mailbox, _node];
        return BlockWay.TryCreate(nodes, out var way, out _) ? way : null;
    }

    private TimeSpan AgeOf(long arrivedNs) => arrivedNs < EarliestNs ? TimeSpan.Zero : BlockAges.ByWallClock(arrivedNs, _time);

    /// <summary>Holds the books against the files.</summary>
    private StorageResult Balance(RelayState? books, List<RelayedBlock> found, bool isAnyAside)
    {
        var state = books ?? new RelayState();
        var expected = state.AcceptedEvents - state.DeliveredEvents - state.LostEvents - state.QuarantinedEvents;
        var actual = found.Aggregate(0UL, (sum, b) => sum + b.Events);
        if (actual > expected)
        {
            // Durable, and the process ended before it was booked and anybody was told: it is taken now.
            state = state with { AcceptedEvents = state.AcceptedEvents + (actual - expected), AcceptedBlocks = state.AcceptedBlocks + (books is null ? (ulong)found.Count : 1) };
        }

        Missing = actual < expected ? new RelayMissing(expected - actual, isAnyAside) : default;
        _state = state;
        return books is null && found.Count == 0 ? StorageResult.Ok : Write(state);
    }
}
