using ZfRepl.Core.Blocks;
using ZfRepl.Core.Import;

namespace ZfRepl.Replicator.Fetch;

/// <summary>What is expected of blocks that other nodes than the source collected. Pure.</summary>
internal static class RelayRules
{
    /// <summary>Whether a block that has come this way may be taken.</summary>
    /// <returns>Null, or why not.</returns>
    public static string? Check(BlockWay way, FetchOptions fetch) =>
        way.Last != fetch.Source ? $"its way ({way}) does not end at {fetch.Source}, which offers it"
        : way.Passed(fetch.Target) ? $"a loop: it has passed node {fetch.Target} already ({way})"
        : way.IsRelayed && !fetch.AcceptsRelayed ? $"node {way.Origin} collected it, and blocks of other nodes are not taken from {fetch.Source} (accept_relayed)"
        : null;

    /// <summary>What the block has to be.</summary>
    /// <param name="block">What names it.</param>
    /// <param name="way">The nodes that it has passed, the source last.</param>
    /// <param name="target">This node.</param>
    public static BlockExpectation Expect(BlockKey block, BlockWay way, string target) => new()
    {
        Stream = block.Stream,
        Index = block.Index,
        Hash = block.Hash,
        Node = way.Origin,
        Mailbox = way.IsRelayed ? way.Nodes[1] : target,
        Bringer = way.IsRelayed ? way.Last : null,
    };
}
