using System.Text.Json.Nodes;

namespace ZfRepl.Benchmarks.Plotting;

/// <summary>The plots of docs/benchmarks.md.</summary>
internal static class Plots
{
    private static readonly (string Label, string Figure)[] Wire =
    [
        ("ZfRepl", "w1_wire_bytes_per_event"),
        ("ZfRepl, microseconds", "w1_us_wire_bytes_per_event"),
        ("rows + bzip2", "rows_bzip2_bytes_per_event"),
        ("rows", "rows_bytes_per_event"),
        ("mosquitto, 100 a message", "peer_mosquitto_100_wire_bytes_per_event"),
        ("mosquitto", "peer_mosquitto_wire_bytes_per_event"),
        ("NATS, 100 a message", "peer_nats_100_wire_bytes_per_event"),
        ("NATS", "peer_nats_wire_bytes_per_event"),
        ("rsyslog RELP", "peer_rsyslog_wire_bytes_per_event"),
    ];

    private static readonly (string Label, string Figure)[] Disk =
    [
        ("ZfRepl", "w1_spool_bytes_per_event"),
        ("ZfRepl, microseconds", "w1_us_spool_bytes_per_event"),
        ("rows", "rows_bytes_per_event"),
        ("mosquitto, 100 a message", "peer_mosquitto_100_disk_bytes_per_event"),
        ("mosquitto", "peer_mosquitto_disk_bytes_per_event"),
        ("NATS, 100 a message", "peer_nats_100_disk_bytes_per_event"),
        ("NATS", "peer_nats_disk_bytes_per_event"),
        ("rsyslog", "peer_rsyslog_disk_bytes_per_event"),
    ];

    private static readonly (string Label, string Figure)[] Store =
    [
        ("ZfRepl, synced", "w1_intake_events_per_s"),
        ("mosquitto, 100 a message", "peer_mosquitto_100_store_unsaved_events_per_s"),
        ("mosquitto", "peer_mosquitto_store_unsaved_events_per_s"),
        ("NATS, 100 a message", "peer_nats_100_store_events_per_s"),
        ("NATS", "peer_nats_store_events_per_s"),
        ("rsyslog", "peer_rsyslog_store_events_per_s"),
        ("rsyslog, synced", "peer_rsyslog_synced_store_events_per_s"),
    ];

    private static readonly (string Label, string Figure)[] Drain =
    [
        ("ZfRepl, counted", "w1_drain_count_events_per_s"),
        ("ZfRepl, into SQLite", "drain_events_per_s"),
        ("mosquitto, 100 a message", "peer_mosquitto_100_drain_events_per_s"),
        ("mosquitto", "peer_mosquitto_drain_events_per_s"),
        ("NATS, 100 a message", "peer_nats_100_drain_events_per_s"),
        ("NATS", "peer_nats_drain_events_per_s"),
        ("rsyslog RELP", "peer_rsyslog_drain_events_per_s"),
    ];

    private static readonly (string Label, string Figure)[] Cpu =
    [
        ("ZfRepl", "w1_edge_cpu_seconds_per_million"),
        ("bzip2 of rows alone", "rows_bzip2_cpu_seconds_per_million"),
        ("mosquitto, 100 a message", "peer_mosquitto_100_edge_cpu_seconds_per_million"),
        ("mosquitto", "peer_mosquitto_edge_cpu_seconds_per_million"),
        ("NATS, 100 a message", "peer_nats_100_edge_cpu_seconds_per_million"),
        ("NATS", "peer_nats_edge_cpu_seconds_per_million"),
        ("rsyslog", "peer_rsyslog_edge_cpu_seconds_per_million"),
    ];

    /// <summary>The files by their names; figures that are not there are left out.</summary>
    public static IReadOnlyDictionary<string, string> Draw(JsonObject figures) => new Dictionary<string, string>
    {
        ["benchmarks-bytes.svg"] = LogChart.Draw(
            "Bytes per event on the wire and on the edge's disk, ZfRepl beside others",
            [
                new Panel("Bytes per event on the wire", "everything that the link carries; less is better", Rows(figures, Wire)),
                new Panel("Bytes per event on the edge's disk", "while the centre is away; less is better", Rows(figures, Disk)),
            ]),
        ["benchmarks-speed.svg"] = LogChart.Draw(
            "Events per second stored and drained, and processor time of the edge, ZfRepl beside others",
            [
                new Panel("Events/s stored at the edge", "not synced unless it says so; more is better", Rows(figures, Store)),
                new Panel("Events/s drained to the centre", "over the loopback interface; more is better", Rows(figures, Drain)),
                new Panel("CPU seconds of the edge for a million events", "store and serve; less is better", Rows(figures, Cpu)),
            ]),
    };

    private static ChartRow[] Rows(JsonObject figures, (string Label, string Figure)[] wanted) =>
    [
        .. from row in wanted
           let value = (double?)figures[row.Figure]
           where value > 0
           select new ChartRow(row.Label, value.Value, row.Label.StartsWith("ZfRepl", StringComparison.Ordinal)),
    ];
}
