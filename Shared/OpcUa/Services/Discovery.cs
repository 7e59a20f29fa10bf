using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, 5.5.2.</summary>
internal sealed class FindServersRequest : ServiceRequest, IServiceMessage<FindServersRequest>
{
    public static uint TypeId => 422;

    public string? EndpointUrl { get; init; }

    public string?[] LocaleIds { get; init; } = [];

    public string?[] ServerUris { get; init; } = [];

    public static FindServersRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        EndpointUrl = reader.ReadString(),
        LocaleIds = reader.ReadStringArray(),
        ServerUris = reader.ReadStringArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteString(EndpointUrl);
        writer.WriteArray(LocaleIds);
        writer.WriteArray(ServerUris);
    }
}

internal sealed class FindServersResponse : ServiceResponse, IServiceMessage<FindServersResponse>
{
    public static uint TypeId => 425;

    public ApplicationDescription[] Servers { get; init; } = [];

    public static FindServersResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Servers = reader.ReadArray<ApplicationDescription>(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteArray(Servers);
}

/// <summary>OPC 10000-4, 5.5.4.</summary>
internal sealed class GetEndpointsRequest : ServiceRequest, IServiceMessage<GetEndpointsRequest>
{
    public static uint TypeId => 428;

    public string? EndpointUrl { get; init; }

    public string?[] LocaleIds { get; init; } = [];

    public string?[] ProfileUris { get; init; } = [];

    public static GetEndpointsRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        EndpointUrl = reader.ReadString(),
        LocaleIds = reader.ReadStringArray(),
        ProfileUris = reader.ReadStringArray(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteString(EndpointUrl);
        writer.WriteArray(LocaleIds);
        writer.WriteArray(ProfileUris);
    }
}

internal sealed class GetEndpointsResponse : ServiceResponse, IServiceMessage<GetEndpointsResponse>
{
    public static uint TypeId => 431;

    public EndpointDescription[] Endpoints { get; init; } = [];

    public static GetEndpointsResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        Endpoints = reader.ReadArray<EndpointDescription>(),
    };

    protected override void EncodeBody(UaWriter writer) => writer.WriteArray(Endpoints);
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal enum ApplicationType
{
    Server = 0,
    Client = 1,
    ClientAndServer = 2,
    DiscoveryServer = 3,
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class ApplicationDescription : IEncodable, IDecodable<ApplicationDescription>
{
    public static int EncodedBytesMin => 25;

    public string? ApplicationUri { get; init; }

    public string? ProductUri { get; init; }

    public Types.LocalizedText ApplicationName { get; init; }

    public ApplicationType ApplicationType { get; init; }

    public string? GatewayServerUri { get; init; }

    public string? DiscoveryProfileUri { get; init; }

    public string?[] DiscoveryUrls { get; init; } = [];

    public void Encode(UaWriter writer)
    {
        writer.WriteString(ApplicationUri);
        writer.WriteString(ProductUri);
        writer.WriteLocalizedText(ApplicationName);
        writer.WriteInt32((int)ApplicationType);
        writer.WriteString(GatewayServerUri);
        writer.WriteString(DiscoveryProfileUri);
        writer.WriteArray(DiscoveryUrls);
    }

    public static ApplicationDescription Decode(ref UaReader reader) => new()
    {
        ApplicationUri = reader.ReadString(),
        ProductUri = reader.ReadString(),
        ApplicationName = reader.ReadLocalizedText(),
        ApplicationType = (ApplicationType)reader.ReadInt32(),
        GatewayServerUri = reader.ReadString(),
        DiscoveryProfileUri = reader.ReadString(),
        DiscoveryUrls = reader.ReadStringArray(),
    };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal enum UserTokenType
{
    Anonymous = 0,
    UserName = 1,
    Certificate = 2,
    IssuedToken = 3,
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class UserTokenPolicy : IEncodable, IDecodable<UserTokenPolicy>
{
    public static int EncodedBytesMin => 20;

    public string? PolicyId { get; init; }

    public UserTokenType TokenType { get; init; }

    public string? IssuedTokenType { get; init; }

    public string? IssuerEndpointUrl { get; init; }

    /// <summary>The policy that protects the secret; empty or null means that of the channel.</summary>
    public string? SecurityPolicyUri { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteString(PolicyId);
        writer.WriteInt32((int)TokenType);
        writer.WriteString(IssuedTokenType);
        writer.WriteString(IssuerEndpointUrl);
        writer.WriteString(SecurityPolicyUri);
    }

    public static UserTokenPolicy Decode(ref UaReader reader) => new()
    {
        PolicyId = reader.ReadString(),
        TokenType = (UserTokenType)reader.ReadInt32(),
        IssuedTokenType = reader.ReadString(),
        IssuerEndpointUrl = reader.ReadString(),
        SecurityPolicyUri = reader.ReadString(),
    };
}

/// <summary>OPC 10000-4, clause 7.</summary>
internal sealed class EndpointDescription : IEncodable, IDecodable<EndpointDescription>
{
    public static int EncodedBytesMin => 50;

    public string? EndpointUrl { get; init; }

    public ApplicationDescription Server { get; init; } = new();

    public byte[]? ServerCertificate { get; init; }

    public MessageSecurityMode SecurityMode { get; init; }

    public string? SecurityPolicyUri { get; init; }

    public UserTokenPolicy[] UserIdentityTokens { get; init; } = [];

    public string? TransportProfileUri { get; init; }

    public byte SecurityLevel { get; init; }

    public void Encode(UaWriter writer)
    {
        writer.WriteString(EndpointUrl);
        Server.Encode(writer);
        writer.WriteByteString(ServerCertificate);
        writer.WriteInt32((int)SecurityMode);
        writer.WriteString(SecurityPolicyUri);
        writer.WriteArray(UserIdentityTokens);
        writer.WriteString(TransportProfileUri);
        writer.WriteByte(SecurityLevel);
    }

    public static EndpointDescription Decode(ref UaReader reader) => new()
    {
        EndpointUrl = reader.ReadString(),
        Server = ApplicationDescription.Decode(ref reader),
        ServerCertificate = reader.ReadByteString(),
        SecurityMode = (MessageSecurityMode)reader.ReadInt32(),
        SecurityPolicyUri = reader.ReadString(),
        UserIdentityTokens = reader.ReadArray<UserTokenPolicy>(),
        TransportProfileUri = reader.ReadString(),
        SecurityLevel = reader.ReadByte(),
    };
}
