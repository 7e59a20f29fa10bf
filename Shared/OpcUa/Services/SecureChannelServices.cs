using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>OPC 10000-4, 5.6.2.</summary>
internal enum SecurityTokenRequestType
{
    Issue = 0,
    Renew = 1,
}

/// <summary>OPC 10000-4, 5.6.2.</summary>
internal sealed class OpenSecureChannelRequest : ServiceRequest, IServiceMessage<OpenSecureChannelRequest>
{
    public static uint TypeId => 446;

    public uint ClientProtocolVersion { get; init; }

    public SecurityTokenRequestType RequestType { get; init; }

    public MessageSecurityMode SecurityMode { get; init; }

    public byte[]? ClientNonce { get; init; }

    /// <summary>In milliseconds.</summary>
    public uint RequestedLifetime { get; init; }

    public static OpenSecureChannelRequest Decode(ref UaReader reader) => new()
    {
        Header = RequestHeader.Decode(ref reader),
        ClientProtocolVersion = reader.ReadUInt32(),
        RequestType = (SecurityTokenRequestType)reader.ReadInt32(),
        SecurityMode = (MessageSecurityMode)reader.ReadInt32(),
        ClientNonce = reader.ReadByteString(),
        RequestedLifetime = reader.ReadUInt32(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(ClientProtocolVersion);
        writer.WriteInt32((int)RequestType);
        writer.WriteInt32((int)SecurityMode);
        writer.WriteByteString(ClientNonce);
        writer.WriteUInt32(RequestedLifetime);
    }
}

internal sealed class OpenSecureChannelResponse : ServiceResponse, IServiceMessage<OpenSecureChannelResponse>
{
    public static uint TypeId => 449;

    public uint ServerProtocolVersion { get; init; }

    public ChannelSecurityToken SecurityToken { get; init; }

    public byte[]? ServerNonce { get; init; }

    public static OpenSecureChannelResponse Decode(ref UaReader reader) => new()
    {
        Header = ResponseHeader.Decode(ref reader),
        ServerProtocolVersion = reader.ReadUInt32(),
        SecurityToken = ChannelSecurityToken.Decode(ref reader),
        ServerNonce = reader.ReadByteString(),
    };

    protected override void EncodeBody(UaWriter writer)
    {
        writer.WriteUInt32(ServerProtocolVersion);
        SecurityToken.Encode(writer);
        writer.WriteByteString(ServerNonce);
    }
}

/// <summary>OPC 10000-4, 5.6.2.</summary>
/// <param name="ChannelId">The secure channel.</param>
/// <param name="TokenId">The token within it.</param>
/// <param name="CreatedAt">By the server's clock.</param>
/// <param name="RevisedLifetime">In milliseconds.</param>
internal readonly record struct ChannelSecurityToken(uint ChannelId, uint TokenId, UaDateTime CreatedAt, uint RevisedLifetime) : IEncodable
{
    public void Encode(UaWriter writer)
    {
        writer.WriteUInt32(ChannelId);
        writer.WriteUInt32(TokenId);
        writer.WriteDateTime(CreatedAt);
        writer.WriteUInt32(RevisedLifetime);
    }

    public static ChannelSecurityToken Decode(ref UaReader reader) =>
        new(reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadDateTime(), reader.ReadUInt32());

    /// <summary>The part that the channel needs.</summary>
    public ChannelToken ToToken() => new(ChannelId, TokenId, RevisedLifetime);
}

/// <summary>Sent in a CLO message; there is no answer (OPC 10000-4, 5.6.3).</summary>
internal sealed class CloseSecureChannelRequest : ServiceRequest, IServiceMessage<CloseSecureChannelRequest>
{
    public static uint TypeId => 452;

    public static CloseSecureChannelRequest Decode(ref UaReader reader) => new() { Header = RequestHeader.Decode(ref reader) };

    protected override void EncodeBody(UaWriter writer)
    {
        // The channel is named by the chunk.
    }
}
