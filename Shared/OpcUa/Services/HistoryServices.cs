using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, 5.11.3.</summary>
internal sealed class HistoryReadValueId : IEncodable, IDecodable<HistoryReadValueId>
{
    public static int EncodedBytesMin => 16;

    public NodeId NodeId { get; init; }

    public string? IndexRange { get; init; }

    public QualifiedName DataEncoding { get; init; }

    /// <summary>From the previous answer; null for the first request.</summary>
    public byte[]? ContinuationPoint { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(NodeId);
        writer.WriteString(IndexRange);
        writer.WriteQualifiedName(DataEncoding);
        writer.WriteByteString(ContinuationPoint);
    }

    public static HistoryReadValueId Decode(ref UaReader reader) => new()
    {
        NodeId = reader.ReadNodeId(),
        IndexRange = reader.ReadString(),
        DataEncoding = reader.ReadQualifiedName(),
        ContinuationPoint = reader.ReadByteString(),
    };
}

/// <summary>OPC 10000-4, 5.11.3.</summary>
internal sealed class HistoryReadResult : IEncodable, IDecodable<HistoryReadResult>
{
    public static int EncodedBytesMin => 11;

    public StatusCode StatusCode { get; init; }

    /// <summary>Null or empty when there is no more.</summary>
    public byte[]? ContinuationPoint { get; init; }

    /// <summary>For raw data a <see cref="Services.HistoryData"/>.</summary>
    public ExtensionObject? HistoryData { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteStatusCode(StatusCode);
        writer.WriteByteString(ContinuationPoint);
        writer.WriteExtensionObject(HistoryData);
    }

    public static HistoryReadResult Decode(ref UaReader reader) => new()
    {
        StatusCode = reader.ReadStatusCode(),
        ContinuationPoint = reader.ReadByteString(),
        HistoryData = reader.ReadExtensionObject(),
    };
}

/// <summary>OPC 10000-4, 5.11.3.</summary>
internal sealed class HistoryReadRequest : ServiceRequest, IServiceMessage<HistoryReadRequest>
{
    public static uint TypeId => 664;

    /// <summary>For raw data a <see cref="ReadRawModifiedDetails"/>.</summary>
    public ExtensionObject? HistoryReadDetails { get; init; }

    public TimestampsToReturn TimestampsToReturn { get; init; }

    public bool ReleaseContinuationPoints { get; init; }

    public HistoryReadValueId[] NodesToRead { get; init; } = [];

    public static HistoryReadRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        HistoryReadDetails = reader.ReadExtensionObject(),
        TimestampsToReturn = (TimestampsToReturn)reader.ReadInt32(),
        ReleaseContinuationPoints = reader.ReadBoolean(),
        NodesToRead = reader.ReadArray<HistoryReadValueId>(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteExtensionObject(HistoryReadDetails);
        writer.WriteInt32((int)TimestampsToReturn);
        writer.WriteBoolean(ReleaseContinuationPoints);
        writer.WriteArray(NodesToRead);
    }
}

internal sealed class HistoryReadResponse : ServiceResponse, IServiceMessage<HistoryReadResponse>
{
    public static uint TypeId => 667;

    public HistoryReadResult[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public static HistoryReadResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadArray<HistoryReadResult>(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}

/// <summary>OPC 10000-11, 6.5.3.</summary>
internal sealed class ReadRawModifiedDetails : IExtensionBody<ReadRawModifiedDetails>
{
    public static uint TypeId => 649;

    public bool IsReadModified { get; init; }

    public UaDateTime StartTime { get; init; }

    public UaDateTime EndTime { get; init; }

    /// <summary>Zero means as many as the server will give.</summary>
    public uint NumValuesPerNode { get; init; }

    public bool ReturnBounds { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteBoolean(IsReadModified);
        writer.WriteDateTime(StartTime);
        writer.WriteDateTime(EndTime);
        writer.WriteUInt32(NumValuesPerNode);
        writer.WriteBoolean(ReturnBounds);
    }

    public static ReadRawModifiedDetails Decode(ref UaReader reader) => new()
    {
        IsReadModified = reader.ReadBoolean(),
        StartTime = reader.ReadDateTime(),
        EndTime = reader.ReadDateTime(),
        NumValuesPerNode = reader.ReadUInt32(),
        ReturnBounds = reader.ReadBoolean(),
    };
}

/// <summary>OPC 10000-11, 6.6.2.</summary>
internal sealed class HistoryData : IExtensionBody<HistoryData>
{
    public static uint TypeId => 658;

    public DataValue[] DataValues { get; init; } = [];

    public void Encode(UaWriter writer) => writer.WriteArray(DataValues);

    public static HistoryData Decode(ref UaReader reader) => new() { DataValues = reader.ReadDataValueArray() };
}
