using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <content>Blocks that other nodes collected: they wait beside the mailbox's own, byte for byte as they were sealed, in accounts of their own.</content>
public sealed partial class Mailbox
{
    // Taking a block writes all of it: commits of the mailbox's own stream do not wait for that. Never disposed: who waits for it at the end is to
    // find the mailbox closed.
    private readonly SemaphoreSlim _relayGate = new(1, 1);
    private readonly Lock _shelfLock = new();
    private readonly Lock _givingUpLock = new();
    private readonly RelayShelf _shelf = new();
    private readonly List<(RelayedBlock? Block, RelayRemoval Removal, Task Durable)> _relayGivingUp = [];
    private RelayBox? _relay;
    private (RelayState State, RelayMissing Missing) _relayBooks = (new RelayState(), default);
    private volatile string? _relayTrouble;
    private const string RemovingTrouble = "removing a relayed block is tried again";

    // Under the gate: the folder may be another process's from then on.
    private bool _isRelayClosed;
    private long _refusedLoops;
    private long _refusedInvalid;

    /// <summary>Takes a block that another node collected.</summary>
    /// <param name="path">Its file; it is read, and stays.</param>
    /// <param name="key">What names it; the content has to match.</param>
    /// <param name="way">The nodes that it has passed, the one that this node has it from last.</param>
    /// <param name="ownStreams">The streams of this collector: a block of one of them has come in a circle.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Whether it is safe here; only then the node that it is from may forget it.</returns>
    public async Task<RelayAnswer> RelayAsync(
        string path, BlockKey key, BlockWay way, IReadOnlySet<StreamId> ownStreams, CancellationToken cancellationToken)
    {
        if (!_options.ReplicatesRemote || _relay is not { } box)
        {
            return new RelayAnswer(RelayOutcome.NotAllowed, $"mailbox {Name} takes no blocks of other nodes; set replicate_remote: true at the collector");
        }

        if (LoopIn(key, way, ownStreams) is { } loop)
        {
            Interlocked.Increment(ref _refusedLoops);
            _log.RelayRefused(key.ToString(), loop);
            return new RelayAnswer(RelayOutcome.Loop, loop);
        }

        RelayAnswer answer;
        await _relayGate.WaitAsync(cancellationToken);
        try
        {
            answer = _isRelayClosed
                ? new RelayAnswer(RelayOutcome.Failed, ClosingText)
                : await Task.Run(() => TakeAsync(box, path, key, way), CancellationToken.None);
        }
        finally
        {
            _relayGate.Release();
        }

        if (answer.Outcome == RelayOutcome.Durable)
        {
            BecameReady?.Invoke();
        }

        return answer;
    }

    /// <summary>Removes a block of another node whose import the target confirmed.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="hash">The content that the target imported; it must be the block's own.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<StorageResult<RemoveResult>> ConfirmRelayedAsync(string id, BlockHash hash, CancellationToken cancellationToken)
    {
        RelayedBlock? block;
        (RelayedBlock? Block, RelayRemoval Removal, Task Durable) givenUp;
        await _relayGate.WaitAsync(cancellationToken);
        try
        {
            block = FindRelayed(id);
            if (block is null || !block.Key.Hash.Equals(hash))
            {
                return block is null ? RemoveResult.NotFound : RemoveResult.WrongHash;
            }

            lock (_givingUpLock)
            {
                givenUp = _relayGivingUp.Find(g => g.Block?.Arrival == block.Arrival);
            }

            if (givenUp.Block is null)
            {
                return RemoveRelayed(block, RelayRemoval.Delivered);
            }
        }
        finally
        {
            _relayGate.Release();
        }

        // The ledger names it as given up already, and the books are to say the same.
        return await RemoveWhenEnteredAsync(block, givenUp.Removal, givenUp.Durable, cancellationToken);
    }

    /// <summary>Removes a block of another node that nobody confirmed, as an operator asks: its events go into the loss ledger first.</summary>
    public async Task<StorageResult<RemoveResult>> DeleteRelayedAsync(string id, CancellationToken cancellationToken)
    {
        RelayedBlock? block;
        Task entered;
        RelayRemoval removal;
        await _relayGate.WaitAsync(cancellationToken);
        try
        {
            block = FindRelayed(id);
            if (block is null)
            {
                return RemoveResult.NotFound;
            }

            (entered, removal, _) = BeginGivingUp(block, LossReason.Deleted, "an operator deleted the block", RelayRemoval.Lost);
        }
        finally
        {
            _relayGate.Release();
        }

        return await RemoveWhenEnteredAsync(block, removal, entered, cancellationToken);
    }

