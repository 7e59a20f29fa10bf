using ZfRepl.Cli.Proof;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Proof;

/// <summary>Wrong use of <c>zfrepl proof</c>, files that are no proof, and what progress looks like.</summary>
public sealed class ProofUseTests
{
    [Theory]
    [InlineData(2, "--node NODE says which source is meant", "proof")]
    [InlineData(2, "--to is before --from", "proof", "--node", "edge1", "--from", "2026-01-02", "--to", "2026-01-01")]
    [InlineData(2, "--from: expected seconds", "proof", "--node", "edge1", "--from", "yesterday")]
    [InlineData(2, "--out: own.json exists already", "proof", "--node", "edge1", "--out", "own.json")]
    [InlineData(69, "no service runs in", "proof", "--node", "edge1", "--bus", "nowhere")]
    [InlineData(69, "no service runs in", "proof", "key", "--bus", "nowhere")]
    [InlineData(3, "nothing.json can't be read", "proof", "verify", "nothing.json")]
    [InlineData(4, "own.json is no valid proof: it is no JSON", "proof", "verify", "own.json")]
    [InlineData(2, "own.json holds no public key", "proof", "verify", "example.json", "--key", "own.json")]
    public async Task Wrong_use_says_what_is_wrong(int exitCode, string message, params string[] arguments)
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["own.json"], "something of the user's");
        await WriteExampleAsync(folder["example.json"]);
        var run = await ZfReplProgram.RunAsync(folder.Path, arguments);
        Assert.Equal((exitCode, ""), (run.ExitCode, run.Output));
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Equal("something of the user's", await File.ReadAllTextAsync(folder["own.json"]));
    }

    [Fact]
    public async Task The_pages_example_is_verified_and_says_what_it_proves()
    {
        using var folder = new TempFolder();
        await WriteExampleAsync(folder["example.json"]);
        var run = await ZfReplProgram.RunAsync(folder.Path, "proof", "verify", "example.json");
        Assert.Equal((4, ""), (run.ExitCode, run.Error));
        Assert.StartsWith("BROKEN", run.Output, StringComparison.Ordinal);
        Assert.Contains("3 events are missing in centre's database", run.Output, StringComparison.Ordinal);
        Assert.Contains("compared the key", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_is_a_bar_where_the_total_is_known()
    {
        Assert.Equal("[###############...............]  50 % fills (4 of 8)", ProofProgressLine.Describe("fills", 4, 8, withBar: true));
        Assert.Equal(" 50 % fills (4 of 8)", ProofProgressLine.Describe("fills", 4, 8, withBar: false));
        Assert.Equal("compares: 1,000 events", ProofProgressLine.Describe("compares", 1000, 0, withBar: true));
        Assert.Equal("waits", ProofProgressLine.Describe("waits", 0, 0, withBar: true));
    }

    [Fact]
    public void Where_the_output_is_kept_there_is_a_line_every_ten_seconds()
    {
        var time = new ManualTime();
        using var output = new StringWriter();
        using var line = new ProofProgressLine(output, isTerminal: false, time);
        for (var second = 0; second < 25; second++)
        {
            line.Show("fills", second, 100);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal([" 10 % fills (10 of 100)", " 20 % fills (20 of 100)"], output.ToString().TrimEnd().Split(Environment.NewLine));
    }

    private static Task WriteExampleAsync(string path)
    {
        var page = File.ReadAllText(Path.Combine(ProgramLookup.RepositoryRoot, "docs", "proof.md"));
        var example = page.Split("```json proof\n")[1].Split("```")[0];
        return File.WriteAllTextAsync(path, example);
    }
}
