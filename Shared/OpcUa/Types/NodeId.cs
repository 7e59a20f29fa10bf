using System.Diagnostics.CodeAnalysis;

namespace ZfRepl.OpcUa.Types;

/// <summary>How a node is named within its namespace (OPC 10000-3, 8.2.3).</summary>
public enum IdentifierType : byte
{
    /// <summary>A 32-bit number.</summary>
    Numeric = 0,

    /// <summary>Text; case matters.</summary>
    String = 1,

    /// <summary>A GUID.</summary>
    Guid = 2,

    /// <summary>Bytes that only the server understands.</summary>
    Opaque = 3,
}

/// <summary>The address of a node within one server (OPC 10000-3, 8.2). The default value is the null id, <c>i=0</c>.</summary>
/// <remarks>
/// The namespace index may change when the server restarts; to store an id use <see cref="ExpandedNodeId"/> with the namespace's
/// URI. Opaque identifiers are compared by content.
/// </remarks>
public readonly struct NodeId : IEquatable<NodeId>
{
    private readonly object? _identifier;
    private readonly uint _number;

    /// <summary>A numeric id.</summary>
    public NodeId(ushort namespaceIndex, uint number)
    {
        NamespaceIndex = namespaceIndex;
        _number = number;
    }

    /// <summary>A text id; null stands for the empty text.</summary>
    public NodeId(ushort namespaceIndex, string? name)
    {
        NamespaceIndex = namespaceIndex;
        IdentifierType = IdentifierType.String;
        _identifier = name ?? "";
    }

    /// <summary>A GUID id.</summary>
    public NodeId(ushort namespaceIndex, Guid guid)
    {
        NamespaceIndex = namespaceIndex;
        IdentifierType = IdentifierType.Guid;
        _identifier = guid;
    }

    /// <summary>An opaque id; the bytes are not copied and must not change any more; null stands for no bytes.</summary>
    public NodeId(ushort namespaceIndex, byte[]? opaque)
    {
        NamespaceIndex = namespaceIndex;
        IdentifierType = IdentifierType.Opaque;
        _identifier = opaque ?? [];
    }

    /// <summary>A numeric id in the specification's own namespace 0.</summary>
    public NodeId(uint number)
        : this(0, number)
    {
    }

    /// <summary>The null id.</summary>
    public static NodeId Null => default;

    /// <summary>The index of the namespace in the server's NamespaceArray.</summary>
    public ushort NamespaceIndex { get; }

    /// <summary>Which of the four kinds of identifier this is.</summary>
    public IdentifierType IdentifierType { get; }

    /// <summary>True for <c>i=0</c> in namespace 0.</summary>
    public bool IsNull => IdentifierType == IdentifierType.Numeric && _number == 0 && NamespaceIndex == 0;

    /// <summary>The number; zero for the other kinds.</summary>
    public uint Number => _number;

    /// <summary>The text; null for the other kinds.</summary>
    public string? Name => _identifier as string;

    /// <summary>The GUID; empty for the other kinds.</summary>
    public Guid Guid => _identifier is Guid guid ? guid : Guid.Empty;

    /// <summary>The bytes of an opaque id; empty for the other kinds.</summary>
    public ReadOnlyMemory<byte> Opaque => _identifier as byte[];

    /// <summary>True for a numeric id of namespace 0 with this number.</summary>
    public bool IsNumeric(uint number) => IdentifierType == IdentifierType.Numeric && NamespaceIndex == 0 && _number == number;

    /// <summary>Reads the text form <c>ns=2;s=Name</c>, <c>i=85</c>, <c>g=…</c>, <c>b=…</c> (OPC 10000-6, 5.1.12).</summary>
    /// <returns>False when the text is anything else; nothing is thrown.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out NodeId nodeId) => NodeIdText.TryParse(text, out nodeId);

    /// <summary>Reads the text form of an id that the program itself wrote.</summary>
    /// <exception cref="FormatException">The text is not a node id.</exception>
    public static NodeId Parse(string text) =>
        TryParse(text, out var nodeId) ? nodeId : throw new FormatException($"'{text}' is not a node id.");

    /// <inheritdoc/>
    public bool Equals(NodeId other)
    {
        if (NamespaceIndex != other.NamespaceIndex || IdentifierType != other.IdentifierType || _number != other._number)
        {
            return false;
        }

        return _identifier is byte[] bytes
            ? other._identifier is byte[] others && bytes.AsSpan().SequenceEqual(others)
            : Equals(_identifier, other._identifier);
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is NodeId other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(NamespaceIndex);
        hash.Add(_number);
        if (_identifier is byte[] bytes)
        {
            hash.AddBytes(bytes);
        }
        else
        {
            hash.Add(_identifier);
        }

        return hash.ToHashCode();
    }

    /// <summary>The text form that <see cref="TryParse"/> reads.</summary>
    public override string ToString() => NodeIdText.Format(this);

    /// <summary>Equality by content.</summary>
    public static bool operator ==(NodeId left, NodeId right) => left.Equals(right);

    /// <summary>Inequality by content.</summary>
    public static bool operator !=(NodeId left, NodeId right) => !left.Equals(right);
}
