using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, clause 7.</summary>
internal enum BrowseDirection
{
    Forward = 0,
    Inverse = 1,
    Both = 2,
}

/// <summary>OPC 10000-3, 8.29; as a mask in a Browse request, as one value in its results.</summary>
[Flags]
internal enum NodeClasses
{
    None = 0,
    Object = 1,
    Variable = 2,
    Method = 4,
    ObjectType = 8,
    VariableType = 16,
    ReferenceType = 32,
    DataType = 64,
    View = 128,
}

/// <summary>OPC 10000-4, 5.9.2.</summary>
/// <param name="ViewId">Null for the whole address space.</param>
/// <param name="Timestamp">Null for now.</param>
/// <param name="ViewVersion">Zero for the present one.</param>
internal readonly record struct ViewDescription(NodeId ViewId, UaDateTime Timestamp, uint ViewVersion) : IEncodable
{
    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(ViewId);
        writer.WriteDateTime(Timestamp);
        writer.WriteUInt32(ViewVersion);
    }

    public static ViewDescription Decode(ref UaReader reader) => new(reader.ReadNodeId(), reader.ReadDateTime(), reader.ReadUInt32());
}

/// <summary>OPC 10000-4, 5.9.2.</summary>
internal sealed class BrowseDescription : IEncodable, IDecodable<BrowseDescription>
{
    /// <summary>All fields of the results.</summary>
    public const uint ResultMaskAll = 63;

    public static int EncodedBytesMin => 17;

    public NodeId NodeId { get; init; }

    public BrowseDirection BrowseDirection { get; init; }

    public NodeId ReferenceTypeId { get; init; }

    public bool IncludeSubtypes { get; init; }

    /// <summary>None stands for all.</summary>
    public NodeClasses NodeClassMask { get; init; }

    public uint ResultMask { get; init; } = ResultMaskAll;

    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(NodeId);
        writer.WriteInt32((int)BrowseDirection);
        writer.WriteNodeId(ReferenceTypeId);
        writer.WriteBoolean(IncludeSubtypes);
        writer.WriteInt32((int)NodeClassMask);
        writer.WriteUInt32(ResultMask);
    }

    public static BrowseDescription Decode(ref UaReader reader) => new()
    {
        NodeId = reader.ReadNodeId(),
        BrowseDirection = (BrowseDirection)reader.ReadInt32(),
        ReferenceTypeId = reader.ReadNodeId(),
        IncludeSubtypes = reader.ReadBoolean(),
        NodeClassMask = (NodeClasses)reader.ReadInt32(),
        ResultMask = reader.ReadUInt32(),
    };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class ReferenceDescription : IEncodable, IDecodable<ReferenceDescription>
{
    public static int EncodedBytesMin => 18;

    public NodeId ReferenceTypeId { get; init; }

    public bool IsForward { get; init; }

    public ExpandedNodeId NodeId { get; init; }

    public QualifiedName BrowseName { get; init; }

    public LocalizedText DisplayName { get; init; }

    public NodeClasses NodeClass { get; init; }

    public ExpandedNodeId TypeDefinition { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(ReferenceTypeId);
        writer.WriteBoolean(IsForward);
        writer.WriteExpandedNodeId(NodeId);
        writer.WriteQualifiedName(BrowseName);
        writer.WriteLocalizedText(DisplayName);
        writer.WriteInt32((int)NodeClass);
        writer.WriteExpandedNodeId(TypeDefinition);
    }

    public static ReferenceDescription Decode(ref UaReader reader) => new()
    {
        ReferenceTypeId = reader.ReadNodeId(),
        IsForward = reader.ReadBoolean(),
        NodeId = reader.ReadExpandedNodeId(),
        BrowseName = reader.ReadQualifiedName(),
        DisplayName = reader.ReadLocalizedText(),
        NodeClass = (NodeClasses)reader.ReadInt32(),
        TypeDefinition = reader.ReadExpandedNodeId(),
    };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class BrowseResult : IEncodable, IDecodable<BrowseResult>
{
    public static int EncodedBytesMin => 12;

    public StatusCode StatusCode { get; init; }

    /// <summary>Not null: there are more references, to be fetched with BrowseNext or to be released.</summary>
    public byte[]? ContinuationPoint { get; init; }

    public ReferenceDescription[] References { get; init; } = [];

    public void Encode(UaWriter writer)
    {
        writer.WriteStatusCode(StatusCode);
        writer.WriteByteString(ContinuationPoint);
        writer.WriteArray(References);
    }

    public static BrowseResult Decode(ref UaReader reader) => new()
    {
        StatusCode = reader.ReadStatusCode(),
        ContinuationPoint = reader.ReadByteString(),
        References = reader.ReadArray<ReferenceDescription>(),
    };
}

/// <summary>OPC 10000-4, 5.9.2.</summary>
internal sealed class BrowseRequest : ServiceRequest, IServiceMessage<BrowseRequest>
{
    public static uint TypeId => 527;

    public ViewDescription View { get; init; }

    public uint RequestedMaxReferencesPerNode { get; init; }

    public BrowseDescription[] NodesToBrowse { get; init; } = [];

    public static BrowseRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        View = ViewDescription.Decode(ref reader),
        RequestedMaxReferencesPerNode = reader.ReadUInt32(),
        NodesToBrowse = reader.ReadArray<BrowseDescription>(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        View.Encode(writer);
        writer.WriteUInt32(RequestedMaxReferencesPerNode);
        writer.WriteArray(NodesToBrowse);
    }
}

/// <summary>The form of the answers to Browse and BrowseNext.</summary>
internal abstract class BrowseResultsResponse : ServiceResponse
{
    public BrowseResult[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}

internal sealed class BrowseResponse : BrowseResultsResponse, IServiceMessage<BrowseResponse>
{
    public static uint TypeId => 530;

    public static BrowseResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadArray<BrowseResult>(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };
}

/// <summary>OPC 10000-4, 5.9.3.</summary>
internal sealed class BrowseNextRequest : ServiceRequest, IServiceMessage<BrowseNextRequest>
{
    public static uint TypeId => 533;

    public bool ReleaseContinuationPoints { get; init; }

    public byte[]?[] ContinuationPoints { get; init; } = [];

    public static BrowseNextRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        ReleaseContinuationPoints = reader.ReadBoolean(),
        ContinuationPoints = reader.ReadByteStringArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteBoolean(ReleaseContinuationPoints);
        writer.WriteArray(ContinuationPoints);
    }
}

internal sealed class BrowseNextResponse : BrowseResultsResponse, IServiceMessage<BrowseNextResponse>
{
    public static uint TypeId => 536;

    public static BrowseNextResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadArray<BrowseResult>(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };
}
