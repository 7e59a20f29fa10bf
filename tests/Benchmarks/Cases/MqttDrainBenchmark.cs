using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The same drain with the embedded broker and TCP connections between the nodes, all of it on the one core.</summary>
internal static class MqttDrainBenchmark
{
    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        await using var link = new MqttLink();
        var drained = await Drain.RunAsync(bench, link.EdgeBus, link.CentreBus, oids => ReferenceWorkload.Generate(oids, bench.Events));
        return
        [
            new("w1_wire_bytes_per_event", (double)link.WireBytes / bench.Events, "bytes/event, all of the edge's TCP"),
            .. DrainBenchmark.Figures("drain_mqtt", drained),
        ];
    }
}
