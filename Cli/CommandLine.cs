using System.CommandLine;
using System.CommandLine.Parsing;
using Spectre.Console;
using ZfRepl.Cli.Commands;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli;

/// <summary>The command line as a whole: the verbs, and what happens when it is not understood or a command can't go on.</summary>
internal static class CommandLine
{
    private const string Description = """
        ZfRepl: zero-failure store-and-forward replication of industrial telemetry.

        Examples:
          zfrepl demo                                   see it work: two nodes, cut links, killed processes, a proof
          zfrepl check edge.yml centre.yml              is the configuration right?
          zfrepl run edge-collector.yml edge-replicator.yml
          zfrepl status                                 what is accepted, delivered, waiting, lost?
          zfrepl proof --node edge1                     is all of it in the database, as it was?
          zfrepl call eva.zfrepl.default.collector mailbox.list
          zfrepl block verify /media/stick/blocks       can these blocks be read?

        Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 partial, 69 unreachable, 75 try later, 77 denied, 78 configuration.
        """;

    /// <summary>Nobody's window: lines are as long as they need to be.</summary>
    private const int RedirectedWidth = 400;

    private static readonly TimeSpan TerminationLimit = TimeSpan.FromSeconds(10);

    /// <summary>Runs one command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = RedirectedWidth;
            AnsiConsole.Profile.Capabilities.Ansi = false;
        }

        // A word that begins with @ is no file of further words: parameters of calls have a meaning of their own for it.
        var parsed = Root(out _).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            // A verb that is not known is missing as well; the first of the two says more.
            var unknown = parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null;
            var errors = unknown is null ? parsed.Errors.Select(e => e.Message) : [$"'{unknown}' is not understood"];
            foreach (var error in errors)
            {
                await Console.Error.WriteLineAsync($"zfrepl: {error}");
            }

            await Console.Error.WriteLineAsync($"zfrepl: see `{CallOf(parsed.CommandResult)} --help`");
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,

                // Services listen to signals themselves and take the time that an orderly end needs.
                ProcessTerminationTimeout = parsed.CommandResult.Command.Name == RunCommand.Name ? null : TerminationLimit,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"zfrepl: {e.Message}");
            return e is UnauthorizedAccessException ? ExitCode.Denied : ExitCode.Failed;
        }
        catch (Exception e)
        {
            // The last place where anything can be said about a defect; the stack is for those who ask for it.
            await Console.Error.WriteLineAsync($"zfrepl: a defect of the program, please report it: {e.GetType().Name}: {e.Message}");
            if (Environment.GetEnvironmentVariable("ZFREPL_STACK") is not null)
            {
                await Console.Error.WriteLineAsync(e.ToString());
            }

            return ExitCode.Failed;
        }
    }

    /// <summary>All verbs.</summary>
    /// <param name="pages">Their help.</param>
    internal static RootCommand Root(out HelpPages pages)
    {
        var root = new RootCommand(Description);
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(RunCommand.Create());
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(CallCommand.Create());
        root.Subcommands.Add(CallCommand.CreateServiceAlias());
        root.Subcommands.Add(StatusCommand.Create());
        root.Subcommands.Add(ProofCommand.Create());
        root.Subcommands.Add(BlockCommand.Create());
        root.Subcommands.Add(LossCommand.Create());
        root.Subcommands.Add(QuarantineCommand.Create());
        root.Subcommands.Add(KeyCommand.Create());
        root.Subcommands.Add(VersionCommand.Create());
        pages = HelpPages.Install(root);
        return root;
    }

    private static string CallOf(CommandResult result)
    {
        var words = new List<string>();
        for (SymbolResult? at = result; at is not null; at = at.Parent)
        {
            if (at is CommandResult { Command: not RootCommand } command)
            {
                words.Insert(0, command.Command.Name);
            }
        }

        return string.Join(' ', words.Prepend("zfrepl"));
    }
}
