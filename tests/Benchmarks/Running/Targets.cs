namespace ZfRepl.Benchmarks.Running;

/// <summary>A figure that people outside look for under its name.</summary>
/// <param name="Figure">Its name.</param>
/// <param name="Benchmark">The benchmark that measures it.</param>
/// <param name="AtLeast">What it should reach, or null.</param>
/// <param name="AtMost">What it should stay below, or null.</param>
internal sealed record Target(string Figure, string Benchmark, double? AtLeast = null, double? AtMost = null)
{
    public bool IsReached(double value) => value >= (AtLeast ?? double.MinValue) && value <= (AtMost ?? double.MaxValue);
}

/// <summary>What ZfRepl wants to reach. A benchmark that stops measuring one of these fails; one that misses its target does not.</summary>
internal static class Targets
{
    public static IReadOnlyList<Target> All { get; } =
    [
        new("w1_wire_bytes_per_event", "drain-mqtt", AtMost: 1.7),
        new("w1_us_wire_bytes_per_event", "w1-us", AtMost: 2.6),
        new("w1_spool_bytes_per_event", "intake", AtMost: 4),
        new("w3_wire_ratio", "w3", AtMost: 1.02),
        new("w3_spool_ratio", "w3", AtMost: 1.02),
        new("w1_intake_events_per_s", "intake", AtLeast: 5_000_000),
        new("w1_encode_events_per_s", "columns", AtLeast: 6_000_000),
        new("w1_decode_events_per_s", "columns", AtLeast: 12_000_000),
        new("w1_encode_allocated_bytes_per_event", "columns", AtMost: 0.005),
        new("w1_decode_allocated_bytes_per_event", "columns", AtMost: 0.005),
        new("w1_drain_sqlite_ratio", "drain", AtLeast: 0.8),
        new("w1_drain_postgres_ratio", "drain-postgres", AtLeast: 0.8),
        new("w1_drain_influx_ratio", "drain-influx", AtLeast: 0.8),
        new("w1_edge_cpu_seconds_per_million", "edge-cpu", AtMost: 0.6),
        new("rows_bzip2_bytes_per_event", "rows"),
        new("w1_drain_count_events_per_s", "drain-count", AtLeast: 4_500_000),
        new("link_200ms_ratio", "link", AtLeast: 0.8),
        new("link_2mbit_seconds_per_million", "link", AtMost: 9),
        new("growth_ratio", "growth", AtMost: 10.5),
        new("live_p50_ms", "live", AtMost: 150),
        new("live_p99_ms", "live", AtMost: 500),
        new("fanin_100_nodes_ok", "fanin", AtLeast: 1),
        new("opcua_decode_values_per_s", "decode", AtLeast: 8_000_000),
        new("memory_pair_resident_mb", "memory", AtMost: 120),
    ];

    /// <summary>The target of a figure, or null when it has none.</summary>
    public static Target? Find(string figure) => All.FirstOrDefault(t => t.Figure == figure);
}
