using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// W1 from the spool into SQLite, without a broker between the nodes. Baselines: the same rows inserted by one prepared statement, in order
/// of arrival and in order of the key.
/// </summary>
internal static class DrainBenchmark
{
    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var bus = new InProcessBus();
        var drained = await Drain.RunAsync(bench, bus.First, bus.Second, oids => ReferenceWorkload.Generate(oids, bench.Events));
        return [.. Figures("drain", drained), .. Baseline(bench, drained.Events, drained.Taken)];
    }

    /// <summary>What every drain reports.</summary>
    public static IEnumerable<Figure> Figures(string name, Drained drained)
    {
        double count = drained.Events.Count;
        yield return new($"{name}_events_per_s", count / drained.Taken.Seconds, "events/s");
        yield return new($"{name}_events_per_cpu_s", count / drained.Taken.CpuSeconds, "events per CPU second");
        yield return new($"{name}_core_share", drained.Taken.CoreShare, "of one core");
        yield return new($"{name}_allocated_bytes_per_event", drained.Taken.AllocatedBytes / count, "bytes/event");
        yield return new($"{name}_bus_bytes_per_event", drained.BusBytes / count, "bytes/event, both directions");
    }

    private static IEnumerable<Figure> Baseline(Bench bench, EventBatch events, Taken drained)
    {
        var unsorted = Meter.Measure(() => RawSqlite.Insert(bench.Folder.New("unsorted.db"), events, isSorted: false));
        var sorted = Meter.Measure(() => RawSqlite.Insert(bench.Folder.New("sorted.db"), events, isSorted: true));
        yield return new("w1_drain_sqlite_ratio", sorted.Seconds / drained.Seconds, "x the speed of raw sorted inserts");
        yield return new("drain_ratio_unsorted", unsorted.Seconds / drained.Seconds, "x the speed of raw inserts");
        yield return new("drain_cpu_ratio", sorted.CpuSeconds / drained.CpuSeconds, "x, by CPU time, sorted");
        yield return new("drain_cpu_ratio_unsorted", unsorted.CpuSeconds / drained.CpuSeconds, "x, by CPU time");
        yield return new("drain_raw_sorted_rows_per_s", events.Count / sorted.Seconds, "rows/s, raw sorted inserts");
        yield return new("drain_raw_rows_per_s", events.Count / unsorted.Seconds, "rows/s, raw inserts");
    }
}
