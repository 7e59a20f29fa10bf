using System.Diagnostics;

namespace ZfRepl.TestKit;

/// <summary>A real program that ran to its end: what a user sees of it.</summary>
/// <param name="ExitCode">The exit code.</param>
/// <param name="Output">Everything on stdout.</param>
/// <param name="Error">Everything on stderr.</param>
public sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <summary>The output's lines, without an empty one at the end.</summary>
    public string[] Lines => Output.TrimEnd('\n').Split('\n');

    /// <summary>The error output's lines, without an empty one at the end.</summary>
    public string[] ErrorLines => Error.TrimEnd('\n').Split('\n');

    /// <summary>Runs a program without a terminal and with an empty input; it is killed when it takes longer than the limit.</summary>
    public static async Task<ProgramRun> RunAsync(
        string program,
        IEnumerable<string> arguments,
        string? workingFolder = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeSpan? limit = null)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = workingFolder ?? "",
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var timeout = new CancellationTokenSource(limit ?? DefaultLimit);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            var call = $"{program} {string.Join(' ', start.ArgumentList)}";
            throw new TimeoutException($"{call} did not end in time. Output:\n{await output}\n{await error}", e);
        }

        return new ProgramRun(process.ExitCode, await output, await error);
    }
}
