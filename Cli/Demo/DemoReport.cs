using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace ZfRepl.Cli.Demo;

/// <summary>Shows what came of a demo, as a table or as JSON.</summary>
internal static class DemoReport
{

    /// <summary>One JSON object.</summary>
    public static string ToJson(DemoOutcome outcome) => new JsonObject
    {
        ["produced"] = outcome.Proof.Produced,
        ["accepted"] = outcome.Accepted,
        ["delivered"] = outcome.Proof.Delivered,
        ["missing"] = outcome.Proof.Missing,
        ["duplicates"] = outcome.Proof.Duplicates,
        ["invented"] = outcome.Proof.Invented,
        ["lost"] = outcome.Proof.Lost + outcome.LostAtEdge,
        ["link_cuts"] = outcome.LinkCuts,
        ["kills"] = outcome.Kills,
        ["wire_bytes"] = outcome.WireBytes,
        ["raw_bytes"] = outcome.Proof.RawBytes,
        ["seconds"] = Math.Round(outcome.Seconds, 1),
        ["proved"] = outcome.Proof.Holds,
    }.ToJsonString(OutputJson.Indented);

    /// <summary>The proof as a table.</summary>
    public static void Print(DemoOutcome outcome)
    {
        var proof = outcome.Proof;
        var table = new Table().Border(TableBorder.Simple).AddColumn("proof").AddColumn(new TableColumn("").RightAligned()).AddColumn("");
        Row(table, "changes that the plant made", proof.Produced, "counted in the plant's own log");
        Row(table, "accepted at the edge", outcome.Accepted, "durable there; repeats after a restart included");
        Row(table, "in the centre's database", proof.Delivered, "equal in item, time to 100 ns, type, value and status");
        Row(table, "missing", proof.Missing, Verdict(proof.Missing));
        Row(table, "there twice", proof.Duplicates, Verdict(proof.Duplicates));
        Row(table, "invented", proof.Invented, Verdict(proof.Invented));
        Row(table, "in the loss ledger", proof.Lost + outcome.LostAtEdge, Verdict(proof.Lost + outcome.LostAtEdge));
        Row(table, "link cuts", outcome.LinkCuts, "");
        Row(table, "processes killed", outcome.Kills, "kill -9, started again");
        Row(table, "bytes over the link", outcome.WireBytes, string.Create(
            CultureInfo.InvariantCulture,
            $"{Per(outcome.WireBytes, proof.Delivered):0.0} per event; as lines of JSON {Per(proof.RawBytes, proof.Delivered):0.0}"));
        Row(table, "seconds", (long)Math.Round(outcome.Seconds), "");
        AnsiConsole.Write(table);
        foreach (var example in proof.Examples)
        {
            Console.WriteLine(example);
        }

        Console.WriteLine(proof.Holds
            ? "PROVED: every change of the plant is in the centre's database, once, and nothing else."
            : "NOT PROVED: see above.");
    }

    private static void Row(Table table, string name, long count, string remark) => table.AddRow(
        Markup.Escape(name), count.ToString("N0", CultureInfo.InvariantCulture), remark.StartsWith('[') ? remark : Markup.Escape(remark));

    private static string Verdict(long count) => count == 0 ? "[green]ok[/]" : "[red]NOT OK[/]";

    private static double Per(long bytes, long events) => events == 0 ? 0 : (double)bytes / events;
}
