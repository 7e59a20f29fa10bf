using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;
using ZfRepl.Cli.Blocks;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl quarantine ls|show|retry|export|rm</c>: the files that the services here keep aside.</summary>
internal static class QuarantineCommand
{
    private const string ListMethod = "quarantine.list";

    private const string Description = """
        Look after the files that services keep aside: damaged blocks, refused events, events that the archive's broker does not take.

        Examples:
          zfrepl quarantine ls
          zfrepl quarantine retry NAME
        """;

    private const string ListDescription = """
        List the files that are kept aside, with the reason.

        Examples:
          zfrepl quarantine ls
          zfrepl quarantine ls --svc eva.zfrepl.default.replicator --json
        """;

    private const string ShowDescription = """
        Show a file's note and every readable event in it, as lines of JSON.

        Example:
          zfrepl quarantine show mbb_1656445625
        """;

    private const string RetryDescription = """
        Try a file again after its cause was removed; when all of it went well the file goes.

        A damaged block is imported, refused events are imported if their key may write them now, archive events are published. Exits 4 when something
        is left.

        Example:
          zfrepl quarantine retry mbb_1656445625
        """;

    private const string ExportDescription = """
        Copy a file out to a path that does not exist yet.

        Example:
          zfrepl quarantine export mbb_1656445625 /tmp/damaged-block
        """;

    private const string RemoveDescription = """
        Delete a file for good; asks before it does.

        Example:
          zfrepl quarantine rm mbb_1656445625 --yes
        """;

    public static Command Create() => new("quarantine", Description) { List(), Show(), Retry(), Export(), Remove() };

    private static Argument<string> FileName() => new("NAME") { Description = "the file's name, as `ls` shows it" };

