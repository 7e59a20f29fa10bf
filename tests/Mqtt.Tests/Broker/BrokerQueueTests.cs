using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Tests.Wire;

namespace ZfRepl.Mqtt.Tests.Broker;

/// <summary>What happens when somebody is slower than the others.</summary>
public sealed class BrokerQueueTests
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V5 = MqttProtocolVersion.V5;

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_slow_consumer_slows_its_publisher_down_and_nothing_is_lost(MqttProtocolVersion version)
    {
        const int count = 5_000;
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            ReceiveMaximum = 16,
            MaxInFlight = 4,
            MaxQueuedMessages = 10,
            Log = log,
        });
        var most = 0L;
        var next = 0;
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consumer = TestClient.Start((_, states) => TestClient.Options(
            broker.Port,
            version,
            async (message, _) =>
            {
                Assert.Equal(next++, BitConverter.ToInt32(message.Payload.Span));
                most = Math.Max(most, broker.Broker.Statistics.QueuedMessages);
                if (next % 10 == 0)
                {
                    // Lets everybody else run first.
                    await Task.Yield();
                }

                message.Acknowledge();
                if (next == count)
                {
                    finished.SetResult();
                }
            },
            states));
        await consumer.ConnectedAsync();
        await consumer.SubscribeAsync(new MqttSubscription("t"));
        await using var publisher = TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", broker.Port)],
            ProtocolVersion = version,
            MaxQueuedMessages = count,
            MessageHandler = messages,
            StateHandler = states,
        });
        await publisher.ConnectedAsync();

        var results = Enumerable.Range(0, count).Select(i => publisher.Client.PublishAsync("t", BitConverter.GetBytes(i)).AsTask()).ToArray();

        Assert.All(await Task.WhenAll(results), r => Assert.Equal(MqttPublishStatus.Acknowledged, r.Status));
        await finished.Task.WaitAsync(TestClient.Limit);
        Assert.InRange(most, 1, 10 + 4 + 16 + 1);
        Assert.Equal(0, broker.Broker.Statistics.SessionsDiscarded);
    }

    [Fact]
    public async Task Two_clients_that_flood_each_other_do_not_stand_still()
    {
        // Each of them publishes while its own queue is full: the broker has to go on reading acknowledgments from both.
        const int count = 3_000;
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxQueuedMessages = 5,
            MaxInFlight = 3,
            ReceiveMaximum = 8,
            Log = log,
        });
        await using var a = TestClient.Start(broker.Port, V5, "a");
        await using var b = TestClient.Start(broker.Port, V5, "b");
        await a.ConnectedAsync();
        await b.ConnectedAsync();
        await a.SubscribeAsync(new MqttSubscription("to/a"));
        await b.SubscribeAsync(new MqttSubscription("to/b"));

        await Task.WhenAll(FloodAsync(a, "to/b"), FloodAsync(b, "to/a"), DrainAsync(a), DrainAsync(b)).WaitAsync(TestClient.Limit);

        static async Task FloodAsync(TestClient from, string topic)
        {
            for (var i = 0; i < count; i += 100)
            {
                var batch = Enumerable.Range(0, 100).Select(_ => from.Client.PublishAsync(topic, new byte[100]).AsTask());
                Assert.All(await Task.WhenAll(batch), r => Assert.Equal(MqttPublishStatus.Acknowledged, r.Status));
            }
        }

        static async Task DrainAsync(TestClient from)
        {
            for (var i = 0; i < count; i++)
            {
                await from.MessageAsync();
            }
        }
    }

    [Fact]
    public async Task Quality_0_beyond_a_full_queue_is_dropped_and_counted()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxQueuedMessages = 3,
            Log = log,
        });
        using var consumer = await RawPeer.JoinAsync(broker.Port, V5, "slow", moreProperties: "21 0001");
        await consumer.SendAsync("82 07 0001 00 0001 74 01");
        await consumer.ReadAsync();
        using var publisher = await RawPeer.JoinAsync(broker.Port, V5, "publisher");

        // One in flight and one queued of quality 1; behind them there is room for two of quality 0.
        await publisher.SendAsync("32 06 0001 74 0001 00   32 06 0001 74 0002 00");
        await publisher.SendAsync("30 05 0001 74 00 31   30 05 0001 74 00 32   30 05 0001 74 00 33   30 05 0001 74 00 34   C0 00");
        Assert.Equal("40020001", await publisher.ReadAsync());
        Assert.Equal("40020002", await publisher.ReadAsync());
        Assert.Equal("D000", await publisher.ReadAsync());

        Assert.Equal(2, broker.Broker.Statistics.DroppedQueueFull);
        Assert.Equal("3206000174000100", await consumer.ReadAsync());
        await consumer.SendAsync("40 02 0001");
        Assert.Equal("3206000174000200", await consumer.ReadAsync());
        Assert.Equal("30050001740031", await consumer.ReadAsync());
        Assert.Equal("30050001740032", await consumer.ReadAsync());
    }

    [Fact]
    public async Task The_queue_of_a_client_that_is_away_is_bounded_and_its_overflow_is_told()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxQueuedMessages = 3,
            Log = log,
        });
        using (var consumer = await RawPeer.JoinAsync(broker.Port, V311, "away", cleanStart: false))
        {
            await consumer.SendAsync("82 06 0001 0001 74 01");
            await consumer.ReadAsync();
        }

        await broker.StatisticsAsync(s => s.Clients == 0, "away");
        using var publisher = await RawPeer.JoinAsync(broker.Port, V5, "publisher");
        for (var i = 1; i <= 3; i++)
        {
            await publisher.SendAsync($"32 06 0001 74 {i:X4} 00");
            Assert.Equal($"4002{i:X4}", await publisher.ReadAsync());
        }

        Assert.Equal(1, broker.Broker.Statistics.Sessions - 1);
        await publisher.SendAsync("32 06 0001 74 0004 00");
        Assert.Equal("40020004", await publisher.ReadAsync());
        var statistics = broker.Broker.Statistics;
        Assert.Equal((1, 3, 0, 0), (statistics.SessionsDiscarded, statistics.MessagesDiscarded, statistics.QueuedMessages, statistics.Subscriptions));

        using var back = await RawPeer.ConnectAsync(broker.Port);
        await back.SendAsync(RawPeer.Connect(V311, "away", cleanStart: false));
        Assert.Equal("20020000", await back.ReadAsync());
    }

    [Fact]
    public async Task Retained_messages_are_bounded_and_one_too_many_is_refused()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxRetainedMessages = 2,
            MaxRetainedBytes = 10_000,
            Log = log,
        });
        using var peer = await RawPeer.JoinAsync(broker.Port, V5, "x");
        await peer.SendAsync("33 07 0001 61 0001 00 31   33 07 0001 62 0002 00 31   33 07 0001 63 0003 00 31   33 07 0001 62 0004 00 32");
        Assert.Equal("4003000110", await peer.ReadAsync());
        Assert.Equal("4003000210", await peer.ReadAsync());
        Assert.Equal("4003000397", await peer.ReadAsync());
        Assert.Equal("4003000410", await peer.ReadAsync());
        await peer.SendAsync(AnyPacket.Encode(new PublishPacket("b", new byte[10_000], MqttQoS.AtLeastOnce, 5, Retain: true), V5));
        Assert.Equal("4003000597", await peer.ReadAsync());
        Assert.Equal(2, broker.Broker.Statistics.RetainedMessages);
        Assert.Equal(2, broker.Broker.Statistics.DroppedOverLimit);

        using var old = await RawPeer.JoinAsync(broker.Port, V311, "y");
        await old.SendAsync("33 06 0001 63 0001 31");
        Assert.Equal("closed", await old.ReadAsync());
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_publisher_that_ignores_every_bound_cannot_fill_the_memory(MqttProtocolVersion version)
    {
        const long bytesMax = 2_000_000;
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxQueuedBytes = bytesMax,
            MaxHeldBytes = 1_000_000,
            ReceiveMaximum = 50,
            StallTimeout = TimeSpan.FromMinutes(10),
            Log = log,
        });
        using var consumer = await RawPeer.JoinAsync(broker.Port, V311, "frozen");
        await consumer.SendAsync("82 06 0001 0001 74 01");
        await consumer.ReadAsync();
        using var publisher = await RawPeer.JoinAsync(broker.Port, version, "flood");
        using var enough = new CancellationTokenSource();
        var flooding = Task.Run(async () =>
        {
            try
            {
                for (var i = 1; !enough.IsCancellationRequested; i++)
                {
                    var packet = new PublishPacket("t", new byte[10_000], MqttQoS.AtLeastOnce, (ushort)((i % 65_535) + 1));
                    await publisher.SendAsync(AnyPacket.Encode(packet, version));
                }
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The broker cut the 5.0 client off, or the test closed the connection on which the 3.1.1 client is stuck.
            }
        });

        // 3.1.1: it is not read from any more. 5.0: it exceeded Receive Maximum, and is cut off.
        if (version == V5)
        {
            await broker.StatisticsAsync(s => s is { Clients: 1, ProtocolErrors: 1 }, "the flood is cut off");
        }
        else
        {
            await broker.StatisticsAsync(s => s.HeldPublications >= 49, "the flood is held up");
        }

        Assert.InRange(broker.Broker.Statistics.QueuedBytes, bytesMax, bytesMax + (52 * 10_500));
        await enough.CancelAsync();
        publisher.Dispose();
        await flooding;
    }

    [Fact]
    public async Task A_client_that_reads_nothing_is_cut_off_and_others_go_on()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            StallTimeout = TimeSpan.FromSeconds(1),
            MaxQueuedBytes = 1_000_000,
            Log = log,
        });
        using var deaf = await RawPeer.JoinAsync(broker.Port, V311, "deaf");
        await deaf.SendAsync("82 06 0001 0001 74 00");
        await using var good = TestClient.Start(broker.Port);
        await good.ConnectedAsync();
        await good.SubscribeAsync(new MqttSubscription("t", MqttQoS.AtLeastOnce));

        // The kernel takes some megabytes for the deaf one; then its queue fills, then it is cut off.
        for (var i = 0; broker.Broker.Statistics.Clients == 2; i++)
        {
            Assert.True(i < 20_000, broker.Broker.Statistics.ToString());
            await good.Client.PublishAsync("t", new byte[50_000]);
            await good.MessageAsync();
        }

        Assert.True(broker.Broker.Statistics.DroppedQueueFull > 0, broker.Broker.Statistics.ToString());
        Assert.True(good.Client.IsConnected);
    }

    [Fact]
    public async Task All_queues_together_are_bounded()
    {
        const long total = 3_000_000;
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxTotalQueuedBytes = total,
            MaxQueuedBytes = 2_000_000,
            Log = log,
        });
        for (var i = 0; i < 10; i++)
        {
            using var consumer = await RawPeer.JoinAsync(broker.Port, V311, $"away{i}", cleanStart: false);
            await consumer.SendAsync("82 06 0001 0001 74 01");
            await consumer.ReadAsync();
        }

        await broker.StatisticsAsync(s => s is { Clients: 0, Sessions: 10 }, "all are away");
        await using var publisher = TestClient.Start(broker.Port);
        await publisher.ConnectedAsync();
        for (var i = 0; i < 200; i++)
        {
            Assert.True((await publisher.Client.PublishAsync("t", new byte[20_000])).IsSuccess);
            Assert.InRange(broker.Broker.Statistics.QueuedBytes, 0, total + (10 * 21_000));
        }

        Assert.True(broker.Broker.Statistics.SessionsDiscarded > 0);
    }
}
