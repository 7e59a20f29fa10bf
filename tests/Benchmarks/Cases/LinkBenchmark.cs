using System.Diagnostics;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// The same drain, to a centre that only counts, over the loopback, over a link whose round trip takes 200 ms, and over one that carries 2 Mbit/s
/// besides. Baseline is the loopback. A drain begins with a session, a question and a block, and ends with a confirmation: four round trips that
/// no backlog is long enough to hide. They are in the seconds and, of the rates, in those of the whole.
/// </summary>
internal static class LinkBenchmark
{
    private const int Million = 1_000_000;
    private const double TwoMbit = 2_000_000;

    private static readonly TimeSpan OneWay = TimeSpan.FromMilliseconds(100);

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var near = await DrainAsync(bench, bench.Events, _ => null);
        var far = await DrainAsync(bench, bench.Events, port => new DelayLink(port, OneWay, TimeProvider.System));
        var slow = Math.Min(bench.Events, Million);
        var thin = await DrainAsync(bench, slow, port => new DelayLink(port, OneWay, TimeProvider.System, TwoMbit));
        return
        [
            new("link_loopback_events_per_s", near.Rate, "events/s, from the first block to the last"),
            new("link_200ms_events_per_s", far.Rate, "events/s, the same"),
            new("link_200ms_ratio", far.Rate / near.Rate, "x the loopback"),
            new("link_loopback_seconds", near.Seconds, "s, all"),
            new("link_200ms_seconds", far.Seconds, "s, all"),
            new("link_200ms_repeats", far.Repeats, "requests sent again"),
            new("link_2mbit_seconds_per_million", thin.Seconds * Million / slow, "s, all, for a million events"),
            new("link_2mbit_bytes_per_event", thin.BytesPerEvent, "bytes/event, both directions"),
            new("link_2mbit_share", thin.BytesPerEvent * slow * 8 / TwoMbit / thin.Seconds, "of what the link carries"),
            new("link_2mbit_repeats", thin.Repeats, "requests sent again"),
        ];
    }

    private static async Task<Run> DrainAsync(Bench bench, int events, Func<int, DelayLink?> connect)
    {
        await using var broker = Broker.Start();
        await using var link = connect(broker.Port);
        using var end = new CancellationTokenSource();
        await using var edgeBus = Broker.Connect(broker.Port, "edge1");
        await using var centreBus = Broker.Connect(link?.Port ?? broker.Port, "centre");
        var running = Task.WhenAll(Broker.KeepAsync(edgeBus, end.Token), Broker.KeepAsync(centreBus, end.Token));
        try
        {
            var key = Edge.NewKey(ApiKey.Generate());
            await using var edge = await Edge.OpenAsync(bench.Folder.New("edge"));
            await using var centre = Centre.OpenCounting(centreBus, key, bench.Folder.New("centre"));
            edge.Serve(edgeBus, key);
            await FillAsync(edge.Spool, events);
            while (!centreBus.IsConnected || !edgeBus.IsConnected)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
            }

            var before = link?.Bytes ?? 0;
            var begun = Stopwatch.GetTimestamp();
            centre.Start();
            await centre.FetchedAsync(1);
            var (first, atFirst) = (centre.State.Events, Stopwatch.GetTimestamp());
            await centre.FetchedAsync(events);
            var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            var rate = (events - first) / Stopwatch.GetElapsedTime(atFirst).TotalSeconds;
            await centre.ExpectAsync(events);
            return new Run(seconds, rate, ((link?.Bytes ?? 0) - before) / (double)events, centre.Repeats);
        }
        finally
        {
            await end.CancelAsync();
            await running;
        }
    }

    /// <summary>In pieces, so that the events to come need not be in memory all at once.</summary>
    private static async Task FillAsync(Spool spool, int events)
    {
        for (var done = 0; done < events; done += Million)
        {
            await spool.TakeAsync(ReferenceWorkload.Generate(spool.Intake.Oids, Math.Min(Million, events - done)));
        }

        await spool.SealAsync();
    }

    private readonly record struct Run(double Seconds, double Rate, double BytesPerEvent, long Repeats);
}
