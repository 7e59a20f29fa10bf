using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace ZfRepl.Benchmarks.Running;

/// <summary>
/// Runs a benchmark in a process of its own, so that no benchmark finds the heap or the compiled code of another. A pinned one inherits its
/// core from the thread that starts it; that way the runtime, too, knows of one core only, and all its threads are held.
/// </summary>
internal static class ChildProcess
{
    /// <summary>Runs it and reads its figures. To be called on the program's first thread.</summary>
    /// <returns>The figures, or null when it failed; it has said why on the standard error.</returns>
    public static IReadOnlyList<Summary>? Run(Benchmark benchmark, int? events, int? rounds, string folder, int core)
    {
        using var self = Process.GetCurrentProcess();
        var everywhere = self.ProcessorAffinity;
        if (benchmark.IsPinned)
        {
            self.ProcessorAffinity = (nint)1 << core;
        }

        Process child;
        try
        {
            child = Start(
                ["--child", "--dir", folder, .. Optional("--events", events), .. Optional("--rounds", rounds), benchmark.Name]);
        }
        finally
        {
            self.ProcessorAffinity = everywhere;
        }

        using (child)
        {
            var output = child.StandardOutput.ReadToEnd();
            child.WaitForExit();
            return child.ExitCode == 0 ? JsonSerializer.Deserialize<List<Summary>>(output) : null;
        }
    }

    /// <summary>Starts this program once more, its output to be read.</summary>
    public static Process Start(IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardInput = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException("The program could not be started once more.");
    }

    private static string[] Optional(string name, int? value) =>
        value is { } v ? [name, v.ToString(CultureInfo.InvariantCulture)] : [];
}
