using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Tests.Wire;

namespace ZfRepl.Mqtt.Tests.Broker;

/// <summary>Bytes that nobody meant: they cost their own connection at worst, and no memory.</summary>
public sealed class BrokerHostileTests
{
    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    public async Task Broken_packets_only_hurt_their_sender(int seed)
    {
        var random = new Random(seed);
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            CloseTimeout = TimeSpan.FromMilliseconds(50),
            MaxPacketSize = 100_000,
            Log = log,
        });
        await using var good = TestClient.Start(broker.Port, MqttProtocolVersion.V5, "good");
        await good.ConnectedAsync();
        await good.SubscribeAsync(new MqttSubscription("heartbeat/of/the/good"));
        var before = GC.GetTotalMemory(forceFullCollection: true);

        for (var round = 0; round < 25; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Misbehave(broker.Port, random.Next())));
            var text = $"round {round}";
            await good.PublishAsync("heartbeat/of/the/good", text);
            Assert.Equal(text, await good.TextAsync());
        }

        await broker.StatisticsAsync(s => s.Clients == 1, $"seed {seed}: only the good one is left");
        Assert.False(broker.Broker.Completion.IsCompleted, $"seed {seed}");
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 20_000_000, $"seed {seed}: {grown} bytes more than before");
    }

    /// <summary>One connection: garbage from the start, or a proper CONNECT and then a whole, a mutated, a cut or a random packet, repeatedly.</summary>
    private static async Task Misbehave(int port, int seed)
    {
        var random = new Random(seed);
        var version = random.Next(2) == 0 ? MqttProtocolVersion.V311 : MqttProtocolVersion.V5;
        using var peer = await RawPeer.ConnectAsync(port);
        try
        {
            if (random.Next(5) > 0)
            {
                await peer.SendAsync(RawPeer.Connect(version, $"bad{random.Next(8)}", cleanStart: random.Next(2) == 0));
            }

            for (var i = random.Next(1, 6); i > 0; i--)
            {
                await peer.SendAsync(AnyBytes(random, version));
            }
        }
        catch (IOException)
        {
            // Cut off already, as it deserves.
        }
    }

    private static byte[] AnyBytes(Random random, MqttProtocolVersion version)
    {
        var golden = GoldenPackets.All.Where(g => g.Version == version || g.Name.StartsWith("PING", StringComparison.Ordinal)).ToList();
        var bytes = Hex.Bytes(golden[random.Next(golden.Count)].Hex);
        switch (random.Next(4))
        {
            case 0:
                return bytes;
            case 1:
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
            case 2:
                return bytes[..random.Next(bytes.Length)];
            default:
                var garbage = new byte[random.Next(1, 500)];
                random.NextBytes(garbage);
                return garbage;
        }
    }
}
