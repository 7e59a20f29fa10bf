using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>What became of an append.</summary>
public enum AppendResult
{
    /// <summary>The matching events are durable, now or from an earlier time that they were offered.</summary>
    Accepted,

    /// <summary>The mailbox does not collect at present: nothing was taken.</summary>
    Disabled,

    /// <summary>The mailbox was closed before the events were durable: they are not accepted.</summary>
    Closed,
}

/// <summary>What became of a request to remove a block.</summary>
public enum RemoveResult
{
    /// <summary>Removed, durably.</summary>
    Removed,

    /// <summary>No such block: it was removed before, or never was.</summary>
    NotFound,

    /// <summary>The confirmation names other content than the block has: the block stays.</summary>
    WrongHash,
}

/// <summary>A block that is ready to be fetched.</summary>
/// <param name="Block">The block.</param>
/// <param name="Path">Its file.</param>
/// <param name="IsLast">True when no further block is ready behind it.</param>
public sealed record ReadyBlock(SealedBlock Block, string Path, bool IsLast)
{
    /// <summary>The nodes that it has passed, this one last; null for a block of the mailbox's own stream.</summary>
    public BlockWay? Way { get; init; }

    /// <summary>What calls name it by.</summary>
    public string Id => Way is null ? Block.Name.ToString() : RelayedBlock.IdOf(Block.Trailer.Hash);
}

/// <summary>Some of the blocks that are ready.</summary>
/// <param name="Blocks">Those that were asked for, oldest first.</param>
/// <param name="TotalBlocks">How many there are in all.</param>
/// <param name="TotalEvents">The events in all of them.</param>
public sealed record ReadyPage(IReadOnlyList<ReadyBlock> Blocks, int TotalBlocks, ulong TotalEvents);

/// <summary>
/// One mailbox: takes events, makes them durable together, cuts them into blocks, hands blocks out and removes them on proof. It is the
/// only writer of its folder. Thread-safe.
/// </summary>
public sealed partial class Mailbox : IAsyncDisposable
{
    private static readonly TimeSpan HousekeepingInterval = TimeSpan.FromSeconds(1);

    // Longer than reading and writing a large block takes.
    private static readonly TimeSpan DiskPatience = TimeSpan.FromSeconds(5);

    private const string ClosingText = "the mailbox is closing";

    private readonly IStorage _storage;
    private readonly IKeepAside _aside;
    private readonly TimeProvider _time;
    private readonly MailboxOptions _options;
    private readonly Log _log;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Channel<bool> _closedSignal =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly RecodingRoom _recoding;
    private readonly List<(SealedBlock Block, Task Durable)> _givingUp = [];
    private readonly List<(RemovedBlock Range, Task Durable)> _cutOffs = [];
    private IDisposable? _lock;
    private MailboxDisk? _disk;
    private CommitQueue? _queue;
    private ItemMatches? _matches;
    private volatile bool _enabled;
    private volatile string? _trouble;
    private volatile string? _damage;
    private volatile KnownStatus? _lastStatus;

    /// <summary>A mailbox that <see cref="OpenAsync"/> brings to life.</summary>
    /// <param name="storage">The files.</param>
    /// <param name="aside">Where damaged files go.</param>
    /// <param name="time">The clock.</param>
    /// <param name="options">The settings.</param>
    /// <param name="logger">The log.</param>
    public Mailbox(IStorage storage, IKeepAside aside, TimeProvider time, MailboxOptions options, ILogger logger)
        : this(storage, aside, time, options, logger, new RecodingRoom(new OidTable()))
    {
    }

    /// <summary>As the public one.</summary>
    /// <param name="storage">The files.</param>
    /// <param name="aside">Where damaged files go.</param>
    /// <param name="time">The clock.</param>
    /// <param name="options">The settings.</param>
    /// <param name="logger">The log.</param>
    /// <param name="recoding">Where blocks are re-coded; mailboxes share it.</param>
    internal Mailbox(IStorage storage, IKeepAside aside, TimeProvider time, MailboxOptions options, ILogger logger, RecodingRoom recoding)
    {
        _recoding = recoding;
        _storage = storage;
        _aside = aside;
        _time = time;
        _options = options;
        _log = new Log(logger, options.Name);
        _enabled = options.AutoEnabled;
    }

