namespace ZfRepl.TestKit;

/// <summary>The program itself, as the build put it beside the tests of a project that references it.</summary>
public static class ZfReplProgram
{
    private static readonly Dictionary<string, string?> NoVariables = new()
    {
        ["ZFREPL_DIR"] = null,
        ["NO_COLOR"] = null,
        ["NOTIFY_SOCKET"] = null,
    };

    /// <summary>The executable.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "zfrepl");

    /// <summary>Runs one command to its end, in a folder.</summary>
    public static Task<ProgramRun> RunAsync(string folder, params string[] arguments) =>
        ProgramRun.RunAsync(Path, arguments, folder, NoVariables);

    /// <summary>Begins one command, in a folder; its lines can be waited for.</summary>
    public static ExternalProcess Begin(string folder, params string[] arguments) => ExternalProcess.Start(Path, arguments, folder, NoVariables);

    /// <summary>Starts services and waits until they say that they are ready.</summary>
    public static async Task<ExternalProcess> StartAsync(string folder, params string[] files)
    {
        var process = ExternalProcess.Start(Path, ["run", .. files], folder);
        try
        {
            await process.WaitForLineAsync("ready ");
            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }
}
