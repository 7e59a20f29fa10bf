using ZfRepl.Core.Storage;

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
    private const int MaxBytes = 1024 * 1024;

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

    /// <summary>Reads the books.</summary>
    /// <param name="storage">The files.</param>
    /// <param name="path">The file.</param>
    /// <param name="damage">What is wrong with them when they are damaged, else null.</param>
    /// <returns>The books; null when there are none, or they are damaged; an error when they can't be read.</returns>
    public static StorageResult<RelayState?> Read(IStorage storage, string path, out string? damage)
    {
        var read = CheckedJsonFile.Read<RelayState>(storage, path, MaxBytes, out damage);
        if (read.IsOk && read.Value is { } state && !state.IsPossible)
        {
            damage = "what it says can't be";
            return (RelayState?)null;
        }

        return read;
    }

    private bool IsPossible =>
        Gone.All(g => g?.Block is not null)
        && Math.Max(AcceptedBlocks, DeliveredBlocks) <= long.MaxValue
        && AcceptedEvents <= long.MaxValue
        && (UInt128)DeliveredEvents + LostEvents + QuarantinedEvents <= AcceptedEvents;
}
