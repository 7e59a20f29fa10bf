using System.Globalization;
using System.Text.RegularExpressions;
using Xunit.Abstractions;
using ZfRepl.TestKit;

namespace ZfRepl.Simulation.Tests;

/// <summary>
/// The whole system in one process from one seed (docs/reliability.md, "Simulation"). Every run is a process of its own: it needs a pool of one worker.
/// </summary>
public sealed partial class SimulationTests(ITestOutputHelper output)
{
    private const int FreshSeeds = 500;
    private const int ControlSeeds = 300;
    private const string Kept = "(nowhere|deleted while|twice)";

    // A machine that does much else may be many times slower.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    private static readonly Dictionary<string, string> Promises = new(StringComparer.Ordinal)
    {
        ["fsync"] = Kept,
        ["folder-sync"] = Kept,
        ["ack-after-commit"] = Kept,
        ["confirm-hash"] = Kept,
        ["unique-key"] = Kept,
        ["ack-after-sync"] = Kept,
        ["salvage"] = Kept,
        ["right-values"] = "has another event than was made",
        ["json-lines"] = "the file of lines has 0 lines, 0 of them different, for [1-9]",
        ["frame-check"] = "(has another event than was made|has an event that nobody made|twice)",
        ["loss-ledger"] = "readings of edge[12] are missing",
    };

    public static TheoryData<string> Controls { get; } = [.. Promises.Keys];

    [Fact]
    public async Task Fixed_seeds_are_clean_and_go_the_same_way_twice()
    {
        var run = await RunAsync("--seed", "1", "--seeds", "40", "--twice");
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Contains("40 seeds from 1: 40 clean, 0 broken", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fresh_seeds_are_clean()
    {
        var run = await RunAsync("--seeds", Text(FreshSeeds));
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Equal(FreshSeeds, int.Parse(SeedsThatRan().Match(run.Lines[^1]).Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [Theory]
    [MemberData(nameof(Controls))]
    public async Task Without_a_safeguard_a_promise_is_broken(string control)
    {
        var run = await RunAsync("--seed", "1", "--seeds", Text(ControlSeeds), "--first", "--without", control);
        Assert.True(run.ExitCode == 1, $"{ControlSeeds} seeds are clean without {control}: the simulation sees nothing. {run.Output}{run.Error}");
        Assert.Matches($"BROKEN: .*{Promises[control]}", run.Output);
    }

    [Fact]
    public async Task Every_control_is_tested()
    {
        var run = await RunAsync("--list-controls");
        Assert.Equal(Promises.Keys.Order(), run.Lines.Select(l => l.Split(' ')[0]).Order());
    }

    [Fact]
    public async Task Two_processes_see_the_same_and_a_broken_seed_prints_the_command_that_repeats_it()
    {
        string[] call = ["--seed", "1", "--seeds", Text(ControlSeeds), "--first", "--without", "fsync", "--list"];
        var (first, second) = (await RunAsync(call), await RunAsync(call));
        Assert.Equal(first.Lines[..^1], second.Lines[..^1]);
        var command = Assert.Single(first.Lines, l => l.Contains("again: tests/simulate ", StringComparison.Ordinal));
        var again = await RunAsync(command[(command.IndexOf("tests/simulate ", StringComparison.Ordinal) + "tests/simulate ".Length)..].Split(' '));
        Assert.Equal(Broken(first), Broken(again));
    }

    private static string Broken(ProgramRun run) => run.Lines.First(l => l.Contains("BROKEN", StringComparison.Ordinal));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task<ProgramRun> RunAsync(params string[] arguments)
    {
        var program = typeof(Simulation.Plan).Assembly.Location;
        var run = await ProgramRun.RunAsync("dotnet", [program, .. arguments], limit: Limit);
        output.WriteLine(run.Output);
        return run;
    }

    [GeneratedRegex("^([0-9]+) seeds", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SeedsThatRan();
}
