using System.CommandLine;
using System.Reflection;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl version</c>.</summary>
internal static class VersionCommand
{
    private const string Description = """
        Print the versions of the program, the block format and the libraries.

        Example:
          zfrepl version
        """;

    /// <summary>The program's version.</summary>
    public static string Version { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Create()
    {
        var command = new Command("version", Description);
        command.SetAction(_ =>
        {
            Console.WriteLine($"zfrepl {Version}");
            Console.WriteLine($"block format {BlockHeader.Version}");
            Console.WriteLine($".NET {Environment.Version}");
            Console.WriteLine($"SQLite {SqliteHistory.LibraryVersion}");
            return ExitCode.Ok;
        });
        return command;
    }
}
