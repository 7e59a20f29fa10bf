using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>What a node is (OPC 10000-3, 8.29).</summary>
public enum NodeClass
{
    /// <summary>Not stated.</summary>
    Unspecified = 0,

    /// <summary>An object, for example a folder.</summary>
    Object = 1,

    /// <summary>A variable, which has a value.</summary>
    Variable = 2,

    /// <summary>A method.</summary>
    Method = 4,

    /// <summary>A type of objects.</summary>
    ObjectType = 8,

    /// <summary>A type of variables.</summary>
    VariableType = 16,

    /// <summary>A type of references.</summary>
    ReferenceType = 32,

    /// <summary>A data type.</summary>
    DataType = 64,

    /// <summary>A view.</summary>
    View = 128,
}

/// <summary>A node that another one refers to.</summary>
/// <param name="NodeId">The node, with the namespace index of this connection.</param>
/// <param name="BrowseName">Its name.</param>
/// <param name="NodeClass">What it is.</param>
/// <param name="TypeDefinition">Its type; null for what has none.</param>
public sealed record BrowsedNode(NodeId NodeId, QualifiedName BrowseName, NodeClass NodeClass, NodeId TypeDefinition);
