using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>
/// Which nodes a source watches: those named in the configuration, and the variables found below its roots. A node that is named and found
/// is watched once, under its given name. Properties (ranges, units) and the server's own diagnostics are no plant data and left out.
/// </summary>
internal sealed class ItemFinder(OpcUaSourceOptions options)
{
    // OPC 10000-6, annex A.3.
    private static readonly NodeId PropertyType = new(68);
    private static readonly NodeId ServerObject = new(2253);

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
        foreach (var root in options.Browse)
        {
            if (await BrowseAsync(session, root, known, found, cancellationToken) is { } error)
            {
                return error;
            }
        }

        var taken = options.Items.Select(i => i.Oid).ToHashSet();
        foreach (var (nodeId, oid) in OidPattern.MakeUnique(found, taken))
        {
            items.Add(Item(ExpandedNodeId.Parse(nodeId), oid, options.SamplingInterval, options.QueueSize));
        }

        return items;
    }

    private static async ValueTask<UaError?> BrowseAsync(
        Session session, OpcUaBrowse root, HashSet<NodeId> known, List<(string NodeId, Oid Oid)> found, CancellationToken cancellationToken)
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
                return browsed.Error! with { Reason = $"browsing {next.Node}: {browsed.Error!.Reason}" };
            }

            foreach (var node in browsed.Value.Where(n => n.TypeDefinition != PropertyType && visited.Add(n.NodeId)))
            {
                string[] path = [.. next.Path, node.BrowseName.Name ?? "_"];
                if (path.Length < root.MaxDepth)
                {
                    waiting.Enqueue((node.NodeId, path));
                }

                if (node.NodeClass == NodeClass.Variable && known.Add(node.NodeId) && Add(session, root, node, path, found) is { } error)
                {
                    return error;
                }
            }
        }

        return null;
    }

    private static UaError? Add(Session session, OpcUaBrowse root, BrowsedNode node, string[] path, List<(string NodeId, Oid Oid)> found)
    {
        if (found.Count >= root.MaxItems)
        {
            return new UaError(
                StatusCodes.BadTooManyMonitoredItems,
                $"there are more than {root.MaxItems} variables below {root.Root}: choose a smaller subtree or raise max_items");
        }

        if (!session.Namespaces.TryGeneralise(node.NodeId, out var id))
        {
            return new UaError(StatusCodes.BadNodeIdInvalid, $"the server names the node {node.NodeId} in a namespace that it does not list");
        }

        if (OidPattern.Make(root.OidPattern, path, IdentifierOf(node.NodeId), node.NodeId.NamespaceIndex, out var error) is not { } oid)
        {
            return new UaError(StatusCodes.BadNodeIdInvalid, $"no OID can be made for the node {node.NodeId}: {error}");
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
}
