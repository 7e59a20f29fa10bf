using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes.Relay;

/// <summary>What became of a block of another node that was handed over.</summary>
public enum RelayOutcome
{
    /// <summary>It is durable in the mailbox.</summary>
    Durable,

    /// <summary>It is in the mailbox since an earlier time, or the target has it.</summary>
    Known,

    /// <summary>The mailbox takes no blocks of other nodes.</summary>
    NotAllowed,

    /// <summary>It has passed this node or the target already, or too many nodes.</summary>
    Loop,

    /// <summary>It is not what it is said to be.</summary>
    Invalid,

    /// <summary>It could not be written.</summary>
    Failed,
}

/// <summary>The answer to a block of another node.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Reason">Why not, for people; empty when it is in.</param>
/// <param name="Error">The error of the disk, where that is why.</param>
public sealed record RelayAnswer(RelayOutcome Outcome, string Reason = "", StorageError? Error = null)
{
    /// <summary>True when the node that handed it over may be told that it is safe here.</summary>
    public bool IsSafe => Outcome is RelayOutcome.Durable or RelayOutcome.Known;
}

/// <summary>
/// The accounts of blocks of other nodes in a mailbox. Every event is in exactly one place: accepted = delivered + backlog + lost + quarantined.
/// </summary>
public sealed record RelayStatus
{
    /// <summary>Whether the mailbox takes such blocks; false when it only gets rid of those that it has.</summary>
    public required bool Enabled { get; init; }

    /// <summary>Events in blocks that were taken, each block once for each time that it was taken.</summary>
    public required ulong AcceptedEvents { get; init; }

    /// <summary>Events whose delivery the target confirmed.</summary>
    public required ulong DeliveredEvents { get; init; }

    /// <summary>Events in blocks that are still here.</summary>
    public required ulong BacklogEvents { get; init; }

    /// <summary>Events given up, with entries in the loss ledger.</summary>
    public required ulong LostEvents { get; init; }

    /// <summary>Events in damaged files that are kept aside.</summary>
    public required ulong QuarantinedEvents { get; init; }

    /// <summary>Blocks that were taken.</summary>
    public required ulong AcceptedBlocks { get; init; }

    /// <summary>Blocks confirmed.</summary>
    public required ulong DeliveredBlocks { get; init; }

    /// <summary>Blocks that are still here.</summary>
    public required int BacklogBlocks { get; init; }

    /// <summary>Their size in bytes.</summary>
    public required long BacklogBytes { get; init; }

    /// <summary>Blocks refused since the start because they went in a loop.</summary>
    public required long RefusedLoops { get; init; }

    /// <summary>Blocks refused since the start because they are not what they were said to be.</summary>
    public required long RefusedInvalid { get; init; }
}
