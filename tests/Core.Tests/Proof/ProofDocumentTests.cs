using System.Globalization;
using System.Text.Json;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Proof;

/// <summary>A proof's file is believed as it was signed, or not at all; and its verdict is what its numbers say.</summary>
public sealed class ProofDocumentTests : IDisposable
{
    private readonly ProofKey _source = ProofKey.Create();
    private readonly ProofKey _target = ProofKey.Create();

    public void Dispose()
    {
        _source.Dispose();
        _target.Dispose();
    }

    [Fact]
    public void A_proof_reads_as_it_was_written()
    {
        var content = ProofSamples.Content(ProofSamples.Source(), _source);
        var text = ProofSamples.Sign(content, _target).Text;
        Assert.Null(ProofContent.TryRead(text, out var document, out var read));
        Assert.Equal(_target.PublicText, document!.Key);
        Assert.Null(read!.TryReadStatement(out var statement, out var source));
        Assert.Equal(_source.PublicText, statement!.Key);
        Assert.Equal((ProofContent.Proven, 300UL), (read.Verdict, source!.Accounts.Accepted));
        Assert.Empty(ProofJudge.Check(read, source));
    }

    [Fact]
    public void A_file_with_one_character_changed_added_or_missing_anywhere_is_refused()
    {
        var text = ProofSamples.Sign(ProofSamples.Content(ProofSamples.Source(), _source), _target).Text;
        Assert.Null(ProofContent.TryRead(text, out _, out _));
        for (var i = 0; i < text.Length; i++)
        {
            var other = text[i] switch
            {
                '9' => '8',
                >= '0' and < '9' => (char)(text[i] + 1),
                'A' => 'B',
                _ => text[i] == ' ' ? '\t' : (char)(text[i] ^ 1),
            };
            string[] all = [$"{text[..i]}{other}{text[(i + 1)..]}", text.Remove(i, 1), text.Insert(i, " ")];
            foreach (var changed in all[..(i % 10 == 0 ? 3 : 1)])
            {
                Assert.True(
                    ProofContent.TryRead(changed, out _, out _) is not null,
                    string.Create(CultureInfo.InvariantCulture, $"a change at {i} ('{text[i]}') is not noticed: {changed[Math.Max(0, i - 20)..Math.Min(changed.Length, i + 20)]}"));
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"format\":\"zfrepl-proof/2\"}")]
    [InlineData("{\"format\":\"zfrepl-proof/1\",\"content\":{},\"signature\":{\"algorithm\":\"none\",\"key\":\"\",\"value\":\"\"}}")]
    [InlineData("{\"format\":\"zfrepl-proof/1\",\n\"content\":{},\n\"signature\":{\"algorithm\":\"ecdsa-p256-sha256\",\"key\":\"AAAA\",\"value\":\"AAAA\"}}\n")]
    public void What_is_no_proof_is_refused_with_a_reason(string text) => Assert.NotNull(ProofContent.TryRead(text, out _, out _));

    [Fact]
    public void A_statement_is_no_proof_and_a_signature_fits_one_format_alone()
    {
        var content = ProofSamples.Content(ProofSamples.Source(), _source);
        Assert.Contains("expected is zfrepl-proof/1", ProofContent.TryRead(content.Statement.Text + "\n", out _, out _), StringComparison.Ordinal);
        var forged = content.Statement.Text.Replace(SourceStatement.Format, ProofContent.Format, StringComparison.Ordinal) + "\n";
        Assert.Contains("signature does not fit", ProofContent.TryRead(forged, out _, out _), StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_that_do_not_add_up_are_found_though_they_are_signed()
    {
        var source = ProofSamples.Source();
        Assert.Empty(source.Check());
        SourceStatement[] wrong =
        [
            source with { Accounts = source.Accounts with { Delivered = 289 } },
            source with { OtherHours = new EventAccounts(99, 99, 0, 0, 0) },
            source with { Hours = [source.Hours[0] with { Events = new EventAccounts(200, 191, 10, 0, 0) }] },
            source with { Chain = source.Chain with { Value = new string('0', 64) } },
            source with { Chain = source.Chain with { Listed = [.. source.Chain.Listed.Reverse()] } },
            source with { Chain = source.Chain with { Blocks = 7 } },
        ];
        Assert.All(wrong, w => Assert.NotEmpty(w.Check()));
        var content = ProofSamples.Content(source, _source);
        ProofContent[] contents =
        [
            content with { Verdict = ProofContent.Accounted },
            content with { Source = "edge2" },
            content with { Chain = content.Chain with { Listed = [] } },
            content with { Digest = content.Digest! with { Hours = [content.Digest.Hours[0] with { TargetEvents = 189 }] } },
            content with { Digest = content.Digest with { MissingCells = 1 } },
            content with { Digest = ProofSamples.Digest(ProofSamples.Cell(DifferingCell.More, 5, 3)) },
        ];
        Assert.All(contents, c => Assert.NotEmpty(ProofJudge.Check(c, source)));
    }

    [Theory]
    [InlineData("\"stated_ns\":1700000400000000000", "\"stated_ns\":-9223372036854775808")]
    [InlineData("\"hours\":[", "\"hours\":[null,")]
    [InlineData("\"listed\":[", "\"listed\":[null,")]
    [InlineData("\"index\":2", "\"index\":1")]
    [InlineData("\"accepted\":300", "\"accepted\":18446744073709551615")]
    [InlineData("\"blocks_before\":0", "\"blocks_before\":18446744073709551615")]
    [InlineData("\"value_before\":\"0", "\"value_before\":\"")]
    [InlineData("\"value\":\"", "\"value\":\"abc\",\"name\":\"")]
    [InlineData("\"version\":\"0.1.0\"", "\"version\":\"\\ud800\"")]
    [InlineData("\"version\":\"0.1.0\"", "\"version\":null")]
    public void A_statement_that_is_signed_and_makes_no_sense_is_refused(string from, string to)
    {
        var good = JsonSerializer.Serialize(ProofSamples.Source(), SourceStatement.Json);
        Assert.Null(ProofContent.TryReadStatement(SignedDocument.Sign(SourceStatement.Format, good, _source).Text, out _, out _));
        var at = good.IndexOf(from, StringComparison.Ordinal);
        Assert.True(at >= 0, from);
        var signed = SignedDocument.Sign(SourceStatement.Format, string.Concat(good.AsSpan(0, at), to, good.AsSpan(at + from.Length)), _source).Text;
        Assert.NotNull(ProofContent.TryReadStatement(signed, out _, out var read));
        Assert.Null(read);
    }

    [Theory]
    [InlineData("\"hours\":[", "\"hours\":[null,")]
    [InlineData("\"differing\":[", "\"differing\":[null")]
    [InlineData("\"items\":2", "\"items\":-2")]
    [InlineData("\"source_events\":190", "\"source_events\":9223372036854775807")]
    [InlineData("\"received\":290", "\"received\":18446744073709551615")]
    [InlineData("\"database\":\"sqlite", "\"database\":\"\\udc00")]
    public void A_proof_that_is_signed_and_makes_no_sense_is_refused(string from, string to)
    {
        var good = JsonSerializer.Serialize(ProofSamples.Content(ProofSamples.Source(), _source), ProofContent.Json);
        var at = good.LastIndexOf(from, StringComparison.Ordinal);
        Assert.True(at >= 0, from);
        var signed = SignedDocument.Sign(ProofContent.Format, string.Concat(good.AsSpan(0, at), to, good.AsSpan(at + from.Length)), _target).Text;
        Assert.NotNull(ProofContent.TryRead(signed, out _, out var read));
        Assert.Null(read);
    }

    [Fact]
    public void Where_nothing_was_compared_of_what_was_accepted_nothing_is_proven()
    {
        var source = ProofSamples.Source();
        var content = ProofSamples.Content(source, _source);
        var empty = content with { Digest = new DigestResult(DigestResult.History, 0, [], 0, 0, 0, 0, true, []) };
        Assert.Equal(ProofContent.Accounted, ProofSamples.Judged(empty, source).Verdict);
        Assert.Contains(ProofJudge.Findings(empty, source), f => f.Text.StartsWith("nothing of this range could be compared", StringComparison.Ordinal));

        // A plant that stood still has nothing to compare, and nothing is missing.
        Assert.Equal(ProofContent.Proven, ProofSamples.Judged(empty with { FromNs = empty.FromNs - (2 * BookHour.Ns), ToNs = empty.FromNs - BookHour.Ns }, source).Verdict);
    }

    [Fact]
    public void The_verdict_follows_from_the_numbers()
    {
        var source = ProofSamples.Source();
        var content = ProofSamples.Content(source, _source);
        Assert.Equal(ProofContent.Proven, content.Verdict);

        var lost = source with { Accounts = new EventAccounts(310, 290, 10, 6, 4), OtherHours = new EventAccounts(110, 100, 0, 6, 4) };
        Is(ProofContent.Accounted, content, lost);
        Is(ProofContent.Accounted, content with { Books = content.Books with { Missing = 10 } }, lost);
        Is(ProofContent.Broken, content with { Books = content.Books with { Missing = 11 } }, lost);
        Is(ProofContent.Broken, content with { Books = content.Books with { Received = 289 } }, source);
        Is(ProofContent.Accounted, content with { Digest = null }, source with { History = SourceStatement.HistoryNone });
        Is(ProofContent.Broken, content with { Digest = ProofSamples.Digest(ProofSamples.Cell(DifferingCell.Missing, 7, 4)) }, source);
        Is(ProofContent.Undecided, content with { Digest = ProofSamples.Digest(ProofSamples.Cell(DifferingCell.Missing, 7, 4)) with { IsSettled = false } }, source);
        Is(ProofContent.Broken, content with { Digest = ProofSamples.Digest(ProofSamples.Cell(DifferingCell.Altered, 7, 7)) }, source);
        Is(ProofContent.Accounted, content with { Digest = ProofSamples.Digest(ProofSamples.Cell(DifferingCell.More, 7, 8)) }, source);

        // A block that was confirmed and is not in the target's ledger, and one that came on another way.
        Is(ProofContent.Broken, content with { Chain = ProofSamples.Chain(ProofSamples.Blocks(names: false)[..1]) }, source);
        Is(ProofContent.Accounted, content, source with { Chain = ProofSamples.Chain(ProofSamples.Blocks(names: true)[..1]) });

        // As many blocks, and another among those that are too old to be listed.
        Is(ProofContent.Broken, content with { Chain = ProofSamples.Cut(ProofSamples.Chain([ProofSamples.Blocks(names: false)[0] with { Hash = new string('c', 64) }, ProofSamples.Blocks(names: false)[1]])) }, source with { Chain = ProofSamples.Cut(source.Chain) });

        static void Is(string verdict, ProofContent content, SourceStatement source)
        {
            var judged = ProofSamples.Judged(content, source);
            Assert.Equal(verdict, judged.Verdict);
            Assert.Empty(source.Check());
            Assert.Empty(ProofJudge.Check(judged, source));
        }
    }

    [Fact]
    public void A_key_is_made_once_for_its_owner_alone_and_what_is_none_is_left_as_it_is()
    {
        using var folder = new TempFolder();
        using var first = ProofKey.Open(DiskStorage.Instance, folder.Path).Value;
        using var again = ProofKey.Open(DiskStorage.Instance, folder.Path).Value;
        Assert.Equal(first.PublicText, again.PublicText);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder[ProofKey.FileName]));
        Assert.Equal(first.PublicText, ProofKey.ParsePublic(first.PublicPem));
        Assert.Matches("^([0-9a-f]{4}-){7}[0-9a-f]{4}$", ProofKey.Fingerprint(first.PublicText));
        Assert.Null(ProofKey.ParsePublic("no key"));

        // Nobody else could read it at any moment, whatever the umask is.
        using var secret = DiskStorage.Instance.CreateNewPrivate(folder["secret"]).Value;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder["secret"]));

        File.WriteAllText(folder[ProofKey.FileName], "something of somebody else");
        var refused = ProofKey.Open(DiskStorage.Instance, folder.Path);
        Assert.Contains("no key", refused.Error!.Detail, StringComparison.Ordinal);
        Assert.Equal("something of somebody else", File.ReadAllText(folder[ProofKey.FileName]));
    }
}
