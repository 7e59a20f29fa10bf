namespace ZfRepl.OpcUa.Types;

/// <summary>The built-in types of OPC UA with their numbers on the wire (OPC 10000-6, 5.1.2).</summary>
public enum BuiltInType : byte
{
    /// <summary>No value at all.</summary>
    Null = 0,

    /// <summary>True or false.</summary>
    Boolean = 1,

    /// <summary>Signed, 8 bits.</summary>
    SByte = 2,

    /// <summary>Unsigned, 8 bits.</summary>
    Byte = 3,

    /// <summary>Signed, 16 bits.</summary>
    Int16 = 4,

    /// <summary>Unsigned, 16 bits.</summary>
    UInt16 = 5,

    /// <summary>Signed, 32 bits; enumerations travel as this type.</summary>
    Int32 = 6,

    /// <summary>Unsigned, 32 bits.</summary>
    UInt32 = 7,

    /// <summary>Signed, 64 bits.</summary>
    Int64 = 8,

    /// <summary>Unsigned, 64 bits.</summary>
    UInt64 = 9,

    /// <summary>IEEE 754, 32 bits.</summary>
    Float = 10,

    /// <summary>IEEE 754, 64 bits.</summary>
    Double = 11,

    /// <summary>Text in UTF-8; null differs from empty.</summary>
    String = 12,

    /// <summary>100 ns steps since 1601, see <see cref="UaDateTime"/>.</summary>
    DateTime = 13,

    /// <summary>128 bits.</summary>
    Guid = 14,

    /// <summary>Bytes; null differs from empty.</summary>
    ByteString = 15,

    /// <summary>A piece of XML as text.</summary>
    XmlElement = 16,

    /// <summary>The address of a node within one server.</summary>
    NodeId = 17,

    /// <summary>The address of a node, possibly in another server.</summary>
    ExpandedNodeId = 18,

    /// <summary>Result or quality, 32 bits.</summary>
    StatusCode = 19,

    /// <summary>A name within a namespace.</summary>
    QualifiedName = 20,

    /// <summary>Text with its language.</summary>
    LocalizedText = 21,

    /// <summary>A structure whose layout only its type id tells.</summary>
    ExtensionObject = 22,

    /// <summary>A value with status and time stamps.</summary>
    DataValue = 23,

    /// <summary>A value of any type; only as the element of an array.</summary>
    Variant = 24,

    /// <summary>Details of an error.</summary>
    DiagnosticInfo = 25,
}
