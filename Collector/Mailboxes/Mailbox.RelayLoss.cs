using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <content>Giving up blocks that other nodes collected: first the entry in the ledger, then, when that is durable, the block.</content>
public sealed partial class Mailbox
{
    private async Task<StorageResult<RemoveResult>> RemoveWhenEnteredAsync(
        RelayedBlock block, RelayRemoval removal, Task entered, CancellationToken cancellationToken)
    {
        if (await OutcomeAsync(entered).WaitAsync(cancellationToken) != AppendResult.Accepted)
        {
            return ClosingError(block.Path);
        }

        // The housekeeping may have been faster.
        var removed = await RemoveRelayedAsync(block, removal, cancellationToken);
        return removed is { IsOk: true, Value: RemoveResult.NotFound } ? RemoveResult.Removed : removed;
    }

    /// <summary>
    /// Enters a block into the ledger; when that is durable it is removed, by whoever asked or by the housekeeping. One that is being given up already
    /// gets no second entry. Called under the gate, with a block that is on the shelf: one that is delivered or removed must not be entered any more.
    /// </summary>
    /// <returns>Ends when the entry is durable; how the block is to be booked, which is as who came first has it; and whether that is this call.</returns>
    private (Task Entered, RelayRemoval Removal, bool IsNew) BeginGivingUp(
        RelayedBlock block, LossReason reason, string detail, RelayRemoval removal, StorageResult<IReadOnlyList<LossRecord>>? known = null)
    {
        lock (_givingUpLock)
        {
            var at = _relayGivingUp.FindIndex(g => g.Block?.Arrival == block.Arrival);
            if (at >= 0)
            {
                return (_relayGivingUp[at].Durable, _relayGivingUp[at].Removal, false);
            }

            var entered = EnterRelayedGivenUp(block, reason, detail, known);
            _relayGivingUp.Add((block, removal, entered));
            return (entered, removal, true);
        }
    }

    /// <summary>Gives up blocks that nobody fetched in time, and finishes what could not be done before.</summary>
    private async Task TidyRelayAsync()
    {
        if (_relay is not { } box)
        {
            return;
        }

        IReadOnlyList<RelayedBlock> waiting;
        lock (_shelfLock)
        {
            waiting = _options.Keep is null ? [] : _shelf.All();
        }

        foreach (var block in waiting.Where(IsExpired))
        {
            await ExpireRelayedAsync(block);
        }

        (RelayedBlock? Block, RelayRemoval Removal, Task Durable)[] entered;
        lock (_givingUpLock)
        {
            entered = [.. _relayGivingUp.Where(e => e.Durable.IsCompletedSuccessfully)];
        }

        StorageError? trouble = null;
        foreach (var entry in entered)
        {
            if (await BookGivenUpAsync(box, entry.Block, entry.Removal) is { IsOk: false } failed)
            {
                trouble = failed.Error;
                continue;
            }

            lock (_givingUpLock)
            {
                _relayGivingUp.Remove(entry);
            }
        }

        await _relayGate.WaitAsync(CancellationToken.None);
        try
        {
            // Also where something can't be booked, as for want of room: this is what makes room.
            var finished = box.FinishWork();
            ReportRelay(RemovingTrouble, trouble ?? finished.Error);
        }
        finally
        {
            _relayGate.Release();
        }
    }

    private bool IsExpired(RelayedBlock block) => BlockAges.IsExpired(
        _options.Keep!.Value, block.AgeWhenSeen, _time.GetElapsedTime(block.SeenAt), BlockAges.ByWallClock(block.ArrivedNs, _time));

    private async Task ExpireRelayedAsync(RelayedBlock block)
    {
        await _relayGate.WaitAsync(CancellationToken.None);
        try
        {
            // Delivered meanwhile, perhaps.
            if (FindRelayed(block.Id)?.Arrival != block.Arrival)
            {
                return;
            }

            var detail = $"nobody fetched the block within {_options.Keep!.Value.TotalSeconds:0} s";
            if (BeginGivingUp(block, LossReason.Expired, detail, RelayRemoval.Lost).IsNew)
            {
                _log.Expired($"{block.Key} of node {block.Way.Origin}", block.Events);
            }
        }
        finally
        {
            _relayGate.Release();
        }
    }

    private async Task<StorageResult> BookGivenUpAsync(RelayBox box, RelayedBlock? block, RelayRemoval removal)
    {
        if (block is not null)
        {
            return await RemoveRelayedAsync(block, removal, CancellationToken.None) is { IsOk: false } failed ? failed.Error : StorageResult.Ok;
        }

        await _relayGate.WaitAsync(CancellationToken.None);
        try
        {
            var booked = box.BookMissing();
            if (!booked.IsOk)
            {
                return booked;
            }

            lock (_shelfLock)
            {
                _relayBooks = (box.State, box.Missing);
            }

            return booked;
        }
        finally
        {
            _relayGate.Release();
        }
    }

    /// <summary>
    /// Enters a block of another node into the ledger that travels with this mailbox's own stream. The entries bear no sequence numbers, which would be
    /// taken for this stream's: those of the other stream are in the text, and the target finds the hole there by itself.
    /// </summary>
    private Task EnterRelayedGivenUp(
        RelayedBlock block, LossReason reason, string detail, StorageResult<IReadOnlyList<LossRecord>>? known = null)
    {
        var trailer = block.Block.Trailer;
        var source = $"block {block.Key.Index} of node {block.Way.Origin}";
        var entered = new List<Task>();
        var losses = known ?? ReadLosses(block.Path, block.Key.Stream);
        foreach (var loss in losses.IsOk ? losses.Value : [])
        {
            var its = loss.FirstSequence > 0 ? $" (sequence numbers {loss.FirstSequence} to {loss.LastSequence} of stream {block.Key.Stream})" : "";
            entered.Add(Queue.AppendLoss(
                loss with { FirstSequence = 0, LastSequence = 0, Source = $"{block.Way.Origin}: {loss.Source}", Detail = loss.Detail + its },
                isCarriedOver: true));
        }

        var unread = losses.IsOk ? "" : $"; the entries of the ledger in it can't be read: {losses.Error}";
        if (trailer.EventCount > 0 || !losses.IsOk)
        {
            entered.Add(Queue.AppendLoss(new LossRecord(
                reason, 0, 0, trailer.EventCount, IsExact: true, trailer.MinTimeNs, trailer.MaxTimeNs, NowNs(), source,
                $"{detail}; sequence numbers {trailer.FirstSequence} to {trailer.NextSequence - 1} of stream {block.Key.Stream}, relayed by {block.Way}{unread}")));
        }

        _wake.Writer.TryWrite(true);
        return Task.WhenAll(entered);
    }
}
