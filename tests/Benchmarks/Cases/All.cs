using ZfRepl.Benchmarks.Running;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The benchmarks there are.</summary>
internal static class All
{
    private const int Million = 1_000_000;

    public static IReadOnlyList<Benchmark> Benchmarks { get; } =
    [
        new("crc", "CRC-32C of 2 MiB", Million, IsPinned: true, Rounds: 5, WarmsUp: true, CrcBenchmark.RunAsync),
        new("frames", "events to frames and back", Million, IsPinned: true, Rounds: 5, WarmsUp: true, FrameBenchmark.RunAsync),
        new("columns", "events to frames of columns and back", Million, IsPinned: true, Rounds: 5, WarmsUp: true, ColumnsBenchmark.RunAsync),
        new("rows", "the baseline of all bytes: rows, and rows with bzip2", 240_000, IsPinned: true, Rounds: 1, WarmsUp: false, RowsBenchmark.RunAsync),
        new("decode", "OPC UA Publish responses to columns", Million, IsPinned: true, Rounds: 5, WarmsUp: true, DecodeBenchmark.RunAsync),
        new("intake", "events to durable blocks", Million, IsPinned: true, Rounds: 5, WarmsUp: true, IntakeBenchmark.RunAsync),
        new("drain", "spool to SQLite, both nodes in one process", Million, IsPinned: true, Rounds: 3, WarmsUp: true, DrainBenchmark.RunAsync),
        new("drain-postgres", "as drain, into PostgreSQL", Million, IsPinned: false, Rounds: 3, WarmsUp: true, PostgresDrainBenchmark.RunAsync)
        {
            Needs = [new Server("initdb", "postgresql")],
        },
        new("drain-mqtt", "as drain, over the embedded broker and TCP", Million, IsPinned: true, Rounds: 3, WarmsUp: true, MqttDrainBenchmark.RunAsync),
        new("drain-influx", "as drain, into a real InfluxDB 1.x", Million, IsPinned: false, Rounds: 3, WarmsUp: true, InfluxDrainBenchmark.RunAsync)
        {
            Needs = [new("influxd", "influxdb")],
        },
        new("edge-cpu", "processor time of an edge that stores and serves", Million, IsPinned: true, Rounds: 1, WarmsUp: false, EdgeCpuBenchmark.RunAsync),
        new("drain-count", "as drain, to a centre that only counts", Million, IsPinned: true, Rounds: 3, WarmsUp: true, CountDrainBenchmark.RunAsync),
        new("link", "as drain-count, over links that are 200 ms away, there and back", 4 * Million, IsPinned: false, Rounds: 1, WarmsUp: false, LinkBenchmark.RunAsync) { SmokeEvents = 500_000 },
        new("growth", "a backlog of small blocks, and one ten times as long", 10_000, IsPinned: false, Rounds: 1, WarmsUp: false, GrowthBenchmark.RunAsync) { SmokeEvents = 1000 },
        new("live", "OPC UA server to the centre's database by announcements, 1,000 events/s", 20_000, IsPinned: false, Rounds: 1, WarmsUp: false, LiveBenchmark.RunAsync) { SmokeEvents = 2000 },
        new("fanin", "100 source nodes of 1,000 events/s each into one target", 6 * Million, IsPinned: false, Rounds: 1, WarmsUp: false, FanInBenchmark.RunAsync) { SmokeEvents = 20_000 },
        new("w1-us", "bytes of W1 with microseconds, over broker and TCP", Million, IsPinned: true, Rounds: 1, WarmsUp: false, WorkloadBenchmarks.RunMicrosecondsAsync),
        new("w2", "bytes of a slow plant, each event synced by itself", 5000, IsPinned: true, Rounds: 1, WarmsUp: false, WorkloadBenchmarks.RunSlowAsync) { SmokeEvents = 1000 },
        new("w3", "bytes of values that can't be compressed", 100_000, IsPinned: true, Rounds: 1, WarmsUp: false, WorkloadBenchmarks.RunHighEntropyAsync) { SmokeEvents = 5000 },
        new("memory", "collector and replicator at 10,000 events/s for a minute, being drained", 600_000, IsPinned: false, Rounds: 1, WarmsUp: false, MemoryBenchmark.RunAsync),
    ];
}
