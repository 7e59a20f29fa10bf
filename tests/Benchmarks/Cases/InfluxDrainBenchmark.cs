using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.History.Influx;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// As <see cref="DrainBenchmark"/>, into a real InfluxDB. Baseline: the same lines, made beforehand, sorted, in requests of 20,000, one after
/// the other, and two at a time as the product sends them. Each gets a server of its own.
/// </summary>
internal static class InfluxDrainBenchmark
{
    private const int LinesPerRequest = 20_000;

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var events = ReferenceWorkload.Generate(new OidTable(), bench.Events);
        var bodies = MakeBodies(events);
        var single = await LoadAsync(bodies, inFlight: 1);
        var paired = await LoadAsync(bodies, inFlight: 2);
        bodies.Clear();
        var drained = await DrainAsync(bench);
        double count = bench.Events;
        return
        [
            new("w1_drain_influx_ratio", single.Seconds / drained.Seconds, "x the speed of raw line protocol"),
            new("w1_drain_influx_ratio_two_requests", paired.Seconds / drained.Seconds, "x raw line protocol, two requests at a time"),
            new("drain_influx_events_per_s", count / drained.Seconds, "events/s"),
            new("drain_influx_events_per_cpu_s", count / drained.CpuSeconds, "events per CPU second, without the server"),
            new("drain_influx_allocated_bytes_per_event", drained.AllocatedBytes / count, "bytes/event"),
            new("drain_influx_raw_rows_per_s", count / single.Seconds, "rows/s, raw line protocol"),
            new("drain_influx_raw_two_requests_rows_per_s", count / paired.Seconds, "rows/s, raw line protocol, two requests at a time"),
        ];
    }

    private static async Task<Taken> DrainAsync(Bench bench)
    {
        await using var server = await InfluxServer.StartAsync();
        var bus = new InProcessBus();
        var key = Edge.NewKey(ApiKey.Generate());
        await using var edge = await Edge.OpenAsync(bench.Folder.New("edge"));
        var folder = bench.Folder.New("centre");
        var options = new InfluxHistoryOptions { Url = server.Url, LedgerPath = Path.Combine(folder, "ledger.db") };
        var history = (await InfluxHistory.OpenAsync(options, TimeProvider.System)).Value;
        await using var centre = Centre.Open(bus.Second, key, folder, history);
        edge.Serve(bus.First, key);
        var events = ReferenceWorkload.Generate(edge.Spool.Intake.Oids, bench.Events);
        await edge.Spool.TakeAsync(events);
        await edge.Spool.SealAsync();
        var drained = await Meter.MeasureAsync(() =>
        {
            centre.Start();
            return centre.FetchedAsync(events.Count);
        });
        await centre.ExpectAsync(events.Count);
        return drained;
    }

    private static List<byte[]> MakeBodies(EventBatch events)
    {
        var lines = new LineWriter("zfrepl");
        lines.Begin(events.Oids);
        var body = new ByteWriter(4 * 1024 * 1024);
        var bodies = new List<byte[]>();
        foreach (var part in Enumerable.Range(0, events.Count).Chunk(LinesPerRequest))
        {
            body.Clear();
            foreach (var i in part.OrderBy(i => events.Items[i]).ThenBy(i => events.TimesNs[i]))
            {
                lines.Append(body, events, i, 0);
            }

            bodies.Add(body.Written.ToArray());
        }

        return bodies;
    }

    private static async Task<Taken> LoadAsync(List<byte[]> bodies, int inFlight)
    {
        await using var server = await InfluxServer.StartAsync();
        await server.QueryAsync("CREATE DATABASE raw");
        using var http = new HttpClient();
        var url = new Uri(server.Url, "/write?db=raw&precision=ns");
        return await Meter.MeasureAsync(() => Parallel.ForEachAsync(
            bodies,
            new ParallelOptions { MaxDegreeOfParallelism = inFlight },
            async (body, cancellation) =>
            {
                using var content = new ByteArrayContent(body);
                using var response = await http.PostAsync(url, content, cancellation);
                if (response.StatusCode != System.Net.HttpStatusCode.NoContent)
                {
                    throw new InvalidOperationException($"InfluxDB says {response.StatusCode}.");
                }
            }));
    }
}
