using System.Globalization;
using System.Text.Json.Nodes;

namespace ZfRepl.Benchmarks.Running;

/// <summary>Figures → text or JSON.</summary>
internal static class Report
{
    /// <summary>Prints one benchmark's figures.</summary>
    public static void Print(TextWriter output, Benchmark benchmark, RunOptions options, IReadOnlyList<Summary> summaries) => Print(
        output, $"{benchmark.Name}: {benchmark.Summary} ({(benchmark.IsPinned ? $"core {options.Core} alone" : "all cores")})", summaries,
        isJudged: !options.IsSmoke);

    /// <summary>Prints figures under a title.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="title">The title.</param>
    /// <param name="summaries">The figures.</param>
    /// <param name="isJudged">True to hold them against their targets.</param>
    public static void Print(TextWriter output, string title, IReadOnlyList<Summary> summaries, bool isJudged)
    {
        output.WriteLine();
        output.WriteLine(title);
        foreach (var (figure, min, max) in summaries)
        {
            output.WriteLine($"  {figure.Name,-44} {Text(figure.Value),12} {figure.Unit,-28} {Text(min),12} to {Text(max),-12} {(isJudged ? Verdict(figure) : "")}".TrimEnd());
        }
    }

    /// <summary>One flat object: every figure under its name.</summary>
    public static JsonObject ToJson(Machine machine, SuiteResult result)
    {
        var json = new JsonObject
        {
            ["date"] = machine.Date.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["machine"] = machine.ToString(),
        };
        foreach (var summary in result.Figures)
        {
            json[summary.Median.Name] = Math.Round(summary.Median.Value, 4);
        }

        if (result.NotRun.Count > 0)
        {
            json["not_run"] = string.Join("; ", result.NotRun);
        }

        return json;
    }

    private static string Verdict(Figure figure)
    {
        var target = Targets.Find(figure.Name) ?? new Target(figure.Name, "", figure.AtLeast, figure.AtMost);
        var verdict = target.IsReached(figure.Value) ? "reached" : "MISSED";
        return target switch
        {
            { AtLeast: { } least } => $"target >= {Text(least)}: {verdict}",
            { AtMost: { } most } => $"target <= {Text(most)}: {verdict}",
            _ => "",
        };
    }

    private static string Text(double value) => value.ToString(
        Math.Abs(value) switch { >= 1000 => "N0", >= 100 => "N1", >= 1 => "N2", _ => "N3" }, CultureInfo.InvariantCulture);
}
