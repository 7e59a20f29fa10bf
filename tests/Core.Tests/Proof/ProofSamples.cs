using System.Text.Json;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Proof;

namespace ZfRepl.Core.Tests.Proof;

/// <summary>A small proof, as two nodes would state it.</summary>
internal static class ProofSamples
{
    public static readonly StreamId Stream = StreamId.TryParse("000102030405060708090a0b0c0d0e0f", out var id) ? id : default;

    private const long NowNs = 1_700_000_400_000_000_000;

    public static SourceStatement Source() => new()
    {
        Node = "edge1",
        Mailbox = "centre",
        Stream = Stream.ToString(),
        StatedNs = NowNs,
        Version = "0.1.0",
        History = SourceStatement.HistoryKept,
        Snapshots = false,
        Accounts = new EventAccounts(300, 290, 10, 0, 0),
        OtherHours = new EventAccounts(100, 100, 0, 0, 0),
        Hours = [new HourAccounts("2023-11-14T22:00:00Z", 2, new EventAccounts(200, 190, 10, 0, 0))],
        Chain = Chain(Blocks(names: true)),
    };

    public static ProofContent Content(SourceStatement source, ProofKey sourceKey) => Judged(
        new ProofContent
        {
            Verdict = "",
            Target = "centre",
            Source = "edge1",
            StatedNs = NowNs + 1_000_000_000,
            Version = "0.1.0",
            Database = "sqlite history.db",
            FromNs = 1_699_999_200_000_000_000,
            ToNs = NowNs - 5_000_000_000,
            Statement = new RawJson(
                SignedDocument.Sign(SourceStatement.Format, JsonSerializer.Serialize(source, SourceStatement.Json), sourceKey).Text.TrimEnd('\n')),
            Books = new TargetBooks(290, 0, 2, 290, 0, 0),
            Chain = Chain(Blocks(names: false)),
            Digest = Digest(),
        },
        source);

    public static DigestResult Digest(params DifferingCell[] cells)
    {
        var sum = new EventSum(190, 5);
        var (source, target) = (sum, sum);
        foreach (var cell in cells)
        {
            Assert.True(EventSum.TryParse(cell.SourceSum, out var a) & EventSum.TryParse(cell.TargetSum, out var b));
            (source, target) = (source + new EventSum(cell.SourceEvents, a), target + new EventSum(cell.TargetEvents, b));
        }

        return new DigestResult(
            DigestResult.History,
            2,
            [new HourDigest("2023-11-14T22:00:00Z", source.Count, source.SumText, target.Count, target.SumText)],
            cells.Count(c => c.Kind == DifferingCell.Missing),
            cells.Where(c => c.Kind == DifferingCell.Missing).Sum(c => c.SourceEvents - c.TargetEvents),
            cells.Count(c => c.Kind == DifferingCell.Altered),
            cells.Count(c => c.Kind == DifferingCell.More),
            true,
            cells);
    }

    public static DifferingCell Cell(string kind, long source, long target) => new(
        "sensor:plant/line1/temperature", "2023-11-14T22:00:00Z", kind, source, new EventSum(source, 77).SumText, target, new EventSum(target, 78).SumText);

    public static ProofContent Judged(ProofContent content, SourceStatement source) =>
        content with { Verdict = ProofJudge.Verdict(ProofJudge.Findings(content, source)) };

    public static SignedDocument Sign(ProofContent content, ProofKey key) =>
        SignedDocument.Sign(ProofContent.Format, JsonSerializer.Serialize(content, ProofContent.Json), key);

    public static ChainStatement Chain(IReadOnlyList<ChainBlock> blocks, ulong next = 3)
    {
        var chain = blocks.Aggregate(BlockChain.Empty, (c, b) => c.Add(Stream, b.Index, BlockHash.TryParse(b.Hash, out var hash) ? hash! : throw new FormatException(b.Hash)));
        return new ChainStatement(1, next, chain.Blocks, chain.Value.ToString(), 0, BlockChain.Empty.Value.ToString(), blocks);
    }

    /// <summary>The same chain with its first block no more listed.</summary>
    public static ChainStatement Cut(ChainStatement chain)
    {
        var first = chain.Listed[0];
        Assert.True(BlockHash.TryParse(first.Hash, out var hash));
        return chain with { BlocksBefore = 1, ValueBefore = BlockChain.Empty.Add(Stream, first.Index, hash!).Value.ToString(), Listed = [.. chain.Listed.Skip(1)] };
    }

    public static ChainBlock[] Blocks(bool names) =>
    [
        new ChainBlock(1, names ? "mbb_1700000000" : "", 1, 101, 100, new string('a', 64)),
        new ChainBlock(2, names ? "mbb_1700000100" : "", 101, 291, 190, new string('b', 64)),
    ];
}
