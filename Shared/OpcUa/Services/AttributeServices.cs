using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-6, annex A.1.</summary>
internal enum AttributeId : uint
{
    NodeId = 1,
    NodeClass = 2,
    BrowseName = 3,
    DisplayName = 4,
    Description = 5,
    WriteMask = 6,
    UserWriteMask = 7,
    IsAbstract = 8,
    Symmetric = 9,
    InverseName = 10,
    ContainsNoLoops = 11,
    EventNotifier = 12,
    Value = 13,
    DataType = 14,
    ValueRank = 15,
    ArrayDimensions = 16,
    AccessLevel = 17,
    UserAccessLevel = 18,
    MinimumSamplingInterval = 19,
    Historizing = 20,
    Executable = 21,
    UserExecutable = 22,
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal enum TimestampsToReturn
{
    Source = 0,
    Server = 1,
    Both = 2,
    Neither = 3,
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class ReadValueId : IEncodable, IDecodable<ReadValueId>
{
    public static int EncodedBytesMin => 16;

    public NodeId NodeId { get; init; }

    public AttributeId AttributeId { get; init; } = AttributeId.Value;

    public string? IndexRange { get; init; }

    public QualifiedName DataEncoding { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(NodeId);
        writer.WriteUInt32((uint)AttributeId);
        writer.WriteString(IndexRange);
        writer.WriteQualifiedName(DataEncoding);
    }

    public static ReadValueId Decode(ref UaReader reader) => new()
    {
        NodeId = reader.ReadNodeId(),
        AttributeId = (AttributeId)reader.ReadUInt32(),
        IndexRange = reader.ReadString(),
        DataEncoding = reader.ReadQualifiedName(),
    };
}

/// <summary>OPC 10000-4, 5.11.2.</summary>
internal sealed class ReadRequest : ServiceRequest, IServiceMessage<ReadRequest>
{
    public static uint TypeId => 631;

    /// <summary>In milliseconds; zero asks for a fresh value.</summary>
    public double MaxAge { get; init; }

    public TimestampsToReturn TimestampsToReturn { get; init; }

    public ReadValueId[] NodesToRead { get; init; } = [];

    public static ReadRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        MaxAge = reader.ReadDouble(),
        TimestampsToReturn = (TimestampsToReturn)reader.ReadInt32(),
        NodesToRead = reader.ReadArray<ReadValueId>(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteDouble(MaxAge);
        writer.WriteInt32((int)TimestampsToReturn);
        writer.WriteArray(NodesToRead);
    }
}

internal sealed class ReadResponse : ServiceResponse, IServiceMessage<ReadResponse>
{
    public static uint TypeId => 634;

    public DataValue[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public static ReadResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadDataValueArray(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}

/// <summary>OPC 10000-4, 5.11.4.</summary>
internal sealed class WriteValue : IEncodable, IDecodable<WriteValue>
{
    public static int EncodedBytesMin => 11;

    public NodeId NodeId { get; init; }

    public AttributeId AttributeId { get; init; } = AttributeId.Value;

    public string? IndexRange { get; init; }

    /// <summary>Many servers take the value alone, without status and time stamps.</summary>
    public DataValue Value { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(NodeId);
        writer.WriteUInt32((uint)AttributeId);
        writer.WriteString(IndexRange);
        writer.WriteDataValue(Value);
    }

    public static WriteValue Decode(ref UaReader reader) => new()
    {
        NodeId = reader.ReadNodeId(),
        AttributeId = (AttributeId)reader.ReadUInt32(),
        IndexRange = reader.ReadString(),
        Value = reader.ReadDataValue(),
    };
}

/// <summary>OPC 10000-4, 5.11.4.</summary>
internal sealed class WriteRequest : ServiceRequest, IServiceMessage<WriteRequest>
{
    public static uint TypeId => 673;

    public WriteValue[] NodesToWrite { get; init; } = [];

    public static WriteRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        NodesToWrite = reader.ReadArray<WriteValue>(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteArray(NodesToWrite);
}

internal sealed class WriteResponse : StatusListResponse, IServiceMessage<WriteResponse>
{
    public static uint TypeId => 676;

    public static WriteResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadStatusCodeArray(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };
}
