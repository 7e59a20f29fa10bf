using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>What the process of an edge node is to do.</summary>
internal sealed record EdgeSettings(string Folder, int Port, string Key, int EventsPerSecond, int Events);

/// <summary>What it says at the end.</summary>
/// <param name="ResidentBytes">Resident memory at the end.</param>
/// <param name="PeakResidentBytes">The most that it ever was.</param>
/// <param name="HeapBytes">The managed heap after the last collection.</param>
/// <param name="CpuSeconds">Processor time since the start of the process.</param>
/// <param name="Seconds">How long events came.</param>
internal sealed record EdgeReport(long ResidentBytes, long PeakResidentBytes, long HeapBytes, double CpuSeconds, double Seconds);

/// <summary>Collector and serving replicator of an edge node in a process of their own, fed at a fixed rate.</summary>
internal static class EdgeProcess
{
    private const int TicksPerSecond = 100;

    /// <summary>Feeds, waits until the parent closes the standard input, and prints the report.</summary>
    public static async Task<int> RunAsync(string settingsText)
    {
        var settings = JsonSerializer.Deserialize<EdgeSettings>(settingsText)!;
        using var end = new CancellationTokenSource();
        await using var bus = Broker.Connect(settings.Port, Spool.Node);
        var running = bus.RunAsync(end.Token);
        await using (var edge = await Edge.OpenAsync(settings.Folder))
        {
            edge.Serve(bus, Edge.NewKey(settings.Key));
            var begun = Stopwatch.GetTimestamp();
            await FeedAsync(edge.Spool, settings);
            var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            await Console.In.ReadToEndAsync();
            var report = new EdgeReport(
                Status("VmRSS"), Status("VmHWM"), GC.GetGCMemoryInfo().HeapSizeBytes, Environment.CpuUsage.TotalTime.TotalSeconds, seconds);
            Console.WriteLine(JsonSerializer.Serialize(report));
        }

        await end.CancelAsync();
        try
        {
            await running;
        }
        catch (OperationCanceledException)
        {
            // The orderly end.
        }

        return 0;
    }

    /// <summary>The events are made as they are needed, ten milliseconds at a time, so that no store of them counts as the product's memory.</summary>
    private static async Task FeedAsync(Spool spool, EdgeSettings settings)
    {
        var batchEvents = settings.EventsPerSecond / TicksPerSecond;
        var numbers = new SeededNumbers(1);
        var sensors = Enumerable.Range(0, ReferenceWorkload.Sensors).Select(i => new Sensor(i, numbers)).ToArray();
        var items = sensors.Select(s => spool.Intake.Oids.GetOrAdd(s.Oid)).ToArray();
        var batches = new Queue<(EventBatch Batch, Task<bool> Durable)>();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1000.0 / TicksPerSecond), TimeProvider.System);
        for (var done = 0; done < settings.Events; done += batchEvents)
        {
            await timer.WaitForNextTickAsync();
            var batch = new EventBatch(spool.Intake.Oids, batchEvents);
            if (batches.Count >= 32)
            {
                (batch, var durable) = batches.Dequeue();
                await durable;
                batch.Clear();
            }

            var first = spool.Intake.NextIeids(batchEvents);
            var timeNs = UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
            for (var i = 0; i < batchEvents; i++)
            {
                var sensor = (done + i) % sensors.Length;
                batch.Add(
                    items[sensor], timeNs, 1, 0, sensors[sensor].Kind, sensors[sensor].Next(), null, first with { Counter = first.Counter + (ulong)i },
                    EventFlags.None);
            }

            batches.Enqueue((batch, await spool.Intake.TakeAsync(batch, position: null, CancellationToken.None)));
        }

        while (batches.TryDequeue(out var last))
        {
            await last.Durable;
        }
    }

    private static long Status(string field) => 1024 * long.Parse(
        File.ReadLines("/proc/self/status").First(l => l.StartsWith(field, StringComparison.Ordinal)).Split(':')[1].Replace("kB", "", StringComparison.Ordinal),
        CultureInfo.InvariantCulture);
}
