using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Tests.Wire;
using ZfRepl.TestKit;

namespace ZfRepl.Mqtt.Tests.Broker;

/// <summary>What the broker does as time goes by; the time is the test's.</summary>
public sealed class BrokerTimeTests
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V5 = MqttProtocolVersion.V5;

    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_silent_connection_that_never_says_CONNECT_is_closed()
    {
        await using var broker = Start();
        using var peer = await RawPeer.ConnectAsync(broker.Port);
        await broker.StatisticsAsync(s => s.ConnectionsAccepted == 1, "accepted");
        await peer.SendAsync("10 0D");
        await AdvanceUntilAsync(() => broker.Broker.Statistics.ProtocolErrors == 1, TimeSpan.FromSeconds(1));
        Assert.Equal("closed", await peer.ReadAsync());
    }

    [Fact]
    public async Task Keep_alive_is_one_and_a_half_times_what_the_client_said()
    {
        await using var broker = Start();
        using var peer = await RawPeer.ConnectAsync(broker.Port);
        await peer.SendAsync("10 0E 0004 4D515454 05 02 000A 00 0001 61");
        Assert.StartsWith("20", await peer.ReadAsync(), StringComparison.Ordinal);
        await broker.StatisticsAsync(s => s.Clients == 1, "connected");
        await peer.SendAsync("C0 00");
        Assert.Equal("D000", await peer.ReadAsync());

        _time.Advance(TimeSpan.FromSeconds(14.9));
        await peer.SendAsync("C0 00");
        Assert.Equal("D000", await peer.ReadAsync());
        _time.Advance(TimeSpan.FromSeconds(14.9));
        await peer.SendAsync("C0 00");
        Assert.Equal("D000", await peer.ReadAsync());
        _time.Advance(TimeSpan.FromSeconds(15.6));

        // Small steps: who does not look at all within those 15 s more is not waited for.
        await AdvanceUntilAsync(() => broker.Broker.Statistics.KeepAliveTimeouts == 1, TimeSpan.FromMilliseconds(10));
        Assert.Equal("E0018D", await peer.ReadAsync());
    }

    [Fact]
    public async Task A_kept_session_ends_after_its_expiry_and_the_broker_bounds_it()
    {
        await using var broker = Start();
        using (var peer = await RawPeer.ConnectAsync(broker.Port))
        {
            // Wants to be remembered for ever; the broker's bound is an hour.
            await peer.SendAsync(RawPeer.Connect(V5, "kept", properties: "11 FFFFFFFF"));
            Assert.Equal(3_600u, AnyPacket.Decode<ConnAckPacket>(await peer.ReadAsync(), V5).Properties!.SessionExpiryInterval);
            await peer.SendAsync("82 07 0001 00 0001 74 01");
            await peer.ReadAsync();
        }

        await broker.StatisticsAsync(s => s is { Clients: 0, Sessions: 1 }, "away");
        _time.Advance(TimeSpan.FromMinutes(59));
        using (var back = await RawPeer.ConnectAsync(broker.Port))
        {
            await back.SendAsync(RawPeer.Connect(V5, "kept", cleanStart: false, properties: "11 0000003C"));
            Assert.True(AnyPacket.Decode<ConnAckPacket>(await back.ReadAsync(), V5).SessionPresent);

            // Changes its mind as it leaves: ten seconds.
            await back.SendAsync("E0 07 00 05 11 0000000A");
            Assert.Equal("closed", await back.ReadAsync());
        }

        await broker.StatisticsAsync(s => s is { Clients: 0, Sessions: 1 }, "away again");
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, broker.Broker.Statistics.Subscriptions);
        _time.Advance(TimeSpan.FromSeconds(2));
        await broker.StatisticsAsync(s => s is { Sessions: 0, Subscriptions: 0 }, "forgotten");
    }

    [Fact]
    public async Task A_delayed_will_waits_for_its_client_to_come_back()
    {
        await using var broker = Start();
        using var watcher = await RawPeer.JoinAsync(broker.Port, V5, "watcher");
        await watcher.SendAsync("82 07 0001 00 0001 77 00");
        await watcher.ReadAsync();

        // A will for "w" with a delay of 60 s, and a session of an hour.
        const string connect = "10 1F 0004 4D515454 05 04 0000 05 11 00000E10 0001 63 05 18 0000003C 0001 77 0001 78";
        for (var round = 0; round < 2; round++)
        {
            using (var peer = await RawPeer.ConnectAsync(broker.Port))
            {
                await peer.SendAsync(connect);
                Assert.StartsWith("20", await peer.ReadAsync(), StringComparison.Ordinal);
            }

            await broker.StatisticsAsync(s => s.Clients == 1, "gone");
            _time.Advance(TimeSpan.FromSeconds(59));
        }

        await watcher.SendAsync("C0 00");
        Assert.Equal("D000", await watcher.ReadAsync());
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("30050001770078", await watcher.ReadAsync());
    }

    [Fact]
    public async Task A_message_that_expires_in_the_queue_is_left_out_and_one_in_time_says_what_is_left()
    {
        await using var broker = Start();
        using (var first = await RawPeer.JoinAsync(broker.Port, V5, "kept", moreProperties: "11 00000E10"))
        {
            await first.SendAsync("82 07 0001 00 0001 74 01");
            await first.ReadAsync();
        }

        await broker.StatisticsAsync(s => s.Clients == 0, "away");
        using var publisher = await RawPeer.JoinAsync(broker.Port, V5, "publisher");

        // One expires after 10 s, one after 60 s; a retained one after 10 s.
        await publisher.SendAsync("32 0C 0001 74 0001 05 02 0000000A 31   32 0C 0001 74 0002 05 02 0000003C 32   33 0C 0001 72 0003 05 02 0000000A 33");
        Assert.Equal("40020001", await publisher.ReadAsync());
        Assert.Equal("40020002", await publisher.ReadAsync());
        Assert.Equal("4003000310", await publisher.ReadAsync());
        Assert.Equal(1, broker.Broker.Statistics.RetainedMessages);
        _time.Advance(TimeSpan.FromSeconds(20));

        using var second = await RawPeer.ConnectAsync(broker.Port);
        await second.SendAsync(RawPeer.Connect(V5, "kept", cleanStart: false, properties: "11 00000E10"));
        await second.ReadAsync();
        Assert.Equal("320C000174000105020000002832", await second.ReadAsync());
        Assert.Equal(1, broker.Broker.Statistics.DroppedExpired);
        await second.SendAsync("40 02 0001   82 07 0002 00 0001 72 01   C0 00");
        Assert.Equal("900400020001", await second.ReadAsync());
        Assert.Equal("D000", await second.ReadAsync());
        Assert.Equal(0, broker.Broker.Statistics.RetainedMessages);
    }

    [Fact]
    public async Task A_consumer_that_stalls_loses_its_session_and_the_publisher_goes_on()
    {
        await using var broker = Start(maxQueuedMessages: 2);
        using var consumer = await RawPeer.JoinAsync(broker.Port, V5, "slow", moreProperties: "11 00000E10 21 0001");
        await consumer.SendAsync("82 07 0001 00 0001 74 01");
        await consumer.ReadAsync();
        using var publisher = await RawPeer.JoinAsync(broker.Port, V5, "publisher");

        // One goes out, one waits, the next makes the queue full: its acknowledgment is held.
        await publisher.SendAsync("32 06 0001 74 0001 00   32 06 0001 74 0002 00   32 06 0001 74 0003 00   C0 00");
        Assert.Equal("40020001", await publisher.ReadAsync());
        Assert.Equal("40020002", await publisher.ReadAsync());
        Assert.Equal("D000", await publisher.ReadAsync());
        Assert.Equal(1, broker.Broker.Statistics.HeldPublications);

        _time.Advance(TimeSpan.FromSeconds(9));
        await publisher.SendAsync("C0 00");
        Assert.Equal("D000", await publisher.ReadAsync());
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("40020003", await publisher.ReadAsync());
        Assert.Equal("3206000174000100", await consumer.ReadAsync());
        Assert.Equal("E00197", await consumer.ReadAsync());
        var statistics = broker.Broker.Statistics;
        Assert.Equal((1, 3, 0, 0), (statistics.SessionsDiscarded, statistics.MessagesDiscarded, statistics.QueuedMessages, statistics.HeldPublications));
        Assert.Contains(broker.Log.Lines, l => l.Text.Contains("slow", StringComparison.Ordinal) && l.Text.Contains("discarded", StringComparison.Ordinal));

        using var back = await RawPeer.ConnectAsync(broker.Port);
        await back.SendAsync(RawPeer.Connect(V5, "slow", cleanStart: false));
        Assert.False(AnyPacket.Decode<ConnAckPacket>(await back.ReadAsync(), V5).SessionPresent);
    }

    [Fact]
    public async Task A_consumer_that_takes_a_little_now_and_then_keeps_its_session()
    {
        const int count = 6;
        await using var broker = Start(maxQueuedMessages: 1);
        using var consumer = await RawPeer.JoinAsync(broker.Port, V5, "slow", moreProperties: "21 0001");
        await consumer.SendAsync("82 07 0001 00 0001 74 01");
        await consumer.ReadAsync();
        using var publisher = await RawPeer.JoinAsync(broker.Port, V5, "publisher");
        await publisher.SendAsync(string.Concat(Enumerable.Range(1, count).Select(i => $"32 06 0001 74 {i:X4} 00")));
        await broker.StatisticsAsync(s => s.MessagesReceived == count, "all have come");
        for (var i = 1; i <= count; i++)
        {
            Assert.Equal($"3206000174{i:X4}00", await consumer.ReadAsync());
            _time.Advance(TimeSpan.FromSeconds(8));
            await consumer.SendAsync($"40 02 {i:X4}");
        }

        for (var i = 1; i <= count; i++)
        {
            Assert.Equal($"4002{i:X4}", await publisher.ReadAsync());
        }

        Assert.Equal(0, broker.Broker.Statistics.SessionsDiscarded);
    }

    private TestBroker Start(int maxQueuedMessages = 100) => TestBroker.Start(log => new MqttBrokerOptions
    {
        Listeners = [TestBroker.Plain],
        AllowAnonymous = true,
        MaxQueuedMessages = maxQueuedMessages,
        MaxSessionExpiry = TimeSpan.FromHours(1),
        Time = _time,
        Log = log,
    });

    /// <summary>In steps: what looks at the clock may not wait for it yet, or may have other things to do, when it moves.</summary>
    private Task AdvanceUntilAsync(Func<bool> condition, TimeSpan step) => Eventually.TrueAsync(
        () =>
        {
            _time.Advance(step);
            return condition();
        },
        "the time has come");
}
