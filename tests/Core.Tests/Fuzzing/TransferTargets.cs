using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Tests.Blocks;
using ZfRepl.Core.Transfer;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Core.Tests.Fuzzing;

/// <summary>What comes over the link: messages behind their seal, the seal itself, coded blocks.</summary>
internal static class TransferTargets
{
    private const int BlockBytes = 4096;

    private static readonly BlockHash Hash = new(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());
    private static readonly BlockKey Block = new(FormatSamples.Stream, 3, Hash);
    private static readonly ApiKey Key = NewKey();

    public static IEnumerable<(FuzzTarget Target, int Rounds)> All =>
    [
        Messages("hello", Hello.TryDecode, m => m.Encode(), new Hello("centre", 131_072, 1L << 30, TransferCodecs.Supported)),
        Messages("hello-reply", HelloReply.TryDecode, m => m.Encode(), new HelloReply(65_536, 16)),
        Messages(
            "transfer-request",
            TransferRequest.TryDecode,
            m => m.Encode(),
            new TransferRequest(TransferOperation.Next, Block, Rotate: true, Limit: 20),
            new TransferRequest(TransferOperation.Pull, null, TransferId: ulong.MaxValue, FirstChunk: 7, Limit: 16),
            new TransferRequest(TransferOperation.Fill, Fill: new FillWish("gap-1", new TimeRange(1, 1_000)))),
        Messages(
            "next-reply",
            NextReply.TryDecode,
            m => Written(m.Write),
            new NextReply([new BlockOffer(Block, "mbb_1", 1, 100, 99, 5_000), new BlockOffer(Block, "mbb_2", 100, 120, 20, 900)], 2, 119)),
        Messages("get-reply", GetReply.TryDecode, m => Written(m.Write), new GetReply(UInt128.MaxValue - 5, TransferCodec.Brotli, 1_000, 5_000, Hash)),
        Messages(
            "transfer-reply", TransferReply.TryDecode, m => m.Encode(), new TransferReply(9, TransferStatus.NotReady, "the collector does not answer", new byte[] { 1, 2, 3 })),
        Messages(
            "fill-reply",
            FillReply.TryDecode,
            m => Written(m.Write),
            new FillReply(FillProgress.Open, 1_000, 5_000_000, FormatSamples.Stream, 77, "filling"),
            new FillReply(FillProgress.Open, 0, 0, null, 0, "")),
        (new FuzzTarget("sealed-message", [Sealed()], OpensOnlyWhatWasSealed), 50_000),
        .. TransferCodecs.Supported.Select(codec =>
            (new FuzzTarget($"codec-{codec.ToString().ToLowerInvariant()}", [TransferCodecs.Encode(codec, Content())], input => Decode(codec, input), 16L * 1024 * 1024), codec == TransferCodec.Bzip2 ? 300 : 5_000)),
    ];

    private delegate T? Decoder<T>(ReadOnlySpan<byte> plain);

    private delegate ReadOnlySpan<byte> Encoder<T>(T message);

    /// <summary>A message that is accepted can be said again, and is the same then.</summary>
    private static (FuzzTarget Target, int Rounds) Messages<T>(string name, Decoder<T> decode, Encoder<T> encode, params T[] samples)
        where T : class =>
        (new FuzzTarget(name, [.. samples.Select(s => encode(s).ToArray())], input =>
        {
            if (decode(input) is { } message)
            {
                var written = encode(message).ToArray();
                var again = decode(written);
                Assert.NotNull(again);
                Assert.Equal(written, encode(again).ToArray());
            }
        }), 50_000);

    private static byte[] Written(Action<ByteWriter> write)
    {
        var output = new ByteWriter();
        write(output);
        return output.Written.ToArray();
    }

    private static ApiKey NewKey()
    {
        Assert.True(ApiKey.TryCreate("default", ApiKey.Generate(), out var key, out var error), error);
        return key;
    }

    private static byte[] Content() => [.. Enumerable.Range(0, BlockBytes).Select(i => (byte)(i * i / 77 % 251))];

    private static byte[] Sealed()
    {
        using var key = DirectionKey.Derive(Key, new byte[32], "fuzz", "edge1", "centre");
        return key.Seal(new MessageHeader(MessageType.Request, false, 5, 1, Key.Id), 1, "the content of a message"u8);
    }

    private static readonly byte[] Original = Sealed();

    private static void OpensOnlyWhatWasSealed(byte[] input)
    {
        if (!MessageHeader.TryRead(input, out var header) || DirectionKey.PlainBytes(header, input.Length) < 0)
        {
            return;
        }

        using var key = DirectionKey.Derive(Key, new byte[32], "fuzz", "edge1", "centre");
        var plain = new byte[DirectionKey.PlainBytes(header, input.Length)];
        if (key.Open(header, 1, input, plain) == OpenError.None)
        {
            Assert.Equal(Original, input);
        }
    }

    private static void Decode(TransferCodec codec, byte[] input)
    {
        var block = new byte[BlockBytes];
        _ = TransferCodecs.Decode(codec, input, block);
    }
}
