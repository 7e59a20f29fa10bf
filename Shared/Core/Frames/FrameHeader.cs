using System.Buffers.Binary;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Frames;

/// <summary>What a frame holds. The numbers are on disk; readers skip those that they do not know.</summary>
public enum FrameType : byte
{
    /// <summary>Events, row by row.</summary>
    EventRows = 1,

    /// <summary>Events, column by column; blocks with such frames need a reader of version 2.</summary>
    EventColumns = 2,

    /// <summary>Records of loss.</summary>
    Loss = 3,

    /// <summary>How far a source's notifications have been taken.</summary>
    SourcePosition = 4,

    /// <summary>The end of a sealed block: counts and hash.</summary>
    Trailer = 127,
}

/// <summary>
/// The 40 bytes in front of every frame (docs/format.md, "Frame"). The header has a checksum of its own, so that its length can be
/// trusted when the payload is damaged, and it carries stream and sequence, so that a reader can find its way again behind damage
/// and knows exactly which events are missing.
/// </summary>
/// <param name="Type">What the payload is.</param>
/// <param name="LengthBytes">The length of the frame, header included.</param>
/// <param name="EventCount">How many sequence numbers the frame takes.</param>
/// <param name="StreamTag">The first half of the stream id.</param>
/// <param name="FirstSequence">The sequence number of the first event, or of the next one where the frame has none.</param>
/// <param name="PayloadChecksum">CRC-32C of the payload.</param>
/// <param name="Commit">The number of the commit, modulo 65,536: frames of one commit were written and synced together.</param>
/// <param name="IsCommitEnd">True for the last frame of its commit.</param>
public readonly record struct FrameHeader(
    FrameType Type,
    int LengthBytes,
    uint EventCount,
    ulong StreamTag,
    ulong FirstSequence,
    uint PayloadChecksum,
    ushort Commit = 0,
    bool IsCommitEnd = false)
{
    /// <summary>The header's size in bytes.</summary>
    public const int SizeBytes = 40;

    /// <summary>The longest frame that a reader accepts, in bytes.</summary>
    public const int MaxFrameBytes = 16 * 1024 * 1024;

    /// <summary>The most events in a frame.</summary>
    public const uint MaxEvents = 1 << 20;

    private const int FlagsOffset = 9;
    private const int CommitOffset = 10;
    private const int ChecksumOffset = 36;
    private const byte CommitEndFlag = 1;

    /// <summary>The first four bytes of every frame: F5 5A 46 A7. The first is no UTF-8 and none of them is zero.</summary>
    public static ReadOnlySpan<byte> Magic => [0xF5, 0x5A, 0x46, 0xA7];

    /// <summary>The payload's size in bytes.</summary>
    public int PayloadBytes => LengthBytes - SizeBytes;

    /// <summary>The sequence number behind the frame's last event.</summary>
    public ulong NextSequence => unchecked(FirstSequence + EventCount);

    /// <summary>Writes the header of a payload that stands behind it.</summary>
    public static void Write(
        Span<byte> target, FrameType type, uint eventCount, ulong streamTag, ulong firstSequence, ReadOnlySpan<byte> payload, ushort commit = 0)
    {
        Magic.CopyTo(target);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], SizeBytes + payload.Length);
        target[8] = (byte)type;
        target[FlagsOffset] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(target[CommitOffset..], commit);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], eventCount);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], streamTag);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], firstSequence);
        BinaryPrimitives.WriteUInt32LittleEndian(target[32..], Crc32C.Compute(payload));
        BinaryPrimitives.WriteUInt32LittleEndian(target[ChecksumOffset..], Crc32C.Compute(target[..ChecksumOffset]));
    }

    /// <summary>Reads and checks a header; the payload is the caller's to check.</summary>
    /// <param name="bytes">At least <see cref="SizeBytes"/> bytes.</param>
    /// <param name="header">The header, when true is returned.</param>
    /// <returns>False when the bytes are no intact header.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHeader header)
    {
        header = default;
        if (bytes.Length < SizeBytes
            || !bytes[..4].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumOffset..]) != Crc32C.Compute(bytes[..ChecksumOffset]))
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        var first = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        if (length is < SizeBytes or > MaxFrameBytes || count > MaxEvents || first > long.MaxValue || bytes[FlagsOffset] > CommitEndFlag)
        {
            return false;
        }

        header = new FrameHeader(
            (FrameType)bytes[8],
            length,
            count,
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
            first,
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[32..]),
            BinaryPrimitives.ReadUInt16LittleEndian(bytes[CommitOffset..]),
            bytes[FlagsOffset] == CommitEndFlag);
        return true;
    }

    /// <summary>Marks a frame that was written as the last one of its commit.</summary>
    /// <param name="header">The frame's header.</param>
    public static void MarkCommitEnd(Span<byte> header)
    {
        header[FlagsOffset] = CommitEndFlag;
        BinaryPrimitives.WriteUInt32LittleEndian(header[ChecksumOffset..], Crc32C.Compute(header[..ChecksumOffset]));
    }

    /// <summary>Appends a whole frame.</summary>
    public static void Append(
        ByteWriter output, FrameType type, uint eventCount, ulong streamTag, ulong firstSequence, ReadOnlySpan<byte> payload, ushort commit = 0)
    {
        var target = output.Take(SizeBytes + payload.Length);
        payload.CopyTo(target[SizeBytes..]);
        Write(target, type, eventCount, streamTag, firstSequence, target[SizeBytes..], commit);
    }
}
