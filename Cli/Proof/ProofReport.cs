using System.Globalization;
using Spectre.Console;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Cli.Proof;

/// <summary>A proof as tables, the verdict first. Colours are those that can be told apart in a dark room.</summary>
internal static class ProofReport
{
    private const int MaxHours = 24;
    private const int MaxDiffering = 20;

    /// <summary>Prints it.</summary>
    public static void Print(SignedDocument document, ProofContent proof, SourceStatement source)
    {
        var findings = ProofJudge.Findings(proof, source);
        var (colour, word) = proof.Verdict switch
        {
            ProofContent.Proven => ("green", "PROVEN: nothing was lost"),
            ProofContent.Accounted => ("yellow", "ACCOUNTED FOR: the books agree; what is not at the target is named below"),
            ProofContent.Undecided => ("yellow", "UNDECIDED: events are still on their way"),
            _ => ("red", "BROKEN: something is missing or wrong"),
        };
        AnsiConsole.MarkupLine($"[bold {colour}]{Markup.Escape(word)}[/]");
        Line($"{proof.Source} → {proof.Target}, {UnixTime.FormatIso(proof.FromNs)} to {UnixTime.FormatIso(proof.ToNs)}, stated {UnixTime.FormatIso(proof.StatedNs)}");
        Line($"stream {source.Stream}, {proof.Source} version {source.Version}, {proof.Target} version {proof.Version}, {proof.Database}");
        PrintHours(proof, source);
        foreach (var finding in findings)
        {
            var (mark, markColour) = finding.Weight switch
            {
                ProofWeight.Good => ("ok ", "green"),
                ProofWeight.Bad => ("BAD", "red"),
                _ => ("!  ", "yellow"),
            };
            AnsiConsole.MarkupLine($"[{markColour}]{mark}[/] {Markup.Escape(finding.Text)}");
        }

        if (proof.Repair is { } repair)
        {
            Line($"repaired before: {N(repair.Events)} events of {N(repair.Cells)} items and hours, in {N(repair.Tasks)} tasks");
        }

        PrintDiffering(proof);
        Line($"signed by {proof.Target}, key {ProofKey.Fingerprint(document.Key)}");
        if (proof.TryReadStatement(out var statement, out _) is null)
        {
            Line($"signed by {proof.Source}, key {ProofKey.Fingerprint(statement!.Key)}");
        }
    }

    private static void PrintHours(ProofContent proof, SourceStatement source)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("hour");
        foreach (var column in new[] { "accepted", "delivered", "backlog", "lost", "quarantined" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        // Those of the proof: a statement may tell of more.
        var hours = source.Hours.Where(h => BookHour.TryParse(h.Hour, out var hour) && hour >= BookHour.Of(proof.FromNs) && hour <= BookHour.Of(proof.ToNs)).ToList();
        foreach (var hour in hours.TakeLast(MaxHours))
        {
            Row(table, hour.Hour, hour.Events);
        }

        if (hours.Count > MaxHours)
        {
            Line($"{hours.Count - MaxHours} earlier hours are not shown; --json has them");
        }

        Row(table, "since ever", source.Accounts);
        AnsiConsole.Write(table);
    }

    private static void Row(Table table, string name, EventAccounts events) => table.AddRow(
        Markup.Escape(name),
        N(events.Accepted),
        N(events.Delivered),
        N(events.Backlog),
        events.Lost > 0 ? $"[yellow]{N(events.Lost)}[/]" : "0",
        events.Quarantined > 0 ? $"[yellow]{N(events.Quarantined)}[/]" : "0");

    private static void PrintDiffering(ProofContent proof)
    {
        if (proof.Digest is not { Differing.Count: > 0 } digest)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("item", "hour", "is");
        table.AddColumn(new TableColumn($"at {Markup.Escape(proof.Source)}").RightAligned());
        table.AddColumn(new TableColumn($"at {Markup.Escape(proof.Target)}").RightAligned());
        table.AddColumn("checksums");
        foreach (var cell in digest.Differing.Take(MaxDiffering))
        {
            table.AddRow(
                Markup.Escape(cell.Oid),
                Markup.Escape(cell.Hour),
                cell.Kind == DifferingCell.More ? cell.Kind : $"[red]{Markup.Escape(cell.Kind)}[/]",
                N(cell.SourceEvents),
                N(cell.TargetEvents),
                Markup.Escape($"{Short(cell.SourceSum)}… {Short(cell.TargetSum)}…"));
        }

        AnsiConsole.Write(table);
        var all = digest.MissingCells + digest.AlteredCells + digest.MoreCells;
        if (all > MaxDiffering)
        {
            Line($"{N(all - Math.Min(MaxDiffering, digest.Differing.Count))} more items and hours differ; --json has the first 1,000");
        }
    }

    private static string Short(string sum) => sum.Length > 8 ? sum[..8] : sum;

    private static void Line(string text) => AnsiConsole.MarkupLine(Markup.Escape(text));

    private static string N(ulong number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string N(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
