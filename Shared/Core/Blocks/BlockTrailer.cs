using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Blocks;

/// <summary>The last frame of a sealed block: what is in it, and the hash that confirms it (docs/format.md, "Trailer").</summary>
/// <param name="FrameCount">Frames before the trailer.</param>
/// <param name="EventCount">Events in them.</param>
/// <param name="FirstSequence">The first event's sequence number.</param>
/// <param name="NextSequence">The sequence number behind the last event.</param>
/// <param name="MinTimeNs">The earliest event, nanoseconds since 1970; 0 without events.</param>
/// <param name="MaxTimeNs">The latest event, nanoseconds since 1970; 0 without events.</param>
/// <param name="Hash">SHA-256 of every byte before the trailer: the identity that a confirmation names.</param>
public sealed record BlockTrailer(
    uint FrameCount, ulong EventCount, ulong FirstSequence, ulong NextSequence, long MinTimeNs, long MaxTimeNs, BlockHash Hash)
{
    /// <summary>The size of a trailer's frame, in bytes; it is the same for every block, so that it is found from the file's end.</summary>
    public const int FrameBytes = FrameHeader.SizeBytes + 4 + 5 * 8 + BlockHash.SizeBytes;

    /// <summary>Appends the trailer's frame.</summary>
    public void AppendFrame(ByteWriter output, ulong streamTag)
    {
        var payload = new ByteWriter(128);
        payload.WriteUInt32(FrameCount);
        payload.WriteUInt64(EventCount);
        payload.WriteUInt64(FirstSequence);
        payload.WriteUInt64(NextSequence);
        payload.WriteInt64(MinTimeNs);
        payload.WriteInt64(MaxTimeNs);
        payload.WriteBytes(Hash.Bytes);
        FrameHeader.Append(output, FrameType.Trailer, 0, streamTag, NextSequence, payload.Written);
    }

    /// <summary>Reads the payload of a trailer frame.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public static string? TryRead(ReadOnlySpan<byte> payload, out BlockTrailer? trailer)
    {
        var input = new ByteReader(payload);
        var frames = input.ReadUInt32();
        var events = input.ReadUInt64();
        var first = input.ReadUInt64();
        var next = input.ReadUInt64();
        var min = input.ReadInt64();
        var max = input.ReadInt64();
        var hash = input.ReadBytes(BlockHash.SizeBytes);
        trailer = input.IsOk ? new BlockTrailer(frames, events, first, next, min, max, new BlockHash(hash)) : null;
        return input.Error;
    }

    /// <summary>True if this is the trailer of the block with this header: both name the block's first sequence number.</summary>
    public bool IsOf(BlockHeader header) => FirstSequence == header.FirstSequence && NextSequence >= FirstSequence;
}
