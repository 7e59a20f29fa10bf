using ZfRepl.Core.Blocks;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Sinks;

/// <summary>A sink that could not take events, as a value: they are delivered again later.</summary>
/// <param name="Detail">What happened, with the sink's name.</param>
/// <param name="Remedy">What a person can do about it.</param>
public sealed record SinkError(string Detail, string Remedy)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Detail} ({Remedy})";
}

/// <summary>Events of one batch whose sequence numbers follow each other.</summary>
/// <param name="Start">The first one's place in the batch.</param>
/// <param name="Count">How many.</param>
/// <param name="FirstSequence">The first one's sequence number.</param>
public readonly record struct SequenceRun(int Start, int Count, ulong FirstSequence);

/// <summary>A block on its way into the sinks.</summary>
/// <param name="Key">Which block.</param>
/// <param name="Node">The node that collected, empty where unknown.</param>
/// <param name="Mailbox">The mailbox, empty where unknown.</param>
public sealed record SinkBlock(BlockKey Key, string Node, string Mailbox);

/// <summary>A part of a block's events, in order of their sequence numbers.</summary>
/// <param name="Block">The block.</param>
/// <param name="Events">Holds the events; valid during the call.</param>
/// <param name="Runs">Which of them are meant, and their sequence numbers.</param>
public sealed record SinkBatch(SinkBlock Block, EventBatch Events, IReadOnlyList<SequenceRun> Runs);

/// <summary>
/// Takes the events of imported blocks after the history database has them durably. A block is served part by part and then completed;
/// after a crash or an error it is served again from its first event, so a sink either recognises what it has or passes on what
/// bears repeating. Blocks are served one at a time.
/// </summary>
public interface IEventSink
{
    /// <summary>What it is and where, for people; without secrets.</summary>
    string Name { get; }

    /// <summary>Takes a part of a block.</summary>
    /// <returns>Null, or why not.</returns>
    ValueTask<SinkError?> DeliverAsync(SinkBatch batch, CancellationToken cancellation);

    /// <summary>Ends a block: when this returns null, its events are where they should be and need not be served again.</summary>
    /// <returns>Null, or why not.</returns>
    ValueTask<SinkError?> CompleteAsync(SinkBlock block, CancellationToken cancellation);
}
