using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>Turns what the host wants to watch into what this server is to be asked.</summary>
internal static class ItemPlan
{
    /// <summary>
    /// Resolves the nodes. The items are ordered by their keys, so that the same items in another order are the same plan; of two items with
    /// one key the first counts.
    /// </summary>
    public static IReadOnlyList<PlannedItem> Make(IReadOnlyList<WatchedItem> items, NamespaceTable namespaces) =>
    [
        .. items
            .DistinctBy(i => i.Key, StringComparer.Ordinal)
            .OrderBy(i => i.Key, StringComparer.Ordinal)
            .Select(i => new PlannedItem(
                i.Key, namespaces.TryResolve(i.Node, out var node) ? node : NodeId.Null, Math.Max(0, i.SamplingInterval.TotalMilliseconds),
                (uint)Math.Max(1, i.QueueSize), i.Deadband, i.Deadband == DeadbandType.None ? 0 : i.DeadbandValue)),
    ];
}
