using System.IO.Compression;
using ICSharpCode.SharpZipLib.BZip2;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Core.Tests.Transfer;

public sealed class TransferCodecTests
{
    public static TheoryData<TransferCodec> Codecs => [.. TransferCodecs.Supported];

    [Theory]
    [MemberData(nameof(Codecs))]
    public void What_is_coded_is_decoded_byte_for_byte_and_the_same_bytes_give_the_same_result(TransferCodec codec)
    {
        foreach (var length in new[] { 1, 1000, 900_001, 2_000_000 })
        {
            var block = Telemetry(length);
            var wire = TransferCodecs.Encode(codec, block);
            Assert.Equal(wire, TransferCodecs.Encode(codec, block));
            var decoded = new byte[length];
            Assert.Null(TransferCodecs.Decode(codec, wire, decoded));
            Assert.Equal(block, decoded);
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Another_size_than_the_announced_one_is_refused(TransferCodec codec)
    {
        var wire = TransferCodecs.Encode(codec, Telemetry(50_000));
        Assert.NotNull(TransferCodecs.Decode(codec, wire, new byte[49_999]));
        Assert.NotNull(TransferCodecs.Decode(codec, wire, new byte[50_001]));
        Assert.NotNull(TransferCodecs.Decode(codec, wire, []));
    }

    [Theory]
    [InlineData(TransferCodec.Brotli)]
    [InlineData(TransferCodec.Bzip2)]
    public void A_bomb_writes_no_more_than_was_announced(TransferCodec codec)
    {
        // 16 MiB of zeros in a few bytes.
        var bomb = Bomb(codec, 16 * 1024 * 1024);
        Assert.InRange(bomb.Length, 1, 8192);
        var (before, guard) = (GC.GetAllocatedBytesForCurrentThread(), new byte[10_000]);
        guard.AsSpan(1000).Fill(0xAA);
        Assert.NotNull(TransferCodecs.Decode(codec, bomb, guard.AsSpan(0, 1000)));
        Assert.All(guard[1000..], b => Assert.Equal(0xAA, b));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * 1024 * 1024);
    }

    [Theory]
    [InlineData(TransferCodec.Brotli)]
    [InlineData(TransferCodec.Bzip2)]
    public void What_is_cut_off_or_changed_is_refused_as_a_value(TransferCodec codec)
    {
        var block = Telemetry(20_000);
        var wire = TransferCodecs.Encode(codec, block);
        var decoded = new byte[block.Length];
        for (var length = 0; length < wire.Length; length += Math.Max(1, wire.Length / 50))
        {
            Assert.NotNull(TransferCodecs.Decode(codec, wire.AsMemory(0, length), decoded));
        }

        var random = new Random(1);
        for (var i = 0; i < 300; i++)
        {
            // It may come out right: not every bit counts. It never throws.
            var changed = (byte[])wire.Clone();
            changed[random.Next(changed.Length)] ^= (byte)random.Next(1, 256);
            _ = TransferCodecs.Decode(codec, changed, decoded);
            random.NextBytes(changed.AsSpan(random.Next(4)));
            _ = TransferCodecs.Decode(codec, changed, decoded);
        }

        Assert.NotNull(TransferCodecs.Decode(codec, new byte[wire.Length], decoded));
    }

    [Fact]
    public void A_codec_to_come_is_refused() => Assert.NotNull(TransferCodecs.Decode((TransferCodec)77, new byte[10], new byte[10]));

    [Fact]
    public void Only_what_the_other_side_can_decode_is_chosen()
    {
        var rows = new BlockHeader(new StreamId(1, 2), 1, 1, 0, "edge1", "centre").ToBytes();
        Assert.Equal(TransferCodec.Brotli, Choose(TransferCoding.ColumnarBrotli, TransferCodec.Brotli, TransferCodec.None));
        Assert.Equal(TransferCodec.Bzip2, Choose(TransferCoding.Bzip2, [.. TransferCodecs.Supported]));
        Assert.Equal(TransferCodec.Brotli, Choose(TransferCoding.Bzip2, TransferCodec.Brotli, TransferCodec.None));
        Assert.Equal(TransferCodec.None, Choose(TransferCoding.Bzip2, TransferCodec.None));
        Assert.Equal(TransferCodec.None, Choose(TransferCoding.ColumnarBrotli, TransferCodec.Bzip2, (TransferCodec)77));
        Assert.Equal(TransferCodec.None, Choose(TransferCoding.None, [.. TransferCodecs.Supported]));

        TransferCodec Choose(TransferCoding coding, params TransferCodec[] decodable) => TransferCodecs.Choose(coding, decodable, rows);
    }

    [Theory]
    [InlineData(TransferCoding.ColumnarBrotli)]
    [InlineData(TransferCoding.Bzip2)]
    public void A_block_that_needs_a_reader_of_version_2_is_compressed_already_and_goes_as_it_is(TransferCoding coding)
    {
        var columns = new BlockHeader(new StreamId(1, 2), 1, 1, 0, "edge1", "centre").ToBytes();
        columns[10] = 2;
        Assert.Equal(TransferCodec.None, TransferCodecs.Choose(coding, TransferCodecs.Supported, columns));
        Assert.NotEqual(TransferCodec.None, TransferCodecs.Choose(coding, TransferCodecs.Supported, columns.AsSpan(0, 10)));
    }

    private static byte[] Bomb(TransferCodec codec, int size)
    {
        using var output = new MemoryStream();
        using (Stream compressor = codec == TransferCodec.Brotli
            ? new BrotliStream(output, CompressionLevel.Optimal, leaveOpen: true)
            : new BZip2OutputStream(output) { IsStreamOwner = false })
        {
            compressor.Write(new byte[size]);
        }

        return output.ToArray();
    }

    private static byte[] Telemetry(int length)
    {
        var bytes = new byte[length];
        var random = new Random(length);
        for (var i = 0; i < length; i++)
        {
            bytes[i] = i % 16 == 0 ? (byte)random.Next(256) : (byte)(i % 16);
        }

        return bytes;
    }
}
