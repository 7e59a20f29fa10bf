using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace ZfRepl.Benchmarks.Running;

/// <summary>How a benchmark is run.</summary>
/// <param name="Events">Events in each round, or null for each benchmark's own number.</param>
/// <param name="Rounds">Rounds, or null for each benchmark's own number.</param>
/// <param name="Folder">Where files are written.</param>
/// <param name="Core">The core that pinned benchmarks are held on.</param>
/// <param name="IsSmoke">True for one small round each, without a warm-up.</param>
internal sealed record RunOptions(int? Events, int? Rounds, string Folder, int Core, bool IsSmoke);

/// <summary>
/// Runs a benchmark in a process of its own, so that no benchmark finds the heap or the compiled code of another. A pinned one inherits its
/// core from the thread that starts it; that way the runtime, too, knows of one core only, and all its threads are held.
/// </summary>
internal static class ChildProcess
{
    // A benchmark that hangs must not hold up the others for ever.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(90);
    private static readonly TimeSpan SmokeLimit = TimeSpan.FromMinutes(3);

    /// <summary>Runs it and reads its figures. To be called on the program's first thread.</summary>
    /// <returns>The figures, or null when it failed; it has said why on the standard error.</returns>
    public static IReadOnlyList<Summary>? Run(Benchmark benchmark, RunOptions options)
    {
        string[] arguments =
        [
            "--child", "--dir", options.Folder, .. Optional("--events", options.Events), .. Optional("--rounds", options.Rounds),
            .. options.IsSmoke ? ["--smoke"] : Array.Empty<string>(), benchmark.Name,
        ];
        using var child = benchmark.IsPinned ? StartOn(options.Core, arguments) : Start(arguments);
        var output = child.StandardOutput.ReadToEndAsync();
        if (!child.WaitForExit(options.IsSmoke ? SmokeLimit : Limit))
        {
            child.Kill(entireProcessTree: true);
            Console.Error.WriteLine($"{benchmark.Name} did not end in time and was stopped.");
            return null;
        }

        return child.ExitCode == 0 ? JsonSerializer.Deserialize<List<Summary>>(output.GetAwaiter().GetResult()) : null;
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

    /// <summary>The same, held on one core. To be called on the program's first thread, whose cores the other program inherits.</summary>
    public static Process StartOn(int core, IReadOnlyList<string> arguments)
    {
        using var self = Process.GetCurrentProcess();
        var everywhere = self.ProcessorAffinity;
        self.ProcessorAffinity = (nint)1 << core;
        try
        {
            return Start(arguments);
        }
        finally
        {
            self.ProcessorAffinity = everywhere;
        }
    }

    private static string[] Optional(string name, int? value) =>
        value is { } v ? [name, v.ToString(CultureInfo.InvariantCulture)] : [];
}
