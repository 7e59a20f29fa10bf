using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Blocks;

/// <summary>docs/format.md is normative: its worked bytes are read out of the page and run through the codec, both ways.</summary>
public sealed partial class FormatPageTests
{
    private static readonly string PagePath = Path.Combine(ProgramLookup.RepositoryRoot, "docs", "format.md");
    private static readonly string GoldenFolder = Path.Combine(ProgramLookup.RepositoryRoot, "tests", "golden");

    public static TheoryData<string> PageNames => [.. FormatSamples.Page.Keys];

    public static TheoryData<string> GoldenNames =>
        [.. FormatSamples.Golden.Keys.Select(name => "v1/" + name), .. FormatSamples.GoldenColumns.Keys.Select(name => "v2/" + name)];

    [Theory]
    [MemberData(nameof(PageNames))]
    public void The_page_shows_the_bytes_that_the_code_writes(string name)
    {
        Assert.True(PageExamples().TryGetValue(name, out var shown), $"docs/format.md has no example `{name}`");
        Assert.Equal(Convert.ToHexStringLower(FormatSamples.Page[name]), Convert.ToHexStringLower(shown));
    }

    [Fact]
    public void Every_example_of_the_page_is_checked() => Assert.Equal(FormatSamples.Page.Keys.Order(), PageExamples().Keys.Order());

    [Fact]
    public void The_pages_bytes_read_as_the_page_says()
    {
        var page = PageExamples();
        Assert.Null(BlockHeader.TryRead(page["block-header"], out var header, out var size));
        Assert.Equal((FormatSamples.Header, page["block-header"].Length), (header, size));

        Assert.True(FrameHeader.TryRead(page["event-rows"], out var frame));
        var batch = new EventBatch(new OidTable());
        Assert.Null(new EventFrameReader().Read(frame, page["event-rows"].AsSpan(FrameHeader.SizeBytes), batch));
        Assert.Equal(FormatSamples.Events(2).Events(), batch.Events());

        Assert.True(FrameHeader.TryRead(page["event-columns"], out frame));
        batch.Clear();
        Assert.Null(new EventFrameReader().Read(frame, page["event-columns"].AsSpan(FrameHeader.SizeBytes), batch));
        Assert.Equal(FormatSamples.ColumnEvents().Events(), batch.Events());

        Assert.Null(LossRecord.TryRead(page["loss"].AsSpan(FrameHeader.SizeBytes), out var loss));
        Assert.Equal((LossReason.Expired, 90UL, 99UL), (loss!.Reason, loss.FirstSequence, loss.LastSequence));
        Assert.Null(SourcePosition.TryRead(page["source-position"].AsSpan(FrameHeader.SizeBytes), out var position));
        Assert.Equal(new SourcePosition("plc", 0x1122_3344_5566_7788, 9), position);
        Assert.Null(BlockTrailer.TryRead(page["trailer"].AsSpan(FrameHeader.SizeBytes), out var trailer));
        Assert.Equal(102UL, trailer!.NextSequence);
    }

    [Fact]
    public void The_pages_check_value_is_the_checksums()
    {
        var match = CheckValue().Match(File.ReadAllText(PagePath));
        Assert.True(match.Success, "docs/format.md does not give the check value");
        Assert.Equal(Crc32C.Compute("123456789"u8), uint.Parse(match.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    [Theory]
    [MemberData(nameof(GoldenNames))]
    public void Golden_files_never_change(string name)
    {
        var path = Path.Combine(GoldenFolder, name);
        Assert.True(File.Exists(path), $"{path} is missing; a new version of the format gets new golden files, old ones stay for ever");
        var made = name.StartsWith("v1/", StringComparison.Ordinal) ? FormatSamples.Golden : FormatSamples.GoldenColumns;
        Assert.Equal(made[name[3..]], File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData("v1/ok.block", 12, 0, 0, true)]
    [InlineData("v1/empty.block", 0, 0, 0, false)]
    [InlineData("v1/header-only.block", 0, 0, 0, false)]
    [InlineData("v1/never-sealed.block", 12, 0, 0, false)]
    [InlineData("v1/torn-tail.block", 6, 0, 0, false)]
    [InlineData("v1/bad-payload.block", 9, 1, 3, false)]
    [InlineData("v1/bad-frame-header.block", 9, 1, 3, false)]
    [InlineData("v1/bad-block-header.block", 12, 1, 0, false)]
    [InlineData("v1/bad-trailer.block", 12, 0, 0, false)]
    [InlineData("v1/zero-tail.block", 12, 0, 0, false)]
    [InlineData("v1/later-format.block", 12, 0, 0, false)]
    [InlineData("v1/unknown-frame.block", 6, 0, 0, true)]
    [InlineData("v2/ok.block", 59, 0, 0, true)]
    [InlineData("v2/compressed.block", 59, 0, 0, true)]
    [InlineData("v2/never-sealed.block", 59, 0, 0, false)]
    [InlineData("v2/torn-tail.block", 54, 0, 0, false)]
    [InlineData("v2/bad-payload.block", 13, 1, 46, false)]
    [InlineData("v2/bad-frame-header.block", 13, 1, 46, false)]
    [InlineData("v2/bad-block-header.block", 59, 1, 0, false)]
    [InlineData("v2/bad-columns.block", 11, 0, 0, true)]
    [InlineData("v2/later-format.block", 59, 1, 0, false)]
    public void Golden_files_read_as_their_page_says(string name, ulong events, int damages, ulong missing, bool intact)
    {
        using var file = DiskStorage.Instance.Open(Path.Combine(GoldenFolder, name), write: false).Value;
        var report = BlockReport.Create(file).Value;
        Assert.Equal(events, report.EventCount);
        Assert.Equal(damages, report.Damages.Count);
        Assert.Equal(missing, report.Missing.Aggregate(0UL, (sum, m) => sum + m.Count));
        Assert.Equal(intact, report.IsIntact);
        var readme = File.ReadAllText(Path.Combine(GoldenFolder, name[..2], "README.md"));
        Assert.Contains($"`{name[3..]}`", readme, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ok.block")]
    [InlineData("compressed.block")]
    public void Golden_columns_are_the_events_that_they_were_made_of(string name)
    {
        using var file = DiskStorage.Instance.Open(Path.Combine(GoldenFolder, "v2", name), write: false).Value;
        var scanner = BlockScanner.Open(file).Value;
        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        while (scanner.Next().Value is { Kind: ScanKind.Frame } item)
        {
            Assert.True(item.Header.Type == FrameType.Trailer || reader.Read(item.Header, item.Payload.Span, batch) is null);
        }

        TelemetryEvent[] expected =
        [
            .. FormatSamples.ColumnEvents().Events(), .. FormatSamples.Events(3).Events(), .. FormatSamples.OddEvents().Events(),
            .. FormatSamples.ColumnEvents().Events(),
        ];
        Assert.Equal(expected, batch.Events());
    }

    private static Dictionary<string, byte[]> PageExamples()
    {
        var examples = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (Match match in Example().Matches(File.ReadAllText(PagePath)))
        {
            var hex = new StringBuilder();
            foreach (var line in match.Groups[2].Value.Split('\n'))
            {
                // What stands behind a bar explains the bytes before it.
                hex.Append(line.Split('|')[0].Replace(" ", "", StringComparison.Ordinal));
            }

            examples.Add(match.Groups[1].Value, Convert.FromHexString(hex.ToString()));
        }

        return examples;
    }

    [GeneratedRegex(@"```hex ([a-z-]+)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex(@"check value[^`]*`0x([0-9A-F]{8})`")]
    private static partial Regex CheckValue();
}
