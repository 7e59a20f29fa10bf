using System.Buffers.Binary;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Transport;

namespace ZfRepl.OpcUa.Security;

/// <summary>
/// The plain beginning of an OPN chunk (OPC 10000-6, 6.7.2.3). A server reads it before there is a channel, to learn the policy and to
/// judge the client's certificate; nothing in it is to be believed until the chunk's signature was verified.
/// </summary>
/// <param name="ChannelId">Zero when the client asks for a new channel.</param>
/// <param name="PolicyUri">The security policy.</param>
/// <param name="SenderCertificate">Who signed, possibly with issuers; null with policy None.</param>
/// <param name="ReceiverThumbprint">Whose key encrypted the chunk; null with policy None.</param>
/// <param name="BodyOffset">Where the encrypted part begins within the chunk.</param>
internal sealed record AsymmetricHeader(
    uint ChannelId, string? PolicyUri, byte[]? SenderCertificate, byte[]? ReceiverThumbprint, int BodyOffset)
{
    private const int PolicyUriBytesMax = 255;
    private const int ThumbprintBytes = 20;

    private static readonly DecodeLimits Limits = DecodeLimits.Default with { StringBytesMax = PolicyUriBytesMax };

    /// <summary>Reads it from a whole chunk.</summary>
    public static DecodeError TryRead(ReadOnlySpan<byte> chunk, out AsymmetricHeader? header)
    {
        var reader = new UaReader(chunk, Limits);
        reader.TrySkip(MessageHeader.Bytes);
        var channelId = reader.ReadUInt32();
        var policyUri = reader.ReadString();
        var certificate = reader.ReadByteString(PeerCertificate.BytesMax);
        var thumbprint = reader.ReadByteString(ThumbprintBytes);
        header = reader.Failed ? null : new AsymmetricHeader(channelId, policyUri, certificate, thumbprint, reader.Position);
        return reader.Error;
    }

    /// <summary>Writes everything but the size, which <see cref="MessageHeader"/> gets when it is known.</summary>
    public static void Write(UaWriter writer, uint channelId, string policyUri, byte[]? certificate, byte[]? thumbprint)
    {
        writer.WriteUInt64(0);
        writer.WriteUInt32(channelId);
        writer.WriteString(policyUri);
        writer.WriteByteString(certificate);
        writer.WriteByteString(thumbprint);
    }

    /// <summary>The channel that a MSG or CLO chunk names.</summary>
    public static uint ChannelIdOf(ReadOnlySpan<byte> chunk) => BinaryPrimitives.ReadUInt32LittleEndian(chunk[MessageHeader.Bytes..]);
}
