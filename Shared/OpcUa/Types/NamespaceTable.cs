using System.Diagnostics.CodeAnalysis;

namespace ZfRepl.OpcUa.Types;

/// <summary>
/// A server's NamespaceArray: maps the URIs in stored ids to the indexes that count on the present connection, and back. Immutable;
/// read it anew after each connect, because a server may order its namespaces differently after a restart.
/// </summary>
public sealed class NamespaceTable
{
    private readonly string[] _uris;

    /// <summary>From the value of the server's NamespaceArray (i=2255).</summary>
    public NamespaceTable(IEnumerable<string?> uris) => _uris = [.. uris.Select(uri => uri ?? "")];

    /// <summary>The URIs in the server's order; index 0 is the specification's own namespace.</summary>
    public IReadOnlyList<string> Uris => _uris;

    /// <summary>The id as this server understands it.</summary>
    /// <returns>False when the id belongs to another server or the server does not have the namespace.</returns>
    public bool TryResolve(ExpandedNodeId id, out NodeId node)
    {
        node = id.Node;
        if (!id.IsLocal)
        {
            return false;
        }

        if (id.NamespaceUri is null)
        {
            return true;
        }

        var index = Array.IndexOf(_uris, id.NamespaceUri);
        if (index is < 0 or > ushort.MaxValue)
        {
            return false;
        }

        node = WithIndex(id.Node, (ushort)index);
        return true;
    }

    /// <summary>The id in the form that survives a restart of the server; ids of namespace 0 stay as they are.</summary>
    /// <returns>False when the index is beyond the table.</returns>
    public bool TryGeneralise(NodeId node, [NotNullWhen(true)] out ExpandedNodeId? id)
    {
        id = node.NamespaceIndex == 0 ? new ExpandedNodeId(node)
            : node.NamespaceIndex < _uris.Length ? new ExpandedNodeId(WithIndex(node, 0), _uris[node.NamespaceIndex])
            : null;
        return id is not null;
    }

    private static NodeId WithIndex(NodeId node, ushort index) => node.IdentifierType switch
    {
        IdentifierType.Numeric => new NodeId(index, node.Number),
        IdentifierType.String => new NodeId(index, node.Name),
        IdentifierType.Guid => new NodeId(index, node.Guid),
        _ => new NodeId(index, node.Opaque.ToArray()),
    };
}
