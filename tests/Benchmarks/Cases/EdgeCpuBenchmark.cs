using ZfRepl.Benchmarks.Running;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// The processor time of everything that an edge does with a million events: take them in, sync them, close and code blocks, serve them,
/// remove them. Broker and centre are another process on another core.
/// </summary>
internal static class EdgeCpuBenchmark
{
    private const int WarmUpRounds = 3;
    private const int Rounds = 3;

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var text = ApiKey.Generate();
        await using var broker = Broker.Start();
        using var edge = EdgeProcess.Start(text, broker.Port, bench.Events, bench.Folder.New("edge"));
        using var end = new CancellationTokenSource();
        await using var bus = Broker.Connect(broker.Port, Spool.Target);
        var connected = Broker.KeepAsync(bus, end.Token);
        try
        {
            await using var centre = await Centre.OpenAsync(bus, Edge.NewKey(text), bench.Folder.New("centre"));
            centre.Start();
            var all = new List<double>();
            for (var round = 1; round <= (bench.IsSmoke ? 2 : WarmUpRounds + Rounds); round++)
            {
                all.Add(await edge.RoundAsync());
                await centre.FetchedAsync((long)round * bench.Events);
            }

            await centre.ExpectAsync((long)all.Count * bench.Events);
            var measured = all.Skip(bench.IsSmoke ? 1 : WarmUpRounds).Order().ToArray();
            var million = bench.Events / 1e6;
            return
            [
                new("w1_edge_cpu_seconds_per_million", measured[measured.Length / 2] / million, "CPU s, store and serve"),
                new("edge_cpu_seconds_per_million_least", measured[0] / million, "CPU s, the best round"),
                new("edge_cpu_seconds_per_million_cold", all[0] / million, "CPU s, the first round after the start"),
            ];
        }
        finally
        {
            await end.CancelAsync();
            await connected;
        }
    }
}
