using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>Why a block leaves the mailbox.</summary>
internal enum Removal
{
    /// <summary>The target confirmed its content.</summary>
    Delivered,

    /// <summary>It was given up; the loss ledger says so.</summary>
    Lost,
}

/// <summary>A block whose sync failed: what was durable before is to be carried over into a new file.</summary>
internal sealed record SuspectBlock(BlockName Name, BlockHeader Header, long DurableBytes, ulong DurableNextSequence, ulong DurableEvents);

/// <summary>What failed although the call went well, since it is tried again later.</summary>
internal sealed record Postponed(string Consequence, StorageError Error);

/// <summary>
/// The mailbox's folder: the one open block, the sealed ones, the state file. What always holds: sequence numbers and block numbers
/// of a stream are used once; a block's removal is in the state file before its file is deleted; a block whose sync failed is never
/// written to again. Not thread-safe: the mailbox calls it under its gate.
/// </summary>
internal sealed class MailboxDisk(
    IStorage storage,
    IKeepAside aside,
    TimeProvider time,
    MailboxOptions options,
    StreamId stream,
    MailboxState state,
    RemovalBook book,
    IEnumerable<SealedBlock> sealedBlocks,
    ulong nextIndex,
    ulong nextSequence,
    long newestName,
    IEnumerable<SourcePosition> positions) : IDisposable
{
    // Without the book's file there are the accounts as a whole, and those by hour begin anew at the next start.
    private const int MaxBooked = 512;

    // Fewer events are not worth a second file.
    private const ulong MinRecodeEvents = 64;

    // Where blocks close faster than they can be re-coded, the rest is sealed as it is: what waits keeps a file open each.
    private const int MaxWaiting = 16;

    private readonly SealedBlocks _sealed = new(sealedBlocks);
    private readonly SourcePositionSet _positions = new(positions);
    private readonly List<SuspectBlock> _suspects = [];
    private readonly List<ClosedBlock> _closed = [];
    private readonly List<string> _toDelete = [];
    private MailboxState _state = state;
    private BlockAppender? _open;
    private long _openSince;
    private long _openDurableBytes;
    private ulong _openDurableEvents;
    private ulong _nextIndex = nextIndex;
    private long _newestName = newestName;
    private Postponed? _postponed;

    public StreamId Stream => stream;

    public ulong DurableNextSequence { get; private set; } = nextSequence;

    public IReadOnlyCollection<SourcePosition> Positions => _positions;

    /// <summary>Sealed blocks, oldest first.</summary>
    public SealedBlocks Sealed => _sealed;

    public MailboxState State => _state;

    /// <summary>Whether the open block holds anything worth fetching: events, or losses that the target has to learn of.</summary>
    public bool HasOpenContent => _open is not null && _openDurableBytes > 0;

    public TimeSpan OpenAge => _open is null ? TimeSpan.Zero : time.GetElapsedTime(_openSince);

    public long OpenBytes => _open is null ? 0 : _openDurableBytes;

    /// <summary>Whether something failed and has to be tried again; blocks that wait for being re-coded are not meant.</summary>
    public bool HasUnfinishedWork => HasUnsealed || _suspects.Count + _toDelete.Count > 0;

    /// <summary>Whether a closed block could not be sealed yet.</summary>
    public bool HasUnsealed => _closed is [{ IsToBeRecoded: false }, ..];

    /// <summary>Whether blocks are re-coded before they are sealed: somebody has to ask for <see cref="NextToRecode"/> then.</summary>
    public bool IsRecoding { get; private set; }

    /// <summary>Blocks that take no more commits and are not sealed yet, oldest first.</summary>
    public IReadOnlyList<ClosedBlock> Closed => _closed;

    /// <summary>The block to re-code next, or null. Blocks are sealed in their order.</summary>
    public ClosedBlock? NextToRecode => _closed is [{ IsToBeRecoded: true } first, ..] ? first : null;

    /// <summary>True when something durable lies in a block that could not be closed or carried over yet; one that is being re-coded is not meant.</summary>
    public bool HasUnclosedContent => HasUnsealed || _suspects.Count > 0;

    /// <summary>Writes a commit's frames and makes them durable. On failure nothing of them counts, and the call may be repeated.</summary>
    public StorageResult Commit(Commit commit)
    {
        var room = DiskReserve.CheckBytes(storage, options.Folder, commit.Frames.Written.Length, options);
        if (!room.IsOk)
        {
            return room;
        }

        var opened = EnsureOpen(commit);
        if (!opened.IsOk)
        {
            return opened;
        }

        var block = _open!;
        var appended = block.Append(commit.Frames.Written, commit.Stats);
        if (!appended.IsOk)
        {
            return appended;
        }

        if (options.Durability != Durability.Relaxed)
        {
            var synced = block.Sync();
            if (!synced.IsOk)
            {
                GiveUpOpenBlock();
                return synced;
            }
        }

        _openDurableBytes = block.LengthBytes;
        _openDurableEvents = block.EventCount;
        DurableNextSequence = commit.NextSequence;

        // The first commit brings the entries of what the start found.
        _state = _state.Unreadable is null ? _state : _state with { Unreadable = null };
        foreach (var position in commit.Positions)
        {
            _positions.Set(position);
        }

        return StorageResult.Ok;
    }

    /// <summary>
    /// Closes the open block, if there is one: new commits go to a new block. It is sealed now, or after it was re-coded. A failure leaves it to
    /// <see cref="FinishWork"/>.
    /// </summary>
    public StorageResult CloseOpen()
    {
        if (_open is null)
        {
            return StorageResult.Ok;
        }

        var isWorthRecoding = IsRecoding && _open.EventCount >= MinRecodeEvents && _closed.Count(c => c.IsToBeRecoded) < MaxWaiting;
        _closed.Add(new ClosedBlock(_open, isWorthRecoding));
        _open = null;
        return FinishSealing();
    }

    /// <summary>From now on blocks with many events are re-coded before they are sealed.</summary>
    public void BeginRecoding() => IsRecoding = options.Coding == BlockCoding.Columns;

    /// <summary>Nobody re-codes any more: what waits is sealed as it is, by <see cref="FinishWork"/> or whoever needs it.</summary>
    public void EndRecoding()
    {
        IsRecoding = false;
        foreach (var closed in _closed)
        {
            closed.Keep();
            closed.Settle(StorageResult.Ok);
        }
    }

    /// <summary>Takes the outcome of re-coding into the books. A block that was not re-coded is sealed as it is.</summary>
    /// <param name="closed">The block, which was <see cref="NextToRecode"/>.</param>
    /// <param name="recoding">What became of it.</param>
    public StorageResult FinishRecoding(ClosedBlock closed, in Recoding recoding)
    {
        if (_closed is not [var first, ..] || first != closed)
        {
            throw new InvalidOperationException($"Block {closed.Block.Name} is not the one that is being re-coded.");
        }

        if (recoding.Outcome is not { IsOk: true, Value.Block: { } block })
        {
            closed.Keep();
            if (!recoding.Outcome.IsOk)
            {
                // Whatever failed, nothing may be left under that name.
                _toDelete.Add(PathOf(closed.Block.Name) + BlockRecoder.RecodeSuffix);
            }

            return FinishSealing();
        }

        _sealed[block.Header.Index] = block;
        _closed.RemoveAt(0);
        if (recoding.Deleted is { IsOk: false, Error: { IsNotFound: false } kept })
        {
            _toDelete.Add(closed.Block.OpenPath);
            _postponed = OfRemoval(kept);
        }

        closed.Settle(StorageResult.Ok);
        return FinishSealing();
    }

    /// <summary>Seals closed blocks as they are, up to the first one that is to be re-coded.</summary>
    public StorageResult FinishSealing()
    {
        while (_closed is [{ IsToBeRecoded: false } closed, ..])
        {
            var block = closed.Block;
            var done = block.Seal();
            if (!done.IsOk)
            {
                if (done.Error.Operation == StorageOperation.Sync)
                {
                    // Everything in it was synced before; only the trailer wasn't.
                    _suspects.Add(new SuspectBlock(block.Name, block.Header, block.LengthBytes, block.NextSequence, block.EventCount));
                    _closed.RemoveAt(0);
                    block.Dispose();
                }

                closed.Settle(done.Error);
                return done.Error;
            }

            _sealed[block.Header.Index] = done.Value;
            _closed.RemoveAt(0);
            block.Dispose();
            closed.Settle(StorageResult.Ok);
        }

        return StorageResult.Ok;
    }

    /// <summary>Tries again what failed before: seals, carries over blocks whose sync failed, deletes files.</summary>
    public StorageResult FinishWork()
    {
        var finished = FinishSealing();
        while (finished.IsOk && _suspects.Count > 0)
        {
            finished = CarryOver(_suspects[0]);
            if (finished.IsOk)
            {
                _suspects.RemoveAt(0);
            }
        }

        return finished.IsOk ? FinishDeleting() : finished;
    }

    /// <summary>Removes a sealed block: first from the books, durably, then from the disk.</summary>
    public StorageResult Remove(SealedBlock block, Removal removal)
    {
        var span = block.Trailer.NextSequence - block.Trailer.FirstSequence;
        var next = _state with
        {
            NextIndex = _nextIndex,
            NextSequence = DurableNextSequence,
            NewestName = _newestName,
            Positions = [.. _positions],
            DeliveredEvents = _state.DeliveredEvents + (removal == Removal.Delivered ? block.Trailer.EventCount : 0),
            DeliveredBlocks = _state.DeliveredBlocks + (removal == Removal.Delivered ? 1UL : 0),
            LostEvents = _state.LostEvents + (removal == Removal.Lost ? block.Trailer.EventCount : 0),
            QuarantinedEvents = _state.QuarantinedEvents + (span - block.Trailer.EventCount),
            Removed = [.. _state.Removed, new RemovedBlock(block.Header.Index, block.Trailer.FirstSequence, block.Trailer.NextSequence)],
        };
        var entry = new BookedRemoval(
            removal == Removal.Delivered ? BookedKind.Delivered : BookedKind.Lost,
            BookHour.Of(block.Header.CreatedNs),
            new ChainBlock(
                block.Header.Index,
                block.Name.ToString(),
                block.Trailer.FirstSequence,
                block.Trailer.NextSequence,
                block.Trailer.EventCount,
                block.Trailer.Hash.ToString()));
        var written = WriteState(Retention.Compact(next), [entry]);
        if (!written.IsOk)
        {
            return written;
        }

        _sealed.Remove(block.Header.Index);
        _toDelete.Add(PathOf(block.Name));

        // The removal stands, whatever becomes of the file: FinishWork goes on with it.
        _postponed = OfRemoval(FinishDeleting().Error) ?? _postponed;
        return StorageResult.Ok;
    }

    /// <summary>What failed although the call went well, since it is tried again later; once.</summary>
    public Postponed? TakePostponed()
    {
        var postponed = _postponed;
        _postponed = null;
        return postponed;
    }

    /// <summary>Books events that vanished with their files; the loss ledger already has them.</summary>
    public StorageResult BookVanished(IReadOnlyList<RemovedBlock> vanished)
    {
        var next = Retention.Compact(_state with
        {
            NextIndex = Math.Max(_nextIndex, _state.NextIndex),
            NextSequence = DurableNextSequence,
            NewestName = _newestName,
            Positions = [.. _positions],
            LostEvents = _state.LostEvents + vanished.Aggregate(0UL, (sum, v) => sum + v.NextSequence - v.FirstSequence),
            Removed = [.. _state.Removed, .. vanished],
        });
        var hour = BookHour.Of(NowNs());
        var entries = vanished.Where(v => v.NextSequence > v.FirstSequence)
            .Select(v => new BookedRemoval(BookedKind.Vanished, hour, new ChainBlock(v.Index, "", v.FirstSequence, v.NextSequence, 0, "")));
        return WriteState(next, [.. entries]);
    }

    /// <summary>Looks at a sealed block byte by byte and, if it is damaged, replaces it by one with its intact frames.</summary>
    /// <returns>The block as it is now; null when nothing of it was left: then it stays in the books until it is removed as lost.</returns>
    public StorageResult<SealedBlock?> Repair(SealedBlock block)
    {
        var salvaged = BlockSalvage.Salvage(
            storage, PathOf(block.Name), block.Name, block.Header, aside, NowNs(), nextSequence: block.Trailer.NextSequence);
        if (!salvaged.IsOk)
        {
            return salvaged.Error;
        }

        if (salvaged.Value.Block is { } repaired)
        {
            _sealed[repaired.Header.Index] = repaired;
        }

        return salvaged.Value.Block;
    }

    /// <summary>What became of the events by the hour in which their block was begun, and the chain over the confirmed blocks.</summary>
    public MailboxAccounts Accounts()
    {
        var (earlier, booked) = book.Accounts();
        var hours = new SortedDictionary<int, (ulong Blocks, EventAccounts Events)>();
        foreach (var (hour, blocks, events) in booked)
        {
            hours[hour] = (blocks, events);
        }

        foreach (var block in _sealed)
        {
            var span = block.Trailer.NextSequence - block.Trailer.FirstSequence;
            AddWaiting(block.Header, span, block.Trailer.EventCount);
        }

        foreach (var closed in _closed)
        {
            AddWaiting(closed.Block.Header, closed.Block.EventCount, closed.Block.EventCount);
        }

        foreach (var suspect in _suspects)
        {
            AddWaiting(suspect.Header, suspect.DurableEvents, suspect.DurableEvents);
        }

        if (HasOpenContent)
        {
            AddWaiting(_open!.Header, _openDurableEvents, _openDurableEvents);
        }

        return new MailboxAccounts(stream, earlier, [.. hours.Select(h => (h.Key, h.Value.Blocks, h.Value.Events))], book.State());

        void AddWaiting(BlockHeader header, ulong span, ulong events)
        {
            var hour = BookHour.Of(header.CreatedNs);
            var (blocks, sum) = hours.GetValueOrDefault(hour, (0UL, EventAccounts.Zero));
            hours[hour] = (blocks + 1, sum + new EventAccounts(span, 0, events, 0, unchecked(span - events)));
        }
    }

    public MailboxStatus Status(bool enabled, IReadOnlyDictionary<string, ulong> losses, string? trouble)
    {
        var pending = _suspects.Aggregate(0UL, (sum, s) => sum + s.DurableEvents) + _closed.Aggregate(0UL, (sum, c) => sum + c.Block.EventCount);
        var oldest = _sealed.First?.Header ?? _closed.FirstOrDefault()?.Block.Header ?? (HasOpenContent ? _open!.Header : null);
        return new MailboxStatus
        {
            Name = options.Name,
            Path = options.Folder,
            Stream = stream.ToString(),
            Enabled = enabled,
            AcceptedEvents = DurableNextSequence - 1,
            DeliveredEvents = _state.DeliveredEvents,
            BacklogEvents = _sealed.EventCount + (_open is null ? 0 : _openDurableEvents) + pending,
            LostEvents = _state.LostEvents,
            QuarantinedEvents = _state.QuarantinedEvents + _sealed.MissingCount,
            BacklogBlocks = _sealed.Count + _suspects.Count + _closed.Count + (HasOpenContent ? 1 : 0),
            BacklogBytes = _sealed.LengthBytes + _closed.Sum(c => c.Block.LengthBytes) + OpenBytes,
            OldestBlockNs = oldest?.CreatedNs,
            LossesByReason = losses,
            Trouble = trouble,
        };
    }

    public string PathOf(BlockName name) => Path.Combine(options.Folder, name.ToString());

    public void Dispose()
    {
        _open?.Dispose();
        _open = null;
        foreach (var closed in _closed)
        {
            closed.Block.Dispose();
        }

        _closed.Clear();
    }

    private static Postponed? OfRemoval(StorageError? error) => error is null ? null : new Postponed("removing a block is tried again", error);

    private StorageResult EnsureOpen(Commit commit)
    {
        if (_open is not null)
        {
            return StorageResult.Ok;
        }

        // As with bytes: without a file to write the books into, no block that is delivered could ever be removed.
        var files = DiskReserve.CheckFiles(storage, options.Folder);
        if (!files.IsOk)
        {
            return files;
        }

        var name = BlockName.After(_newestName > 0 ? new BlockName(_newestName) : null, time.GetUtcNow().ToUnixTimeSeconds());
        var header = new BlockHeader(stream, _nextIndex, commit.FirstSequence, NowNs(), options.Node, options.Name);
        var created = BlockAppender.Create(storage, options.Folder, name, header);
        if (!created.IsOk)
        {
            if (created.Error.IsExists)
            {
                _newestName = name.UnixSeconds;
            }

            return created.Error;
        }

        var preamble = new Core.Bytes.ByteWriter();
        foreach (var position in _positions)
        {
            position.AppendFrame(preamble, stream.High, commit.FirstSequence, commit.Number);
        }

        var appended = created.Value.Append(preamble.Written, new FrameStats((uint)_positions.Count, 0, commit.FirstSequence, 0, 0));
        if (!appended.IsOk)
        {
            // The file may outlive this process, so its number is spent: a block with the same number would be taken for a copy of it.
            created.Value.Dispose();
            _suspects.Add(new SuspectBlock(name, header, DurableBytes: 0, commit.FirstSequence, DurableEvents: 0));
            _newestName = name.UnixSeconds;
            _nextIndex++;
            return appended;
        }

        _open = created.Value;
        _openSince = time.GetTimestamp();
        _openDurableBytes = 0;
        _openDurableEvents = 0;
        _newestName = name.UnixSeconds;
        _nextIndex++;
        return StorageResult.Ok;
    }

    private void GiveUpOpenBlock()
    {
        var block = _open!;
        _open = null;
        _suspects.Add(new SuspectBlock(block.Name, block.Header, _openDurableBytes, DurableNextSequence, _openDurableEvents));
        block.Dispose();
    }

    private StorageResult CarryOver(SuspectBlock suspect)
    {
        var path = PathOf(suspect.Name) + BlockName.OpenSuffix;
        var salvaged = BlockSalvage.Salvage(storage, path, suspect.Name, suspect.Header, aside, NowNs(), suspect.DurableBytes);
        if (salvaged is { IsOk: false, Error.IsNotFound: true })
        {
            return FinishCarrying(suspect, salvaged.Error);
        }

        if (!salvaged.IsOk)
        {
            return salvaged.Error;
        }

        if (salvaged.Value.Block is { } block)
        {
            _sealed[block.Header.Index] = block;
            return StorageResult.Ok;
        }

        return BookVanished([new RemovedBlock(suspect.Header.Index, suspect.Header.FirstSequence, suspect.Header.FirstSequence)]);
    }

    /// <summary>The file was carried over before, and only what comes after that had failed: the folder's sync, or the entry in the books.</summary>
    private StorageResult FinishCarrying(SuspectBlock suspect, StorageError notFound)
    {
        if (suspect.DurableEvents == 0 && suspect.DurableBytes == 0)
        {
            return BookVanished([new RemovedBlock(suspect.Header.Index, suspect.Header.FirstSequence, suspect.Header.FirstSequence)]);
        }

        var carried = SealedBlock.TryOpen(storage, PathOf(suspect.Name), suspect.Name);
        if (!carried.IsOk)
        {
            return carried.Error;
        }

        if (carried.Value is not { } block)
        {
            return notFound;
        }

        var synced = storage.SyncFolder(options.Folder);
        if (synced.IsOk)
        {
            _sealed[block.Header.Index] = block;
        }

        return synced;
    }

    /// <summary>Writes the state with new entries of the removal book, which go into the book's own file from time to time.</summary>
    private StorageResult WriteState(MailboxState next, IReadOnlyList<BookedRemoval> entries)
    {
        // The book's file first: what it has already is passed over when both are read. Where it can't be written, the state carries more for a while.
        var isDue = _state.Booked.Count >= options.BookEntriesPerWrite;
        var bookWritten = isDue ? book.Write(storage, options.Folder) : StorageResult.Ok;
        _postponed = bookWritten.Error is { } late ? new Postponed($"writing {RemovalBook.FileName}, the accounts by hour, is tried again", late) : _postponed;
        var isBooked = isDue && (bookWritten.IsOk || _state.Booked.Count >= MaxBooked);
        next = next with
        {
            BookedFrom = isBooked ? _state.BookedFrom + (ulong)_state.Booked.Count : _state.BookedFrom,
            Booked = isBooked ? entries : [.. _state.Booked, .. entries],
        };
        var written = MailboxStateFile.Write(storage, options.Folder, next);
        if (!written.IsOk)
        {
            return written;
        }

        _state = next;
        foreach (var entry in entries)
        {
            book.Add(entry);
        }

        book.Chain(next.LowIndex);
        return written;
    }

    private StorageResult FinishDeleting()
    {
        while (_toDelete.Count > 0)
        {
            var deleted = storage.Delete(_toDelete[0]);
            if (deleted is { IsOk: false, Error.IsNotFound: false })
            {
                return deleted;
            }

            // The name stays on the list until the folder is synced: till then a power loss may bring the file back.
            var synced = storage.SyncFolder(options.Folder);
            if (!synced.IsOk)
            {
                return synced;
            }

            _toDelete.RemoveAt(0);
        }

        return StorageResult.Ok;
    }

    private long NowNs() => UnixTime.FromDateTimeOffset(time.GetUtcNow());
}

/// <summary>A mailbox's accounts by hour, at one moment.</summary>
/// <param name="Stream">The mailbox's stream.</param>
/// <param name="Earlier">What is not known by hour any more.</param>
/// <param name="Hours">The hours, ascending; with those of blocks that wait.</param>
/// <param name="Chain">The chain over the confirmed blocks.</param>
internal sealed record MailboxAccounts(
    StreamId Stream, EventAccounts Earlier, IReadOnlyList<(int Hour, ulong Blocks, EventAccounts Events)> Hours, ChainStatement Chain);
