using ZfRepl.Benchmarks.Running;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The benchmarks there are.</summary>
internal static class All
{
    private const int Million = 1_000_000;

    public static IReadOnlyList<Benchmark> Benchmarks { get; } =
    [
        new("crc", "CRC-32C of 2 MiB", Million, IsPinned: true, Rounds: 5, CrcBenchmark.RunAsync),
        new("frames", "events to frames and back", Million, IsPinned: true, Rounds: 5, FrameBenchmark.RunAsync),
        new("decode", "OPC UA Publish responses to columns", Million, IsPinned: true, Rounds: 5, DecodeBenchmark.RunAsync),
        new("intake", "events to durable blocks", Million, IsPinned: true, Rounds: 5, IntakeBenchmark.RunAsync),
        new("drain", "spool to SQLite, both nodes in one process", Million, IsPinned: true, Rounds: 3, DrainBenchmark.RunAsync),
        new("drain-mqtt", "as drain, over the embedded broker and TCP", Million, IsPinned: true, Rounds: 3, MqttDrainBenchmark.RunAsync),
        new("memory", "edge node at 10,000 events/s while it is drained", 200_000, IsPinned: false, Rounds: 1, MemoryBenchmark.RunAsync),
    ];
}
