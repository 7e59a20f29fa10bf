using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using ZfRepl.Benchmarks.Running;

namespace ZfRepl.Benchmarks.Plotting;

/// <summary>The tables of docs/benchmarks.md: they stand between marks in the page and are written from the figures, never by hand.</summary>
internal static class Tables
{
    private const string NotMeasured = "not measured";

    /// <summary>What the figures with a target are, in the order of the table; the last text names the peers' figures to put beside it.</summary>
    private static readonly (string Figure, string Measure, string PeerFigure)[] Measures =
    [
        ("w1_wire_bytes_per_event", "wire bytes per event, everything included", "wire_bytes_per_event"),
        ("w1_us_wire_bytes_per_event", "the same with times in microseconds", ""),
        ("link_2mbit_seconds_per_million", "1 M events over 2 Mbit/s and 200 ms, s", ""),
        ("link_200ms_ratio", "speed over a 200 ms round trip, to loopback", ""),
        ("w1_spool_bytes_per_event", "spool bytes per event on disk, sealed", "disk_bytes_per_event"),
        ("w3_wire_ratio", "W3: wire, to raw rows", ""),
        ("w3_spool_ratio", "W3: spool, to raw rows", ""),
        ("w1_intake_events_per_s", "intake, durable, events/s", "store_events_per_s"),
        ("w1_encode_events_per_s", "codec, encode, events/s", ""),
        ("w1_decode_events_per_s", "codec, decode, events/s", ""),
        ("w1_encode_allocated_bytes_per_event", "allocated by the codec, encode, bytes/event", ""),
        ("w1_decode_allocated_bytes_per_event", "allocated by the codec, decode, bytes/event", ""),
        ("w1_drain_count_events_per_s", "drain to a centre that only counts, events/s", "drain_events_per_s"),
        ("w1_drain_sqlite_ratio", "drain into SQLite, to a raw load", ""),
        ("w1_drain_postgres_ratio", "drain into PostgreSQL, to a raw load", ""),
        ("w1_drain_influx_ratio", "drain into InfluxDB, to a raw load", ""),
        ("w1_edge_cpu_seconds_per_million", "CPU of the edge, store and serve 1 M events, s", "edge_cpu_seconds_per_million"),
        ("opcua_decode_values_per_s", "OPC UA decode into columns, values/s", ""),
        ("memory_pair_resident_mb", "resident memory of the edge pair at 10,000 events/s, MB", ""),
        ("live_p50_ms", "change at the source to row in the database at 1,000 events/s, median, ms", ""),
        ("live_p99_ms", "the same, 99th percentile, ms", ""),
        ("fanin_100_nodes_ok", "100 nodes of 1,000 events/s into one target: 1 is yes", ""),
        ("growth_ratio", "time for ten times the backlog", ""),
    ];

    private static readonly (string Name, string Title)[] Peers =
    [
        ("mosquitto", "mosquitto"), ("mosquitto_100", "mosquitto, 100 a message"), ("nats", "NATS"), ("nats_100", "NATS, 100 a message"),
        ("rsyslog", "rsyslog RELP"),
    ];

    private static readonly (string Ours, string Peer, string Measure)[] PeerMeasures =
    [
        ("w1_intake_events_per_s", "store_events_per_s", "store, events/s"),
        ("drain_events_per_s", "drain_events_per_s", "drain, events/s"),
        ("", "drain_s", "drain, s"),
        ("w1_edge_cpu_seconds_per_million", "edge_cpu_seconds_per_million", "CPU of the edge, s for 1 M"),
        ("", "hub_cpu_seconds_per_million", "CPU of the hub, s for 1 M"),
        ("w1_wire_bytes_per_event", "wire_bytes_per_event", "wire, bytes/event"),
        ("w1_spool_bytes_per_event", "disk_bytes_per_event", "disk, bytes/event"),
        ("", "peak_mb", "greatest memory of the edge, MB"),
    ];

    private static readonly (string Name, string Title)[] Losses =
    [
        ("mosquitto_defaults", "mosquitto with its defaults, 1,000 messages queued at most, nothing killed"),
        ("mosquitto_kill", "mosquitto, kill -9, saves every 1,800 s (default)"),
        ("mosquitto_kill_autosave_3s", "mosquitto, kill -9, saves every 3 s"),
        ("nats_kill", "NATS, kill -9"),
        ("rsyslog_kill", "rsyslog, kill -9, disk-assisted queue"),
    ];

