using System.Buffers.Binary;
using System.Text;

namespace ZfRepl.Core.Transfer;

/// <summary>What a message of the transfer protocol is. The numbers are on the wire.</summary>
public enum MessageType : byte
{
    /// <summary>A target opens a session.</summary>
    Hello = 1,

    /// <summary>The source's answer to it.</summary>
    HelloReply = 2,

    /// <summary>A target's request within a session.</summary>
    Request = 3,

    /// <summary>The source's answer to it.</summary>
    Reply = 4,

    /// <summary>A piece of a block.</summary>
    Chunk = 5,

    /// <summary>The source says that a block is ready.</summary>
    Announce = 6,

    /// <summary>The source says that it has started anew and knows no session of before.</summary>
    Started = 7,
}

/// <summary>
/// The part of a message that is not encrypted, and authenticated all the same (docs/protocol.md, "Message").
/// </summary>
/// <param name="Type">What it is.</param>
/// <param name="IsLast">True for the last chunk of a block.</param>
/// <param name="Session">
/// Hello and its reply: the target's nonce. Started: a nonce of the source. Otherwise: the source's nonce, which names the session.
/// </param>
/// <param name="Number">Hello reply: the source's nonce. Chunk: transfer id and chunk index. Otherwise: the message's number.</param>
/// <param name="KeyId">The key's id, in a hello and in a started; otherwise empty.</param>
public readonly record struct MessageHeader(MessageType Type, bool IsLast, UInt128 Session, UInt128 Number, string KeyId)
{
    /// <summary>The size without the key id, in bytes.</summary>
    public const int FixedBytes = 56;

    /// <summary>The commitment's size, in bytes.</summary>
    public const int CommitmentBytes = 16;

    internal const int CommitmentOffset = 40;

    private const byte LastFlag = 1;

    /// <summary>The first four bytes: "ZFT" and the version, 1.</summary>
    public static ReadOnlySpan<byte> Magic => [0x5A, 0x46, 0x54, 0x01];

    /// <summary>The size on the wire, in bytes.</summary>
    public int SizeBytes => FixedBytes + Encoding.UTF8.GetByteCount(KeyId);

    /// <summary>The header of a chunk.</summary>
    public static MessageHeader ForChunk(UInt128 session, ulong transferId, uint index, bool isLast) =>
        new(MessageType.Chunk, isLast, session, new UInt128(index, transferId), "");

    /// <summary>A chunk's transfer id.</summary>
    public ulong TransferId => unchecked((ulong)Number);

    /// <summary>A chunk's index.</summary>
    public uint ChunkIndex => unchecked((uint)(Number >> 64));

    /// <summary>The number of a request, reply or announcement. The header is authenticated as a whole, so the cut-off half is not lost.</summary>
    public ulong MessageNumber => unchecked((ulong)Number);

    /// <summary>Writes the header with a commitment.</summary>
    public void Write(Span<byte> target, ReadOnlySpan<byte> commitment)
    {
        Magic.CopyTo(target);
        target[4] = (byte)Type;
        target[5] = IsLast ? LastFlag : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(target[6..], (ushort)Encoding.UTF8.GetByteCount(KeyId));
        BinaryPrimitives.WriteUInt128LittleEndian(target[8..], Session);
        BinaryPrimitives.WriteUInt128LittleEndian(target[24..], Number);
        commitment.CopyTo(target[CommitmentOffset..]);
        Encoding.UTF8.GetBytes(KeyId, target[FixedBytes..]);
    }

    /// <summary>Reads a header; it is not trusted before the message is opened.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out MessageHeader header)
    {
        header = default;
        if (message.Length < FixedBytes + DirectionKey.TagBytes
            || !message[..4].SequenceEqual(Magic)
            || message[4] is < (byte)MessageType.Hello or > (byte)MessageType.Started
            || message[5] > LastFlag)
        {
            return false;
        }

        var keyIdLength = BinaryPrimitives.ReadUInt16LittleEndian(message[6..]);
        if (keyIdLength > ApiKey.MaxIdBytes || FixedBytes + keyIdLength + DirectionKey.TagBytes > message.Length)
        {
            return false;
        }

        var keyId = message.Slice(FixedBytes, keyIdLength);
        if (!System.Text.Unicode.Utf8.IsValid(keyId))
        {
            return false;
        }

        header = new MessageHeader(
            (MessageType)message[4],
            message[5] == LastFlag,
            BinaryPrimitives.ReadUInt128LittleEndian(message[8..]),
            BinaryPrimitives.ReadUInt128LittleEndian(message[24..]),
            Encoding.UTF8.GetString(keyId));
        return true;
    }
}
