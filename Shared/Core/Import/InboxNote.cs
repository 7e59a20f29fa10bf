using System.Text.Json.Serialization;
using ZfRepl.Core.Blocks;

namespace ZfRepl.Core.Import;

/// <summary>What is noted beside a block that another node than its collector handed over, or that is to be handed on.</summary>
public sealed record InboxNote
{
    /// <summary>The most bytes of its file.</summary>
    internal const int MaxBytes = 16 * 1024;

    /// <summary>The nodes that the block has passed.</summary>
    public required IReadOnlyList<string> Way { get; init; }

    /// <summary>When it came, nanoseconds since 1970.</summary>
    public long ArrivedNs { get; init; }

    /// <summary>The way, or null where what is noted is none.</summary>
    [JsonIgnore]
    public BlockWay? Parsed => BlockWay.TryCreate(Way, out var way, out _) ? way : null;
}
