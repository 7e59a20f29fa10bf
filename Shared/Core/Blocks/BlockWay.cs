using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace ZfRepl.Core.Blocks;

/// <summary>
/// The nodes that a block has passed: the one that collected first, the one that hands it over last. It is not a part of the block, whose content
/// nobody may change on the way; it travels beside it, in sealed messages. Immutable.
/// </summary>
public sealed class BlockWay
{
    /// <summary>The most nodes: a longer way is taken for a loop.</summary>
    public const int MaxNodes = 8;

    private BlockWay(string[] nodes) => Nodes = nodes;

    /// <summary>The nodes, from 1 to <see cref="MaxNodes"/>, each once.</summary>
    public IReadOnlyList<string> Nodes { get; }

    /// <summary>The node that collected.</summary>
    public string Origin => Nodes[0];

    /// <summary>The node that handed the block over.</summary>
    public string Last => Nodes[^1];

    /// <summary>True when the node that handed it over is not the one that collected.</summary>
    public bool IsRelayed => Nodes.Count > 1;

    /// <summary>The way of a block that comes from the node that collected it.</summary>
    public static BlockWay From(string origin) => new([origin]);

    /// <summary>Makes a way of names from outside.</summary>
    /// <param name="nodes">The names; not trusted.</param>
    /// <param name="way">The way.</param>
    /// <param name="error">What is wrong with the names.</param>
    public static bool TryCreate(IReadOnlyList<string> nodes, [NotNullWhen(true)] out BlockWay? way, [NotNullWhen(false)] out string? error)
    {
        way = null;
        error = nodes.Count is 0 or > MaxNodes ? $"a way has 1 to {MaxNodes} nodes, this one has {nodes.Count}"
            : nodes.Any(n => string.IsNullOrEmpty(n) || Encoding.UTF8.GetByteCount(n) > BlockHeader.MaxNameBytes) ? $"a node name has 1 to {BlockHeader.MaxNameBytes} bytes"
            : nodes.Distinct(StringComparer.Ordinal).Count() != nodes.Count ? $"the way {string.Join(" > ", nodes)} passes a node twice: a loop"
            : null;
        if (error is not null)
        {
            return false;
        }

        way = new BlockWay([.. nodes]);
        return true;
    }

    /// <summary>True when it has passed the node.</summary>
    public bool Passed(string node) => Nodes.Contains(node, StringComparer.Ordinal);

    /// <summary>The way with one more node.</summary>
    /// <returns>The longer way, or null where that is longer than a way may be, or passes a node twice.</returns>
    public BlockWay? With(string node) => TryCreate([.. Nodes, node], out var longer, out _) ? longer : null;

    /// <summary>Whether the way begins as the header of the block says: collected there, and first fetched by the node of the mailbox.</summary>
    /// <param name="header">The block's own header.</param>
    /// <param name="next">The node that the block is handed to.</param>
    public bool Begins(BlockHeader header, string next) => Origin == header.Node && (IsRelayed ? Nodes[1] : next) == header.Mailbox;

    /// <inheritdoc/>
    public override string ToString() => string.Join(" > ", Nodes);
}
