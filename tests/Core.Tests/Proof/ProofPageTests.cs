using System.Text.RegularExpressions;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.Proof;

/// <summary>docs/proof.md is normative: its worked example is read out of the page and has to be what the code says.</summary>
public sealed partial class ProofPageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(ProgramLookup.RepositoryRoot, "docs", "proof.md"));

    [Fact]
    public void The_worked_digest_is_that_of_the_event()
    {
        var bytes = string.Concat(HexBlock().Match(Page).Groups["text"].Value.Split('\n').Select(line => line.Split('|')[0].Replace(" ", "", StringComparison.Ordinal)));
        var first = Event(1_700_000_000_000_000_000, TelemetryValue.From(20.5), 1);
        var second = first with { TimeNs = first.TimeNs + UnixTime.NsPerSecond };
        var digest = new EventDigest();
        Assert.Equal(
            new EventSum(1, System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(System.Security.Cryptography.SHA256.HashData(Convert.FromHexString(bytes)))),
            digest.Sum(Batch(first)));
        Assert.Contains(
            $"Its digest is `{digest.Sum(Batch(first)).SumText}`. With the same event one second later (`{digest.Sum(Batch(second)).SumText}`) the sum of the two is "
            + $"`{digest.Sum(Batch(second, first)).SumText}`.",
            Page,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_worked_example_is_a_proof_that_holds()
    {
        var text = JsonBlock().Match(Page).Groups["text"].Value;
        Assert.Null(ProofContent.TryRead(text, out _, out var proof));
        Assert.Null(proof!.TryReadStatement(out _, out var source));
        Assert.Empty(source!.Check());
        Assert.Empty(ProofJudge.Check(proof, source));
        Assert.Equal(ProofContent.Broken, proof.Verdict);
        var cell = Assert.Single(proof.Digest!.Differing);
        Assert.Equal((DifferingCell.Missing, 3L), (cell.Kind, cell.SourceEvents - cell.TargetEvents));
    }

    [GeneratedRegex("```hex event\n(?<text>.*?)\n```", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex HexBlock();

    [GeneratedRegex("```json proof\n(?<text>.*?\n)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex JsonBlock();
}
