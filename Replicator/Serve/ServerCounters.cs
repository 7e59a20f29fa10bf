namespace ZfRepl.Replicator.Serve;

/// <summary>What the serving side has done since it started.</summary>
public sealed record ServerCounters
{
    /// <summary>Bytes handed to the bus, headers included.</summary>
    public long SentBytes { get; init; }

    /// <summary>Bytes received, headers included.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>Chunks sent, repeated ones included.</summary>
    public long Chunks { get; init; }

    /// <summary>Blocks confirmed.</summary>
    public long ConfirmedBlocks { get; init; }

    /// <summary>Messages refused, by cause.</summary>
    public IReadOnlyDictionary<string, long> Refused { get; init; } = new Dictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Sessions that are open.</summary>
    public int Sessions { get; init; }
}
