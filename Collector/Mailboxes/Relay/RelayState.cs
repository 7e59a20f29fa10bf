namespace ZfRepl.Collector.Mailboxes.Relay;

/// <summary>A relayed block that is gone on purpose.</summary>
/// <param name="Block">Its stream, number and hash, as <see cref="RelayedBlock.TextOf"/> writes them.</param>
/// <param name="IsDelivered">True when the target confirmed it: should it be handed over once more, it is known. Else it would be taken again.</param>
internal sealed record RelayGone(string Block, bool IsDelivered);

/// <summary>
/// The accounts of the blocks of other nodes in a mailbox: accepted = delivered + backlog + lost + quarantined, where the backlog is in the
/// files. Written after a block's file is durable and before anybody is told, and before a file is deleted.
/// </summary>
internal sealed record RelayState
{
    /// <summary>Events in blocks that were taken.</summary>
    public ulong AcceptedEvents { get; init; }

    /// <summary>Blocks that were taken.</summary>
    public ulong AcceptedBlocks { get; init; }

    /// <summary>Events whose delivery the target confirmed.</summary>
    public ulong DeliveredEvents { get; init; }

    /// <summary>Blocks confirmed.</summary>
    public ulong DeliveredBlocks { get; init; }

    /// <summary>Events given up, each with an entry in the loss ledger.</summary>
    public ulong LostEvents { get; init; }

    /// <summary>Events in damaged files that are kept aside.</summary>
    public ulong QuarantinedEvents { get; init; }

    /// <summary>The last blocks that are gone, so that they are known when they come again, and their files do not count when a power loss brings them back.</summary>
    public IReadOnlyList<RelayGone> Gone { get; init; } = [];
}
