using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Blocks;

/// <summary><c>block ls</c>.</summary>
internal static class BlockListing
{

    public static int Run(IEnumerable<string> paths, bool json)
    {
        if (BlockPaths.Find(paths, out var missing) is not { } files)
        {
            return ExitCode.Usage;
        }

        var rows = files.Select(Describe).ToList();
        if (json)
        {
            Console.WriteLine(new JsonArray([.. rows]).ToJsonString(OutputJson.Indented));
        }
        else
        {
            Print([.. rows.Where(r => r["error"] is null)]);
        }

        return BlockProblems.Report(files.Count, missing, rows.Select(ProblemOf).OfType<string>());
    }

    private static string? ProblemOf(JsonObject row) =>
        row["error"] is { } error ? error.ToString()
        : (string?)row["state"] == "damaged" ? $"{row["path"]} is damaged (zfrepl block verify says where)"
        : null;

    private static JsonObject Describe(string path)
    {
        var row = new JsonObject { ["path"] = path };
        var opened = DiskStorage.Instance.Open(path, write: false);
        if (!opened.IsOk)
        {
            row["error"] = opened.Error.ToString();
            return row;
        }

        using var file = opened.Value;
        var report = BlockReport.Create(file);
        if (!report.IsOk)
        {
            row["error"] = report.Error.ToString();
            return row;
        }

        var found = report.Value;
        row["node"] = found.Header?.Node;
        row["mailbox"] = found.Header?.Mailbox;
        row["stream"] = found.Header?.Stream.ToString();
        row["index"] = found.Header?.Index;
        row["events"] = found.EventCount;
        row["first_sequence"] = found.FirstSequence;
        row["next_sequence"] = found.NextSequence;
        row["size"] = found.LengthBytes;
        row["sealed"] = found.Trailer is not null;
        row["intact"] = found.IsIntact;
        row["state"] = BlockStates.Of(path, found);
        if (found.Trailer is { EventCount: > 0 } trailer)
        {
            row["from"] = UnixTime.FormatIso(trailer.MinTimeNs);
            row["to"] = UnixTime.FormatIso(trailer.MaxTimeNs);
        }

        row["hash"] = found.Trailer?.Hash.ToString();
        return row;
    }

    private static void Print(List<JsonObject> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in new[] { "block", "node", "no.", "events", "sequence", "from", "to", "bytes", "state" })
        {
            table.AddColumn(column);
        }

        foreach (var row in rows)
        {
            var state = (string)row["state"]! switch
            {
                "intact" => "sealed",
                "damaged" => "[red]damaged[/]",
                var other => other,
            };
            var (first, next) = ((ulong)row["first_sequence"]!, (ulong)row["next_sequence"]!);
            table.AddRow(
                Markup.Escape(Path.GetFileName((string)row["path"]!)),
                Markup.Escape((string?)row["node"] ?? "?"),
                row["index"]?.ToString() ?? "?",
                ((ulong)row["events"]!).ToString("N0", CultureInfo.InvariantCulture),
                next > first ? $"{first}-{next - 1}" : "-",
                Markup.Escape((string?)row["from"] ?? ""),
                Markup.Escape((string?)row["to"] ?? ""),
                ((long)row["size"]!).ToString("N0", CultureInfo.InvariantCulture),
                state);
        }

        AnsiConsole.Write(table);
    }
}