    /// <summary>Raised when a block may have become ready, also one that was carried over. Handlers must be quick and not throw.</summary>
    public event Action? BecameReady;

    /// <summary>Raised after a block was sealed, on one of the mailbox's own tasks. Handlers must be quick and not throw.</summary>
    public event Action<SealedBlock>? BlockSealed;

    /// <summary>The mailbox's name.</summary>
    public string Name => _options.Name;

    /// <summary>The mailbox's folder.</summary>
    public string Folder => _options.Folder;

    /// <summary>The id of its own stream, once it is open.</summary>
    public StreamId Stream => Disk.Stream;

    /// <summary>Whether it collects; may be switched at any time.</summary>
    public bool Enabled
    {
        get => _enabled;
        set => _enabled = value;
    }

    private MailboxDisk Disk => _disk ?? throw new InvalidOperationException($"Mailbox {Name} is not open.");

    private CommitQueue Queue => _queue ?? throw new InvalidOperationException($"Mailbox {Name} is not open.");

    /// <summary>Locks the folder and recovers what is in it.</summary>
    /// <returns>Null, or why it can't be opened; the call may be repeated.</returns>
    public async Task<StorageError?> OpenAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var created = _storage.CreateFolder(_options.Folder);
            if (!created.IsOk)
            {
                return created.Error;
            }

            if (_lock is null)
            {
                var locked = _storage.Lock(Path.Combine(_options.Folder, "mailbox.lock"));
                if (!locked.IsOk)
                {
                    return locked.Error;
                }

                _lock = locked.Value;
            }

            // First, and once: what a recovery has found is for the ledger, and a second one would not find it again.
            if (_relay is null && OpenRelay() is { } relayError)
            {
                return relayError;
            }

            var recovered = MailboxRecovery.Recover(_storage, _aside, _time, _options);
            if (!recovered.IsOk)
            {
                return recovered.Error;
            }

