using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Mqtt.Tests.Client;

/// <summary>What arrives, against a server whose every byte the test decides.</summary>
public sealed class IncomingTests : IDisposable
{
    private readonly ScriptedServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Acknowledgments_leave_in_the_order_of_arrival()
    {
        await using var client = TestClient.Start(_server.Port);
        client.AcknowledgesByItself = false;
        using var peer = await _server.WelcomeAsync();
        await peer.SendAsync("32 06 0001 61 000A 00   32 06 0001 62 000B 00   32 06 0001 63 000C 00");
        var messages = new[] { await client.MessageAsync(), await client.MessageAsync(), await client.MessageAsync() };

        messages[2].Acknowledge();
        messages[1].Acknowledge();
        messages[1].Acknowledge();
        await client.ConnectedAsync();
        await client.Client.PublishAsync("t", default, MqttQoS.AtMostOnce);
        Assert.StartsWith("30", await peer.ReadAsync(), StringComparison.Ordinal);
        messages[0].Acknowledge();

        Assert.Equal("4002000A", await peer.ReadAsync());
        Assert.Equal("4002000B", await peer.ReadAsync());
        Assert.Equal("4002000C", await peer.ReadAsync());
    }

    [Fact]
    public async Task An_acknowledgment_for_an_earlier_connection_is_dropped()
    {
        await using var client = TestClient.Start(_server.Port);
        client.AcknowledgesByItself = false;
        MqttIncomingMessage old;
        using (var first = await _server.WelcomeAsync())
        {
            await first.SendAsync("32 06 0001 61 000A 00");
            old = await client.MessageAsync();
            await client.ConnectedAsync();
        }

        using var second = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        old.Acknowledge();
        await client.Client.PublishAsync("t", default, MqttQoS.AtMostOnce);
        Assert.StartsWith("30", await second.ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_in_single_bytes_is_put_together()
    {
        await using var client = TestClient.Start(_server.Port);
        using var peer = await _server.WelcomeAsync();
        foreach (var one in Hex.Bytes("32 0A 0003 612F62 000A 00 6869"))
        {
            await peer.SendAsync(new[] { one });
        }

        var message = await client.MessageAsync();
        Assert.Equal("a/b", message.Topic);
        Assert.Equal("hi"u8.ToArray(), message.Payload.ToArray());
        Assert.Equal("4002000A", await peer.ReadAsync());
    }

    [Theory]
    [InlineData(MqttQoS.AtMostOnce)]
    [InlineData(MqttQoS.AtLeastOnce)]
    public async Task A_slow_handler_makes_the_server_wait(MqttQoS qos)
    {
        const int total = 40_000;
        using var blocked = new SemaphoreSlim(0);
        var received = 0;
        await using var client = TestClient.Start((_, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", _server.Port)],
            ReceiveMaximum = 10,
            MaxIncomingMessages = 50,
            MessageHandler = async (message, stop) =>
            {
                if (received == 0)
                {
                    await blocked.WaitAsync(stop);
                }

                Assert.Equal(received++, BitConverter.ToInt32(message.Payload.Span));
                message.Acknowledge();
            },
            StateHandler = states,
        });
        using var peer = await _server.WelcomeAsync();
        var sent = 0;
        var swallowing = Task.Run(async () =>
        {
            while (await peer.SwallowAsync(65_536) > 0)
            {
                // PUBACKs and the good-bye.
            }
        });
        var sending = Task.Run(async () =>
        {
            var payload = new byte[4_000];
            for (; sent < total; sent++)
            {
                BitConverter.TryWriteBytes(payload, sent);
                var packet = new ZfRepl.Mqtt.Packets.PublishPacket("t", payload, qos, (ushort)((sent % 60_000) + 1));
                await peer.SendAsync(ZfRepl.Mqtt.Tests.Wire.AnyPacket.Encode(packet, MqttProtocolVersion.V5));
            }
        });

        // The server gets stuck when the socket's buffers are full: far below the 160 MB that it wants to send.
        var last = -1;
        await Eventually.TrueAsync(
            async () =>
            {
                var isStuck = last == sent && sent > 0;
                last = sent;
                await Task.Delay(300);
                return isStuck && last == sent;
            },
            "the server is stuck");
        Assert.InRange(sent, 1, total / 2);
        Assert.Equal(0, received);
        Assert.True(client.Client.IsConnected, client.Client.State.ToString());

        blocked.Release();
        await sending;
        await Eventually.TrueAsync(() => received == total, "everything was handled, in order");
        await client.DisposeAsync();
        await swallowing;
    }

    [Fact]
    public async Task An_exception_of_the_handler_ends_the_client_and_is_not_swallowed()
    {
        await using var client = new MqttClient(new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", _server.Port)],
            CloseTimeout = TimeSpan.FromMilliseconds(200),
            MessageHandler = (_, _) => throw new InvalidDataException("a defect"),
        });
        var run = client.RunAsync(CancellationToken.None);
        using var peer = await _server.WelcomeAsync();
        await peer.SendAsync("30 04 0001 61 00");
        var thrown = await Assert.ThrowsAsync<InvalidDataException>(() => run);
        Assert.Equal("a defect", thrown.Message);
    }
}
