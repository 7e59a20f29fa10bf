using System.Diagnostics;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// Resident memory of an edge node as it is installed: <c>zfrepl run</c> for the collector and for the replicator, once as two processes,
/// once as one. Generators bring 10,000 readings a second, each by itself; a centre fetches all the time. There is no OPC UA client in it.
/// </summary>
internal static class MemoryBenchmark
{
    private const int EventsPerSecond = 10_000;
    // A little more than is needed: a beat that comes too late is left out.
    private const int Generators = (EventsPerSecond + EventsPerSecond / 20) / Services.ReadingsPerSecond;
    private const double Megabyte = 1e6;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var seconds = (double)bench.Events / EventsPerSecond;
        var pair = await RunAsync(bench.Folder.New("pair"), seconds, (collector, replicator) => [ServiceProcess.Run(collector), ServiceProcess.Run(replicator)]);
        var single = await RunAsync(bench.Folder.New("single"), seconds, (collector, replicator) => [ServiceProcess.Run(collector, replicator)]);
        return
        [
            new("memory_pair_resident_mb", pair.SharedOnce / Megabyte, "MB, two processes, shared pages once"),
            new("memory_pair_slope_mb_per_h", pair.SlopePerHour / Megabyte, "MB/h, over the second half"),
            new("memory_pair_resident_sum_mb", pair.Sum / Megabyte, "MB, shared pages in each"),
            new("memory_pair_private_mb", pair.Private / Megabyte, "MB, without shared pages"),
            new("memory_pair_events_per_s", pair.EventsPerSecond, "events/s at the centre"),
            new("memory_pair_core_share", pair.CoreShare, "of one core, start included"),
            new("memory_single_resident_mb", single.SharedOnce / Megabyte, "MB, both in one process"),
            new("memory_single_slope_mb_per_h", single.SlopePerHour / Megabyte, "MB/h, over the second half"),
            new("memory_single_events_per_s", single.EventsPerSecond, "events/s at the centre"),
            new("memory_single_core_share", single.CoreShare, "of one core, start included"),
        ];
    }

    private static async Task<Load> RunAsync(string folder, double seconds, Func<string, string, ServiceProcess[]> start)
    {
        await using var broker = Broker.Start();
        using var end = new CancellationTokenSource();
        await using var bus = Broker.Connect(broker.Port, Spool.Target);
        var connected = Broker.KeepAsync(bus, end.Token);
        var text = ApiKey.Generate();
        var services = new Services(folder, text, broker.Port);
        await using var centre = await Centre.OpenAsync(bus, Edge.NewKey(text, "default"), Directory.CreateDirectory(Path.Combine(folder, "target")).FullName);
        ServiceProcess[] processes = [];
        try
        {
            processes = start(services.Collector(Generators), services.Replicator());
            centre.Start();
            return await WatchAsync(centre, processes, seconds);
        }
        finally
        {
            foreach (var process in processes)
            {
                await process.DisposeAsync();
            }

            await end.CancelAsync();
            await connected;
        }
    }

    /// <summary>The greatest of everything that was seen after the first events had arrived.</summary>
    private static async Task<Load> WatchAsync(Centre centre, ServiceProcess[] processes, double seconds)
    {
        // Whoever ends too early says why.
        await await Task.WhenAny([centre.FetchedAsync(1), .. processes.Select(p => p.EndedTooEarlyAsync())]);
        var (begun, before) = (Stopwatch.GetTimestamp(), centre.State.Events);
        var worst = default(Load);
        var samples = new List<(double Seconds, double Bytes)>();
        while (Stopwatch.GetElapsedTime(begun).TotalSeconds < seconds)
        {
            await Task.Delay(Pause, TimeProvider.System);
            var resident = await Task.WhenAll(processes.Select(p => p.ResidentAsync()));
            var sharedOnce = resident.Sum(r => r.Private) + resident.Max(r => r.Shared);
            samples.Add((Stopwatch.GetElapsedTime(begun).TotalSeconds, sharedOnce));
            worst = worst with
            {
                SharedOnce = Math.Max(worst.SharedOnce, sharedOnce),
                Sum = Math.Max(worst.Sum, resident.Sum(r => r.Total)),
                Private = Math.Max(worst.Private, resident.Sum(r => r.Private)),
            };
        }

        var elapsed = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        return worst with
        {
            EventsPerSecond = (centre.State.Events - before) / elapsed,
            CoreShare = processes.Sum(p => p.CpuSeconds) / elapsed,
            SlopePerHour = 3600 * Slope(samples[(samples.Count / 2)..]),
        };
    }

    /// <summary>The line through the samples, by least squares: whether memory is flat or grows.</summary>
    private static double Slope(List<(double Seconds, double Bytes)> samples)
    {
        var (x, y) = (samples.Average(s => s.Seconds), samples.Average(s => s.Bytes));
        var spread = samples.Sum(s => (s.Seconds - x) * (s.Seconds - x));
        return spread > 0 ? samples.Sum(s => (s.Seconds - x) * (s.Bytes - y)) / spread : 0;
    }

    private readonly record struct Load(long SharedOnce, long Sum, long Private, double EventsPerSecond, double CoreShare, double SlopePerHour);
}
