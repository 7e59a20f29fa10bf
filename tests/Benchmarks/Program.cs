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

    private const string Description = """
        Measures how fast and how lean ZfRepl is, each figure beside a simple baseline measured in the same run.

        Examples:
          dotnet run -c Release --project tests/Benchmarks
          dotnet run -c Release --project tests/Benchmarks -- intake drain --events 200000
          dotnet run -c Release --project tests/Benchmarks -- --json > figures.json
        """;

    public static int Main(string[] args)
    {
        var names = new Argument<string[]>("name")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = $"Which ones; all without: {string.Join("; ", All.Benchmarks.Select(b => $"{b.Name} ({b.Summary})"))}.",
        };
        names.AcceptOnlyFromAmong([.. All.Benchmarks.Select(b => b.Name)]);
        var events = new Option<int?>("--events") { Description = "Events in each round, from 1,000; without it each benchmark's own number." };
        events.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1000 or > 20_000_000)
            {
                result.AddError("--events takes 1000 to 20000000");
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
        var json = new Option<bool>("--json") { Description = "Print one flat JSON object." };
        var child = new Option<bool>("--child") { Hidden = true };
        var root = new RootCommand(Description) { names, events, rounds, folder, core, json, child };
        root.SetAction(parsed =>
        {
            var chosen = All.Benchmarks.Where(b => parsed.GetValue(names) is not [_, ..] wanted || wanted.Contains(b.Name)).ToArray();
            return parsed.GetValue(child)
                ? RunChildAsync(chosen[0], parsed.GetValue(events), parsed.GetValue(rounds), parsed.GetValue(folder)!).GetAwaiter().GetResult()
                : RunAll(
                    chosen, parsed.GetValue(events), parsed.GetValue(rounds), parsed.GetValue(folder)!, parsed.GetValue(core), parsed.GetValue(json));
        });
        return root.Parse(args).Invoke();
    }

    // Not asynchronous: a child inherits its core from this thread, which has to be the program's first one.
    private static int RunAll(IReadOnlyList<Benchmark> chosen, int? events, int? rounds, string folder, int core, bool json)
    {
        var machine = Machine.Describe(folder);
        var all = new List<Summary>();
        var failed = 0;
        if (!json)
        {
            Console.WriteLine(machine);
            Console.WriteLine("Median of the rounds, then the least and the greatest.");
        }

        foreach (var benchmark in chosen)
        {
            if (ChildProcess.Run(benchmark, events, rounds, folder, core) is not { } summaries)
            {
                failed++;
                continue;
            }

            all.AddRange(summaries);
            if (!json)
            {
                Report.Print(benchmark, core, summaries);
            }
        }

        if (json)
        {
            Console.WriteLine(Report.ToJson(machine, all).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        }

        return failed == 0 ? 0 : 1;
    }

    private static async Task<int> RunChildAsync(Benchmark benchmark, int? events, int? rounds, string parent)
    {
        var measured = new List<IReadOnlyList<Figure>>();
        var count = Math.Max(rounds ?? benchmark.Rounds, 1);
        var begun = Stopwatch.GetTimestamp();
        while (measured.Count < count)
        {
            // The first seconds warm up: what the compiler has not optimised yet is not what runs in a plant.
            var isWarm = !benchmark.WarmsUp || Stopwatch.GetElapsedTime(begun) >= WarmUp;
            using var folder = new BenchFolder(parent);
            var figures = await benchmark.Run(new Bench(events ?? benchmark.Events, folder));
            if (isWarm)
            {
                measured.Add(figures);
            }
        }

        Console.WriteLine(JsonSerializer.Serialize(Summary.Of(measured)));
        return 0;
    }
}
