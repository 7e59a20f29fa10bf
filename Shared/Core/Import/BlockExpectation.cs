using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Import;

/// <summary>What the caller knows of a block before it is read. What is null is not checked.</summary>
public sealed record BlockExpectation
{
    /// <summary>Nothing is known: a file that somebody carried here.</summary>
    public static BlockExpectation Anything { get; } = new();

    /// <summary>The stream.</summary>
    public StreamId? Stream { get; init; }

    /// <summary>The number in the stream.</summary>
    public ulong? Index { get; init; }

    /// <summary>The content's hash, as its source named it. With it, only the whole and unchanged block is taken.</summary>
    public BlockHash? Hash { get; init; }

    /// <summary>The node that collected.</summary>
    public string? Node { get; init; }

    /// <summary>The mailbox: the name of the node that the events are for.</summary>
    public string? Mailbox { get; init; }

    /// <summary>The node that hands the block over, where that is another than the one that collected; its guard is the one that counts.</summary>
    public string? Bringer { get; init; }
}
