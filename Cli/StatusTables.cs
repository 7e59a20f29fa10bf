using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using ZfRepl.Cli.Commands;
using ZfRepl.Cli.Progress;

namespace ZfRepl.Cli;

/// <summary>The services' status as tables for people.</summary>
internal static class StatusTables
{
    private static readonly string[] GapCounts = ["open", "closed", "unfillable", "not_known"];

    /// <summary>Prints the tables.</summary>
    public static void Print(IReadOnlyList<ServiceStatus> services)
    {
        PrintServices(services);
        PrintMailboxes(services);
        PrintFills(services);
        PrintClients(services);
        PrintRepairs(services);
        PrintStreams(services);
    }

    private static void PrintServices(IReadOnlyList<ServiceStatus> services)
    {
        var table = new StatusTable("service", "role", "health", "what");
        foreach (var service in services)
        {
            var state = service.Health is { } h && h.TryGetProperty("state", out var s) ? Text(s) : "unknown";
            table.AddRow(
                Markup.Escape(service.Id),
                Markup.Escape(service.Status is { } status ? Property(status, "role") : ""),
                service.Trouble is null && state == "ok" ? "ok" : $"[red]{Markup.Escape(service.Trouble is null ? state : "gone")}[/]",
                Markup.Escape(service.Trouble ?? Complaints(service.Health)));
        }

        table.Write(AnsiConsole.Console);
    }

    private static string Complaints(JsonElement? health)
    {
        if (health is not { } h || !h.TryGetProperty("checks", out var checks) || checks.ValueKind != JsonValueKind.Array)
        {
            return "";
        }

        var complaints = checks.EnumerateArray()
            .Where(c => Property(c, "state") != "ok")
            .Select(c => $"{Property(c, "name")}: {Property(c, "message")}");
        return string.Join("; ", complaints);
    }

    private static void PrintMailboxes(IReadOnlyList<ServiceStatus> services)
    {
        var rows = Rows(services, "mailboxes");
        if (rows.Count == 0)
        {
            return;
        }

        var table = new StatusTable("mailbox", "accepted", "= delivered", "+ backlog", "+ lost", "+ quarantined", "blocks", "bytes", "oldest");
        foreach (var row in rows)
        {
            AddAccounts(table, row, Property(row, "name") + (Property(row, "enabled") == "false" ? " (disabled)" : ""));
            if (row.TryGetProperty("relay", out var relayed) && relayed.ValueKind == JsonValueKind.Object)
            {
                AddAccounts(table, relayed, $"{Property(row, "name")}, of other nodes");
            }
        }

        table.Write(AnsiConsole.Console);
    }

    private static void AddAccounts(StatusTable table, JsonElement row, string name) => table.AddRow(
        Markup.Escape(name),
        Number(row, "accepted_events"),
        Number(row, "delivered_events"),
        Number(row, "backlog_events"),
        Red(row, "lost_events"),
        Red(row, "quarantined_events"),
        Number(row, "backlog_blocks"),
        Number(row, "backlog_bytes"),
        Time(row, "oldest_block"));

    // What is in the way of a client is the health's affair, above.
    private static void PrintClients(IReadOnlyList<ServiceStatus> services)
    {
        var rows = Rows(services, "clients");
        if (rows.Count == 0)
        {
            return;
        }

        var table = new StatusTable("fetches from", "active", "blocks", "events", "known already", "waits there", "events/s", "left", "last contact");
        foreach (var row in rows)
        {
            table.AddRow(
                Markup.Escape(Property(row, "source")),
                Property(row, "active") == "true" ? "yes" : "no",
                Number(row, "blocks"),
                Number(row, "events"),
                Number(row, "duplicates"),
                Number(row, "backlog_events"),
                Rate(row.Field("session")),
                Left(row.Field("session")),
                Time(row, "last_contact"));
        }

        table.Write(AnsiConsole.Console);
    }

