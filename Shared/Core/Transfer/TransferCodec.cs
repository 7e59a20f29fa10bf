using System.Buffers;
using System.IO.Compression;

namespace ZfRepl.Core.Transfer;

/// <summary>How a block travels. The numbers are on the wire.</summary>
public enum TransferCodec : byte
{
    /// <summary>As it is.</summary>
    None = 0,

    /// <summary>The block's bytes, compressed by Brotli.</summary>
    Brotli = 1,
}

/// <summary>Block bytes ↔ wire bytes. Stateless.</summary>
public static class TransferCodecs
{
    // Measured on telemetry: 5 gives nearly all of the gain at a tenth of the time of the best.
    private const int BrotliQuality = 5;
    private const int BrotliWindowBits = 22;

    /// <summary>The codecs that this program can write and read, best first.</summary>
    public static IReadOnlyList<TransferCodec> Supported { get; } = [TransferCodec.Brotli, TransferCodec.None];

    /// <summary>Codes a block; the same bytes give the same result, so that a transfer can be resumed.</summary>
    public static byte[] Encode(TransferCodec codec, ReadOnlySpan<byte> block)
    {
        switch (codec)
        {
            case TransferCodec.None:
                return block.ToArray();
            case TransferCodec.Brotli:
                return Compress(block);
            default:
                throw new ArgumentOutOfRangeException(nameof(codec));
        }
    }

    /// <summary>Decodes into exactly as many bytes as were announced; what is longer or shorter is refused.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="wire">What arrived.</param>
    /// <param name="block">Where the block goes; its length is the announced one.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Decode(TransferCodec codec, ReadOnlySpan<byte> wire, Span<byte> block)
    {
        switch (codec)
        {
            case TransferCodec.None:
                if (wire.Length != block.Length)
                {
                    return $"{wire.Length} bytes arrived instead of {block.Length}";
                }

                wire.CopyTo(block);
                return null;
            case TransferCodec.Brotli:
                return BrotliDecoder.TryDecompress(wire, block, out var written) && written == block.Length
                    ? null
                    : $"the compressed block does not give the {block.Length} bytes that were announced";
            default:
                return $"codec {(byte)codec} is not known to this version";
        }
    }

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
}
