namespace ZfRepl.Benchmarks.Cases;

/// <summary>Two nodes and the embedded broker between them, over TCP; the edge's connection is counted.</summary>
internal sealed class MqttLink : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly Broker _broker = Broker.Start();
    private readonly CountingRelay _relay;
    private readonly Task _running;

    public MqttLink()
    {
        _relay = new CountingRelay(_broker.Port);
        EdgeBus = Broker.Connect(_relay.Port, "edge1");
        CentreBus = Broker.Connect(_broker.Port, "centre");
        _running = Task.WhenAll(Broker.KeepAsync(EdgeBus, _end.Token), Broker.KeepAsync(CentreBus, _end.Token));
    }

    public Replicator.Bus.MqttBus EdgeBus { get; }

    public Replicator.Bus.MqttBus CentreBus { get; }

    /// <summary>Bytes that have passed the edge's connection in both directions: payloads, topics, headers of MQTT, its pings.</summary>
    public long WireBytes => _relay.Bytes;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        await EdgeBus.DisposeAsync();
        await CentreBus.DisposeAsync();
        await _relay.DisposeAsync();
        await _broker.DisposeAsync();
        _end.Dispose();
    }
}
