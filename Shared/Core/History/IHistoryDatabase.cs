using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History;

/// <summary>
/// A history database together with the ledgers that make imports happen once in effect. Thread-safe: writes are done one at a time,
/// reads beside them. Every call may fail as a value; none of them leaves a half-done change behind, and every write may be repeated.
/// </summary>
/// <remarks>
/// An implementation keeps three promises. A write is durable when it returns. Events are told apart by <see cref="IdentityRule"/>, so
/// that replays change nothing. The ledger rows of a write never become durable before its events: in one transaction where the
/// database has them, after the events otherwise.
/// </remarks>
public interface IHistoryDatabase : ILossBook, IAsyncDisposable
{
    /// <summary>What it is and where, for people; without secrets.</summary>
    string Name { get; }

    /// <summary>Writes events and their bookkeeping in one transaction.</summary>
    /// <param name="write">What to write; not to be changed before the call returns.</param>
    /// <param name="cancellation">Looked at before the transaction begins, not within it.</param>
    ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation);

    /// <summary>The ledger row of a block, or null.</summary>
    ValueTask<HistoryResult<AppliedBlock?>> FindAppliedAsync(BlockKey block, CancellationToken cancellation);

    /// <summary>Notes that the sinks have a block too. Repeating it, and naming a block that is not in the ledger, changes nothing.</summary>
    ValueTask<HistoryResult<bool>> MarkDeliveredAsync(BlockKey block, CancellationToken cancellation);

    /// <summary>The stream whose id begins with the tag that frames carry, or null when there is none or more than one.</summary>
    /// <param name="tag">The first half of a stream id.</param>
    /// <param name="cancellation">Ends the call.</param>
    ValueTask<HistoryResult<StreamFacts?>> FindStreamAsync(ulong tag, CancellationToken cancellation);

    /// <summary>The books of the streams, ordered by node and mailbox.</summary>
    /// <param name="only">One stream, or null for all.</param>
    /// <param name="maxMissing">How many missing ranges to list for each stream; they are all counted.</param>
    /// <param name="cancellation">Ends the call.</param>
    ValueTask<HistoryResult<IReadOnlyList<StreamAccount>>> ReadStreamsAsync(StreamId? only, int maxMissing, CancellationToken cancellation);

    /// <summary>Appends the next events of an OID to a batch, in order of their times.</summary>
    /// <param name="oid">The OID.</param>
    /// <param name="after">Where to go on: <see cref="HistoryCursor.Before"/> the first time wanted, then what the call returned.</param>
    /// <param name="toNs">The last time wanted, nanoseconds since 1970.</param>
    /// <param name="limit">How many at most, from 1.</param>
    /// <param name="target">Where to.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>Where to go on, or null when there are no more.</returns>
    ValueTask<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation);

    /// <summary>The OIDs and the times between which there is something of them, ordered by the OID's text: a few look-ups for each, however many events there are.</summary>
    /// <param name="after">The last OID of the page before, or null.</param>
    /// <param name="limit">How many OIDs at most, from 1.</param>
    /// <param name="cancellation">Ends the call.</param>
    ValueTask<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation);

    /// <summary>How much there is of each OID, ordered by the OID's text. It counts every event: for proofs, not for work that is done often.</summary>
    /// <param name="after">The last OID of the page before, or null.</param>
    /// <param name="limit">How many OIDs at most, from 1.</param>
    /// <param name="cancellation">Ends the call.</param>
    ValueTask<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation);
}
