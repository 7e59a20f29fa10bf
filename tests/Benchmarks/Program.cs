using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Benchmarks.Cases;
using ZfRepl.Benchmarks.Plotting;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks;

/// <summary>The benchmarks' command line.</summary>
internal static class Program
{
    private const int Million = 1_000_000;

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
        var plot = new Option<string?>("--plot") { Description = "Draw the figures into this folder, as SVG." };
        var tables = new Option<string?>("--tables") { Description = "Write the figures into the tables of this page." };
        var from = new Option<string[]>("--from")
        {
            Description = "Also draw or write down the figures of this file, such as those of --peers; may be given several times. Nothing is measured unless it is named.",
        };
        var child = new Option<bool>("--child") { Hidden = true };
        var edgeNode = new Option<int?>("--edge-node") { Hidden = true };
        var writeW1 = new Option<string?>("--write-w1") { Hidden = true };
        var root = new RootCommand(Description) { names, only, smoke, events, rounds, folder, core, json, plot, tables, from, child, edgeNode, writeW1 };
        root.SetAction(parsed =>
        {
            if (parsed.GetValue(edgeNode) is { } port)
            {
                return EdgeProcess.RunAsync(port, parsed.GetValue(events) ?? 0, parsed.GetValue(folder)!).GetAwaiter().GetResult();
            }

            if (parsed.GetValue(writeW1) is { } workloadFile)
            {
                JsonLines.Write(ReferenceWorkload.Generate(new OidTable(), parsed.GetValue(events) ?? Million), workloadFile);
                return 0;
            }

            string[] wanted = [.. parsed.GetValue(names) ?? [], .. parsed.GetValue(only) ?? []];
            var files = parsed.GetValue(from) ?? [];
            var chosen = All.Benchmarks.Where(b => wanted.Length == 0 && files.Length == 0 || wanted.Contains(b.Name)).ToArray();
            var options = new RunOptions(
                parsed.GetValue(events), parsed.GetValue(rounds), parsed.GetValue(folder)!, parsed.GetValue(core), parsed.GetValue(smoke));
            return parsed.GetValue(child)
                ? RunChildAsync(chosen[0], options).GetAwaiter().GetResult()
                : RunAll(chosen, options, parsed.GetValue(json), parsed.GetValue(plot), parsed.GetValue(tables), files);
        });
        return root.Parse(args).Invoke();
    }

    private static int RunAll(
        Benchmark[] chosen, RunOptions options, string? jsonFile, string? plotFolder, string? page, IReadOnlyList<string> earlier)
    {
        var figures = new JsonObject();
        foreach (var file in earlier)
        {
            Add(figures, JsonNode.Parse(File.ReadAllText(file))!.AsObject());
        }

        if (chosen.Length == 0)
        {
            Publish(figures, plotFolder, page);
            return 0;
        }

        var machine = Machine.Describe(options.Folder);
        Console.WriteLine(machine);
        Console.WriteLine(options.IsSmoke
            ? "A smoke run: small and cold. The figures show that the benchmarks work, not how fast anything is."
            : "Median of the rounds, then the least and the greatest.");
        var result = Suite.Run(chosen, options, Console.Out);
        var measured = Report.ToJson(machine, result);
        if (jsonFile is not null)
        {
            // Last year's figures must not pass for this run's when the disk is full.
            File.Delete(jsonFile);
            Write(jsonFile, measured.ToJsonString(Indented) + "\n");
        }

        Add(figures, measured);
        Publish(figures, plotFolder, page);
        Console.WriteLine();
        foreach (var line in result.NotRun.Concat(result.Failures.Select(f => $"FAILED: {f}")))
        {
            Console.WriteLine(line);
        }

        Console.WriteLine($"{result.Figures.Count} figures, {result.NotRun.Count} benchmarks not run, {result.Failures.Count} failures");
        return result.Failures.Count == 0 && result.Figures.Count > 0 ? 0 : 1;
    }

    private static void Add(JsonObject figures, JsonObject more)
    {
        foreach (var (name, value) in more)
        {
            figures[name] = value?.DeepClone();
        }
    }

    private static void Publish(JsonObject figures, string? plotFolder, string? page)
    {
        if (plotFolder is not null)
        {
            Directory.CreateDirectory(plotFolder);
            foreach (var (name, svg) in Plots.Draw(figures))
            {
                Write(Path.Combine(plotFolder, name), svg);
            }
        }

        if (page is not null)
        {
            Write(page, Tables.Fill(File.ReadAllText(page), figures));
        }
    }

    private static void Write(string path, string text)
    {
        using var file = new StreamWriter(path, append: false);
        file.Write(text);
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
            if (figures.FirstOrDefault(f => !double.IsFinite(f.Value)) is { } odd)
            {
                throw new InvalidOperationException($"{odd.Name} is {odd.Value}: too few events for a figure.");
            }

            if (isWarm)
            {
                measured.Add(figures);
            }
        }

        Console.WriteLine(JsonSerializer.Serialize(Summary.Of(measured)));
        return 0;
    }
}
