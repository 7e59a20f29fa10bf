using System.Globalization;
using System.Text.Json;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>The demo is the main job from end to end, under fire; its exit code is its word.</summary>
public sealed class DemoTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_demo_proves_that_nothing_is_missing_under_cuts_and_kills()
    {
        var run = await ProgramRun.RunAsync(
            ZfReplProgram.Path, ["demo", "--seconds", "20", "--rate", "1500", "--json", "--dir", _folder["demo"]], _folder.Path, limit: Limit);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        using var json = JsonDocument.Parse(run.Output);
        long Number(string name) => json.RootElement.GetProperty(name).GetInt64();
        var seconds = json.RootElement.GetProperty("seconds").GetDouble();
        Assert.InRange(Number("produced"), 20_000, (long)(1_500 * 1.1 * seconds));
        Assert.Equal(Number("produced"), Number("delivered"));
        Assert.InRange(Number("accepted"), Number("delivered"), long.MaxValue);
        Assert.All(["missing", "duplicates", "invented", "lost"], name => Assert.Equal(0, Number(name)));
        Assert.Equal((2, 6), (Number("link_cuts"), Number("kills")));
        Assert.InRange(Number("wire_bytes"), 1, Number("raw_bytes"));
        Assert.InRange(seconds, 20, Limit.TotalSeconds);

        // What it says of itself is what lies there: the plant's log has as many lines as it counts.
        Assert.Equal(Number("produced"), File.ReadLines(_folder["demo/plant-changes.jsonl"]).Count());
        Assert.All(["kill -9: the collector", "kill -9: the centre's replicator", "kill -9: the broker", "the link is cut"], what =>
            Assert.Contains(what, run.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_demo_does_not_touch_a_folder_that_holds_something()
    {
        Directory.CreateDirectory(_folder["mine"]);
        await File.WriteAllTextAsync(_folder["mine/thesis.txt"], "three years of work");
        var run = await ZfReplProgram.RunAsync(_folder.Path, "demo", "--dir", _folder["mine"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("is not empty", run.Error, StringComparison.Ordinal);
        Assert.Equal("three years of work", await File.ReadAllTextAsync(_folder["mine/thesis.txt"]));
        Assert.Single(Directory.GetFileSystemEntries(_folder["mine"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_demo_leaves_no_process_behind_when_it_is_ended_early(bool isKilled)
    {
        await using var demo = ExternalProcess.Start(ZfReplProgram.Path, ["demo", "--seconds", "60", "--dir", _folder["demo"]], _folder.Path);
        await demo.WaitForLineAsync("the collector watches the plant");
        var children = Children(demo.Id);
        Assert.InRange(children.Count, 5, 20);
        await (isKilled ? demo.KillAsync() : demo.TerminateAsync());
        await Eventually.TrueAsync(() => children.TrueForAll(c => !Directory.Exists($"/proc/{c.ToString(CultureInfo.InvariantCulture)}")), "all of them end");
    }

    private static List<int> Children(int parent) =>
    [
        .. Directory.GetDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0 && ParentOf(id) == parent),
    ];

    private static int ParentOf(int process)
    {
        try
        {
            // The name may hold spaces and parentheses; the fields behind its last one are state and parent.
            var text = File.ReadAllText($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat");
            return int.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
