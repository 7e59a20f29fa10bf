using ZfRepl.Benchmarks.Running;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The same drain with the embedded broker and two TCP connections between the nodes, all of it on the one core.</summary>
internal static class MqttDrainBenchmark
{
    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        await using var broker = Broker.Start();
        using var end = new CancellationTokenSource();
        await using var edge = Broker.Connect(broker.Port, "edge1");
        await using var centre = Broker.Connect(broker.Port, "centre");
        var running = new[] { edge, centre }.Select(bus => Broker.KeepAsync(bus, end.Token)).ToArray();
        try
        {
            return await DrainBenchmark.RunAsync(bench, "drain_mqtt", edge, centre, withBaseline: false, target: null);
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(running);
        }
    }
}
