using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Keys;

namespace ZfRepl.Replicator.Fetch;

/// <summary>How one source is talked to.</summary>
public sealed record SourceLinkOptions
{
    /// <summary>The source node's name.</summary>
    public required string Source { get; init; }

    /// <summary>This node's name, which is the mailbox's name at the source.</summary>
    public required string Target { get; init; }

    /// <summary>The key that opens the mailbox.</summary>
    public required ApiKey Key { get; init; }

    /// <summary>The key as it is now, where it can change; null where it can't.</summary>
    public LiveKey? Live { get; init; }

    /// <summary>The key as it is now; null while it may not be used.</summary>
    public ApiKey? KeyNow => Live is null ? Key : Live.Current;

    /// <summary>The topics.</summary>
    public TransferTopics Topics { get; init; } = new();

    /// <summary>How long to wait for an answer, and for the next chunk, before the source counts as gone.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long to wait before a request is sent again: messages may get lost on the way.</summary>
    public TimeSpan RepeatAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The largest chunk that is taken, content only.</summary>
    public int MaxChunkBytes { get; init; } = 128 * 1024;

    /// <summary>The largest block that is taken.</summary>
    public long MaxBlockBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Chunks that may be on their way at once. A broker queues them, so it stays far below what brokers queue.</summary>
    public int Window { get; init; } = 16;

    /// <summary>Whether blocks are taken that the source has from other nodes.</summary>
    public bool AcceptsRelayed { get; init; }

    /// <summary>How blocks shall be coded, best first.</summary>
    public IReadOnlyList<TransferCodec> Codecs { get; init; } = TransferCodecs.Supported;
}
