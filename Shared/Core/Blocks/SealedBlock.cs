using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;

namespace ZfRepl.Core.Blocks;

/// <summary>A block that is closed: it never changes again.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Header">Its header.</param>
/// <param name="Trailer">Its trailer.</param>
/// <param name="LengthBytes">The file's length in bytes.</param>
public sealed record SealedBlock(BlockName Name, BlockHeader Header, BlockTrailer Trailer, long LengthBytes)
{
    /// <summary>Reads header and trailer only, two small reads whatever the block's size. The content is not verified.</summary>
    /// <returns>
    /// The block; null when header or trailer are not intact, so that the file needs a full look; an error when it can't be read.
    /// </returns>
    public static StorageResult<SealedBlock?> TryOpen(IStorage storage, string path, BlockName name)
    {
        var opened = storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var length = file.Length();
        if (!length.IsOk)
        {
            return length.Error;
        }

        var buffer = new byte[BlockHeader.MaxSizeBytes];
        var read = file.ReadAt(0, buffer);
        if (!read.IsOk)
        {
            return read.Error;
        }

        if (BlockHeader.TryRead(buffer.AsSpan(0, read.Value), out var header, out var headerBytes) is not null
            || length.Value < headerBytes + BlockTrailer.FrameBytes)
        {
            return (SealedBlock?)null;
        }

        read = file.ReadAt(length.Value - BlockTrailer.FrameBytes, buffer.AsSpan(0, BlockTrailer.FrameBytes));
        if (!read.IsOk)
        {
            return read.Error;
        }

        var trailer = ReadTrailer(buffer.AsSpan(0, read.Value), header!.Stream.High);

        // A whole trailer of another block, as the disk may have left it there, is none of this one.
        return trailer is null || !trailer.IsOf(header) ? (SealedBlock?)null : new SealedBlock(name, header, trailer, length.Value);
    }

    private static BlockTrailer? ReadTrailer(ReadOnlySpan<byte> bytes, ulong streamTag)
    {
        if (!FrameHeader.TryRead(bytes, out var frame)
            || frame.Type != FrameType.Trailer
            || frame.StreamTag != streamTag
            || frame.LengthBytes != bytes.Length
            || Bytes.Crc32C.Compute(bytes[FrameHeader.SizeBytes..]) != frame.PayloadChecksum)
        {
            return null;
        }

        _ = BlockTrailer.TryRead(bytes[FrameHeader.SizeBytes..], out var trailer);
        return trailer;
    }
}
