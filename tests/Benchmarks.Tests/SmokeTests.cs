using System.Text.Json.Nodes;
using ZfRepl.Benchmarks.Running;
using ZfRepl.TestKit;

namespace ZfRepl.Benchmarks.Tests;

/// <summary>The benchmarks run, lose nothing and measure what they promise. How fast anything is, is no test's business.</summary>
public sealed class SmokeTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private static readonly string Program = Path.Combine(
        ProgramLookup.RepositoryRoot, "artifacts", "bin", "ZfRepl.Benchmarks", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), "ZfRepl.Benchmarks");

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_benchmark_runs_and_every_expected_figure_is_there()
    {
        var json = _folder["figures.json"];
        var run = await RunAsync("--smoke", "--json", json, "--dir", _folder["d"]);
        Assert.True(run.ExitCode == 0, $"{run.Output}\n{run.Error}");
        var figures = JsonNode.Parse(await File.ReadAllTextAsync(json))!.AsObject();
        var notRun = (string?)figures["not_run"] ?? "";
        Assert.All(Targets.All, target => Assert.True(
            figures[target.Figure] is JsonValue || notRun.Contains($"{target.Benchmark} was NOT RUN", StringComparison.Ordinal), target.Figure));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["d"]));
    }

    [Fact]
    public async Task A_benchmark_that_fails_fails_the_run()
    {
        // No file system that a spool could be written to.
        var run = await RunAsync("--smoke", "--only", "intake", "--dir", "/proc");
        Assert.NotEqual(0, run.ExitCode);
    }

    [Fact]
    public void Each_target_is_named_once_and_belongs_to_a_benchmark()
    {
        Assert.Equal(Targets.All.Count, Targets.All.Select(t => t.Figure).Distinct().Count());
        Assert.All(Targets.All, target => Assert.Contains(Cases.All.Benchmarks, b => b.Name == target.Benchmark));
    }

    private static Task<ProgramRun> RunAsync(params string[] arguments) => ProgramRun.RunAsync(Program, arguments, limit: Limit);
}
