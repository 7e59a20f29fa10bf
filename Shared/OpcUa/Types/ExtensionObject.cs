namespace ZfRepl.OpcUa.Types;

/// <summary>How the body of an <see cref="ExtensionObject"/> is encoded (OPC 10000-6, 5.2.2.15).</summary>
public enum ExtensionBody : byte
{
    /// <summary>There is no body.</summary>
    None = 0,

    /// <summary>The structure in the binary encoding that the type id names.</summary>
    Binary = 1,

    /// <summary>The structure as XML text in UTF-8.</summary>
    Xml = 2,
}

/// <summary>
/// A structure as it travelled: the id of its encoding and its bytes, not decoded. So types that nobody here knows pass through
/// unharmed. Immutable, as long as the body's bytes are left alone; equality is by content.
/// </summary>
public sealed class ExtensionObject : IEquatable<ExtensionObject?>
{
    /// <summary>A structure with a body; a null body differs from an empty one.</summary>
    public ExtensionObject(NodeId typeId, byte[]? body, ExtensionBody bodyKind = ExtensionBody.Binary)
    {
        TypeId = typeId;
        Body = body;
        BodyKind = bodyKind;
    }

    /// <summary>A structure without a body.</summary>
    public ExtensionObject(NodeId typeId)
        : this(typeId, null, ExtensionBody.None)
    {
    }

    /// <summary>The id of the encoding, not of the data type.</summary>
    public NodeId TypeId { get; }

    /// <summary>How the body is encoded.</summary>
    public ExtensionBody BodyKind { get; }

    /// <summary>The encoded body.</summary>
    public byte[]? Body { get; }

    /// <inheritdoc/>
    public bool Equals(ExtensionObject? other) => other is not null && TypeId == other.TypeId && BodyKind == other.BodyKind
        && (Body is null) == (other.Body is null) && Body.AsSpan().SequenceEqual(other.Body);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ExtensionObject);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(TypeId, BodyKind, Body?.Length);

    /// <summary>Type id and size; the body may hold secrets.</summary>
    public override string ToString() => $"{TypeId} ({BodyKind}, {Body?.Length ?? 0} bytes)";
}
