using System.Text.Json;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// Resident memory of an edge node: mailbox, intake, block server and MQTT client in a process of their own, fed with 10,000 events/s of the
/// reference workload, while a centre with broker and SQLite in another process fetches. OPC UA client and service hosting are not in it.
/// </summary>
internal static class MemoryBenchmark
{
    private const int EventsPerSecond = 10_000;
    private const double Megabyte = 1e6;

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        await using var broker = Broker.Start();
        using var end = new CancellationTokenSource();
        await using var bus = Broker.Connect(broker.Port, Spool.Target);
        var running = bus.RunAsync(end.Token);
        var text = ApiKey.Generate();
        var events = bench.Events / (EventsPerSecond / 100) * (EventsPerSecond / 100);
        var settings = new EdgeSettings(bench.Folder.New("edge"), broker.Port, text, EventsPerSecond, events);
        EdgeReport report;
        await using (var centre = await Centre.OpenAsync(bus, Edge.NewKey(text), bench.Folder.New("centre")))
        {
            using var edge = ChildProcess.Start(["--edge", JsonSerializer.Serialize(settings)]);
            centre.Start();
            await centre.FetchedAsync(events);
            edge.StandardInput.Close();
            report = JsonSerializer.Deserialize<EdgeReport>(await edge.StandardOutput.ReadToEndAsync())!;
            await edge.WaitForExitAsync();
            await centre.ExpectAsync(events);
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

        return
        [
            new("memory_edge_resident_mb", report.ResidentBytes / Megabyte, "MB", AtMost: 150),
            new("memory_edge_peak_resident_mb", report.PeakResidentBytes / Megabyte, "MB", AtMost: 150),
            new("memory_edge_heap_mb", report.HeapBytes / Megabyte, "MB, managed heap"),
            new("memory_edge_events_per_s", events / report.Seconds, "events/s"),
            new("memory_edge_cpu_share", report.CpuSeconds / report.Seconds, "of one core, start included"),
        ];
    }
}
