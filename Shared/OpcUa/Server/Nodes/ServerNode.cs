using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>One end of a reference, as the node at the other end sees it.</summary>
/// <param name="TypeId">The kind of reference, always of namespace 0.</param>
/// <param name="IsForward">True when it leads away from the node that holds it.</param>
/// <param name="Target">The other node.</param>
internal readonly record struct NodeReference(uint TypeId, bool IsForward, ServerNode Target);

/// <summary>A node of the address space. Thread-safe: references are only ever added.</summary>
internal sealed class ServerNode(NodeId id, NodeClasses nodeClass, QualifiedName browseName, uint typeDefinition)
{
    private readonly List<NodeReference> _references = [];

    public NodeId Id { get; } = id;

    public NodeClasses NodeClass { get; } = nodeClass;

    public QualifiedName BrowseName { get; } = browseName;

    public LocalizedText DisplayName => new(BrowseName.Name);

    /// <summary>Zero for types, which have none.</summary>
    public uint TypeDefinition { get; } = typeDefinition;

    /// <summary>Not null for a variable.</summary>
    public Variable? Variable { get; set; }

    public void AddReference(NodeReference reference)
    {
        lock (_references)
        {
            _references.Add(reference);
        }
    }

    /// <summary>The reference at that position, in the order in which they were added; false beyond the last one.</summary>
    public bool TryGetReference(int index, out NodeReference reference)
    {
        lock (_references)
        {
            reference = index < _references.Count ? _references[index] : default;
            return index < _references.Count;
        }
    }
}