    /// <summary>
    /// Looks at a block of another node. One that is damaged is kept aside, as it can't be proven any more, and one whose file vanished is given up;
    /// the loss ledger names either.
    /// </summary>
    /// <returns>The block; null when it is gone.</returns>
    public async Task<StorageResult<ReadyBlock?>> RepairRelayedAsync(string id, CancellationToken cancellationToken)
    {
        if (_relay is not { } box)
        {
            return (ReadyBlock?)null;
        }

        (RelayedBlock Block, RelayRemoval Removal, Task Entered) damaged;
        await _relayGate.WaitAsync(cancellationToken);
        try
        {
            // To the end, also where nobody waits any more: a file that was moved aside is to be in the ledger.
            var looked = await Task.Run(() => LookAtRelayed(box, id), CancellationToken.None);
            if (!looked.IsOk || looked.Value.Damaged is not { } found)
            {
                return looked.IsOk ? looked.Value.Sound : looked.Error;
            }

            damaged = found;
        }
        finally
        {
            _relayGate.Release();
        }

        var removed = await RemoveWhenEnteredAsync(damaged.Block, damaged.Removal, damaged.Entered, cancellationToken);
        return removed.IsOk ? (ReadyBlock?)null : removed.Error;
    }

    /// <summary>Looks at a block under the gate, so that nobody confirms or removes it meanwhile, and begins to give it up where it is damaged.</summary>
    private StorageResult<(ReadyBlock? Sound, (RelayedBlock Block, RelayRemoval Removal, Task Entered)? Damaged)> LookAtRelayed(RelayBox box, string id)
    {
        if (FindRelayed(id) is not { } block)
        {
            return default((ReadyBlock?, (RelayedBlock, RelayRemoval, Task)?));
        }

        var sound = box.IsSound(block);
        if (!sound.IsOk)
        {
            return sound.Error;
        }

        if (sound.Value)
        {
            return (Ready(block, isLast: false), null);
        }

        if (_isRelayClosed)
        {
            return ClosingError(block.Path);
        }

        // What is intact of the ledger in it goes on; afterwards it is in another place.
        var losses = ReadLosses(block.Path, block.Key.Stream);
        var moved = box.MoveAside(block.Path, "the content of a relayed block does not match its hash");
        if (!moved.IsOk)
        {
            return moved.Error;
        }

        var (reason, removal) = moved.Value
            ? ("the block does not match its hash; the file is kept aside", RelayRemoval.Quarantined)
            : ("the events are in no file: the block vanished", RelayRemoval.Lost);
        _damage = $"relayed block {block.Key} of node {block.Way.Origin}: {reason}";
        _log.RelayDamaged(block.Key.ToString(), reason);
        var (entered, booked, _) = BeginGivingUp(block, LossReason.Damaged, reason, removal, losses);
        return (null, (block, booked, entered));
    }

    /// <summary>Waits for who writes relayed blocks at the moment; from then on nobody does.</summary>
    private async Task CloseRelayAsync()
    {
        await _relayGate.WaitAsync(CancellationToken.None);
        _isRelayClosed = true;
        _relayGate.Release();
    }

    private RelayedBlock? FindRelayed(string id)
    {
        lock (_shelfLock)
        {
            return _shelf.Find(id);
        }
    }

    private StorageError? OpenRelay()
    {
        var folder = Path.Combine(_options.Folder, RelayBox.FolderName);
        if (!_options.ReplicatesRemote)
        {
            var there = _storage.List(folder);
            if (there.IsOk ? there.Value.Count == 0 : there.Error.IsNotFound)
            {
                return null;
            }

            if (!there.IsOk)
            {
                return there.Error;
            }
        }

        // What is there is delivered also where nothing more is taken.
        var opened = RelayBox.Open(_storage, _aside, _time, _options);
        _relay = opened.IsOk ? opened.Value : null;
        return opened.Error;
    }

    private void AdoptRelay()
    {
        if (_relay is not { } box)
        {
            return;
        }

        lock (_shelfLock)
        {
            foreach (var block in box.Found)
            {
                _shelf.Add(block with { Arrival = _shelf.NextArrival() });
            }

            _relayBooks = (box.State, box.Missing);
        }

        foreach (var finding in box.Findings)
        {
            _log.Finding(finding.Text);
            _damage = finding.IsDamage ? finding.Text : _damage;
        }

        if (box.Missing is { Events: > 0 } missing)
        {
            var finding = $"{missing.Events} events of relayed blocks are in no file";
            _damage = finding;
            _log.Finding(finding);
            var detail = missing.IsAside ? "relayed blocks are damaged; the files are kept aside" : "the events are in no file: relayed blocks vanished";
            var durable = Queue.AppendLoss(new LossRecord(
                LossReason.Damaged, 0, 0, missing.Events, IsExact: true, 0, 0, NowNs(), $"relayed blocks in mailbox {Name}", detail));
            _relayGivingUp.Add((null, RelayRemoval.Lost, durable));
        }
    }

    private string? LoopIn(BlockKey key, BlockWay way, IReadOnlySet<StreamId> ownStreams) =>
        way.Passed(_options.Node) ? $"a loop: the block has passed node {_options.Node} already ({way})"
        : ownStreams.Contains(key.Stream) ? $"a loop: the block is of this collector's own stream {key.Stream} ({way})"
        : way.Passed(Name) ? $"a loop: the block has passed node {Name} already, for which this mailbox is ({way})"
        : way.With(_options.Node) is null ? $"a loop, most likely: the block has passed {way.Nodes.Count} nodes, and {BlockWay.MaxNodes} are the most ({way})"
        : null;

