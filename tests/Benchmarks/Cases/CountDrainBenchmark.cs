using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>W1 from the spool to a centre that only counts: reading, sealing, carrying, opening, verifying, decoding, confirming, removing.</summary>
internal static class CountDrainBenchmark
{
    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var bus = new InProcessBus();
        var drained = await Drain.RunAsync(
            bench, bus.First, bus.Second, oids => ReferenceWorkload.Generate(oids, bench.Events), history: new CountingHistory());
        return
        [
            new("w1_drain_count_events_per_s", bench.Events / drained.Taken.Seconds, "events/s"),
            .. DrainBenchmark.Figures("drain_count", drained),
        ];
    }
}
