using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
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
        Parts("begin-wish", BeginWish.Read, m => Written(m.Write), new BeginWish([Item])),
        Messages("begin-reply", BeginReply.TryDecode, m => Written(m.Write), new BeginReply(BeginKnowledge.Since, 1_700_000_000_000_000_000), BeginReply.Unknown),
        Parts("statement-wish", StatementWish.Read, m => Written(m.Write), new StatementWish(7, new TimeRange(0, 3_600_000_000_000), 4_096, 65_536)),
        Messages("statement-part", StatementPart.TryDecode, m => Written(m.Write), new StatementPart(1_000, 10, new byte[] { 1, 2, 3 }), StatementPart.Pending),
        Parts(
            "digest-wish",
            DigestWish.Read,
            m => Written(m.Write),
            new DigestWish(7, new TimeRange(0, 1_000), [Item], Place, 65_536),
            new DigestWish(8, new TimeRange(long.MinValue, long.MaxValue), [], null, 1)),
        Messages(
            "digest-page",
            DigestPage.TryDecode,
            m => Written(m.Write),
            new DigestPage(false, [new DigestCell(Item, 472_222, new EventSum(60, 77)), new DigestCell(Item, 472_223, new EventSum(1, UInt128.MaxValue))], Place),
            DigestPage.Pending),
        (new FuzzTarget("sealed-message", [Sealed()], OpensOnlyWhatWasSealed), 50_000),
        .. TransferCodecs.Supported.Select(codec =>
            (new FuzzTarget($"codec-{codec.ToString().ToLowerInvariant()}", [TransferCodecs.Encode(codec, Content())], input => Decode(codec, input), 16L * 1024 * 1024), codec == TransferCodec.Bzip2 ? 300 : 5_000)),
    ];

    private delegate T? Decoder<T>(ReadOnlySpan<byte> plain);

    private delegate ReadOnlySpan<byte> Encoder<T>(T message);

    private delegate T? PartReader<T>(ref ByteReader input);

    private static Oid Item => Oid.Parse("sensor:plant/line1/temperature");

    private static DigestPlace Place => new(Item, new HistoryCursor(1_700_000_000_000_000_000, -3));

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

    /// <summary>As <see cref="Messages"/>, for what stands within another message.</summary>
    private static (FuzzTarget Target, int Rounds) Parts<T>(string name, PartReader<T> read, Encoder<T> encode, params T[] samples)
        where T : class =>
        Messages(name, bytes => Read(read, bytes), encode, samples);

    private static T? Read<T>(PartReader<T> read, ReadOnlySpan<byte> bytes)
        where T : class
    {
        var input = new ByteReader(bytes);
        return read(ref input);
    }

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
