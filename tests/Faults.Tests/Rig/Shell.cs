using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests.Rig;

/// <summary>Programs of the machine that a test needs to succeed.</summary>
internal static class Shell
{
    /// <summary>Runs a program; its output. It fails the test when the program does.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var run = await ProgramRun.RunAsync(ProgramLookup.Find(program) ?? program, arguments, workingFolder: "/");
        return run.ExitCode == 0
            ? run.Output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Output}{run.Error}");
    }

    /// <summary>Runs a program that may fail: cleaning up what may not be there.</summary>
    /// <returns>Whether it succeeded.</returns>
    public static async Task<bool> TryAsync(string program, params string[] arguments) =>
        (await ProgramRun.RunAsync(ProgramLookup.Find(program) ?? program, arguments, workingFolder: "/")).ExitCode == 0;
}
