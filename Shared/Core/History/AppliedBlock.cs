using ZfRepl.Core.Blocks;

namespace ZfRepl.Core.History;

/// <summary>A row of the applied ledger, written in the transaction that holds the block's last events: the receipt of an import.</summary>
/// <param name="Block">Which block.</param>
/// <param name="FirstSequence">The first sequence number that the block is about.</param>
/// <param name="NextSequence">The sequence number behind its last one.</param>
/// <param name="Counts">What became of its events; when an import was cut short and repeated, of the last run.</param>
/// <param name="AppliedNs">When, nanoseconds since 1970.</param>
/// <param name="IsComplete">True for a sealed block of which everything was taken, false when something was damaged, missing or unsealed.</param>
/// <param name="IsDelivered">True when the sinks have it too.</param>
public sealed record AppliedBlock(
    BlockKey Block,
    ulong FirstSequence,
    ulong NextSequence,
    WriteCounts Counts,
    long AppliedNs,
    bool IsComplete,
    bool IsDelivered);

/// <summary>What became of events that were written.</summary>
/// <param name="Events">How many were given.</param>
/// <param name="Inserted">How many are new.</param>
/// <param name="Replays">How many were there already, by their identity.</param>
/// <param name="Repeats">How many said what was known already for that instant, under another identity or none.</param>
/// <param name="Conflicts">
/// How many bear the identity and the time of one that is there and say something else: the first one stays. More than 0 means that
/// two nodes share an identity, or a defect.
/// </param>
public readonly record struct WriteCounts(long Events, long Inserted, long Replays, long Repeats, long Conflicts)
{
    /// <summary>How many were known already.</summary>
    public long Duplicates => Replays + Repeats;

    /// <summary>Sums.</summary>
    public static WriteCounts operator +(WriteCounts a, WriteCounts b) => new(
        a.Events + b.Events, a.Inserted + b.Inserted, a.Replays + b.Replays, a.Repeats + b.Repeats, a.Conflicts + b.Conflicts);
}
