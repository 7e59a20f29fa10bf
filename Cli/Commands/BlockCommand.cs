using System.CommandLine;
using ZfRepl.Cli.Blocks;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl block ls|cat|verify PATH</c>: looks into block files, without any service.</summary>
internal static class BlockCommand
{
    private const string Description = """
        Look into block files; needs no running service and changes nothing.

        Examples:
          zfrepl block ls runtime/zfrepl/spool/centre
          zfrepl block verify /media/stick/blocks
        """;

    private const string ListDescription = """
        List blocks: number, events, sequence numbers, times, size, state.

        Exits 3 when the path is not there, 4 when a block is damaged or can't be read.

        Examples:
          zfrepl block ls runtime/zfrepl/spool/centre
          zfrepl block ls --json /media/stick/blocks
        """;

    private const string CatDescription = """
        Print every readable event as a line of JSON.

        A line is {"oid","status","value","t","ieid"}. What can't be read is named on the error output, with offset and reason, and the exit code
        is 4 then.

        Examples:
          zfrepl block cat runtime/zfrepl/spool/centre/mbb_1656445625
          zfrepl block cat --details /media/stick/blocks > events.jsonl
        """;

    private const string VerifyDescription = """
        Read blocks byte by byte: checksums, hash, sequence numbers; and look across them.

        Exits 4 when anything in a block is damaged or missing, and names the offset and the reason; also when a block's number is there twice with
        different content, when two blocks have different events under the same sequence numbers, and when a block is of another stream than the folder's
        books. Sequence numbers that lie between two blocks are a note alone: delivered blocks are deleted.

        Examples:
          zfrepl block verify runtime/zfrepl/spool/centre
          zfrepl block verify --json /media/stick/blocks
        """;

    public static Command Create() => new("block", Description)
    {
        List(),
        Cat(),
        Verify(),
    };

    private static Argument<string[]> Paths() => new("PATH")
    {
        Description = "block files, or folders with blocks",
        Arity = ArgumentArity.OneOrMore,
    };

    private static Command List()
    {
        var paths = Paths();
        var json = SharedOptions.Json();
        var command = new Command("ls", ListDescription) { paths, json };
        command.SetAction(parsed => BlockListing.Run(parsed.GetRequiredValue(paths), parsed.GetValue(json)));
        return command;
    }

    private static Command Cat()
    {
        var paths = Paths();
        var details = new Option<bool>("--details") { Description = "add the value's kind, the OPC UA status code and the flags" };
        var command = new Command("cat", CatDescription) { paths, details };
        command.SetAction(parsed => BlockDump.Run(parsed.GetRequiredValue(paths), parsed.GetValue(details)));
        return command;
    }

    private static Command Verify()
    {
        var paths = Paths();
        var json = SharedOptions.Json();
        var command = new Command("verify", VerifyDescription) { paths, json };
        command.SetAction(parsed => BlockVerification.Run(parsed.GetRequiredValue(paths), parsed.GetValue(json)));
        return command;
    }
}
