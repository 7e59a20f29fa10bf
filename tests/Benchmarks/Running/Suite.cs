namespace ZfRepl.Benchmarks.Running;

/// <summary>What a run of several benchmarks brought.</summary>
/// <param name="Figures">Everything that was measured.</param>
/// <param name="NotRun">Benchmarks whose servers this machine lacks, each with a sentence that says what to install.</param>
/// <param name="Failures">What went wrong: a benchmark that failed, a figure that is missing.</param>
internal sealed record SuiteResult(IReadOnlyList<Summary> Figures, IReadOnlyList<string> NotRun, IReadOnlyList<string> Failures);

/// <summary>Runs benchmarks one after the other and prints what each brought.</summary>
internal static class Suite
{
    // Not asynchronous: a child inherits its core from this thread, which has to be the program's first one.
    public static SuiteResult Run(IReadOnlyList<Benchmark> chosen, RunOptions options, TextWriter output)
    {
        var figures = new List<Summary>();
        var (notRun, failures) = (new List<string>(), new List<string>());
        foreach (var benchmark in chosen)
        {
            var missing = benchmark.Needs.Where(s => !s.IsInstalled).Select(s => s.Package).Distinct().ToArray();
            if (missing.Length > 0)
            {
                notRun.Add($"{benchmark.Name} was NOT RUN: this machine has no {string.Join(" ", missing)} (apt-get install {string.Join(" ", missing)})");
                continue;
            }

            if (ChildProcess.Run(benchmark, options) is not { } summaries)
            {
                failures.Add($"{benchmark.Name} failed");
                continue;
            }

            figures.AddRange(summaries);
            Report.Print(output, benchmark, options, summaries);
            failures.AddRange(Targets.All
                .Where(t => t.Benchmark == benchmark.Name && !summaries.Any(s => s.Median.Name == t.Figure && double.IsFinite(s.Median.Value)))
                .Select(t => $"{benchmark.Name} did not measure {t.Figure}"));
        }

        var ratios = Ratios.Of(figures);
        if (ratios.Count > 0)
        {
            figures.AddRange(ratios);
            Report.Print(output, "ratios: figures of one benchmark to those of another", ratios, isJudged: !options.IsSmoke);
        }

        return new SuiteResult(figures, notRun, failures);
    }
}
