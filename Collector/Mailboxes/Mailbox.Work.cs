using System.Threading.Channels;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>The mailbox's own work: committing, sealing by size and age, giving up what is too old, repeating what failed.</summary>
public sealed partial class Mailbox
{
    private static readonly TimeSpan ShortestDelay = TimeSpan.FromMilliseconds(1);

    private IReadOnlyList<RemovedBlock> _vanished = [];

    // The first commit brings the entries of what a start found to have vanished.
    private bool _isVanishedEntered;

    private readonly Channel<bool> _opened = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private long _announcedVersion;

    private Commit? _uncommitted;

    // What the housekeeping found wrong is over when it finds so: a commit in between says nothing of it, and the log would tell of both each second.
    private bool _isTidy = true;

    private BlockAges? _ages;

    private ulong _announced;

    // Old blocks that were looked into.
    private readonly HashSet<ulong> _entriesAlone = [];

    // A bad place of a disk may take seconds each time that it is read, and all else waits meanwhile.
    private static readonly TimeSpan LongestEntriesRetry = TimeSpan.FromMinutes(1);

    // Old blocks whose entries of the ledger could not be read, and when.
    private readonly Dictionary<ulong, long> _unreadEntries = [];

    private async Task CommitLoopAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await WaitForWorkAsync(cancellationToken);
            await CommitPendingAsync(cancellationToken);
        }
    }

    private async Task WaitForWorkAsync(CancellationToken cancellationToken)
    {
        await _wake.Reader.ReadAsync(cancellationToken);
        if (_options.Durability == Durability.Always || _options.CommitDelay <= TimeSpan.Zero)
        {
            return;
        }

        var full = Queue.Full;
        if (!full.IsCompleted)
        {
            await Task.WhenAny(Task.Delay(_options.CommitDelay, _time, cancellationToken), full);
        }
    }

    private async Task CommitPendingAsync(CancellationToken cancellationToken)
    {
        while ((_uncommitted ??= Queue.Take()) is { } commit)
        {
            if (await TryCommitAsync(commit))
            {
                _uncommitted = null;
                Queue.Completed(commit);
            }
            else
            {
                await Task.Delay(_options.RetryDelay, _time, cancellationToken);
            }
        }
    }

    private async Task<bool> TryCommitAsync(Commit commit)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            var done = Disk.Commit(commit, makesRoom: WaitsToGiveUp());
            if (!done.IsOk)
            {
                Report("accepted data waits in memory until it can be written", done.Error);
                return false;
            }

            if (_isTidy && !Disk.HasUnfinishedWork)
            {
                Recovered();
            }

            _isVanishedEntered = true;
            _ = BookVanished();
            if (Disk.OpenBytes >= _options.MaxBlockBytes)
            {
                _ = SealClosed(withOpen: true);
            }

            if (Disk.HasOpenContent)
            {
                _opened.Writer.TryWrite(true);
            }

            return true;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task HousekeepAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(HousekeepingInterval, _time, cancellationToken);
            await TidyAsync();
            await TidyRelayAsync();
        }
    }

    /// <summary>
    /// Closes the block when its first readings have waited as long as they may. Without such a limit blocks are closed by size, by age and when
    /// the target asks, and this has nothing to do.
    /// </summary>
    private async Task SealInTimeAsync(CancellationToken cancellationToken)
    {
        if (_options.MaxDelay is not { } maxDelay)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken);
            return;
        }

        while (true)
        {
            await _opened.Reader.ReadAsync(cancellationToken);
            while (await SealWhenDueAsync(maxDelay) is { } left)
            {
                await Task.Delay(left, _time, cancellationToken);
            }
        }
    }

    /// <summary>Closes the open block if it is old enough.</summary>
    /// <returns>How long to wait before looking again; null when there is nothing to wait for.</returns>
    private async Task<TimeSpan?> SealWhenDueAsync(TimeSpan maxDelay)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (!Disk.HasOpenContent)
            {
                return null;
            }

            if (maxDelay - Disk.OpenAge is var left && left > TimeSpan.Zero)
            {
                // A timer may end a moment early.
                return left < ShortestDelay ? ShortestDelay : left;
            }

            return SealClosed(withOpen: true).IsOk ? null : _options.RetryDelay;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task TidyAsync()
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (Disk.HasOpenContent && Disk.OpenAge >= _options.BlockTtl)
            {
                _ = SealClosed(withOpen: true);
            }

            var isWell = true;
            if (Disk.HasUnfinishedWork)
            {
                var finished = Disk.FinishWork();
                Announce();
                if (!finished.IsOk)
                {
                    isWell = false;
                    Report("closing or removing a block is tried again", finished.Error);
                }
            }

            isWell &= BookCutOffs();
            isWell &= Expire();
            isWell &= RemoveGivenUp();

            // Without new readings no commit says so.
            _isTidy = isWell;
            if (isWell && !Disk.HasUnfinishedWork && _uncommitted is null)
            {
                Recovered();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Books what vanished, of which the ledger has entries already.</summary>
    /// <returns>False when it has to be tried again.</returns>
    private bool BookVanished()
    {
        var booked = _vanished.Count > 0 ? Disk.BookVanished(_vanished) : StorageResult.Ok;
        if (booked.IsOk)
        {
            _vanished = [];
            return true;
        }

        Report("booking lost events is tried again", booked.Error);
        return false;
    }

    /// <summary>Gives up blocks that nobody fetched in time: first the entry in the ledger, then, when that is durable, the block.</summary>
    /// <returns>False when it has to look again.</returns>
    private bool Expire()
    {
        var isWell = true;
        var late = _ages!.Expired(Disk.Sealed, 2 * _options.Keep);
        var expired = _ages.Expired(Disk.Sealed, _options.Keep);
        ForgetUnread(expired);
        foreach (var block in expired)
        {
            var index = block.Header.Index;
            if (_givingUp.Exists(e => e.Block.Header.Index == index))
            {
                continue;
            }

            // Entries of the ledger in it would go with it: a disk that does not give them for a moment is asked again, though not for ever.
            var isEmpty = block.Trailer.EventCount == 0;
            var isLate = !isEmpty && late.Contains(block);
            if (!isLate && WasUnreadJustNow(index))
            {
                isWell = false;
                continue;
            }

            if (isEmpty)
            {
                var holds = HoldsEntriesAlone(block);
                if (!holds.IsOk)
                {
                    isWell = false;
                    _unreadEntries[index] = _time.GetTimestamp();
                    Report("whether a block can be given up is looked at again", holds.Error);
                }

                if (!holds.IsOk || holds.Value)
                {
                    continue;
                }
            }

            var losses = ReadLosses(Disk.PathOf(block.Name), Disk.Stream);
            if (!losses.IsOk && !losses.Error.IsNotFound && !isLate)
            {
                isWell = false;
                _unreadEntries[index] = _time.GetTimestamp();
                Report("giving up a block that nobody fetched in time is tried again", losses.Error);
                continue;
            }

            _ = GiveUp(block, LossReason.Expired, $"nobody fetched the block within {_options.Keep!.Value.TotalSeconds:0} s", losses);
            _log.Expired(block.Name.ToString(), block.Trailer.EventCount);
        }

        return isWell;
    }

    private bool WasUnreadJustNow(ulong index) =>
        _unreadEntries.TryGetValue(index, out var triedAt)
        && _time.GetElapsedTime(triedAt) is var since
        && since < LongestEntriesRetry && since < _options.Keep!.Value / 10;

    private void ForgetUnread(IReadOnlyList<SealedBlock> expired)
    {
        if (_unreadEntries.Count == 0)
        {
            return;
        }

        var present = expired.Select(b => b.Header.Index).ToHashSet();
        foreach (var gone in _unreadEntries.Keys.Where(index => !present.Contains(index)).ToArray())
        {
            _unreadEntries.Remove(gone);
        }
    }

    /// <summary>True while an entry that a block is given up waits to be written, perhaps behind readings for which there is no room.</summary>
    private bool WaitsToGiveUp()
    {
        if (_givingUp.Exists(e => !e.Durable.IsCompleted))
        {
            return true;
        }

        lock (_givingUpLock)
        {
            return _relayGivingUp.Exists(e => !e.Durable.IsCompleted);
        }
    }

    /// <summary>Removes blocks of which the ledger says by now that they were given up.</summary>
    /// <returns>False when it has to be tried again.</returns>
    private bool RemoveGivenUp()
    {
        var isWell = true;
        foreach (var entry in _givingUp.Where(e => e.Durable.IsCompletedSuccessfully).ToArray())
        {
            var removed = Disk.Sealed.Find(entry.Block.Name) is null ? StorageResult.Ok : Disk.Remove(entry.Block, Removal.Lost);
            ReportPostponed();
            if (removed.IsOk)
            {
                _givingUp.Remove(entry);
                continue;
            }

            isWell = false;
            Report("removing a block that was given up is tried again", removed.Error);
        }

        return isWell;
    }

    /// <summary>
    /// True for a block of entries of the ledger. There is nothing in it to give up: its entries would only go round and round, from a block that
    /// nobody fetched in time into the next one, and so never arrive over a slow link.
    /// </summary>
    private StorageResult<bool> HoldsEntriesAlone(SealedBlock block)
    {
        if (_entriesAlone.Contains(block.Header.Index))
        {
            return true;
        }

        var losses = ReadLosses(Disk.PathOf(block.Name), Disk.Stream);
        return losses.IsOk ? losses.Value.Count > 0 && _entriesAlone.Add(block.Header.Index) : losses.Error;
    }

    /// <summary>Seals what is closed, as far as it is not to be re-coded first.</summary>
    /// <param name="withOpen">Close the open block before.</param>
    private StorageResult SealClosed(bool withOpen)
    {
        var done = withOpen && Disk.HasOpenContent ? Disk.CloseOpen() : StorageResult.Ok;
        if (done.IsOk && Disk.HasUnsealed)
        {
            done = Disk.FinishSealing();
        }

        if (!done.IsOk)
        {
            Report("closing a block is tried again", done.Error);
        }

        Announce();
        return done;
    }

    /// <summary>Tells of what was sealed, and the re-coding of what waits for it.</summary>
    private void Announce()
    {
        if (Disk.NextToRecode is not null)
        {
            _closedSignal.Writer.TryWrite(true);
        }

        foreach (var block in Disk.Sealed.After(_announced))
        {
            _announced = block.Header.Index;
            BlockSealed?.Invoke(block);
        }

        // Also where an older one was carried over only now.
        if (Disk.Sealed.Version != _announcedVersion)
        {
            _announcedVersion = Disk.Sealed.Version;
            BecameReady?.Invoke();
        }
    }

    private async Task RecodeLoopAsync(CancellationToken cancellationToken)
    {
        await SetRecodingAsync(true);
        try
        {
            while (true)
            {
                await _closedSignal.Reader.ReadAsync(cancellationToken);
                while (!cancellationToken.IsCancellationRequested && await NextToRecodeAsync(cancellationToken) is { } closed)
                {
                    var recoding = await _recoding.RecodeAsync(_storage, _options.Folder, closed.Block, cancellationToken);
                    await FinishRecodingAsync(closed, recoding);
                }
            }
        }
        finally
        {
            await SetRecodingAsync(false);
        }
    }

    private async Task SetRecodingAsync(bool isRecoding)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (isRecoding)
            {
                Disk.BeginRecoding();
            }
            else
            {
                Disk.EndRecoding();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<ClosedBlock?> NextToRecodeAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return Disk.NextToRecode;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task FinishRecodingAsync(ClosedBlock closed, Recoding recoding)
    {
        if (!recoding.Outcome.IsOk || recoding.Outcome.Value.Reason is not null)
        {
            _log.NotRecoded(closed.Block.Name.ToString(), recoding.Outcome.Error?.ToString() ?? recoding.Outcome.Value.Reason!);
        }

        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            var done = Disk.FinishRecoding(closed, recoding);
            ReportPostponed();
            if (!done.IsOk)
            {
                Report("closing a block is tried again", done.Error);
            }

            Announce();
        }
        finally
        {
            _gate.Release();
        }
    }

    private void Report(string consequence, StorageError error)
    {
        var text = $"{consequence}: {error}";
        if (_trouble is null)
        {
            _log.Trouble(text);
        }

        _trouble = text;
    }

    private void ReportPostponed()
    {
        if (Disk.TakePostponed() is { } postponed)
        {
            Report(postponed.Consequence, postponed.Error);
        }
    }

    private void Recovered()
    {
        if (_trouble is not null)
        {
            _trouble = null;
            _log.TroubleOver();
        }
    }

    private async Task CloseAsync()
    {
        await CloseRelayAsync();
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            // What is in flight, then what was gathered since.
            while ((_uncommitted ??= Queue.Take(isLast: true)) is { } commit)
            {
                var done = Disk.Commit(commit, makesRoom: WaitsToGiveUp());
                if (!done.IsOk)
                {
                    _log.Trouble($"the last readings were not written and so not accepted: {done.Error}");
                    break;
                }

                _uncommitted = null;
                _isVanishedEntered = true;
                Queue.Completed(commit);
            }

            _ = BookCutOffs();

            // What can't be finished now is found and finished by the next start.
            _ = SealClosed(withOpen: true);
            _ = Disk.FinishWork();
            Queue.Abandon();
        }
        finally
        {
            _gate.Release();
        }
    }
}
