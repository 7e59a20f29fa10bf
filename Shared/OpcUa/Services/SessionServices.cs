using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, clause 7.</summary>
/// <param name="Algorithm">The URI of the signature algorithm.</param>
/// <param name="Signature">The signature.</param>
internal readonly record struct SignatureData(string? Algorithm, byte[]? Signature) : IEncodable
{
    public void Encode(UaWriter writer)
    {
        writer.WriteString(Algorithm);
        writer.WriteByteString(Signature);
    }

    public static SignatureData Decode(ref UaReader reader) => new(reader.ReadString(), reader.ReadByteString());
}

/// <summary>OPC 10000-4, clause 7; nobody fills it any more.</summary>
/// <param name="CertificateData">The certificate.</param>
/// <param name="Signature">Its signature.</param>
internal readonly record struct SignedSoftwareCertificate(byte[]? CertificateData, byte[]? Signature)
    : IEncodable, IDecodable<SignedSoftwareCertificate>
{
    public static int EncodedBytesMin => 8;

    public void Encode(UaWriter writer)
    {
        writer.WriteByteString(CertificateData);
        writer.WriteByteString(Signature);
    }

    public static SignedSoftwareCertificate Decode(ref UaReader reader) => new(reader.ReadByteString(), reader.ReadByteString());
}

/// <summary>OPC 10000-4, 5.7.2.</summary>
internal sealed class CreateSessionRequest : ServiceRequest, IServiceMessage<CreateSessionRequest>
{
    public static uint TypeId => 461;

    public ApplicationDescription ClientDescription { get; init; } = new();

    public string? ServerUri { get; init; }

    public string? EndpointUrl { get; init; }

    public string? SessionName { get; init; }

    public byte[]? ClientNonce { get; init; }

    public byte[]? ClientCertificate { get; init; }

    /// <summary>In milliseconds.</summary>
    public double RequestedSessionTimeout { get; init; }

    public uint MaxResponseMessageSize { get; init; }

    public static CreateSessionRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        ClientDescription = ApplicationDescription.Decode(ref reader),
        ServerUri = reader.ReadString(),
        EndpointUrl = reader.ReadString(),
        SessionName = reader.ReadString(),
        ClientNonce = reader.ReadByteString(),
        ClientCertificate = reader.ReadByteString(),
        RequestedSessionTimeout = reader.ReadDouble(),
        MaxResponseMessageSize = reader.ReadUInt32(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        ClientDescription.Encode(writer);
        writer.WriteString(ServerUri);
        writer.WriteString(EndpointUrl);
        writer.WriteString(SessionName);
        writer.WriteByteString(ClientNonce);
        writer.WriteByteString(ClientCertificate);
        writer.WriteDouble(RequestedSessionTimeout);
        writer.WriteUInt32(MaxResponseMessageSize);
    }
}

internal sealed class CreateSessionResponse : ServiceResponse, IServiceMessage<CreateSessionResponse>
{
    public static uint TypeId => 464;

    public NodeId SessionId { get; init; }

    /// <summary>A secret that names the session; never log it.</summary>
    public NodeId AuthenticationToken { get; init; }

    /// <summary>In milliseconds.</summary>
    public double RevisedSessionTimeout { get; init; }

    public byte[]? ServerNonce { get; init; }

    public byte[]? ServerCertificate { get; init; }

    public EndpointDescription[] ServerEndpoints { get; init; } = [];

    public SignedSoftwareCertificate[] ServerSoftwareCertificates { get; init; } = [];

    public SignatureData ServerSignature { get; init; }

    public uint MaxRequestMessageSize { get; init; }