    /// <summary>The page with its tables written anew.</summary>
    /// <exception cref="InvalidOperationException">A mark is missing.</exception>
    public static string Fill(string page, JsonObject figures)
    {
        page = Replace(page, "targets", TargetTable(figures));
        return Replace(page, "peers", PeerTable(figures));
    }

    private static string TargetTable(JsonObject figures)
    {
        var table = new StringBuilder();
        table.Append(CultureInfo.InvariantCulture, $"Measured {(string?)figures["machine"] ?? NotMeasured}.\n\n");
        table.Append("| measure | figure | target | measured | | others, same workload |\n|---|---|---|---|---|---|\n");
        foreach (var (figure, measure, peerFigure) in Measures)
        {
            var target = Targets.Find(figure);
            var limit = target switch
            {
                { AtLeast: { } least } => $"≥ {Text(least)}",
                { AtMost: { } most } => $"≤ {Text(most)}",
                _ => "",
            };
            var value = (double?)figures[figure];
            var verdict = value is { } v && target is not null ? target.IsReached(v) ? "reached" : "**missed**" : "";
            table.Append(
                CultureInfo.InvariantCulture,
                $"| {measure} | `{figure}` | {limit} | {Text(value)} | {verdict} | {Beside(figures, peerFigure)} |\n");
        }

        return table.ToString();
    }

    private static string PeerTable(JsonObject figures)
    {
        var table = new StringBuilder();
        table.Append(
            CultureInfo.InvariantCulture,
            $"Peers measured {(string?)figures["peer_date"] ?? NotMeasured}, {Text((double?)figures["peer_events"])} events, {(string?)figures["peer_machine"]}.\n\n");
        table.Append("| | ZfRepl |").Append(string.Concat(Peers.Select(p => $" {p.Title} |"))).Append('\n');
        table.Append("|---|---|").Append(string.Concat(Peers.Select(_ => "---|"))).Append('\n');
        foreach (var (ours, peer, measure) in PeerMeasures)
        {
            table.Append(CultureInfo.InvariantCulture, $"| {measure} | {(ours.Length > 0 ? Text((double?)figures[ours]) : "")} |");
            table.Append(string.Concat(Peers.Select(p => $" {Text((double?)figures[$"peer_{p.Name}_{peer}"])} |"))).Append('\n');
        }

        table.Append("\n| what is lost | accepted | lost |\n|---|---|---|\n");
        foreach (var (name, title) in Losses)
        {
            table.Append(
                CultureInfo.InvariantCulture,
                $"| {title} | {Text((double?)figures[$"peer_{name}_accepted"])} | {Text((double?)figures[$"peer_{name}_lost"])} |\n");
        }

        return table.ToString();
    }

    private static string Beside(JsonObject figures, string peerFigure) => peerFigure.Length == 0
        ? ""
        : string.Join("; ", Peers
            .Select(p => (p.Title, Value: (double?)figures[$"peer_{p.Name}_{peerFigure}"]))
            .Where(p => p.Value is not null)
            .Select(p => $"{p.Title} {Text(p.Value)}"));

    private static string Replace(string page, string name, string content)
    {
        var (begin, end) = ($"<!-- figures: {name} -->\n", $"<!-- end of figures: {name} -->");
        var (from, to) = (page.IndexOf(begin, StringComparison.Ordinal), page.IndexOf(end, StringComparison.Ordinal));
        return from >= 0 && to > from
            ? string.Concat(page.AsSpan(0, from + begin.Length), content, page.AsSpan(to))
            : throw new InvalidOperationException($"The page has no marks for its table of {name}.");
    }

    private static string Text(double? value) => value switch
    {
        null => NotMeasured,
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:0.##} M"),
        >= 1e4 => string.Create(CultureInfo.InvariantCulture, $"{value:#,0}"),
        >= 100 => string.Create(CultureInfo.InvariantCulture, $"{value:#,0.#}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value:0.###}"),
    };
}
