using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>Events of the past, from the local history.</summary>
public sealed partial class Mailbox
{
    /// <summary>True when the mailbox takes an OID.</summary>
    internal bool Takes(Oid oid) => _options.Filter.Matches(oid);

    /// <summary>
    /// Takes events of the past, whether the mailbox collects or not. What its sources bring goes first: this waits until little of it waits
    /// for the disk, and returns only when the events are durable, so that never more than one such batch is on its way.
    /// </summary>
    /// <param name="batch">The events; the caller's again when the call has ended.</param>
    /// <param name="cancellationToken">Ends the waiting; events that were taken may become durable all the same.</param>
    internal async Task<AppendResult> FillAsync(EventBatch batch, CancellationToken cancellationToken)
    {
        while (Queue.Pressure is { } pressure)
        {
            _wake.Writer.TryWrite(true);
            if (await OutcomeAsync(pressure.WaitAsync(cancellationToken)) == AppendResult.Closed)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return AppendResult.Closed;
            }
        }

        var durable = Queue.Append(batch, MatchesFor(batch.Oids), position: null, NowNs());
        _wake.Writer.TryWrite(true);
        var outcome = await OutcomeAsync(durable.WaitAsync(cancellationToken));
        if (outcome == AppendResult.Closed)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        return outcome;
    }

    /// <summary>Returns when everything that was taken before the call is durable, or is known not to be accepted.</summary>
    internal Task<AppendResult> FlushAsync()
    {
        _wake.Writer.TryWrite(true);
        return OutcomeAsync(Queue.Pending);
    }

    /// <summary>Where the stream stands now, however long the disk takes to answer: whoever goes by it takes everything before for durable.</summary>
    internal async Task<(StreamId Stream, ulong DurableNextSequence)> DurableEndAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return (Disk.Stream, Disk.DurableNextSequence);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>True when nothing that is durable lies in a block that could not be closed or carried over yet.</summary>
    internal async Task<bool> IsTidyAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return !Disk.HasUnclosedContent;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Bytes that are free for filling: what lies above a reserve for what the sources bring. Null when nobody knows.</summary>
    internal long? FreeForFilling()
    {
        var free = _storage.FreeBytes(_options.Folder);
        return free.IsOk ? free.Value - (4 * _options.MaxBlockBytes) - _options.MaxPendingBytes : null;
    }
}
