using System.CommandLine;
using ZfRepl.Cli.Blocks;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl block ls|cat|verify PATH</c>: looks into block files, without any service.</summary>
internal static class BlockCommand
{
    public static Command Create() => new("block", "Look into block files and folders of them; needs no running service.")
    {
        List(),
        Cat(),
        Verify(),
    };

    private static Argument<string[]> Paths() => new("PATH") { Description = "block files, or folders with blocks", Arity = ArgumentArity.OneOrMore };

    private static Command List()
    {
        var paths = Paths();
        var json = SharedOptions.Json();
        var command = new Command("ls", "List blocks: number, events, sequence numbers, times, size, whether they are sealed.") { paths, json };
        command.SetAction(parsed => BlockListing.Run(parsed.GetRequiredValue(paths), parsed.GetValue(json)));
        return command;
    }

    private static Command Cat()
    {
        var paths = Paths();
        var details = new Option<bool>("--details") { Description = "add the value's kind, the OPC UA status code and the flags" };
        var command = new Command(
            "cat",
            """
            Print every readable event as a line of JSON: {"oid","status","value","t","ieid"}. What can't be read is named on the error output,
            with offset and reason, and the exit code is 4 then.
            """)
        {
            paths,
            details,
        };
        command.SetAction(parsed => BlockDump.Run(parsed.GetRequiredValue(paths), parsed.GetValue(details)));
        return command;
    }

    private static Command Verify()
    {
        var paths = Paths();
        var json = SharedOptions.Json();
        var command = new Command("verify", "Read blocks byte by byte: checksums, hash, sequence. Exits 4 when anything is damaged or missing.") { paths, json };
        command.SetAction(parsed => BlockVerification.Run(parsed.GetRequiredValue(paths), parsed.GetValue(json)));
        return command;
    }
}
