using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using ZfRepl.Benchmarks.Cases;
using ZfRepl.Benchmarks.Running;

namespace ZfRepl.Benchmarks;

/// <summary>The benchmarks' command line.</summary>
internal static class Program
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private const string Description = """
        Measures how fast and how lean ZfRepl is, each figure beside a simple baseline measured in the same run.

        Examples:
          tests/bench
          tests/bench --only intake --only drain --events 200000
          tests/bench --json figures.json
          tests/bench --smoke
        """;

    public static int Main(string[] args)
    {
        string[] known = [.. All.Benchmarks.Select(b => b.Name)];
        var names = new Argument<string[]>("name")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = $"Which ones; all without: {string.Join("; ", All.Benchmarks.Select(b => $"{b.Name} ({b.Summary})"))}.",
        };
        names.AcceptOnlyFromAmong(known);
        var only = new Option<string[]>("--only") { Description = "Only this one; may be given several times." };
        only.AcceptOnlyFromAmong(known);
        var smoke = new Option<bool>("--smoke")
        {
            Description = "One small round of each, in seconds: shows that they run, that nothing is lost and that no figure is missing. The speeds mean nothing.",
        };
        var events = new Option<int?>("--events") { Description = "Events in each round, from 1,000; without it each benchmark's own number." };
        events.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1000 or > 50_000_000)
            {
                result.AddError("--events takes 1000 to 50000000");
            }
        });
        var rounds = new Option<int?>("--rounds") { Description = "Rounds, from 1; the median counts." };
        var folder = new Option<string>("--dir")
        {
            Description = "Where files are written; the disk below is measured.",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        var core = new Option<int>("--core")
        {
            Description = "The core that pinned benchmarks are held on; the last one without it.",
            DefaultValueFactory = _ => Environment.ProcessorCount - 1,
        };
        var json = new Option<string?>("--json") { Description = "Write the figures to this file, as one flat JSON object." };
        var child = new Option<bool>("--child") { Hidden = true };
        var edgeNode = new Option<int?>("--edge-node") { Hidden = true };
        var root = new RootCommand(Description) { names, only, smoke, events, rounds, folder, core, json, child, edgeNode };
        root.SetAction(parsed =>
        {
            if (parsed.GetValue(edgeNode) is { } port)
            {
                return EdgeProcess.RunAsync(port, parsed.GetValue(events) ?? 0, parsed.GetValue(folder)!).GetAwaiter().GetResult();
            }

            string[] wanted = [.. parsed.GetValue(names) ?? [], .. parsed.GetValue(only) ?? []];
            var chosen = All.Benchmarks.Where(b => wanted.Length == 0 || wanted.Contains(b.Name)).ToArray();
            var options = new RunOptions(
                parsed.GetValue(events), parsed.GetValue(rounds), parsed.GetValue(folder)!, parsed.GetValue(core), parsed.GetValue(smoke));
            return parsed.GetValue(child)
                ? RunChildAsync(chosen[0], options).GetAwaiter().GetResult()
                : RunAll(chosen, options, parsed.GetValue(json));
        });
        return root.Parse(args).Invoke();
    }

    private static int RunAll(IReadOnlyList<Benchmark> chosen, RunOptions options, string? jsonFile)
    {
        var machine = Machine.Describe(options.Folder);
        Console.WriteLine(machine);
        Console.WriteLine(options.IsSmoke
            ? "A smoke run: small and cold. The figures show that the benchmarks work, not how fast anything is."
            : "Median of the rounds, then the least and the greatest.");
        var result = Suite.Run(chosen, options, Console.Out);
        if (jsonFile is not null)
        {
            // Last year's figures must not pass for this run's when the disk is full.
            File.Delete(jsonFile);
            using var file = new StreamWriter(new FileStream(jsonFile, FileMode.CreateNew));
            file.WriteLine(Report.ToJson(machine, result).ToJsonString(Indented));
        }

        Console.WriteLine();
        foreach (var line in result.NotRun.Concat(result.Failures.Select(f => $"FAILED: {f}")))
        {
            Console.WriteLine(line);
        }

        Console.WriteLine($"{result.Figures.Count} figures, {result.NotRun.Count} benchmarks not run, {result.Failures.Count} failures");
        return result.Failures.Count == 0 && result.Figures.Count > 0 ? 0 : 1;
    }

    private static async Task<int> RunChildAsync(Benchmark benchmark, RunOptions options)
    {
        var measured = new List<IReadOnlyList<Figure>>();
        var count = Math.Max(options.Rounds ?? (options.IsSmoke ? 1 : benchmark.Rounds), 1);
        var events = options.Events ?? (options.IsSmoke ? benchmark.SmokeEvents : benchmark.Events);
        var begun = Stopwatch.GetTimestamp();
        while (measured.Count < count)
        {
            // The first seconds warm up: what the compiler has not optimised yet is not what runs in a plant.
            var isWarm = options.IsSmoke || !benchmark.WarmsUp || Stopwatch.GetElapsedTime(begun) >= WarmUp;
            using var folder = new BenchFolder(options.Folder);
            var figures = await benchmark.Run(new Bench(events, folder, options.IsSmoke));
            if (isWarm)
            {
                measured.Add(figures);
            }
        }

        Console.WriteLine(JsonSerializer.Serialize(Summary.Of(measured)));
        return 0;
    }
}
