using System.Globalization;
using System.Text.Json;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Blocks;

/// <summary><c>zfrepl block ls|cat|verify</c> on blocks that a collector made, on damaged copies, and on the golden files.</summary>
public sealed class BlockTests(BlockFolder blocks) : IClassFixture<BlockFolder>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Ls_lists_blocks_in_their_order()
    {
        var run = await RunAsync("ls", blocks.Folder);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.True(blocks.Files.Count >= 3);
        for (var i = 0; i < blocks.Files.Count; i++)
        {
            Assert.Matches($@"(?m)^\s+{Path.GetFileName(blocks.Files[i])}\s+edge1\s+{i + 1}\s+{blocks.Events[i]}\s+.*\s+sealed", run.Output);
        }
    }

    [Fact]
    public async Task Cat_prints_each_event_as_a_line_of_JSON()
    {
        var run = await RunAsync("cat", blocks.Files[0]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(blocks.Events[0], run.Lines.Length);
        using var first = JsonDocument.Parse(run.Lines[0]);
        Assert.Equal(["oid", "status", "value", "t", "ieid"], first.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal("sensor:edge1/heartbeat", first.RootElement.GetProperty("oid").GetString());
        Assert.Equal(1, first.RootElement.GetProperty("value").GetInt64());
        Assert.Equal(1, first.RootElement.GetProperty("status").GetInt32());
        Assert.Matches(@"""t"":\d{10}\.\d{1,9},", run.Lines[0]);
        Assert.Equal(2, first.RootElement.GetProperty("ieid").GetArrayLength());
    }

    [Fact]
    public async Task Cat_with_details_adds_kind_quality_and_flags()
    {
        var run = await RunAsync("cat", "--details", blocks.Files[0]);
        using var first = JsonDocument.Parse(run.Lines[0]);
        Assert.Equal(["oid", "status", "value", "t", "ieid", "kind", "quality", "flags"], first.RootElement.EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public async Task Verify_finds_intact_blocks_intact()
    {
        var run = await RunAsync("verify", blocks.Folder);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(blocks.Files.Select((f, i) => $"{f}: intact: {blocks.Events[i]} events readable"), run.Lines);
    }

    [Fact]
    public async Task A_flipped_byte_is_named_with_offset_and_reason_and_costs_one_frame()
    {
        var path = DamagedCopy(bytes => bytes[bytes.Length / 2] ^= 0x40);
        var verify = await RunAsync("verify", path);
        Assert.Equal(4, verify.ExitCode);
        Assert.StartsWith($"{path}: damaged: ", verify.Lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^  damaged: offset \d+, \d+ bytes: \w+", verify.Lines[1]);
        Assert.Contains(verify.Lines, l => l.StartsWith("  missing: sequence numbers ", StringComparison.Ordinal));

        var cat = await RunAsync("cat", path);
        Assert.Equal(4, cat.ExitCode);
        Assert.InRange(cat.Lines.Length, 1, blocks.Events[0] - 1);
        Assert.Matches($@"^zfrepl: {path}: offset \d+, \d+ bytes: \w+", cat.ErrorLines[0]);

        var json = await RunAsync("verify", "--json", path);
        using var document = JsonDocument.Parse(json.Output);
        Assert.Equal("damaged", document.RootElement[0].GetProperty("state").GetString());
        Assert.Equal(cat.Lines.Length, document.RootElement[0].GetProperty("events").GetInt32());
    }

    [Fact]
    public async Task A_cut_block_is_damaged_under_a_sealed_name_and_open_under_an_open_one()
    {
        var cut = DamagedCopy(_ => { }, keepBytes: -20);
        Assert.Equal(4, (await RunAsync("verify", cut)).ExitCode);
        File.Move(cut, cut + ".open");
        var open = await RunAsync("verify", cut + ".open");
        Assert.Equal(0, open.ExitCode);
        Assert.StartsWith($"{cut}.open: open: {blocks.Events[0].ToString(CultureInfo.InvariantCulture)} events", open.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_there_is_named()
    {
        foreach (var verb in new[] { "ls", "cat", "verify" })
        {
            var run = await RunAsync(verb, _folder["none"]);
            Assert.Equal(3, run.ExitCode);
            Assert.Contains($"{_folder["none"]} is not there", run.Error, StringComparison.Ordinal);
            Assert.Equal(4, (await RunAsync(verb, _folder["none"], blocks.Files[0])).ExitCode);
        }
    }

    [Fact]
    public async Task A_folder_without_blocks_is_named_and_prints_no_table()
    {
        Directory.CreateDirectory(_folder["empty"]);
        foreach (var verb in new[] { "ls", "cat", "verify" })
        {
            var run = await RunAsync(verb, _folder["empty"]);
            Assert.Equal((0, ""), (run.ExitCode, run.Output));
            Assert.Equal($"zfrepl: no blocks in {_folder["empty"]}", Assert.Single(run.ErrorLines));
        }
    }

    [Fact]
    public async Task Ls_and_verify_agree_that_a_cut_block_is_damaged()
    {
        var cut = _folder[Path.GetFileName(blocks.Files[0])];
        var whole = await File.ReadAllBytesAsync(blocks.Files[0]);
        await File.WriteAllBytesAsync(cut, whole[..^20]);
        var listed = await RunAsync("ls", cut);
        Assert.Equal(4, listed.ExitCode);
        Assert.Matches(@"(?m)\sdamaged\s*$", listed.Output);
        Assert.Equal($"zfrepl: {cut} is damaged (zfrepl block verify says where)", Assert.Single(listed.ErrorLines));
        Assert.Equal(4, (await RunAsync("verify", cut)).ExitCode);
    }

    [Fact]
    public async Task A_file_of_something_else_is_damaged_not_a_crash()
    {
        await File.WriteAllTextAsync(_folder["mbb_1"], new string('x', 100_000));
        var run = await RunAsync("verify", _folder["mbb_1"]);
        Assert.Equal((4, ""), (run.ExitCode, run.Error));
        Assert.Equal(4, (await RunAsync("cat", _folder["mbb_1"])).ExitCode);
    }

    [Theory]
    [InlineData("v2/ok", "intact", 59, 0)]
    [InlineData("v2/compressed", "intact", 59, 0)]
    [InlineData("v2/bad-payload", "damaged", 13, 4)]
    [InlineData("v2/later-format", "damaged", 59, 4)]
    [InlineData("ok", "intact", 12, 0)]
    [InlineData("empty", "empty", 0, 0)]
    [InlineData("header-only", "empty", 0, 0)]
    [InlineData("never-sealed", "open", 12, 0)]
    [InlineData("torn-tail", "open", 6, 0)]
    [InlineData("bad-payload", "damaged", 9, 4)]
    [InlineData("bad-frame-header", "damaged", 9, 4)]
    [InlineData("bad-block-header", "damaged", 12, 4)]
    [InlineData("bad-trailer", "open", 12, 0)]
    [InlineData("zero-tail", "open", 12, 0)]
    [InlineData("later-format", "damaged", 12, 4)]
    [InlineData("unknown-frame", "intact", 6, 0)]
    public async Task Golden_files_get_their_verdict(string name, string state, int events, int exitCode)
    {
        var path = Path.Combine(ProgramLookup.RepositoryRoot, "tests", "golden", name.Contains('/', StringComparison.Ordinal) ? name + ".block" : $"v1/{name}.block");
        var verify = await RunAsync("verify", "--json", path);
        using var document = JsonDocument.Parse(verify.Output);
        var result = document.RootElement[0];
        Assert.Equal((state, events, exitCode), (result.GetProperty("state").GetString(), result.GetProperty("events").GetInt32(), verify.ExitCode));
        var cat = await RunAsync("cat", path);
        Assert.Equal(events, cat.Output.Length == 0 ? 0 : cat.Lines.Length);
        Assert.DoesNotContain("   at ", cat.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ok", 0)]
    [InlineData("unknown-frame", 0)]
    [InlineData("empty", 4)]
    [InlineData("header-only", 4)]
    [InlineData("never-sealed", 4)]
    [InlineData("torn-tail", 4)]
    [InlineData("bad-payload", 4)]
    [InlineData("bad-frame-header", 4)]
    [InlineData("bad-block-header", 4)]
    [InlineData("bad-trailer", 4)]
    [InlineData("zero-tail", 4)]
    [InlineData("later-format", 4)]
    public async Task A_file_that_is_named_like_a_sealed_block_has_to_be_one(string name, int exitCode)
    {
        File.Copy(Path.Combine(ProgramLookup.RepositoryRoot, "tests", "golden", "v1", name + ".block"), _folder["mbb_1"]);
        Assert.Equal(exitCode, (await RunAsync("verify", _folder["mbb_1"])).ExitCode);
    }

    private static Task<ProgramRun> RunAsync(params string[] arguments) => ZfReplProgram.RunAsync("/", ["block", .. arguments]);

    private string DamagedCopy(Action<byte[]> damage, int keepBytes = 0)
    {
        var bytes = File.ReadAllBytes(blocks.Files[0]);
        damage(bytes);
        var path = _folder[Path.GetFileName(blocks.Files[0])];
        File.WriteAllBytes(path, keepBytes < 0 ? bytes[..^-keepBytes] : bytes);
        return path;
    }
}
