using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>
/// Which nodes a source watches: those named in the configuration, and the variables found below its roots. A node that is named and found
/// is watched once, under its given name. Properties (ranges, units) and the server's own diagnostics are no plant data and left out.
/// </summary>
/// <remarks>
/// A node that can't be browsed or named for good keeps no other one from being watched; it is counted in <see cref="Skipped"/>. Failures
/// that may pass end the search, so that a subscription at work is not changed for less.
/// </remarks>
internal sealed class ItemFinder(OpcUaSourceOptions options)
{
    // OPC 10000-6, annex A.3.
    private static readonly NodeId PropertyType = new(68);
    private static readonly NodeId ServerObject = new(2253);

    private static readonly StatusCode[] ForGood = [StatusCodes.BadNodeIdUnknown, StatusCodes.BadNodeIdInvalid, StatusCodes.BadUserAccessDenied];

    private Skips _skips = new(0, "");

    /// <summary>Nodes that were left out at the last search, and why the first of them was. Thread-safe.</summary>
    public Skips Skipped => Volatile.Read(ref _skips);

    /// <summary>The items of a source on a server as it is now.</summary>
    public async ValueTask<UaResult<IReadOnlyList<WatchedItem>>> FindAsync(Session session, CancellationToken cancellationToken)
    {
        var items = options.Items.Select(Named).ToList();
        var known = new HashSet<NodeId>();
        foreach (var item in options.Items)
        {
            if (session.Namespaces.TryResolve(ExpandedNodeId.Parse(item.NodeId), out var node))
            {
                known.Add(node);
            }
        }

        var found = new List<(string NodeId, Oid Oid)>();
        var skips = new Skips(0, "");
        foreach (var root in options.Browse)
        {
            var browsed = await BrowseAsync(session, root, known, found, skips, cancellationToken);
            if (!browsed.IsOk)
            {
                return browsed.Error!;
            }

            skips = browsed.Value;
        }

        Volatile.Write(ref _skips, skips);

        var taken = options.Items.Select(i => i.Oid).ToHashSet();
        foreach (var (nodeId, oid) in OidPattern.MakeUnique(found, taken))
        {
            items.Add(Item(ExpandedNodeId.Parse(nodeId), oid, options.SamplingInterval, options.QueueSize));
        }

        return items;
    }

    private static async ValueTask<UaResult<Skips>> BrowseAsync(
        Session session,
        OpcUaBrowse root,
        HashSet<NodeId> known,
        List<(string NodeId, Oid Oid)> found,
        Skips skips,
        CancellationToken cancellationToken)
    {
        if (!session.Namespaces.TryResolve(ExpandedNodeId.Parse(root.Root), out var start))
        {
            return new UaError(
                StatusCodes.BadNodeIdUnknown,
                $"the server has no namespace for the root {root.Root}; it has {string.Join(", ", session.Namespaces.Uris.Skip(1))}");
        }

        var visited = new HashSet<NodeId> { start, ServerObject };
        var waiting = new Queue<(NodeId Node, string[] Path)>([(start, [])]);
        while (waiting.TryDequeue(out var next))
        {
            var browsed = await session.BrowseAsync(next.Node, cancellationToken);
            if (!browsed.IsOk)
            {
                var failure = browsed.Error! with { Reason = $"browsing {next.Node}: {browsed.Error!.Reason}" };
                if (next.Path.Length == 0 || !Array.Exists(ForGood, failure.Status.Is))
                {
                    return failure;
                }

                skips = skips.With(failure.ToString());
                continue;
            }

            foreach (var node in browsed.Value.Where(n => n.TypeDefinition != PropertyType && visited.Add(n.NodeId)))
            {
                string[] path = [.. next.Path, node.BrowseName.Name ?? "_"];
                if (path.Length < root.MaxDepth)
                {
                    waiting.Enqueue((node.NodeId, path));
                }

                if (node.NodeClass != NodeClass.Variable || !known.Add(node.NodeId))
                {
                    continue;
                }

                if (found.Count >= root.MaxItems)
                {
                    return new UaError(
                        StatusCodes.BadTooManyMonitoredItems,
                        $"there are more than {root.MaxItems} variables below {root.Root}: choose a smaller subtree or raise max_items");
                }

                if (Add(session, root, node, path, found) is { } problem)
                {
                    skips = skips.With(problem);
                }
            }
        }

        return skips;
    }

    private static string? Add(Session session, OpcUaBrowse root, BrowsedNode node, string[] path, List<(string NodeId, Oid Oid)> found)
    {
        if (!session.Namespaces.TryGeneralise(node.NodeId, out var id))
        {
            return $"the server names the node {node.NodeId} in a namespace that it does not list";
        }

        if (OidPattern.Make(root.OidPattern, path, IdentifierOf(node.NodeId), node.NodeId.NamespaceIndex, out var error) is not { } oid)
        {
            return $"no OID can be made for the node {node.NodeId}: {error}";
        }

        found.Add((id.Value.ToString(), oid));
        return null;
    }

    /// <summary>The part behind <c>s=</c>, <c>i=</c>, <c>g=</c> or <c>b=</c>.</summary>
    private static string IdentifierOf(NodeId node)
    {
        var text = new ExpandedNodeId(node).ToString();
        var start = node.NamespaceIndex == 0 ? 0 : text.IndexOf(';', StringComparison.Ordinal) + 1;
        return text[(start + 2)..];
    }

    private WatchedItem Named(OpcUaItem item) => Item(
        ExpandedNodeId.Parse(item.NodeId), item.Oid, item.SamplingInterval ?? options.SamplingInterval, item.QueueSize ?? options.QueueSize);

    private WatchedItem Item(ExpandedNodeId node, Oid oid, TimeSpan sampling, int queueSize) => new(
        node,
        oid.Text,
        sampling,
        queueSize,
        options.Deadband switch
        {
            DeadbandKind.Absolute => DeadbandType.Absolute,
            DeadbandKind.Percent => DeadbandType.Percent,
            _ => DeadbandType.None,
        },
        options.DeadbandValue);

    /// <summary>What was left out.</summary>
    /// <param name="Count">How many nodes.</param>
    /// <param name="First">Why the first one was.</param>
    internal sealed record Skips(int Count, string First)
    {
        public Skips With(string reason) => new(Count + 1, Count == 0 ? reason : First);
    }
}
