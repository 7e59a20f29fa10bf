using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Core.Transfer;
using ZfRepl.Mqtt.Client;
using ZfRepl.Replicator.Bus;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>Somebody who may read and write everything at the broker: records the nodes' messages, and sends what it likes.</summary>
internal sealed class BusTap : IAsyncDisposable
{
    private readonly MqttBus _bus;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _run;
    private readonly ConcurrentQueue<(string Topic, byte[] Payload)> _messages = new();

    private BusTap(int port)
    {
        _bus = new MqttBus(new MqttBusOptions { Hosts = [new MqttHost("127.0.0.1", port)] }, "tap", TimeProvider.System, NullLogger.Instance);
        _run = _bus.RunAsync(_end.Token);
    }

    public IMessageBus Bus => _bus;

    public IReadOnlyList<(string Topic, byte[] Payload)> Messages => [.. _messages];

    /// <summary>Connects, and records every message of the protocol from then on.</summary>
    public static async Task<BusTap> StartAsync(int port)
    {
        var tap = new BusTap(port);
        tap._bus.Subscribe("zfrepl/#", (topic, payload) =>
        {
            tap._messages.Enqueue((topic, payload.ToArray()));
            return ValueTask.CompletedTask;
        });
        await Eventually.TrueAsync(() => tap._bus.IsConnected, "the tap is connected");
        return tap;
    }

    public async Task SendAsync(string topic, byte[] payload) => Assert.Equal(BusResult.Sent, await _bus.SendAsync(topic, payload, CancellationToken.None));

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _run;
        }
        catch (OperationCanceledException)
        {
            // The orderly end.
        }

        await _bus.DisposeAsync();
        _end.Dispose();
    }
}
