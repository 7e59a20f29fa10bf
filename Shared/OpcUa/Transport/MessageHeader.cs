using System.Buffers.Binary;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Transport;

/// <summary>The kinds of messages of UA-TCP and UA secure conversation (OPC 10000-6, 7.1.2.2 and 6.7.2.2).</summary>
internal enum MessageType : byte
{
    /// <summary>HEL: the client's first message.</summary>
    Hello,

    /// <summary>ACK: the server's answer to it.</summary>
    Acknowledge,

    /// <summary>ERR: the last message before the sender closes the socket.</summary>
    Error,

    /// <summary>OPN: opens or renews the secure channel.</summary>
    Open,

    /// <summary>MSG: requests and responses.</summary>
    Message,

    /// <summary>CLO: the client leaves.</summary>
    Close,
}

/// <summary>What a chunk is to its message.</summary>
internal enum ChunkKind : byte
{
    /// <summary>F: the last or only chunk.</summary>
    Final = (byte)'F',

    /// <summary>C: more chunks follow.</summary>
    Intermediate = (byte)'C',

    /// <summary>A: the sender gives the message up; the chunk carries an error instead.</summary>
    Abort = (byte)'A',
}

/// <summary>The first eight bytes of every chunk (OPC 10000-6, 7.1.2.2).</summary>
/// <param name="Type">The kind of message.</param>
/// <param name="Kind">Only MSG may be other than final.</param>
/// <param name="Size">The size of the whole chunk with this header, in bytes.</param>
internal readonly record struct MessageHeader(MessageType Type, ChunkKind Kind, int Size)
{
    public const int Bytes = 8;

    /// <summary>Where <see cref="Size"/> stands within a chunk.</summary>
    public const int SizeOffset = 4;

    private static readonly string[] Codes = ["HEL", "ACK", "ERR", "OPN", "MSG", "CLO"];

    /// <summary>Reads a header of a chunk that may have at most <paramref name="chunkBytesMax"/> bytes.</summary>
    /// <returns>Good, BadTcpMessageTypeInvalid, or BadTcpMessageTooLarge.</returns>
    public static StatusCode TryParse(ReadOnlySpan<byte> bytes, int chunkBytesMax, out MessageHeader header)
    {
        header = default;
        var type = TypeOf(bytes[..3]);
        var kind = (ChunkKind)bytes[3];
        var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[SizeOffset..]);
        if (type is null || !IsAllowed(type.Value, kind) || size < Bytes)
        {
            return StatusCodes.BadTcpMessageTypeInvalid;
        }

        if (size > chunkBytesMax)
        {
            return StatusCodes.BadTcpMessageTooLarge;
        }

        header = new MessageHeader(type.Value, kind, (int)size);
        return StatusCode.Good;
    }

    /// <summary>Writes the header to the beginning of a chunk.</summary>
    public void Write(Span<byte> chunk)
    {
        System.Text.Encoding.ASCII.GetBytes(Codes[(int)Type], chunk);
        chunk[3] = (byte)Kind;
        BinaryPrimitives.WriteInt32LittleEndian(chunk[SizeOffset..], Size);
    }

    private static bool IsAllowed(MessageType type, ChunkKind kind) =>
        kind == ChunkKind.Final || (type == MessageType.Message && kind is ChunkKind.Intermediate or ChunkKind.Abort);

    private static MessageType? TypeOf(ReadOnlySpan<byte> code) =>
        code.SequenceEqual("MSG"u8) ? MessageType.Message
        : code.SequenceEqual("OPN"u8) ? MessageType.Open
        : code.SequenceEqual("CLO"u8) ? MessageType.Close
        : code.SequenceEqual("HEL"u8) ? MessageType.Hello
        : code.SequenceEqual("ACK"u8) ? MessageType.Acknowledge
        : code.SequenceEqual("ERR"u8) ? MessageType.Error
        : null;
}
