namespace ZfRepl.Core.Telemetry;

/// <summary>
/// The type of a value. 1 to 25 are the built-in types of OPC UA with their numbers of OPC 10000-6 §5.1.2, so that a value keeps the
/// type that its source gave it; the others are what the original's event model knows beside them. The numbers are on disk.
/// </summary>
public enum ValueKind : byte
{
    /// <summary>No value.</summary>
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

    /// <summary>Signed, 32 bits.</summary>
    Int32 = 6,

    /// <summary>Unsigned, 32 bits.</summary>
    UInt32 = 7,

    /// <summary>Signed, 64 bits.</summary>
    Int64 = 8,

    /// <summary>Unsigned, 64 bits.</summary>
    UInt64 = 9,

    /// <summary>IEEE 754, 32 bits; the bit pattern is kept.</summary>
    Float = 10,

    /// <summary>IEEE 754, 64 bits; the bit pattern is kept.</summary>
    Double = 11,

    /// <summary>Text.</summary>
    String = 12,

    /// <summary>100 ns ticks since 1601-01-01 UTC, as on the OPC UA wire.</summary>
    DateTime = 13,

    /// <summary>16 bytes in the layout of <see cref="System.Guid"/>.</summary>
    Guid = 14,

    /// <summary>Bytes.</summary>
    ByteString = 15,

    /// <summary>XML text.</summary>
    XmlElement = 16,

    /// <summary>A node id in its text form.</summary>
    NodeId = 17,

    /// <summary>An expanded node id in its text form.</summary>
    ExpandedNodeId = 18,

    /// <summary>An OPC UA status code, 32 bits.</summary>
    StatusCode = 19,

    /// <summary>Two fields: namespace index, name.</summary>
    QualifiedName = 20,

    /// <summary>Two fields: locale, text.</summary>
    LocalizedText = 21,

    /// <summary>Three fields: type id as text, body encoding, body.</summary>
    ExtensionObject = 22,

    /// <summary>Six fields: value, status code, source time, source picoseconds, server time, server picoseconds; absent ones are null.</summary>
    DataValue = 23,

    /// <summary>As text, for reading only.</summary>
    DiagnosticInfo = 25,

    /// <summary>An array of one element kind, with its dimensions when there is more than one.</summary>
    Array = 32,

    /// <summary>A list of values of any kinds.</summary>
    List = 33,

    /// <summary>Values by text keys, in the order of their source.</summary>
    Map = 34,
}
