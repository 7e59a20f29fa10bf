using System.CommandLine;
using Spectre.Console;
using ZfRepl.Cli.Commands;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli;

/// <summary>The command line as a whole: the verbs, and what happens when it is not understood.</summary>
internal static class CommandLine
{
    private const string Description = """
        ZfRepl: zero-failure store-and-forward replication of industrial telemetry.

        Examples:
          zfrepl demo                                   see it work: two nodes, cut links, killed processes, a proof
          zfrepl check edge.yml centre.yml              is the configuration right?
          zfrepl run edge-collector.yml edge-replicator.yml
          zfrepl status                                 what is accepted, delivered, waiting, lost?
          zfrepl call eva.zfrepl.default.collector mailbox.list
          zfrepl block verify /media/stick/blocks       can these blocks be read?

        Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 partial, 69 unreachable, 75 try later, 77 denied, 78 configuration.
        """;

    /// <summary>Runs one command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        if (Console.IsOutputRedirected)
        {
            // Nobody's window: lines are as long as they need to be.
            AnsiConsole.Profile.Width = 400;
        }

        var parsed = Root().Parse(args);
        if (parsed.Errors.Count == 0)
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }

        foreach (var error in parsed.Errors)
        {
            await Console.Error.WriteLineAsync($"zfrepl: {error.Message}");
        }

        await Console.Error.WriteLineAsync($"zfrepl: see `zfrepl {string.Join(' ', parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name)} --help`".Replace("  ", " ", StringComparison.Ordinal));
        return ExitCode.Usage;
    }

    /// <summary>All verbs.</summary>
    internal static RootCommand Root()
    {
        var root = new RootCommand(Description);
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(RunCommand.Create());
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(CallCommand.Create());
        root.Subcommands.Add(CallCommand.CreateServiceAlias());
        root.Subcommands.Add(StatusCommand.Create());
        root.Subcommands.Add(BlockCommand.Create());
        root.Subcommands.Add(KeyCommand.Create());
        root.Subcommands.Add(VersionCommand.Create());
        return root;
    }
}