    private static void PrintFills(IReadOnlyList<ServiceStatus> services)
    {
        // Those that are over are in fill.list.
        var rows = Rows(services, "fills").Where(r => Property(r, "state") == "open").ToList();
        if (rows.Count == 0)
        {
            return;
        }

        var table = new StatusTable("fills mailbox", "for", "from", "to", "filled up to", "%", "events", "events/s", "left", "what");
        foreach (var row in rows)
        {
            table.AddRow(
                Markup.Escape(Property(row, "mailbox")),
                Markup.Escape(Property(row, "origin") is { Length: > 0 } node ? node : "an operator"),
                Time(row, "t_start"),
                Time(row, "t_end"),
                Time(row, "current"),
                Number(row, "percent"),
                Number(row, "events"),
                Rate(row),
                Left(row),
                Markup.Escape(Property(row, "doing")));
        }

        table.Write(AnsiConsole.Console);
    }

    private static void PrintRepairs(IReadOnlyList<ServiceStatus> services)
    {
        // A source without a gap has nothing to say here; what is in the way of searching is the health's affair, above.
        var rows = Rows(services, "repairs").Where(r => Array.Exists(GapCounts, count => Property(r, count) is not ("0" or ""))).ToList();
        if (rows.Count == 0)
        {
            return;
        }

        var table = new StatusTable("gaps of", "being filled", "closed", "nobody can fill", "not known before");
        foreach (var row in rows)
        {
            table.AddRow(Markup.Escape(Property(row, "source")), Number(row, "open"), Number(row, "closed"), Red(row, "unfillable"), Time(row, "not_known_before"));
        }

        table.Write(AnsiConsole.Console);
    }

    private static void PrintStreams(IReadOnlyList<ServiceStatus> services)
    {
        var rows = Rows(services, "streams");
        if (rows.Count == 0)
        {
            return;
        }

        var table = new StatusTable("received of node", "for mailbox", "received", "missing", "lost at the source");
        foreach (var row in rows)
        {
            table.AddRow(
                Markup.Escape(Property(row, "node")),
                Markup.Escape(Property(row, "mailbox")),
                Number(row, "received"),
                Red(row, "missing"),
                Markup.Escape(Losses(row)));
        }

        table.Write(AnsiConsole.Console);
    }

    /// <summary>What was lost of a stream, by reason. Where nobody knows how much, it is at least what is counted, which may be nothing.</summary>
    internal static string Losses(JsonElement stream) =>
        stream.TryGetProperty("losses", out var list) && list.ValueKind == JsonValueKind.Array
            ? string.Join(", ", list.EnumerateArray()
                .Where(l => Property(l, "events") != "0" || Property(l, "exact") == "false")
                .Select(l => $"{(Property(l, "exact") == "false" ? "at least " : "")}{Property(l, "events")} {Property(l, "reason")}"))
            : "";

    private static List<JsonElement> Rows(IReadOnlyList<ServiceStatus> services, string name) =>
    [
        .. services.Where(s => s.Status is { ValueKind: JsonValueKind.Object })
            .Select(s => s.Status!.Value.TryGetProperty(name, out var rows) ? rows : default)
            .Where(rows => rows.ValueKind == JsonValueKind.Array)
            .SelectMany(rows => rows.EnumerateArray()),
    ];

    private static string Property(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? Text(value) : "";

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "",
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => value.GetRawText(),
    };

    /// <summary>To the second, in UTC; the whole time is in the JSON.</summary>
    private static string Time(JsonElement row, string name) =>
        DateTimeOffset.TryParse(Property(row, name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)
            : "";

    private static string Number(JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) && value.TryGetInt64(out var number) ? number.ToString("N0", CultureInfo.InvariantCulture) : "";

    private static string Rate(JsonElement? work) =>
        work?.Number("events_per_second") is { } rate ? rate.ToString("N0", CultureInfo.InvariantCulture) : "";

    private static string Left(JsonElement? work) => work?.Number("remaining_seconds") is { } seconds ? ProgressText.Time(seconds) : "";

    private static string Red(JsonElement row, string name) =>
        Number(row, name) is var text && text is "0" or "" ? text : $"[red]{text}[/]";
}
