using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Sources;

/// <summary>Something that brings readings. It runs as long as the collector does and repairs its own connections.</summary>
public interface ITelemetrySource
{
    /// <summary>The source's name in the configuration.</summary>
    string Name { get; }

    /// <summary>How it is doing, in one sentence, and whether that is well.</summary>
    SourceState State { get; }

    /// <summary>Brings readings until it is cancelled.</summary>
    /// <param name="intake">Where they go.</param>
    /// <param name="cancellationToken">The orderly end.</param>
    Task RunAsync(IIntake intake, CancellationToken cancellationToken);
}

/// <summary>How a source is doing.</summary>
/// <param name="IsHealthy">True when readings come as they should.</param>
/// <param name="Text">One sentence.</param>
public sealed record SourceState(bool IsHealthy, string Text)
{
    /// <summary>True when what it watches can be reached, whether or not all of it is as it should be.</summary>
    public bool IsConnected { get; init; } = IsHealthy;
}

/// <summary>Where sources hand in what they read. Thread-safe; one source hands in one batch after the other.</summary>
public interface IIntake
{
    /// <summary>The numbering of OIDs that all batches share.</summary>
    OidTable Oids { get; }

    /// <summary>
    /// How far a source's numbered notifications were taken, by the mailbox that has taken most; null when none has taken any of this
    /// incarnation. After a start it is what is durable.
    /// </summary>
    ulong? LastTaken(string source, ulong incarnation);

    /// <summary>
    /// The same by the collecting mailbox that has taken least; 0 when one of them has taken nothing of this incarnation, as where its filter
    /// took nothing.
    /// </summary>
    ulong LastTakenByAll(string source, ulong incarnation);

    /// <summary>True when a mailbox has taken any numbered notification of this source, of whatever incarnation, now or in an earlier process.</summary>
    bool HasTaken(string source);

    /// <summary>Takes the next event identities.</summary>
    /// <param name="count">How many.</param>
    /// <returns>The first; the others follow by counting up.</returns>
    Ieid NextIeids(int count);

    /// <summary>
    /// Hands in a batch. Waits while the mailboxes are too far behind the disk: then the source stops reading, too.
    /// </summary>
    /// <param name="batch">
    /// The readings; the caller's again when the returned task has ended. Readings of equal times that stand side by side are put into the order of
    /// their items' numbers.
    /// </param>
    /// <param name="position">Where the batch stands in the source's own numbering, if it has one.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>When the batch was taken: a task that ends with true when every mailbox has made it durable, so that the source may forget it.</returns>
    ValueTask<Task<bool>> TakeAsync(EventBatch batch, SourcePosition? position, CancellationToken cancellationToken);

    /// <summary>Enters a loss that happened at or before the source into the ledger of every mailbox.</summary>
    /// <returns>Ends with true when all of them have made it durable.</returns>
    Task<bool> RecordLossAsync(LossRecord record);
}
