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
        var command = new Command(Name, Description)
        {
            files,
            folder,
            level,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetRequiredValue(files), SharedOptions.FolderOf(parsed.GetValue(folder)), parsed.GetValue(level), cancellationToken));
        return command;
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
