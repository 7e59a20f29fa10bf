using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History;

/// <summary>
/// What goes into a history database in one transaction: events, and with them what the books of their stream have to say about
/// them. Either all of it is durable afterwards or none.
/// </summary>
public sealed class HistoryWrite
{
    /// <summary>Holds the events; not changed while it is written.</summary>
    public required EventBatch Events { get; init; }

    /// <summary>The first event to write.</summary>
    public int Start { get; init; }

    /// <summary>How many events to write; 0 is allowed.</summary>
    public required int Count { get; init; }

    /// <summary>The stream that the events belong to; null for events outside any stream, such as those of a fill.</summary>
    public StreamFacts? Stream { get; init; }

    /// <summary>
    /// Is told the index of each event that is new to the database, in any order; null when nobody wants to know. What it was told counts only
    /// when the write has succeeded.
    /// </summary>
    public Action<int>? Inserted { get; init; }

    /// <summary>The sequence numbers of the events. Only with <see cref="Stream"/>.</summary>
    public IReadOnlyList<SequenceRange> Received { get; init; } = [];

    /// <summary>Losses of the stream. Only with <see cref="Stream"/>.</summary>
    public IReadOnlyList<LossEntry> Losses { get; init; } = [];

    /// <summary>
    /// The ledger row of the block that ends with these events, else null. Its counts are those of the transactions before this one; the
    /// database adds its own. Only with <see cref="Stream"/>.
    /// </summary>
    public AppliedBlock? Applied { get; init; }
}

/// <summary>What a write did.</summary>
/// <param name="Counts">What became of the events.</param>
/// <param name="Applied">The ledger row as it was stored, when one was asked for.</param>
public sealed record WriteReceipt(WriteCounts Counts, AppliedBlock? Applied);