            Adopt(recovered.Value);
            return null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// Commits, seals, expires and repairs until it is cancelled; then commits what waits, seals and returns. One call for the
    /// mailbox's life.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Supervisor.RunAsync(cancellationToken, CommitLoopAsync, HousekeepAsync, RecodeLoopAsync, SealInTimeAsync);
        }
        finally
        {
            await CloseAsync();
        }
    }

    /// <summary>
    /// Takes the matching events of a batch into the next commit. While too much waits for the disk, taking waits too: that is the
    /// back-pressure which the source has to bear. One source enqueues its batches one after the other.
    /// </summary>
    /// <param name="batch">The events; the caller's again when the returned task has ended.</param>
    /// <param name="position">Where the batch stands in its source's numbering; a batch that was taken before is not taken again.</param>
    /// <param name="cancellationToken">Ends the waiting for room.</param>
    /// <returns>When the batch was taken: a task that ends when its events are durable, or are known not to be accepted.</returns>
    public async ValueTask<Task<AppendResult>> EnqueueAsync(EventBatch batch, SourcePosition? position, CancellationToken cancellationToken)
    {
        if (!_enabled)
        {
            return Task.FromResult(AppendResult.Disabled);
        }

        while (Queue.Congestion is { } congestion)
        {
            _wake.Writer.TryWrite(true);
            if (_options.DropsWhenFull)
            {
                return OutcomeAsync(Queue.Drop(batch, MatchesFor(batch.Oids), position, NowNs()));
            }

            if (await OutcomeAsync(congestion.WaitAsync(cancellationToken)) == AppendResult.Closed)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return Task.FromResult(AppendResult.Closed);
            }
        }

        var durable = Queue.Append(batch, MatchesFor(batch.Oids), position, NowNs());
        _wake.Writer.TryWrite(true);
        return OutcomeAsync(durable);
    }

    /// <summary>Enters a loss into the ledger that travels with the stream; returns when the entry is durable.</summary>
    public Task<AppendResult> AppendLossAsync(LossRecord record)
    {
        var durable = Queue.AppendLoss(record);
        _wake.Writer.TryWrite(true);
        return OutcomeAsync(durable);
    }

    /// <summary>How far a source's numbered notifications were taken; null when none of this incarnation was. After a start: what is durable.</summary>
    public ulong? LastTaken(string source, ulong incarnation) => Queue.LastTaken(source, incarnation);

    /// <summary>True when anything of a source's numbered notifications was taken, now or by an earlier process, of whatever incarnation.</summary>
    public bool HasTaken(string source) => Queue.HasTaken(source);

    /// <summary>The sealed blocks, oldest first.</summary>
    public async Task<IReadOnlyList<ReadyBlock>> ListAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return Page(ReadyPlace.Start, int.MaxValue).Blocks;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Some of the sealed blocks, oldest first, and the sums of all of them.</summary>
    /// <param name="after">Only what stands behind this block, by stream and number; null for all. Where it is not known here, all.</param>
    /// <param name="limit">The most blocks.</param>
    /// <param name="rotate">Where there are none, the open block is closed and becomes ready.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The blocks, or why the open block can't be closed.</returns>
    public async Task<StorageResult<ReadyPage>> ReadyAsync(
        (StreamId Stream, ulong Index)? after, int limit, bool rotate, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<StorageResult> settled;
            await _gate.WaitAsync(cancellationToken);
            try
            {
                var place = after is { } last ? PlaceOf(last.Stream, last.Index) : ReadyPlace.Start;
                var isWanting = rotate && !HasReady(place);
                if (isWanting)
                {
                    var closed = SealClosed(withOpen: Disk.Closed.Count == 0);
                    if (!closed.IsOk)
                    {
                        return closed.Error;
                    }

                    isWanting = !HasReady(place);
                }

                if (!isWanting || Disk.NextToRecode is not { } next)
                {
                    return Page(place, limit);
                }

                settled = next.Settled;
            }
            finally
            {
                _gate.Release();
            }

            _ = await settled.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The oldest block that is ready; where there is none, the open block is closed and becomes ready.</summary>
    /// <param name="rotate">False leaves the open block alone.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The block, null when the mailbox is empty, or why the open block can't be closed.</returns>
    public async Task<StorageResult<ReadyBlock?>> NextAsync(bool rotate, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<StorageResult> settled;
            await _gate.WaitAsync(cancellationToken);
            try
            {
                if (rotate && !HasReady(ReadyPlace.Start))
                {
                    var closed = SealClosed(withOpen: Disk.Closed.Count == 0);
                    if (!closed.IsOk)
                    {
                        return closed.Error;
                    }
                }

                if (!rotate || HasReady(ReadyPlace.Start) || Disk.NextToRecode is not { } next)
                {
                    return Page(ReadyPlace.Start, 1).Blocks is [var first] ? first : (ReadyBlock?)null;
                }

                settled = next.Settled;
            }
            finally
            {
                _gate.Release();
            }

            _ = await settled.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Closes the open block now; returns when it and all before it are sealed.</summary>
    public Task<StorageResult> SealAsync(CancellationToken cancellationToken) => SealAsync(withOpen: true, cancellationToken);

    /// <summary>Returns when all blocks that are closed now are sealed.</summary>
    public Task<StorageResult> SettleAsync(CancellationToken cancellationToken) => SealAsync(withOpen: false, cancellationToken);

    /// <summary>Removes a block whose import the target confirmed.</summary>
    /// <param name="name">The block.</param>
    /// <param name="hash">The content that the target imported; it must be the block's own.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task<StorageResult<RemoveResult>> ConfirmAsync(BlockName name, BlockHash hash, CancellationToken cancellationToken) =>
        RemoveAsync(name, hash, Removal.Delivered, cancellationToken);

    /// <summary>Removes a block that nobody confirmed, as an operator asks: its events go into the loss ledger first.</summary>
    public async Task<StorageResult<RemoveResult>> DeleteAsync(BlockName name, CancellationToken cancellationToken)
    {
        SealedBlock? block;
        Task entered;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            block = Find(name);
            if (block is null)
            {
                return RemoveResult.NotFound;
            }

            entered = GiveUp(block, LossReason.Deleted, "an operator deleted the block");
        }
        finally
        {
            _gate.Release();
        }

        if (await OutcomeAsync(entered).WaitAsync(cancellationToken) != AppendResult.Accepted)
        {
            return ClosingError(Disk.PathOf(name));
        }

        return await RemoveGivenUpAsync(block, cancellationToken);
    }

    /// <summary>
    /// Reads a block byte by byte, and replaces it by its intact frames when it is damaged; the original is kept aside. A block whose file
    /// vanished is given up: its events go into the loss ledger.
    /// </summary>
    /// <returns>The block as it is now; null when it is gone or nothing of it was left.</returns>
    public async Task<StorageResult<ReadyBlock?>> RepairAsync(BlockName name, CancellationToken cancellationToken)
    {
        SealedBlock? block;
        ReadyBlock? ready = null;
        Task entered;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            block = Find(name);
            if (block is null)
            {
                return (ReadyBlock?)null;
            }

            var repaired = Disk.Repair(block);
            if (!repaired.IsOk && !repaired.Error.IsNotFound)
            {
                return repaired.Error;
            }

            if (repaired.IsOk && repaired.Value is { } sound)
            {
                ready = Repaired(block, sound);
                if (sound.Trailer.NextSequence >= block.Trailer.NextSequence)
                {
                    return ready;
                }
            }

            entered = ready is null ? GiveUpDamaged(block, isKept: repaired.IsOk) : EnterCutOff(block, ready.Block);
        }
        finally
        {
            _gate.Release();
        }

        if (await OutcomeAsync(entered).WaitAsync(cancellationToken) != AppendResult.Accepted)
        {
            return ClosingError(Disk.PathOf(name));
        }

        if (ready is not null)
        {
            await BookCutOffsAsync();
            return ready;
        }

        var removed = await RemoveGivenUpAsync(block, cancellationToken);
        return removed.IsOk ? (ReadyBlock?)null : removed.Error;
    }

    /// <summary>The accounts at this moment; while the disk does not answer, the last ones that are known, and that as their trouble.</summary>
    public async Task<MailboxStatus> StatusAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(DiskPatience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await _gate.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && _lastStatus is not null)
        {
            var (last, at) = _lastStatus;
            var seconds = _time.GetElapsedTime(at).TotalSeconds;
            return last with
            {
                Enabled = _enabled,
                Trouble = string.Create(CultureInfo.InvariantCulture, $"the disk has not answered for {seconds:0} s; nothing is accepted until it does"),
            };
        }

        try
        {
            var status = StatusNow();
            _lastStatus = new KnownStatus(status, _time.GetTimestamp());
            return status;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The accounts of one moment as a whole and by hour, with the chain over the confirmed blocks.</summary>
    internal async Task<(MailboxStatus Status, MailboxAccounts Accounts)> AccountsAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return (StatusNow(), Disk.Accounts());
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseRelayAsync();
        _queue?.Abandon();
        _disk?.Dispose();
        _disk = null;
        _lock?.Dispose();
        _lock = null;
        _gate.Dispose();
    }

    private async Task<StorageResult> SealAsync(bool withOpen, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<StorageResult> settled;
            await _gate.WaitAsync(cancellationToken);
            try
            {
                var closed = SealClosed(withOpen);
                if (!closed.IsOk || Disk.NextToRecode is not { } next)
                {
                    return closed;
                }

                settled = next.Settled;
                withOpen = false;
            }
            finally
            {
                _gate.Release();
            }

            _ = await settled.WaitAsync(cancellationToken);
        }
    }

    private void Adopt(RecoveredMailbox recovered)
    {
        _disk = recovered.Disk;
        _ages = new BlockAges(_time, _disk.Sealed);
        _queue = new CommitQueue(_options, _disk.Stream.High, _disk.DurableNextSequence, _disk.Positions);
        foreach (var finding in recovered.Findings)
        {
            _log.Finding(finding);
        }

        if (recovered.HasDamage)
        {
            _damage = recovered.Findings[0];
        }

        _lastStatus = new KnownStatus(_disk.Status(_enabled, _queue.LossesByReason, _damage), _time.GetTimestamp());
        var (backlog, next) = (_disk.Sealed.Count, _disk.DurableNextSequence);
        _announced = _disk.Sealed.Last?.Header.Index ?? 0;
        _log.Opened(_disk.Stream.ToString(), backlog, next);
        foreach (var name in recovered.Unreadable)
        {
            _ = _queue.AppendLoss(new LossRecord(
                LossReason.Damaged, 0, 0, 1, IsExact: false, 0, 0, NowNs(), name, "nothing in the block can be read; the file is kept aside"));
        }

        foreach (var range in recovered.Vanished.Where(v => v.NextSequence > v.FirstSequence))
        {
            _ = _queue.AppendLoss(new LossRecord(
                LossReason.Damaged, range.FirstSequence, range.NextSequence - 1, range.NextSequence - range.FirstSequence, IsExact: true,
                0, 0, NowNs(), Name, "the events are in no file: a block vanished"));
        }

        _vanished = recovered.Vanished;
        AdoptRelay();
        _wake.Writer.TryWrite(true);
    }

    private static async Task<AppendResult> OutcomeAsync(Task durable)
    {
        try
        {
            await durable;
            return AppendResult.Accepted;
        }
        catch (OperationCanceledException)
        {
            return AppendResult.Closed;
        }
    }

    private static StorageError ClosingError(string path) => new(StorageOperation.Delete, path, 0, ClosingText);

    private Func<int, bool> MatchesFor(OidTable oids)
    {
        var matches = _matches;
        if (matches is null || !ReferenceEquals(matches.Oids, oids))
        {
            _matches = matches = new ItemMatches(oids, _options.Filter);
        }

        return matches.Check;
    }

    private MailboxStatus StatusNow()
    {
        var status = Disk.Status(_enabled, Queue.LossesByReason, _trouble ?? _damage ?? _relayTrouble);
        return status with
        {
            Relay = RelayStatus(),

            // What vanished is lost from the start on, also as long as the entry in the ledger is on its way to the disk.
            LostEvents = status.LostEvents
                + _vanished.Concat(_cutOffs.Select(c => c.Range)).Aggregate(0UL, (sum, v) => sum + v.NextSequence - v.FirstSequence),
        };
    }

    private SealedBlock? Find(BlockName name) => Disk.Sealed.Find(name);

    private Task GiveUpDamaged(SealedBlock block, bool isKept)
    {
        _damage = isKept ? $"nothing of block {block.Name} could be read" : $"the file of block {block.Name} vanished";
        _log.Damaged(block.Name.ToString());
        return GiveUp(
            block,
            LossReason.Damaged,
            isKept ? "nothing of the block could be read; the file is kept aside" : "the events are in no file: a block vanished");
    }

    /// <summary>
    /// A block that lost its end, trailer and all, does not know itself what is missing. When the entry is durable it is booked, by whoever asked or by
    /// the housekeeping: the one who asked may have given up waiting.
    /// </summary>
    private Task EnterCutOff(SealedBlock before, SealedBlock after)
    {
        var entered = Queue.AppendLoss(new LossRecord(
            LossReason.Damaged,
            after.Trailer.NextSequence,
            before.Trailer.NextSequence - 1,
            before.Trailer.NextSequence - after.Trailer.NextSequence,
            IsExact: true,
            before.Trailer.MinTimeNs,
            before.Trailer.MaxTimeNs,
            NowNs(),
            before.Name.ToString(),
            "the end of the block could not be read; it is kept aside"));
        _cutOffs.Add((new RemovedBlock(before.Header.Index + 1, after.Trailer.NextSequence, before.Trailer.NextSequence, IsHole: true), entered));
        _wake.Writer.TryWrite(true);
        return entered;
    }

    private async Task BookCutOffsAsync()
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            // The ledger has it: where it can't be booked now, it is later.
            _ = BookCutOffs();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Books the ends of blocks that could not be read, of which the ledger has entries by now.</summary>
    /// <returns>False when it has to be tried again.</returns>
    private bool BookCutOffs()
    {
        var entered = _cutOffs.Where(c => c.Durable.IsCompletedSuccessfully).ToArray();
        foreach (var cutOff in entered)
        {
            _cutOffs.Remove(cutOff);
        }

        _vanished = [.. _vanished, .. entered.Select(c => c.Range)];
        return !_isVanishedEntered || BookVanished();
    }

    private ReadyBlock Repaired(SealedBlock block, SealedBlock repaired)
    {
        if (!repaired.Trailer.Hash.Equals(block.Trailer.Hash))
        {
            _damage = $"block {block.Name} was damaged on disk; the original is kept aside";
            _log.Damaged(block.Name.ToString());
        }

        return new ReadyBlock(repaired, Disk.PathOf(block.Name), IsLast: false);
    }

    private async Task<StorageResult<RemoveResult>> RemoveAsync(BlockName name, BlockHash hash, Removal removal, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (Find(name) is not { } block)
            {
                return RemoveResult.NotFound;
            }

            if (!block.Trailer.Hash.Equals(hash))
            {
                return RemoveResult.WrongHash;
            }

            var removed = Disk.Remove(block, removal);
            ReportPostponed();
            return removed.IsOk ? RemoveResult.Removed : removed.Error;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// Gives a block up: an entry in the ledger and, when that is durable, its removal, by whoever asked or by the housekeeping. One that is being given
    /// up already gets no second entry.
    /// </summary>
    /// <returns>Ends when the entry is durable.</returns>
    private Task GiveUp(SealedBlock block, LossReason reason, string detail, StorageResult<IReadOnlyList<LossRecord>>? losses = null)
    {
        var known = _givingUp.FindIndex(e => e.Block.Header.Index == block.Header.Index);
        if (known >= 0)
        {
            return _givingUp[known].Durable;
        }

        var entered = EnterGivenUp(block, reason, detail, losses ?? ReadLosses(Disk.PathOf(block.Name), Disk.Stream));
        _givingUp.Add((block, entered));
        return entered;
    }

    /// <summary>Removes a block whose entry in the ledger is durable; the housekeeping may have been faster.</summary>
    private async Task<StorageResult<RemoveResult>> RemoveGivenUpAsync(SealedBlock block, CancellationToken cancellationToken)
    {
        var removed = await RemoveAsync(block.Name, block.Trailer.Hash, Removal.Lost, cancellationToken);
        return removed is { IsOk: true, Value: RemoveResult.NotFound } ? RemoveResult.Removed : removed;
    }

    /// <summary>
    /// Enters a block that is given up into the ledger, and carries over the entries of the ledger that it holds itself: they would go with it.
    /// </summary>
    /// <returns>Ends when all of it is durable.</returns>
    private Task EnterGivenUp(SealedBlock block, LossReason reason, string detail, StorageResult<IReadOnlyList<LossRecord>> losses)
    {
        var entered = new List<Task>();
        foreach (var loss in losses.IsOk ? losses.Value : [])
        {
            entered.Add(Queue.AppendLoss(loss, isCarriedOver: true));
        }

        if (block.Trailer.EventCount > 0 || !losses.IsOk)
        {
            var unread = losses.IsOk ? "" : $"; the entries of the ledger in it can't be read: {losses.Error}";
            entered.Add(Queue.AppendLoss(LossOf(block, reason, detail + unread)));
        }

        _wake.Writer.TryWrite(true);
        return Task.WhenAll(entered);
    }

    private LossRecord LossOf(SealedBlock block, LossReason reason, string detail) => new(
        reason,
        block.Trailer.FirstSequence,
        block.Trailer.NextSequence - (block.Trailer.NextSequence > block.Trailer.FirstSequence ? 1UL : 0UL),
        block.Trailer.EventCount,
        IsExact: true,
        block.Trailer.MinTimeNs,
        block.Trailer.MaxTimeNs,
        NowNs(),
        block.Name.ToString(),
        detail);

    private long NowNs() => UnixTime.FromDateTimeOffset(_time.GetUtcNow());

    /// <summary>The accounts when the disk last let somebody look.</summary>
    private sealed record KnownStatus(MailboxStatus Status, long At);
}
