using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Transport;

/// <summary>HEL (OPC 10000-6, 7.1.2.3).</summary>
/// <param name="ProtocolVersion">Zero is the only version there is; a server takes later ones too.</param>
/// <param name="Sizes">What the client takes and sends.</param>
/// <param name="EndpointUrl">The URL that the client wants to reach.</param>
internal sealed record HelloMessage(uint ProtocolVersion, BufferSizes Sizes, string? EndpointUrl)
{
    /// <summary>The largest URL or reason that the specification allows, in bytes.</summary>
    public const int TextBytesMax = 4096;

    /// <summary>The largest Hello there can be: header, five numbers, and a URL with its length.</summary>
    public const int ChunkBytesMax = MessageHeader.Bytes + 24 + TextBytesMax;

    public void Write(UaWriter writer)
    {
        var start = Handshake.Begin(writer);
        writer.WriteUInt32(ProtocolVersion);
        Handshake.WriteSizes(writer, Sizes);
        writer.WriteString(EndpointUrl);
        Handshake.End(writer, start, MessageType.Hello);
    }

    /// <summary>Reads a whole chunk whose header says HEL.</summary>
    public static DecodeError TryRead(ReadOnlySpan<byte> chunk, out HelloMessage? message)
    {
        var reader = Handshake.Reader(chunk);
        var read = new HelloMessage(reader.ReadUInt32(), Handshake.ReadSizes(ref reader), reader.ReadString());
        message = reader.Failed ? null : read;
        return reader.Error;
    }
}

/// <summary>ACK (OPC 10000-6, 7.1.2.4).</summary>
/// <param name="ProtocolVersion">The server's version.</param>
/// <param name="Sizes">What the server takes and sends.</param>
internal sealed record AcknowledgeMessage(uint ProtocolVersion, BufferSizes Sizes)
{
    public void Write(UaWriter writer)
    {
        var start = Handshake.Begin(writer);
        writer.WriteUInt32(ProtocolVersion);
        Handshake.WriteSizes(writer, Sizes);
        Handshake.End(writer, start, MessageType.Acknowledge);
    }

    /// <summary>Reads a whole chunk whose header says ACK.</summary>
    public static DecodeError TryRead(ReadOnlySpan<byte> chunk, out AcknowledgeMessage? message)
    {
        var reader = Handshake.Reader(chunk);
        var read = new AcknowledgeMessage(reader.ReadUInt32(), Handshake.ReadSizes(ref reader));
        message = reader.Failed ? null : read;
        return reader.Error;
    }
}

/// <summary>ERR (OPC 10000-6, 7.1.2.5), and the body of an abort chunk, which has the same fields (OPC 10000-6, 6.7.3).</summary>
/// <param name="Status">Why.</param>
/// <param name="Reason">The same in words of the other side; nothing to rely on.</param>
internal sealed record ErrorMessage(StatusCode Status, string? Reason)
{
    public void Write(UaWriter writer)
    {
        var start = Handshake.Begin(writer);
        WriteBody(writer);
        Handshake.End(writer, start, MessageType.Error);
    }

    public void WriteBody(UaWriter writer)
    {
        writer.WriteStatusCode(Status);
        writer.WriteString(Reason);
    }

    /// <summary>Reads a whole chunk whose header says ERR.</summary>
    public static DecodeError TryRead(ReadOnlySpan<byte> chunk, out ErrorMessage? message) =>
        TryReadBody(chunk[MessageHeader.Bytes..], out message);

    /// <summary>Reads the body of an abort chunk.</summary>
    public static DecodeError TryReadBody(ReadOnlySpan<byte> body, out ErrorMessage? message)
    {
        var reader = new UaReader(body, Handshake.Limits);
        var read = new ErrorMessage(reader.ReadStatusCode(), reader.ReadString());
        message = reader.Failed ? null : read;
        return reader.Error;
    }
}

/// <summary>What the three unsecured messages have in common.</summary>
internal static class Handshake
{
    public static readonly DecodeLimits Limits = DecodeLimits.Default with { StringBytesMax = HelloMessage.TextBytesMax };

    public static int Begin(UaWriter writer)
    {
        writer.WriteUInt64(0);
        return writer.Length - MessageHeader.Bytes;
    }

    public static void End(UaWriter writer, int start, MessageType type) =>
        new MessageHeader(type, ChunkKind.Final, writer.Length - start).Write(writer.WrittenBytes[start..]);

    public static UaReader Reader(ReadOnlySpan<byte> chunk) => new(chunk[MessageHeader.Bytes..], Limits);

    public static void WriteSizes(UaWriter writer, in BufferSizes sizes)
    {
        writer.WriteUInt32(sizes.ReceiveBufferBytes);
        writer.WriteUInt32(sizes.SendBufferBytes);
        writer.WriteUInt32(sizes.MessageBytesMax);
        writer.WriteUInt32(sizes.ChunkCountMax);
    }

    public static BufferSizes ReadSizes(ref UaReader reader) =>
        new(reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
}
