using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.BZip2;
using ZfRepl.Core.Blocks;

namespace ZfRepl.Core.Transfer;

/// <summary>How a block travels. The numbers are on the wire.</summary>
public enum TransferCodec : byte
{
    /// <summary>As it is.</summary>
    None = 0,

    /// <summary>The block's bytes, compressed by Brotli.</summary>
    Brotli = 1,

    /// <summary>The block's bytes, compressed by bzip2.</summary>
    Bzip2 = 2,
}

/// <summary>How the blocks of a mailbox are to travel, as its owner says.</summary>
public enum TransferCoding
{
    /// <summary>Blocks of columns as they are, since they are compressed already; blocks of rows by Brotli. The default.</summary>
    ColumnarBrotli,

    /// <summary>By bzip2.</summary>
    Bzip2,

    /// <summary>As they are.</summary>
    None,
}

/// <summary>Block bytes ↔ wire bytes. Stateless.</summary>
public static class TransferCodecs
{
    // Measured on telemetry: 5 gives nearly all of the gain at a tenth of the time of the best.
    private const int BrotliQuality = 5;
    private const int BrotliWindowBits = 22;

    // The largest blocks of the method, 900 kB: the library takes a few MiB for them, whatever the input says.
    private const int Bzip2Level = 9;

    private const int ReaderVersionOffset = 10;
    private const int CompressedSinceVersion = 2;

    /// <summary>The codecs that this program can write and read, best first.</summary>
    public static IReadOnlyList<TransferCodec> Supported { get; } = [TransferCodec.Brotli, TransferCodec.Bzip2, TransferCodec.None];

    /// <summary>The codec for one block.</summary>
    /// <param name="coding">What the mailbox's owner wants.</param>
    /// <param name="decodable">What the other side can decode; as it is always counts as that.</param>
    /// <param name="block">The block.</param>
    public static TransferCodec Choose(TransferCoding coding, IReadOnlyList<TransferCodec> decodable, ReadOnlySpan<byte> block)
    {
        ReadOnlySpan<TransferCodec> wanted = coding switch
        {
            TransferCoding.None => [],
            _ when IsCompressed(block) => [],
            TransferCoding.Bzip2 => [TransferCodec.Bzip2, TransferCodec.Brotli],
            _ => [TransferCodec.Brotli],
        };
        foreach (var codec in wanted)
        {
            if (decodable.Contains(codec))
            {
                return codec;
            }
        }

        return TransferCodec.None;
    }

    /// <summary>Codes a block; the same bytes give the same result, so that a transfer can be resumed.</summary>
    public static byte[] Encode(TransferCodec codec, ReadOnlySpan<byte> block)
    {
        switch (codec)
        {
            case TransferCodec.None:
                return block.ToArray();
            case TransferCodec.Brotli:
                return Compress(block);
            case TransferCodec.Bzip2:
                return CompressBzip2(block);
            default:
                throw new ArgumentOutOfRangeException(nameof(codec));
        }
    }

    /// <summary>Decodes into exactly as many bytes as were announced; what is longer or shorter is refused.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="wire">What arrived.</param>
    /// <param name="block">Where the block goes; its length is the announced one.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Decode(TransferCodec codec, ReadOnlyMemory<byte> wire, Span<byte> block)
    {
        switch (codec)
        {
            case TransferCodec.None:
                if (wire.Length != block.Length)
                {
                    return $"{wire.Length} bytes arrived instead of {block.Length}";
                }

                wire.Span.CopyTo(block);
                return null;
            case TransferCodec.Brotli:
                return BrotliDecoder.TryDecompress(wire.Span, block, out var written) && written == block.Length ? null : OtherSize(block.Length);
            case TransferCodec.Bzip2:
                return DecompressBzip2(wire, block);
            default:
                return $"codec {(byte)codec} is not known to this version";
        }
    }

    /// <summary>A block of columns is compressed frame by frame: another codec around it costs time and gains nothing.</summary>
    private static bool IsCompressed(ReadOnlySpan<byte> block) =>
        block.Length >= ReaderVersionOffset + sizeof(ushort)
        && block.StartsWith(BlockHeader.Magic)
        && BinaryPrimitives.ReadUInt16LittleEndian(block[ReaderVersionOffset..]) >= CompressedSinceVersion;

    private static string OtherSize(int length) => $"the compressed block does not give the {length} bytes that were announced";

    private static byte[] Compress(ReadOnlySpan<byte> block)
    {
        // The bound is as large as the block itself: it is borrowed, so that only what goes out is allocated.
        var buffer = ArrayPool<byte>.Shared.Rent(BrotliEncoder.GetMaxCompressedLength(block.Length));
        try
        {
            return BrotliEncoder.TryCompress(block, buffer, out var written, BrotliQuality, BrotliWindowBits)
                ? buffer.AsSpan(0, written).ToArray()
                : throw new InvalidOperationException("A block did not fit into the bound that its compression promises.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] CompressBzip2(ReadOnlySpan<byte> block)
    {
        using var output = new MemoryStream();
        using (var compressor = new BZip2OutputStream(output, Bzip2Level) { IsStreamOwner = false })
        {
            compressor.Write(block);
        }

        return output.ToArray();
    }

    private static string? DecompressBzip2(ReadOnlyMemory<byte> wire, Span<byte> block)
    {
        if (!System.Runtime.InteropServices.MemoryMarshal.TryGetArray(wire, out var segment))
        {
            throw new ArgumentException("Only memory of an array can be read as a stream.", nameof(wire));
        }

        try
        {
            using var input = new BZip2InputStream(new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false));
            // Not one byte is decoded that was not announced, but for the one that tells that there is more.
            var written = 0;
            int count;
            while (written < block.Length && (count = input.Read(block[written..])) > 0)
            {
                written += count;
            }

            return written == block.Length && input.ReadByte() < 0 ? null : OtherSize(block.Length);
        }
        catch (Exception e) when (e is SharpZipBaseException or IOException or IndexOutOfRangeException or ArgumentException)
        {
            // The library trusts the tables in its input and runs into the bounds of its arrays where they lie.
            return $"the bzip2 data is damaged: {e.Message}";
        }
    }
}