    public static CreateSessionResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        SessionId = reader.ReadNodeId(),
        AuthenticationToken = reader.ReadNodeId(),
        RevisedSessionTimeout = reader.ReadDouble(),
        ServerNonce = reader.ReadByteString(),
        ServerCertificate = reader.ReadByteString(),
        ServerEndpoints = reader.ReadArray<EndpointDescription>(),
        ServerSoftwareCertificates = reader.ReadArray<SignedSoftwareCertificate>(),
        ServerSignature = SignatureData.Decode(ref reader),
        MaxRequestMessageSize = reader.ReadUInt32(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteNodeId(SessionId);
        writer.WriteNodeId(AuthenticationToken);
        writer.WriteDouble(RevisedSessionTimeout);
        writer.WriteByteString(ServerNonce);
        writer.WriteByteString(ServerCertificate);
        writer.WriteArray(ServerEndpoints);
        writer.WriteArray(ServerSoftwareCertificates);
        ServerSignature.Encode(writer);
        writer.WriteUInt32(MaxRequestMessageSize);
    }
}

/// <summary>OPC 10000-4, 5.7.3.</summary>
internal sealed class ActivateSessionRequest : ServiceRequest, IServiceMessage<ActivateSessionRequest>
{
    public static uint TypeId => 467;

    public SignatureData ClientSignature { get; init; }

    public SignedSoftwareCertificate[] ClientSoftwareCertificates { get; init; } = [];

    public string?[] LocaleIds { get; init; } = [];

    /// <summary>One of the identity tokens, see <see cref="ExtensionCodec"/>.</summary>
    public ExtensionObject? UserIdentityToken { get; init; }

    public SignatureData UserTokenSignature { get; init; }

    public static ActivateSessionRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        ClientSignature = SignatureData.Decode(ref reader),
        ClientSoftwareCertificates = reader.ReadArray<SignedSoftwareCertificate>(),
        LocaleIds = reader.ReadStringArray(),
        UserIdentityToken = reader.ReadExtensionObject(),
        UserTokenSignature = SignatureData.Decode(ref reader),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        ClientSignature.Encode(writer);
        writer.WriteArray(ClientSoftwareCertificates);
        writer.WriteArray(LocaleIds);
        writer.WriteExtensionObject(UserIdentityToken);
        UserTokenSignature.Encode(writer);
    }
}

internal sealed class ActivateSessionResponse : ServiceResponse, IServiceMessage<ActivateSessionResponse>
{
    public static uint TypeId => 470;

    /// <summary>For the next activation.</summary>
    public byte[]? ServerNonce { get; init; }

    public StatusCode[] Results { get; init; } = [];

    public DiagnosticInfo?[] DiagnosticInfos { get; init; } = [];

    public static ActivateSessionResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        ServerNonce = reader.ReadByteString(),
        Results = reader.ReadStatusCodeArray(),
        DiagnosticInfos = reader.ReadDiagnosticInfoArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteByteString(ServerNonce);
        writer.WriteArray(Results);
        writer.WriteArray(DiagnosticInfos);
    }
}

/// <summary>OPC 10000-4, 5.7.4.</summary>
internal sealed class CloseSessionRequest : ServiceRequest, IServiceMessage<CloseSessionRequest>
{
    public static uint TypeId => 473;

    public bool DeleteSubscriptions { get; init; }

    public static CloseSessionRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        DeleteSubscriptions = reader.ReadBoolean(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteBoolean(DeleteSubscriptions);
}

internal sealed class CloseSessionResponse : ServiceResponse, IServiceMessage<CloseSessionResponse>
{
    public static uint TypeId => 476;

    public static CloseSessionResponse Decode(ref UaReader reader) => new() { Header = ResponseHeader.Decode(ref reader) };

    protected override void EncodeBody(UaWriter writer)
    {
        // The header says it all.
    }
}

/// <summary>OPC 10000-4, 5.7.5.</summary>
internal sealed class CancelRequest : ServiceRequest, IServiceMessage<CancelRequest>
{
    public static uint TypeId => 479;

    public uint RequestHandle { get; init; }

    public static CancelRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        RequestHandle = reader.ReadUInt32(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteUInt32(RequestHandle);
}

internal sealed class CancelResponse : ServiceResponse, IServiceMessage<CancelResponse>
{
    public static uint TypeId => 482;

    public uint CancelCount { get; init; }

    public static CancelResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        CancelCount = reader.ReadUInt32(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteUInt32(CancelCount);
}
