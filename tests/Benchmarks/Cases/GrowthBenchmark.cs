using System.Diagnostics;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// A backlog of small blocks is drained, and then one that is ten times as long, over the embedded broker. What is done for each block must not depend
/// on how many there are. Baseline is the short one.
/// </summary>
internal static class GrowthBenchmark
{
    private const int EventsPerBlock = 20;
    private const int Factor = 10;

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var many = bench.Events / EventsPerBlock * Factor;
        var few = many / Factor;

        // The first one warms up and is not counted.
        await DrainAsync(bench, few);
        var shorter = await DrainAsync(bench, few);
        var longer = await DrainAsync(bench, many);
        return
        [
            new("growth_ratio", longer / shorter, $"x the time for {Factor} x the backlog"),
            new("growth_blocks_per_s", few / shorter, $"blocks/s, {few} waiting"),
            new("growth_blocks_per_s_10x", many / longer, $"blocks/s, {many} waiting"),
        ];
    }

    private static async Task<double> DrainAsync(Bench bench, int blocks)
    {
        await using var link = new MqttLink();
        var key = Edge.NewKey(ApiKey.Generate());
        await using var edge = await Edge.OpenAsync(bench.Folder.New("edge"));
        await using var centre = Centre.OpenCounting(link.CentreBus, key, bench.Folder.New("centre"));
        edge.Serve(link.EdgeBus, key);
        var events = ReferenceWorkload.Generate(edge.Spool.Intake.Oids, blocks * EventsPerBlock);
        var batch = new EventBatch(edge.Spool.Intake.Oids, EventsPerBlock);
        for (var i = 0; i < blocks; i++)
        {
            batch.Clear();
            for (var k = 0; k < EventsPerBlock; k++)
            {
                batch.AddFrom(events, i * EventsPerBlock + k);
            }

            await edge.Spool.TakeAsync(batch);
            await edge.Spool.SealAsync();
        }

        var begun = Stopwatch.GetTimestamp();
        centre.Start();
        await centre.FetchedAsync(events.Count);
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        await centre.ExpectAsync(events.Count);
        return seconds;
    }
}
