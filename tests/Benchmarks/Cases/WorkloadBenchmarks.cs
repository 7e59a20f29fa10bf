using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>How many bytes the other workloads take on the disk and on the wire, over broker and TCP.</summary>
internal static class WorkloadBenchmarks
{
    /// <summary>W1 with times in microseconds, of which nearly half the bits are noise.</summary>
    public static async Task<IReadOnlyList<Figure>> RunMicrosecondsAsync(Bench bench)
    {
        await using var link = new MqttLink();
        var drained = await Drain.RunAsync(
            bench, link.EdgeBus, link.CentreBus, oids => ReferenceWorkload.Generate(oids, bench.Events, keepsMicroseconds: true));
        return
        [
            new("w1_us_wire_bytes_per_event", (double)link.WireBytes / bench.Events, "bytes/event, all of the edge's TCP"),
            new("w1_us_spool_bytes_per_event", (double)drained.SpoolBytes / bench.Events, "bytes/event on disk, sealed"),
        ];
    }

    /// <summary>W2: a slow plant, in which each event is synced by itself and gets a frame of its own.</summary>
    public static async Task<IReadOnlyList<Figure>> RunSlowAsync(Bench bench)
    {
        await using var link = new MqttLink();
        var drained = await Drain.RunAsync(
            bench, link.EdgeBus, link.CentreBus, oids => ReferenceWorkload.Generate(oids, bench.Events, stepUs: ReferenceWorkload.SlowStepUs),
            oneByOne: true);
        return
        [
            new("w2_wire_bytes_per_event", (double)link.WireBytes / bench.Events, "bytes/event, all of the edge's TCP"),
            new("w2_spool_bytes_per_event", (double)drained.SpoolBytes / bench.Events, "bytes/event on disk, sealed"),
            new("w2_open_bytes_per_event", (double)drained.OpenBytes / bench.Events, "bytes/event on disk, before"),
        ];
    }

    /// <summary>W3: what can't be compressed must not grow. Baseline: rows of nothing but the fields.</summary>
    public static async Task<IReadOnlyList<Figure>> RunHighEntropyAsync(Bench bench)
    {
        await using var link = new MqttLink();
        var drained = await Drain.RunAsync(bench, link.EdgeBus, link.CentreBus, oids => HighEntropyWorkload.Generate(oids, bench.Events));
        double rows = HighEntropyWorkload.RowBytes(drained.Events);
        return
        [
            new("w3_wire_ratio", link.WireBytes / rows, "x the bytes of raw rows"),
            new("w3_spool_ratio", drained.SpoolBytes / rows, "x the bytes of raw rows"),
            new("w3_raw_bytes_per_event", rows / bench.Events, "bytes/event, raw rows"),
        ];
    }
}
