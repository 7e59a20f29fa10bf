using ZfRepl.Core.Frames;

namespace ZfRepl.Core.History;

/// <summary>An entry of the loss ledger as it stands in the target's books.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Origin">Who found out.</param>
/// <param name="Record">The entry.</param>
/// <param name="StillLost">
/// How many of its events did not arrive in another way since; as many as it names where they never had sequence numbers.
/// </param>
public sealed record BookedLoss(StreamFacts Stream, LossOrigin Origin, LossRecord Record, ulong StillLost);

/// <summary>What the books can tell entry by entry, beyond the sums of <see cref="StreamAccount"/>. Thread-safe.</summary>
public interface ILossBook
{
    /// <summary>The entries of the loss ledger, the newest first.</summary>
    /// <param name="node">The node that collected, or null for all.</param>
    /// <param name="limit">How many at most, from 1.</param>
    /// <param name="cancellation">Ends the call.</param>
    ValueTask<HistoryResult<IReadOnlyList<BookedLoss>>> ReadLossesAsync(string? node, int limit, CancellationToken cancellation);
}
