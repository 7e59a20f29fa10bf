using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Client;
using ZfRepl.Replicator.Bus;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The embedded broker on a free port of the loopback interface, and connections to it.</summary>
internal sealed class Broker : IAsyncDisposable
{
    private readonly MqttBroker _broker;

    private Broker(MqttBroker broker) => _broker = broker;

    public int Port => _broker.Endpoints[0].Port;

    public static Broker Start()
    {
        var broker = new MqttBroker(new MqttBrokerOptions { Listeners = [new MqttListener(IPAddress.Loopback, 0)], AllowAnonymous = true });
        return broker.TryStart(out var whyNot) ? new Broker(broker) : throw new InvalidOperationException(whyNot);
    }

    /// <summary>A connection with the product's default settings.</summary>
    public static MqttBus Connect(int port, string name) => new(
        new MqttBusOptions { Hosts = [new MqttHost("127.0.0.1", port)] }, name, TimeProvider.System, NullLogger.Instance);

    /// <summary>Keeps a connection up until it is cancelled.</summary>
    public static async Task KeepAsync(MqttBus bus, CancellationToken cancellationToken)
    {
        try
        {
            await bus.RunAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The orderly end.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _broker.StopAsync();
        await _broker.DisposeAsync();
    }
}
