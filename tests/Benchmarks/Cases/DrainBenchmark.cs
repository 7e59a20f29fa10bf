using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// A spool that waits is fetched, verified, imported into SQLite, confirmed and removed, by the product's own classes on both sides.
/// Baselines: the same rows inserted by one prepared statement, in order of arrival and in order of the key.
/// </summary>
internal static class DrainBenchmark
{
    public static Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var bus = new InProcessBus();
        return RunAsync(bench, "drain", bus.First, bus.Second, withBaseline: true, target: 150_000);
    }

    /// <summary>Drains over any bus.</summary>
    public static async Task<IReadOnlyList<Figure>> RunAsync(
        Bench bench, string name, IMessageBus edgeBus, IMessageBus centreBus, bool withBaseline, double? target)
    {
        var key = Edge.NewKey(ApiKey.Generate());
        await using var centre = await Centre.OpenAsync(centreBus, key, bench.Folder.New("centre"));
        var (figures, events, drained) = await DrainAsync(bench, name, edgeBus, key, centre, target);
        return withBaseline ? [.. figures, .. Baseline(bench, name, events, drained)] : figures;
    }

    /// <summary>Fills a spool and drains it into any node.</summary>
    public static async Task<(List<Figure> Figures, EventBatch Events, Taken Drained)> DrainAsync(
        Bench bench, string name, IMessageBus edgeBus, ApiKey key, Centre centre, double? target)
    {
        await using var edge = await Edge.OpenAsync(bench.Folder.New("edge"));
        edge.Serve(edgeBus, key);

        // Meanwhile both get to their broker: a drain is measured, not a connection.
        var events = ReferenceWorkload.Generate(edge.Spool.Intake.Oids, bench.Events);
        await edge.Spool.TakeAsync(events);
        await edge.Spool.SealAsync();
        var drained = await Meter.MeasureAsync(() =>
        {
            centre.Start();
            return centre.FetchedAsync(events.Count);
        });
        await centre.ExpectAsync(events.Count);
        var left = (await edge.Spool.Mailbox.StatusAsync(CancellationToken.None)).BacklogEvents;
        if (left > 0)
        {
            throw new InvalidOperationException($"{left} events are still in the spool.");
        }

        var wire = centre.State.SentBytes + centre.State.ReceivedBytes;
        double count = events.Count;
        List<Figure> figures =
        [
            new($"{name}_events_per_s", count / drained.Seconds, "events/s", AtLeast: target),
            new($"{name}_events_per_cpu_s", count / drained.CpuSeconds, "events per CPU second"),
            new($"{name}_core_share", drained.CoreShare, "of one core"),
            new($"{name}_allocated_bytes_per_event", drained.AllocatedBytes / count, "bytes/event"),
            new($"{name}_wire_bytes_per_event", wire / count, "bytes/event, both directions"),
        ];
        return (figures, events, drained);
    }

    private static IEnumerable<Figure> Baseline(Bench bench, string name, EventBatch events, Taken drained)
    {
        var unsorted = Meter.Measure(() => RawSqlite.Insert(bench.Folder.New("unsorted.db"), events, isSorted: false));
        var sorted = Meter.Measure(() => RawSqlite.Insert(bench.Folder.New("sorted.db"), events, isSorted: true));
        yield return new($"{name}_raw_rows_per_s", events.Count / unsorted.Seconds, "rows/s, raw inserts");
        yield return new($"{name}_raw_sorted_rows_per_s", events.Count / sorted.Seconds, "rows/s, raw sorted inserts");
        yield return new($"{name}_ratio", unsorted.Seconds / drained.Seconds, "x the speed of raw inserts");
        yield return new($"{name}_ratio_sorted", sorted.Seconds / drained.Seconds, "x the speed of raw sorted inserts");
        yield return new($"{name}_cpu_ratio", unsorted.CpuSeconds / drained.CpuSeconds, "x, by CPU time");
        yield return new($"{name}_cpu_ratio_sorted", sorted.CpuSeconds / drained.CpuSeconds, "x, by CPU time");
    }
}
