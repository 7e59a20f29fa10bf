using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class RequestHeader : IEncodable
{
    /// <summary>A secret that names the session; never log it.</summary>
    public NodeId AuthenticationToken { get; set; }

    public UaDateTime Timestamp { get; set; }

    public uint RequestHandle { get; set; }

    public uint ReturnDiagnostics { get; set; }

    public string? AuditEntryId { get; set; }

    /// <summary>Milliseconds after which the client will not wait any more; zero means no limit.</summary>
    public uint TimeoutHint { get; set; }

    public ExtensionObject? AdditionalHeader { get; set; }

    public void Encode(UaWriter writer)
    {
        writer.WriteNodeId(AuthenticationToken);
        writer.WriteDateTime(Timestamp);
        writer.WriteUInt32(RequestHandle);
        writer.WriteUInt32(ReturnDiagnostics);
        writer.WriteString(AuditEntryId);
        writer.WriteUInt32(TimeoutHint);
        writer.WriteExtensionObject(AdditionalHeader);
    }

    public static RequestHeader Decode(ref UaReader reader) => new()
    {
        AuthenticationToken = reader.ReadNodeId(),
        Timestamp = reader.ReadDateTime(),
        RequestHandle = reader.ReadUInt32(),
        ReturnDiagnostics = reader.ReadUInt32(),
        AuditEntryId = reader.ReadString(),
        TimeoutHint = reader.ReadUInt32(),
        AdditionalHeader = reader.ReadExtensionObject(),
    };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class ResponseHeader : IEncodable
{
    public UaDateTime Timestamp { get; set; }

    public uint RequestHandle { get; set; }

    public StatusCode ServiceResult { get; set; }

    public DiagnosticInfo? ServiceDiagnostics { get; set; }

    public string?[] StringTable { get; set; } = [];

    public ExtensionObject? AdditionalHeader { get; set; }

    public void Encode(UaWriter writer)
    {
        writer.WriteDateTime(Timestamp);
        writer.WriteUInt32(RequestHandle);
        writer.WriteStatusCode(ServiceResult);
        writer.WriteDiagnosticInfo(ServiceDiagnostics);
        writer.WriteArray(StringTable);
        writer.WriteExtensionObject(AdditionalHeader);
    }

    public static ResponseHeader Decode(ref UaReader reader) => new()
    {
        Timestamp = reader.ReadDateTime(),
        RequestHandle = reader.ReadUInt32(),
        ServiceResult = reader.ReadStatusCode(),
        ServiceDiagnostics = reader.ReadDiagnosticInfo(),
        StringTable = reader.ReadStringArray(),
        AdditionalHeader = reader.ReadExtensionObject(),
    };
}

/// <summary>The answer to a request that failed as a whole; it may come instead of any response (OPC 10000-4, clause 7).</summary>
internal sealed class ServiceFault : ServiceResponse, IServiceMessage<ServiceFault>
{
    public static uint TypeId => 397;

    public static ServiceFault Decode(ref UaReader reader) => new() { Header = ResponseHeader.Decode(ref reader) };

    protected override void EncodeBody(UaWriter writer)
    {
        // The header says it all.
    }
}

/// <summary>The common form of responses that carry one result for each operation and nothing else.</summary>
internal abstract class StatusListResponse : ServiceResponse
{
    public StatusCode[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}
