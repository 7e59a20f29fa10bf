using System.Buffers;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ZfRepl.Cli;

/// <summary>
/// Help in two parts: the first sentence of a verb's description stands in the list of verbs and above its usage, the rest, with the examples,
/// comes last, where people look for it.
/// </summary>
internal sealed class HelpPages : SynchronousCommandLineAction
{
    private static readonly SearchValues<string> SentenceEnds = SearchValues.Create([". ", ".\n"], StringComparison.Ordinal);

    private readonly HelpAction _usage;
    private readonly Dictionary<Command, string> _details = [];

    private HelpPages(HelpAction usage) => _usage = usage;

    /// <summary>Help is given whatever else is missing on the command line.</summary>
    public override bool ClearsParseErrors => true;

    /// <summary>Changes the help of all commands below a root.</summary>
    public static HelpPages Install(RootCommand root)
    {
        var option = root.Options.OfType<HelpOption>().Single();
        var pages = new HelpPages((HelpAction)option.Action!);
        option.Action = pages;
        pages.Split(root);
        return pages;
    }

    /// <summary>What is printed below a command's usage; empty for none.</summary>
    public string DetailsOf(Command command) => _details.GetValueOrDefault(command, "");

    public override int Invoke(ParseResult parseResult)
    {
        var code = _usage.Invoke(parseResult);
        if (DetailsOf(parseResult.CommandResult.Command) is { Length: > 0 } details)
        {
            Console.WriteLine(details);
            Console.WriteLine();
        }

        return code;
    }

    private void Split(Command command)
    {
        var description = (command.Description ?? "").ReplaceLineEndings("\n");
        var end = description.AsSpan().IndexOfAny(SentenceEnds);
        if (end >= 0)
        {
            _details[command] = description[(end + 1)..].Trim();
            command.Description = description[..(end + 1)].ReplaceLineEndings(" ");
        }

        foreach (var sub in command.Subcommands)
        {
            Split(sub);
        }
    }
}
