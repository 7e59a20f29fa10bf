using System.Globalization;
using System.Text.Json.Nodes;

namespace ZfRepl.Benchmarks.Running;

/// <summary>Figures → text or JSON.</summary>
internal static class Report
{
    /// <summary>Prints one benchmark's figures as a table.</summary>
    public static void Print(Benchmark benchmark, int core, IReadOnlyList<Summary> summaries)
    {
        Console.WriteLine();
        Console.WriteLine($"{benchmark.Name}: {benchmark.Summary} ({(benchmark.IsPinned ? $"core {core} alone" : "all cores")})");
        foreach (var (figure, min, max) in summaries)
        {
            Console.WriteLine($"  {figure.Name,-44} {Text(figure.Value),12} {figure.Unit,-28} {Text(min),12} to {Text(max),-12} {Verdict(figure)}".TrimEnd());
        }
    }

    /// <summary>One flat object: every figure under its name.</summary>
    public static JsonObject ToJson(Machine machine, IEnumerable<Summary> summaries)
    {
        var json = new JsonObject
        {
            ["date"] = machine.Date.ToString("O", CultureInfo.InvariantCulture),
            ["machine"] = machine.ToString(),
        };
        foreach (var summary in summaries)
        {
            json[summary.Median.Name] = Math.Round(summary.Median.Value, 4);
        }

        return json;
    }

    private static string Verdict(Figure figure) => figure switch
    {
        { AtLeast: { } least } => $"target >= {Text(least)}: {(figure.Value >= least ? "reached" : "MISSED")}",
        { AtMost: { } most } => $"target <= {Text(most)}: {(figure.Value <= most ? "reached" : "MISSED")}",
        _ => "",
    };

    private static string Text(double value) => value.ToString(
        Math.Abs(value) switch { >= 1000 => "N0", >= 100 => "N1", >= 1 => "N2", _ => "N3" }, CultureInfo.InvariantCulture);
}
