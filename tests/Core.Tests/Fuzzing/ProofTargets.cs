using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Tests.Proof;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Core.Tests.Fuzzing;

/// <summary>Proofs and statements: as files, and as what a peer signs that means ill. Whatever is read is judged and checked too.</summary>
internal static partial class ProofTargets
{
    private static readonly ProofKey Key = ProofKey.Create();
    private static readonly SourceStatement Source = ProofSamples.Source();
    private static readonly ProofContent Content = ProofSamples.Content(Source, Key) with { Digest = ProofSamples.Digest(ProofSamples.Cell(DifferingCell.Missing, 7, 4)) };
    private static readonly string SourceText = JsonSerializer.Serialize(Source, SourceStatement.Json);
    private static readonly string ContentText = JsonSerializer.Serialize(Content, ProofContent.Json);

    private static readonly string[] Values =
    [
        "null", "0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615", "1e999", "true", "\"\"", "\"\\ud800\"",
        "\"abc\"", "[]", "[null]", "{}", "\"2023-11-14T22:00:00Z\"", "\"9999-12-31T23:00:00Z\"", "\"ffffffffffffffffffffffffffffffff\"", "\"import\"", "false",
    ];

    public static IEnumerable<(FuzzTarget Target, int Rounds)> All =>
    [
        (new FuzzTarget("proof-document", [Encoding.UTF8.GetBytes(ProofSamples.Sign(Content, Key).Text)], input => Read(Encoding.UTF8.GetString(input))), 5_000),

        // Here an input says which values of the content are replaced by which others, in pairs of bytes; the signature fits always.
        (new FuzzTarget("proof-values", [[1, 2], [7, 1, 30, 3], [200, 4]], input => Read(Sign(ProofContent.Format, Replaced(ContentText, input)))), 2_000),
        (new FuzzTarget("statement-values", [[1, 2], [7, 1, 30, 3], [200, 4]], ReadStatement), 2_000),
    ];

    [GeneratedRegex("(?<=[:\\[,])(-?[0-9]+|\"[^\"]*\"|null|true|false|\\[|\\{)")]
    private static partial Regex ValueRegex { get; }

    private static string Sign(string format, string content) => SignedDocument.Sign(format, content, Key).Text;

    private static string Replaced(string text, byte[] input)
    {
        foreach (var pair in input.Chunk(2).Take(8).Where(c => c.Length == 2))
        {
            var values = ValueRegex.Matches(text);
            if (values.Count == 0)
            {
                break;
            }

            var value = values[pair[0] * values.Count / 256];
            var isOpening = value.Value is "[" or "{";
            var other = Values[pair[1] % Values.Length];

            // One more element where a list or an object begins.
            text = text[..value.Index] + (isOpening ? value.Value + (value.Value == "[" ? other + "," : $"\"more\":{other},") : other) + text[(value.Index + value.Length)..];
        }

        return text;
    }

    private static void Read(string text)
    {
        if (ProofContent.TryRead(text, out var document, out var content) is { } problem)
        {
            Assert.NotEmpty(problem);
            Assert.Null(content);
            return;
        }

        Assert.Equal(text, document!.Text);
        Judge(content!);
    }

    private static void ReadStatement(byte[] input)
    {
        var statement = Sign(SourceStatement.Format, Replaced(SourceText, input)).TrimEnd('\n');
        Judge(Content with { Statement = new RawJson(statement) });
    }

    private static void Judge(ProofContent content)
    {
        if (content.TryReadStatement(out _, out var source) is { } problem)
        {
            Assert.NotEmpty(problem);
            Assert.Null(source);
            return;
        }

        _ = ProofJudge.Verdict(ProofJudge.Findings(content, source!));
        _ = ProofJudge.Check(content, source!);
    }
}
