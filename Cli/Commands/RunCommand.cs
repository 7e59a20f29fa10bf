using System.CommandLine;
using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl run FILE…</c>: hosts the services that the files describe.</summary>
internal static class RunCommand
{
    /// <summary>The verb.</summary>
    public const string Name = "run";

    /// <summary>The option for programs that start services of their own.</summary>
    public const string EndWithInput = "--end-with-input";

    private const string Description = """
        Run one or several services in this process until SIGTERM or SIGINT.

        Prints `ready ID...` on the output when all of them work; the log goes to the error output. Exits 0 after an orderly end, 78 when a file
        is wrong, 75 when a service runs already, 1 when one failed.

        Examples:
          zfrepl run edge-collector.yml edge-replicator.yml
          zfrepl run --dir /opt/plant --log-level warn centre-replicator.yml
        """;

    public static Command Create()
    {
        var files = SharedOptions.Files();
        var folder = SharedOptions.Folder();
        var level = SharedOptions.LogLevel();
        var endWithInput = new Option<bool>(EndWithInput)
        {
            Description = "end in order when the input ends, so that whoever started this and died leaves nothing behind",
            Hidden = true,
        };
        var command = new Command(Name, Description)
        {
            files,
            folder,
            level,
            endWithInput,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetRequiredValue(files),
            SharedOptions.FolderOf(parsed.GetValue(folder)),
            parsed.GetValue(level),
            parsed.GetValue(endWithInput) ? InputEnd() : cancellationToken));
        return command;
    }

    /// <summary>A token that is cancelled at the end of the input. Reading can't be called off: the thread and the token last as long as the process.</summary>
    private static CancellationToken InputEnd()
    {
        var end = new CancellationTokenSource();
        new Thread(() =>
        {
            while (Console.In.ReadLine() is not null)
            {
                // What is said there is of no interest.
            }

            end.Cancel();
        })
        { IsBackground = true }.Start();
        return end.Token;
    }

    private static async Task<int> RunAsync(string[] files, string? folder, LogLevel? level, CancellationToken cancellationToken)
    {
        var loaded = ServiceFiles.LoadAll(files, folder);
        if (!Findings.Print(loaded))
        {
            return ExitCode.Config;
        }

        var wanted = loaded.Select(l => l.LogLevel).FirstOrDefault(l => l is not null);
        using var loggers = ServiceLogging.Create(level ?? wanted ?? LogLevel.Information);
        var host = new ServiceHost(new ServiceHostOptions { Loggers = loggers });
        return await host.RunAsync([.. loaded.Select(l => l.Service!)], cancellationToken);
    }
}
