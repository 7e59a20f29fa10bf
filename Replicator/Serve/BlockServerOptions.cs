using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Keys;

namespace ZfRepl.Replicator.Serve;

/// <summary>A mailbox that is served, and the key that opens it.</summary>
/// <param name="Target">The mailbox: the name of the node that fetches.</param>
/// <param name="Key">The key.</param>
/// <param name="Coding">How its blocks travel, if the target can decode that.</param>
public sealed record ServedMailbox(string Target, ApiKey Key, TransferCoding Coding = TransferCoding.ColumnarBrotli)
{
    /// <summary>Whether the target may have the mailbox filled from the collector's local history.</summary>
    public bool AllowFill { get; init; }

    /// <summary>The key as it is now, where it can change; null where it can't.</summary>
    public LiveKey? Live { get; init; }

    /// <summary>The key as it is now; null while it may not be used.</summary>
    public ApiKey? KeyNow => Live is null ? Key : Live.Current;
}

/// <summary>The settings of the serving side.</summary>
public sealed record BlockServerOptions
{
    /// <summary>This node's name.</summary>
    public required string Node { get; init; }

    /// <summary>The topics.</summary>
    public TransferTopics Topics { get; init; } = new();

    /// <summary>The mailboxes that are served.</summary>
    public required IReadOnlyList<ServedMailbox> Mailboxes { get; init; }

    /// <summary>The size of a chunk's content.</summary>
    public int ChunkBytes { get; init; } = 128 * 1024;

    /// <summary>The most chunks sent for one pull.</summary>
    public int MaxWindow { get; init; } = 32;

    /// <summary>The largest block that is served.</summary>
    public long MaxBlockBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Sessions without a message for this long are forgotten.</summary>
    public TimeSpan SessionIdle { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The most sessions of one mailbox; a further one takes the place of the one that was silent longest.</summary>
    public int MaxSessionsPerMailbox { get; init; } = 4;
}