    private static Command List()
    {
        var service = SharedOptions.Service();
        var bus = SharedOptions.Bus();
        var json = SharedOptions.Json();
        var command = new Command("ls", ListDescription) { service, bus, json };
        command.SetAction((parsed, cancellationToken) => ListAsync(
            SharedOptions.SocketFolderOf(parsed.GetValue(bus)), parsed.GetValue(service), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static Command Show() => OnFile("show", ShowDescription, async (file, _) =>
    {
        await Console.Error.WriteLineAsync($"{file.Name}: {RowOutput.Text(file.Row, "kind")}, {RowOutput.Text(file.Row, "size")} bytes, since {RowOutput.Text(file.Row, "since")}");
        await Console.Error.WriteLineAsync($"  why:  {RowOutput.Text(file.Row, "reason")}");
        await Console.Error.WriteLineAsync($"  from: {RowOutput.Text(file.Row, "origin")}");
        return BlockDump.Run([RowOutput.Text(file.Row, "path")], details: true);
    });

    private static Command Retry() => OnFile("retry", RetryDescription, async (file, cancellationToken) =>
    {
        var reply = await ServiceCalls.CallAsync(
            file.Folder, file.Service, "quarantine.retry", new JsonObject { ["name"] = file.Name }, cancellationToken);
        if (reply is not RpcReply.Value { Result: var result })
        {
            return await CallFailure.ReportAsync(file.Service, "quarantine.retry", reply, file.Folder);
        }

        Console.WriteLine($"{file.Name}: {RowOutput.Text(result, "outcome")}: {RowOutput.Text(result, "detail")}");
        return RowOutput.Text(result, "removed") == "true" ? ExitCode.Ok : ExitCode.Partial;
    });

    private static Command Export()
    {
        var path = new Argument<string>("PATH") { Description = "where to" };
        return OnFile(
            "export",
            ExportDescription,
            (file, cancellationToken) => DoAsync(
                file,
                "quarantine.export",
                new JsonObject { ["name"] = file.Name, ["path"] = Path.GetFullPath(file.Parsed.GetRequiredValue(path)) },
                cancellationToken),
            path);
    }

    private static Command Remove()
    {
        var yes = SharedOptions.Yes();
        var command = OnFile("rm", RemoveDescription, async (file, cancellationToken) =>
        {
            if (!file.Parsed.GetValue(yes) && !Confirmation.Ask($"{file.Name} is deleted for good. Go on?", out var refusal))
            {
                await Console.Error.WriteLineAsync($"zfrepl: {refusal}");
                return ExitCode.Usage;
            }

            return await DoAsync(file, "quarantine.delete", new JsonObject { ["name"] = file.Name }, cancellationToken);
        });
        command.Options.Add(yes);
        return command;
    }

    private static async Task<int> DoAsync(FoundFile file, string method, JsonObject parameters, CancellationToken cancellationToken)
    {
        var reply = await ServiceCalls.CallAsync(file.Folder, file.Service, method, parameters, cancellationToken);
        return reply is RpcReply.Value ? ExitCode.Ok : await CallFailure.ReportAsync(file.Service, method, reply, file.Folder);
    }

    private static Command OnFile(
        string verb, string description, Func<FoundFile, CancellationToken, Task<int>> act, params ReadOnlySpan<Argument> more)
    {
        var name = FileName();
        var service = SharedOptions.Service();
        var bus = SharedOptions.Bus();
        var command = new Command(verb, description) { name };
        foreach (var argument in more)
        {
            command.Arguments.Add(argument);
        }

        command.Options.Add(service);
        command.Options.Add(bus);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = SharedOptions.SocketFolderOf(parsed.GetValue(bus));
            var wanted = parsed.GetRequiredValue(name);
            var (rows, code) = await ReadAsync(folder, parsed.GetValue(service), cancellationToken);
            var found = rows.Where(r => RowOutput.Text(r.Row, "name") == wanted).ToList();
            if (found.Count == 1)
            {
                return await act(new FoundFile(folder, found[0].Service, wanted, found[0].Row, parsed), cancellationToken);
            }

            await Console.Error.WriteLineAsync(found.Count == 0
                ? $"zfrepl: no file '{wanted}' is in a quarantine here; zfrepl quarantine ls names them"
                : $"zfrepl: {string.Join(" and ", found.Select(f => f.Service))} have a file '{wanted}'; say which one with --svc");
            return found.Count > 1 ? ExitCode.Usage : code == ExitCode.Ok ? ExitCode.NotFound : code;
        });
        return command;
    }

    private static async Task<int> ListAsync(string folder, string? service, bool json, CancellationToken cancellationToken)
    {
        var (rows, code) = await ReadAsync(folder, service, cancellationToken);
        if (json)
        {
            RowOutput.PrintJson(rows);
            return code;
        }

        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("name", "service", "kind", "bytes", "since", "why");
        foreach (var (id, row) in rows)
        {
            table.AddRow([.. new[]
            {
                RowOutput.Text(row, "name"),
                id,
                RowOutput.Text(row, "kind"),
                RowOutput.Text(row, "size"),
                RowOutput.Text(row, "since"),
                RowOutput.Text(row, "reason"),
            }.Select(Markup.Escape)]);
        }

        if (rows.Count > 0)
        {
            AnsiConsole.Write(table);
        }
        else if (code == ExitCode.Ok)
        {
            await Console.Error.WriteLineAsync("nothing is kept aside");
        }

        return code;
    }

    /// <summary>All files of all services, page by page.</summary>
    private static async Task<(List<(string Service, JsonElement Row)> Rows, int ExitCode)> ReadAsync(
        string folder, string? service, CancellationToken cancellationToken)
    {
        const int Page = 1000;
        var rows = new List<(string, JsonElement)>();
        var (answers, code) = await ServiceCalls.AskAsync(
            folder, service, ListMethod, () => new JsonObject { ["limit"] = Page }, cancellationToken);
        foreach (var answer in answers)
        {
            var page = answer.Result;
            while (true)
            {
                rows.AddRange(page.EnumerateArray().Select(r => (answer.Service, r)));
                if (page.GetArrayLength() < Page)
                {
                    break;
                }

                var next = new JsonObject { ["limit"] = Page, ["after"] = RowOutput.Text(page[Page - 1], "name") };
                var reply = await ServiceCalls.CallAsync(folder, answer.Service, ListMethod, next, cancellationToken);
                if (reply is not RpcReply.Value value)
                {
                    return (rows, await CallFailure.ReportAsync(answer.Service, ListMethod, reply, folder));
                }

                page = value.Result;
            }
        }

        return (rows, code);
    }

    /// <summary>A file that was found, and the words of the command line.</summary>
    private sealed record FoundFile(string Folder, string Service, string Name, JsonElement Row, ParseResult Parsed);
}
