using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>The nodes of a server: the standard ones and those that the application adds. Thread-safe; nodes are never removed.</summary>
public sealed class AddressSpace
{
    private const ushort OwnNamespace = 1;

    private readonly ConcurrentDictionary<NodeId, ServerNode> _nodes = new();
    private readonly TimeProvider _time;

    internal AddressSpace(TimeProvider time) => _time = time;

    /// <summary>Adds a folder.</summary>
    /// <param name="name">Its name for browsing.</param>
    /// <param name="parent">Where it stands; the Objects folder when there is none given.</param>
    /// <param name="id">Its id; a string id of namespace 1 with its name when there is none given.</param>
    /// <exception cref="ArgumentException">The parent does not exist, or the id is taken.</exception>
    public NodeId AddFolder(string name, NodeId? parent = null, NodeId? id = null)
    {
        var node = new ServerNode(
            id ?? new NodeId(OwnNamespace, name), NodeClasses.Object, new QualifiedName(OwnNamespace, name), WellKnownNodes.FolderType);
        Add(node, Parent(parent ?? new NodeId(WellKnownNodes.ObjectsFolder)), WellKnownNodes.Organizes);
        return node.Id;
    }

    /// <summary>Adds a variable. Its data type and its shape are those of its first value.</summary>
    /// <param name="parent">Where it stands.</param>
    /// <param name="name">Its name for browsing.</param>
    /// <param name="id">Its id.</param>
    /// <param name="initial">Its first value.</param>
    /// <param name="isWritable">True when clients may write.</param>
    /// <exception cref="ArgumentException">The parent does not exist, or the id is taken.</exception>
    public Variable AddVariable(NodeId parent, string name, NodeId id, DataValue initial, bool isWritable = false)
    {
        var node = new ServerNode(id, NodeClasses.Variable, new QualifiedName(OwnNamespace, name), WellKnownNodes.BaseDataVariableType);
        var variable = new Variable(node, initial, isWritable, _time);
        node.Variable = variable;
        Add(node, Parent(parent), WellKnownNodes.Organizes);
        return variable;
    }

    internal bool TryFind(NodeId id, [NotNullWhen(true)] out ServerNode? node) => _nodes.TryGetValue(id, out node);

    /// <summary>Adds a node below a parent, or without one.</summary>
    internal void Add(ServerNode node, ServerNode? parent, uint referenceType)
    {
        if (!_nodes.TryAdd(node.Id, node))
        {
            throw new ArgumentException($"There is a node {node.Id} already.", nameof(node));
        }

        if (node.TypeDefinition != 0 && _nodes.TryGetValue(new NodeId(node.TypeDefinition), out var type))
        {
            node.AddReference(new NodeReference(WellKnownNodes.HasTypeDefinition, true, type));
        }

        if (parent is not null)
        {
            parent.AddReference(new NodeReference(referenceType, true, node));
            node.AddReference(new NodeReference(referenceType, false, parent));
        }
    }

    private ServerNode Parent(NodeId id) =>
        TryFind(id, out var node) ? node : throw new ArgumentException($"There is no node {id}.", nameof(id));
}
