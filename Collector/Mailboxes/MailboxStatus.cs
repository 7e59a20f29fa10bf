namespace ZfRepl.Collector.Mailboxes;

/// <summary>
/// A mailbox's accounts at one moment. Every accepted event is in exactly one place:
/// accepted = delivered + backlog + lost + quarantined.
/// </summary>
public sealed record MailboxStatus
{
    /// <summary>The mailbox's name.</summary>
    public required string Name { get; init; }

    /// <summary>The mailbox's folder.</summary>
    public required string Path { get; init; }

    /// <summary>The stream id, 32 hexadecimal digits.</summary>
    public required string Stream { get; init; }

    /// <summary>Whether it collects.</summary>
    public required bool Enabled { get; init; }

    /// <summary>Events that were durable and so accepted, since the stream began.</summary>
    public required ulong AcceptedEvents { get; init; }

    /// <summary>Events whose delivery the target confirmed.</summary>
    public required ulong DeliveredEvents { get; init; }

    /// <summary>Events in blocks that are still here.</summary>
    public required ulong BacklogEvents { get; init; }

    /// <summary>Events given up, each with an entry in the loss ledger.</summary>
    public required ulong LostEvents { get; init; }

    /// <summary>Events in damaged files that are kept aside.</summary>
    public required ulong QuarantinedEvents { get; init; }

    /// <summary>Blocks that are still here, the open one included.</summary>
    public required int BacklogBlocks { get; init; }

    /// <summary>Their size in bytes.</summary>
    public required long BacklogBytes { get; init; }

    /// <summary>When the oldest block that is still here was begun, nanoseconds since 1970; null without a backlog.</summary>
    public required long? OldestBlockNs { get; init; }

    /// <summary>Records of loss made since the start of this process, by reason.</summary>
    public required IReadOnlyDictionary<string, ulong> LossesByReason { get; init; }

    /// <summary>The accounts of blocks of other nodes, which are apart; null where there are none.</summary>
    public Relay.RelayStatus? Relay { get; init; }

    /// <summary>What keeps the mailbox from working as it should, or null.</summary>
    public required string? Trouble { get; init; }
}
