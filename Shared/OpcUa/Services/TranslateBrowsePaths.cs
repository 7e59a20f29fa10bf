using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>One step of a path (OPC 10000-4, clause 7, RelativePath).</summary>
/// <param name="ReferenceTypeId">The kind of reference to follow.</param>
/// <param name="IsInverse">True to follow it backwards.</param>
/// <param name="IncludeSubtypes">True to follow kinds derived from it too.</param>
/// <param name="TargetName">The browse name at its end.</param>
internal readonly record struct RelativePathElement(NodeId ReferenceTypeId, bool IsInverse, bool IncludeSubtypes, QualifiedName TargetName)
    : IEncodable, IDecodable<RelativePathElement>
{
    public static int EncodedBytesMin => 10;

    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(ReferenceTypeId);
        writer.WriteBoolean(IsInverse);
        writer.WriteBoolean(IncludeSubtypes);
        writer.WriteQualifiedName(TargetName);
    }

    public static RelativePathElement Decode(ref UaReader reader) =>
        new(reader.ReadNodeId(), reader.ReadBoolean(), reader.ReadBoolean(), reader.ReadQualifiedName());
}

/// <summary>OPC 10000-4, 5.9.4.</summary>
/// <param name="StartingNode">Where the path begins.</param>
/// <param name="Elements">Its steps.</param>
internal readonly record struct BrowsePath(NodeId StartingNode, RelativePathElement[] Elements) : IEncodable, IDecodable<BrowsePath>
{
    public static int EncodedBytesMin => 6;

    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(StartingNode);
        writer.WriteArray(Elements);
    }

    public static BrowsePath Decode(ref UaReader reader) => new(reader.ReadNodeId(), reader.ReadArray<RelativePathElement>());
}

/// <summary>OPC 10000-4, 5.9.4.</summary>
/// <param name="TargetId">The node at the end, or where the path leaves this server.</param>
/// <param name="RemainingPathIndex">The first step that was not taken; <see cref="Complete"/> when all were.</param>
internal readonly record struct BrowsePathTarget(ExpandedNodeId TargetId, uint RemainingPathIndex)
    : IEncodable, IDecodable<BrowsePathTarget>
{
    public const uint Complete = uint.MaxValue;

    public static int EncodedBytesMin => 6;

    public void Encode(UaWriter writer)
    {
        writer.WriteExpandedNodeId(TargetId);
        writer.WriteUInt32(RemainingPathIndex);
    }

    public static BrowsePathTarget Decode(ref UaReader reader) => new(reader.ReadExpandedNodeId(), reader.ReadUInt32());
}

/// <summary>OPC 10000-4, 5.9.4.</summary>
/// <param name="StatusCode">Good, or why there are no targets.</param>
/// <param name="Targets">Usually one.</param>
internal readonly record struct BrowsePathResult(StatusCode StatusCode, BrowsePathTarget[] Targets)
    : IEncodable, IDecodable<BrowsePathResult>
{
    public static int EncodedBytesMin => 8;

    public void Encode(UaWriter writer)
    {
        writer.WriteStatusCode(StatusCode);
        writer.WriteArray(Targets);
    }

    public static BrowsePathResult Decode(ref UaReader reader) => new(reader.ReadStatusCode(), reader.ReadArray<BrowsePathTarget>());
}

/// <summary>OPC 10000-4, 5.9.4.</summary>
internal sealed class TranslateBrowsePathsToNodeIdsRequest : ServiceRequest, IServiceMessage<TranslateBrowsePathsToNodeIdsRequest>
{
    public static uint TypeId => 554;

    public BrowsePath[] BrowsePaths { get; init; } = [];

    public static TranslateBrowsePathsToNodeIdsRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        BrowsePaths = reader.ReadArray<BrowsePath>(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteArray(BrowsePaths);
}

internal sealed class TranslateBrowsePathsToNodeIdsResponse : ServiceResponse, IServiceMessage<TranslateBrowsePathsToNodeIdsResponse>
{
    public static uint TypeId => 557;

    public BrowsePathResult[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public static TranslateBrowsePathsToNodeIdsResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Results = reader.ReadArray<BrowsePathResult>(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}
