using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Commands;

/// <summary><c>zfrepl loss ls</c>: the loss ledger, as the services here know it.</summary>
internal static class LossCommand
{
    private const string Description = """
        Look into the loss ledger: what was given up, refused or never came, and why.

        Example:
          zfrepl loss ls
        """;

    private const string ListDescription = """
        List the entries of the loss ledger, the newest first.

        A collector shows entries that wait in its blocks or were made since its start; the target has the whole ledger.

        Examples:
          zfrepl loss ls --bus /opt/plant/var
          zfrepl loss ls --svc eva.zfrepl.default.replicator --limit 20 --json
        """;

    public static Command Create() => new("loss", Description) { List() };

    private static Command List()
    {
        var service = SharedOptions.Service();
        var limit = new Option<int>("--limit") { Description = "how many entries of a service at most", HelpName = "N", DefaultValueFactory = _ => 100 };
        limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 100_000)
            {
                result.AddError("--limit: 1 to 100000 are possible");
            }
        });
        var bus = SharedOptions.Bus();
        var json = SharedOptions.Json();
        var command = new Command("ls", ListDescription) { service, limit, bus, json };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            SharedOptions.SocketFolderOf(parsed.GetValue(bus)),
            parsed.GetValue(service),
            parsed.GetValue(limit),
            parsed.GetValue(json),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(string folder, string? service, int limit, bool json, CancellationToken cancellationToken)
    {
        var (answers, code) = await ServiceCalls.AskAsync(folder, service, "loss.list", () => new JsonObject { ["limit"] = limit }, cancellationToken);
        var rows = answers.SelectMany(a => a.Result.EnumerateArray().Select(r => (a.Service, Row: r))).ToList();
        if (json)
        {
            RowOutput.PrintJson(rows);
            return code;
        }

        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("recorded", "service", "of", "reason", "events", "still lost", "detail");
        foreach (var (id, row) in rows)
        {
            table.AddRow([.. new[]
            {
                RowOutput.Text(row, "recorded"),
                id,
                $"{RowOutput.Text(row, "node")} {RowOutput.Text(row, "mailbox")}".Trim(),
                RowOutput.Text(row, "reason"),
                RowOutput.Text(row, "events") + (RowOutput.Text(row, "exact") == "false" ? "+" : ""),
                RowOutput.Text(row, "still_lost"),
                $"{RowOutput.Text(row, "source")}: {RowOutput.Text(row, "detail")}",
            }.Select(Markup.Escape)]);
        }

        if (rows.Count > 0)
        {
            AnsiConsole.Write(table);
        }
        else if (code == ExitCode.Ok)
        {
            await Console.Error.WriteLineAsync("no losses are recorded");
        }

        return code;
    }
}

/// <summary>Rows of objects from several services, for people and for programs.</summary>
internal static class RowOutput
{

    /// <summary>Prints the objects as one list, each with its service.</summary>
    public static void PrintJson(IEnumerable<(string Service, JsonElement Row)> rows)
    {
        var list = new JsonArray();
        foreach (var (service, row) in rows)
        {
            var item = JsonObject.Create(row)!;
            item.Insert(0, "service", service);
            list.Add(item);
        }

        Console.WriteLine(list.ToJsonString(OutputJson.Indented));
    }

    /// <summary>A property as a text; empty when it is not there.</summary>
    public static string Text(JsonElement row, string name) =>
        !row.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? ""
        : value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