    private async Task<RelayAnswer> TakeAsync(RelayBox box, string path, BlockKey key, BlockWay way)
    {
        lock (_shelfLock)
        {
            if (_shelf.Has(key))
            {
                return new RelayAnswer(RelayOutcome.Known);
            }
        }

        if (box.IsDelivered(key))
        {
            return new RelayAnswer(RelayOutcome.Known);
        }

        var check = box.Check(path, key, way);
        if (!check.IsOk)
        {
            return new RelayAnswer(RelayOutcome.Failed, check.Error.ToString(), check.Error);
        }

        if (check.Value.Block is not { } block)
        {
            Interlocked.Increment(ref _refusedInvalid);
            _log.RelayRefused(key.ToString(), check.Value.Wrong);
            return new RelayAnswer(RelayOutcome.Invalid, check.Value.Wrong);
        }

        var longer = way.With(_options.Node)!;
        var put = box.Put(key, block, check.Value.Content, longer, NowNs());
        if (!put.IsOk)
        {
            ReportRelay("relayed blocks can't be taken", put.Error);
            return new RelayAnswer(RelayOutcome.Failed, put.Error.ToString(), put.Error);
        }

        ReportRelay("", null);
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            var anchor = Math.Max(_announced, Disk.Sealed.Last?.Header.Index ?? 0);
            lock (_shelfLock)
            {
                _shelf.Add(new RelayedBlock(key, block, longer, put.Value, anchor, _shelf.NextArrival(), TimeSpan.Zero, _time.GetTimestamp()));
                _relayBooks = (box.State, box.Missing);
            }
        }
        finally
        {
            _gate.Release();
        }

        return new RelayAnswer(RelayOutcome.Durable);
    }

    private async Task<StorageResult<RemoveResult>> RemoveRelayedAsync(RelayedBlock block, RelayRemoval removal, CancellationToken cancellationToken)
    {
        await _relayGate.WaitAsync(cancellationToken);
        try
        {
            return RemoveRelayed(block, removal);
        }
        finally
        {
            _relayGate.Release();
        }
    }

    /// <summary>As <see cref="RemoveRelayedAsync"/>, under the gate.</summary>
    private StorageResult<RemoveResult> RemoveRelayed(RelayedBlock block, RelayRemoval removal)
    {
        // One that came again is another one.
        if (FindRelayed(block.Id)?.Arrival != block.Arrival)
        {
            return RemoveResult.NotFound;
        }

        if (_isRelayClosed)
        {
            return ClosingError(block.Path);
        }

        var removed = _relay!.Remove(block, removal);
        if (!removed.IsOk)
        {
            return removed.Error;
        }

        // First, so that nobody is sent to a file that is gone.
        lock (_shelfLock)
        {
            _shelf.Remove(block);
            _relayBooks = (_relay.State, _relay.Missing);
        }

        if (_relay.HasUnfinishedWork)
        {
            ReportRelay(RemovingTrouble, _relay.FinishWork().Error);
        }

        return RemoveResult.Removed;
    }

    /// <summary>Says once what is the matter with blocks of other nodes, and once that it is over. Called under their gate.</summary>
    private void ReportRelay(string consequence, StorageError? error)
    {
        if (error is null)
        {
            // Whether they can be taken again only the next one tells.
            if (consequence.Length == 0 || _relayTrouble?.StartsWith(consequence, StringComparison.Ordinal) == true)
            {
                _relayTrouble = null;
            }

            return;
        }

        var text = $"{consequence}: {error}";
        if (_relayTrouble is null)
        {
            _log.Trouble(text);
        }

        _relayTrouble = text;
    }

    private RelayStatus? RelayStatus()
    {
        if (_relay is null)
        {
            return null;
        }

        lock (_shelfLock)
        {
            // The books as they were when a block came or went last, so that both always match.
            var (state, missing) = _relayBooks;
            return new RelayStatus
            {
                Enabled = _options.ReplicatesRemote,
                AcceptedEvents = state.AcceptedEvents,
                DeliveredEvents = state.DeliveredEvents,
                BacklogEvents = _shelf.Events,
                LostEvents = state.LostEvents + (missing.IsAside ? 0 : missing.Events),
                QuarantinedEvents = state.QuarantinedEvents + (missing.IsAside ? missing.Events : 0),
                AcceptedBlocks = state.AcceptedBlocks,
                DeliveredBlocks = state.DeliveredBlocks,
                BacklogBlocks = _shelf.Count,
                BacklogBytes = _shelf.LengthBytes,
                RefusedLoops = Interlocked.Read(ref _refusedLoops),
                RefusedInvalid = Interlocked.Read(ref _refusedInvalid),
            };
        }
    }
}
