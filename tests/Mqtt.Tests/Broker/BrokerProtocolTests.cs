using System.Net;
using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Tests.Wire;

namespace ZfRepl.Mqtt.Tests.Broker;

/// <summary>The broker's answers, byte by byte.</summary>
public sealed class BrokerProtocolTests
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V5 = MqttProtocolVersion.V5;

    [Fact]
    public async Task A_client_of_5_0_is_told_the_limits()
    {
        await using var broker = TestBroker.Start();
        using var peer = await RawPeer.ConnectAsync(broker.Port);
        await peer.SendAsync(RawPeer.Connect(V5, ""));
        var answer = AnyPacket.Decode<ConnAckPacket>(await peer.ReadAsync(), V5);
        Assert.Equal((false, MqttReasonCode.Success), (answer.SessionPresent, answer.ReasonCode));
        var properties = answer.Properties!;
        Assert.Equal(((byte?)1, (ushort?)128, (uint?)(4 * 1024 * 1024)), (properties.MaximumQoS, properties.ReceiveMaximum, properties.MaximumPacketSize));
        Assert.Equal((false, false), (properties.SharedSubscriptionAvailable, properties.SubscriptionIdentifierAvailable));
        Assert.StartsWith("auto-", properties.AssignedClientIdentifier, StringComparison.Ordinal);
        Assert.Null(properties.TopicAliasMaximum);
    }

    [Theory]
    [InlineData("10 0C 0004 4D515454 04 00 0000 0000", "20020002", "3.1.1 without identifier that wants to be remembered")]
    [InlineData("10 0F 0006 4D5149736470 03 02 000A 0001 61", "20020001", "MQTT 3.1")]
    [InlineData("10 18 0004 4D515454 05 02 000A 04 15 0001 78 0001 61 0001 75 0001 70", "closed", "trailing bytes")]
    [InlineData("C0 00", "closed", "a first packet that is not CONNECT")]
    [InlineData("47 45 54 20 2F 20 48 54 54 50", "closed", "a web browser")]
    [InlineData("10 FF FF FF 7F", "closed", "a CONNECT of 256 MiB")]
    public async Task Who_does_not_connect_properly_is_sent_away(string packet, string answer, string what)
    {
        await using var broker = TestBroker.Start();
        using var peer = await RawPeer.ConnectAsync(broker.Port);
        await peer.SendAsync(packet);
        Assert.Equal((answer, what), (await peer.ReadAsync(), what));
        if (answer != "closed")
        {
            Assert.Equal("closed", await peer.ReadAsync());
        }

        await broker.StatisticsAsync(s => s.Clients == 0 && s.Sessions == 0, "nothing is left of it");
    }

    [Fact]
    public async Task Enhanced_authentication_is_refused()
    {
        await using var broker = TestBroker.Start();
        using var peer = await RawPeer.ConnectAsync(broker.Port);
        await peer.SendAsync(RawPeer.Connect(V5, "a", properties: "15 0001 78"));
        Assert.Equal("2003008C00", await peer.ReadAsync());
    }

    [Theory]
    [InlineData("34 06 0001 74 0001 00", "E0019B", "a publication of quality 2")]
    [InlineData("30 07 0001 74 03 23 0001", "E00194", "a topic alias")]
    [InlineData("30 06 0001 74 02 0B 01", "E00182", "a subscription identifier in PUBLISH")]
    [InlineData("82 09 0001 02 0B 01 0001 61 01", "E001A1", "a subscription identifier in SUBSCRIBE")]
    [InlineData("10 0E 0004 4D515454 05 02 0000 00 0001 61", "E00182", "a second CONNECT")]
    [InlineData("62 02 0001", "E00182", "PUBREL")]
    [InlineData("F0 00", "E00182", "AUTH")]
    [InlineData("D0 00", "E00182", "PINGRESP")]
    [InlineData("30 FF FF FF 7F", "E00195", "a packet of 256 MiB")]
    [InlineData("30 03 0001 23", "E00181", "a wildcard in a topic name")]
    [InlineData("E0 07 00 05 11 00000010", "E00182", "a session prolonged at its end")]
    public async Task A_violation_ends_that_connection_with_its_code(string packet, string goodBye, string what)
    {
        await using var broker = TestBroker.Start();
        using var other = await RawPeer.JoinAsync(broker.Port, V5, "other");
        using var peer = await RawPeer.JoinAsync(broker.Port, V5, "bad");
        await peer.SendAsync(packet);
        Assert.Equal((goodBye, what), (await peer.ReadAsync(), what));
        Assert.Equal("closed", await peer.ReadAsync());
        await other.SendAsync("C0 00");
        Assert.Equal("D000", await other.ReadAsync());
    }

    [Fact]
    public async Task A_3_1_1_client_that_violates_is_just_cut_off()
    {
        await using var broker = TestBroker.Start();
        using var peer = await RawPeer.JoinAsync(broker.Port, V311, "bad");
        await peer.SendAsync("34 05 0001 74 0001");
        Assert.Equal("closed", await peer.ReadAsync());
    }

    [Fact]
    public async Task Overlapping_subscriptions_deliver_once_in_the_better_quality()
    {
        await using var broker = TestBroker.Start();
        using var peer = await RawPeer.JoinAsync(broker.Port, V5, "a");
        await peer.SendAsync("82 11 0001 00 0001 23 00 0003 742F2B 01 0001 74 00");
        Assert.Equal("9006000100000100", await peer.ReadAsync());
        await peer.SendAsync("32 08 0003 742F78 0005 00");
        Assert.Equal("3208000374" + "2F78000100", await peer.ReadAsync());
        Assert.Equal("40020005", await peer.ReadAsync());
        await peer.SendAsync("C0 00");
        Assert.Equal("D000", await peer.ReadAsync());
    }

    [Fact]
    public async Task Options_of_a_5_0_subscription_are_kept()
    {
        await using var broker = TestBroker.Start();
        using var peer = await RawPeer.JoinAsync(broker.Port, V5, "me");
        using var other = await RawPeer.JoinAsync(broker.Port, V5, "other");

        // No local, retain as published, for "t".
        await peer.SendAsync("82 07 0001 00 0001 74 0C");
        await peer.ReadAsync();
        await peer.SendAsync("31 05 0001 74 00 31   C0 00");
        Assert.Equal("D000", await peer.ReadAsync());
        await other.SendAsync("31 05 0001 74 00 32");
        Assert.Equal("310500017400" + "32", await peer.ReadAsync());

        // Retain handling 2: never; 1: only when it is new; 0: always.
        await peer.SendAsync("82 07 0002 00 0001 74 20   C0 00");
        Assert.Equal("900400020000", await peer.ReadAsync());
        Assert.Equal("D000", await peer.ReadAsync());
        await peer.SendAsync("82 07 0003 00 0001 74 10   C0 00");
        Assert.Equal("900400030000", await peer.ReadAsync());
        Assert.Equal("D000", await peer.ReadAsync());
        await peer.SendAsync("82 07 0004 00 0001 74 00");
        Assert.Equal("900400040000", await peer.ReadAsync());
        Assert.Equal("310500017400" + "32", await peer.ReadAsync());
        await peer.SendAsync("A2 06 0005 00 0001 74   A2 06 0006 00 0001 74   82 07 0007 00 0001 74 10");
        Assert.Equal("B00400050000", await peer.ReadAsync());
        Assert.Equal("B00400060011", await peer.ReadAsync());
        Assert.Equal("900400070000", await peer.ReadAsync());
        Assert.Equal("310500017400" + "32", await peer.ReadAsync());
    }

    [Fact]
    public async Task Unacknowledged_messages_come_again_first_in_order_and_under_their_identifiers()
    {
        await using var broker = TestBroker.Start();
        using var publisher = await RawPeer.JoinAsync(broker.Port, V5, "publisher");
        using (var first = await RawPeer.JoinAsync(broker.Port, V5, "kept", cleanStart: false, moreProperties: "11 00000E10"))
        {
            await first.SendAsync("82 07 0001 00 0001 74 01");
            await first.ReadAsync();
            foreach (var number in new[] { "31", "32", "33" })
            {
                await publisher.SendAsync($"32 07 0001 74 0001 00 {number}");
                await publisher.ReadAsync();
                await first.ReadAsync();
            }

            await first.SendAsync("40 02 0002");
            await broker.StatisticsAsync(s => s.QueuedMessages == 2, "one is acknowledged");
        }

        await broker.StatisticsAsync(s => s.Clients == 1, "it is away");
        await publisher.SendAsync("32 07 0001 74 0001 00 34");
        Assert.Equal("40020001", await publisher.ReadAsync());

        // Back, with a window of two.
        using var second = await RawPeer.ConnectAsync(broker.Port);
        await second.SendAsync(RawPeer.Connect(V5, "kept", cleanStart: false, properties: "11 00000E10 21 0002"));
        Assert.True(AnyPacket.Decode<ConnAckPacket>(await second.ReadAsync(), V5).SessionPresent);
        Assert.Equal("3A07000174000100" + "31", await second.ReadAsync());
        Assert.Equal("3A07000174000300" + "33", await second.ReadAsync());
        await second.SendAsync("C0 00");
        Assert.Equal("D000", await second.ReadAsync());
        await second.SendAsync("40 02 0001");
        Assert.Equal("3207000174000400" + "34", await second.ReadAsync());
        await second.SendAsync("40 02 0003 40 02 0004");
        await broker.StatisticsAsync(s => s.QueuedMessages == 0 && s.QueuedBytes == 0, "all are acknowledged");
    }

    [Fact]
    public async Task A_clean_start_forgets_the_session()
    {
        await using var broker = TestBroker.Start();
        using (var first = await RawPeer.JoinAsync(broker.Port, V311, "x", cleanStart: false))
        {
            await first.SendAsync("82 06 0001 0001 74 01");
            await first.ReadAsync();
        }

        await broker.StatisticsAsync(s => s is { Clients: 0, Sessions: 1, Subscriptions: 1 }, "the session is kept");
        using (var clean = await RawPeer.ConnectAsync(broker.Port))
        {
            await clean.SendAsync(RawPeer.Connect(V311, "x"));
            Assert.Equal("20020000", await clean.ReadAsync());
            Assert.Equal(0, broker.Broker.Statistics.Subscriptions);
        }

        await broker.StatisticsAsync(s => s is { Clients: 0, Sessions: 0 }, "nothing is kept");
    }

    [Theory]
    [InlineData("E0 00", false, "leaves in order")]
    [InlineData("E0 01 04", true, "leaves and wants its will published")]
    [InlineData("62 02 0001", true, "breaks the protocol")]
    [InlineData("", true, "just closes the connection")]
    public async Task A_will_is_for_those_who_do_not_leave_in_order(string lastPacket, bool isPublished, string what)
    {
        await using var broker = TestBroker.Start();
        using var watcher = await RawPeer.JoinAsync(broker.Port, V5, "watcher");
        await watcher.SendAsync("82 07 0001 00 0001 77 00");
        await watcher.ReadAsync();
        using (var peer = await RawPeer.ConnectAsync(broker.Port))
        {
            await peer.SendAsync("10 15 0004 4D515454 05 06 0000 00 0001 63 00 0001 77 0001 78");
            Assert.StartsWith("20", await peer.ReadAsync(), StringComparison.Ordinal);
            await peer.SendAsync(lastPacket);
        }

        await broker.StatisticsAsync(s => s.Clients == 1, "it is gone");
        await watcher.SendAsync("C0 00");
        Assert.Equal((isPublished ? "30050001770078" : "D000", what), (await watcher.ReadAsync(), what));
    }

    [Fact]
    public async Task Too_large_a_message_for_a_subscriber_is_left_out_and_counted()
    {
        await using var broker = TestBroker.Start();
        using var peer = await RawPeer.JoinAsync(broker.Port, V5, "small", moreProperties: "27 00000020");
        await peer.SendAsync("82 07 0001 00 0001 74 01");
        await peer.ReadAsync();
        using var publisher = await RawPeer.JoinAsync(broker.Port, V5, "publisher");
        await publisher.SendAsync("32 2E 0001 74 0001 00" + new string('0', 80) + "   32 07 0001 74 0002 00 31");
        Assert.Equal("3207000174000100" + "31", await peer.ReadAsync());
        Assert.Equal(1, broker.Broker.Statistics.DroppedTooLarge);
    }

    [Fact]
    public async Task Stopping_tells_the_clients()
    {
        var broker = TestBroker.Start();
        using var peer = await RawPeer.JoinAsync(broker.Port, V5, "x");
        using var waiting = await RawPeer.ConnectAsync(broker.Port);
        await broker.StatisticsAsync(s => s.ConnectionsAccepted == 2, "both are accepted");
        var stopping = broker.Broker.StopAsync();
        Assert.Equal("E0018B", await peer.ReadAsync());
        Assert.Equal("closed", await peer.ReadAsync());
        Assert.Equal("closed", await waiting.ReadAsync());
        await stopping;
        await broker.DisposeAsync();
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(() => RawPeer.ConnectAsync(broker.Port));
    }

    [Fact]
    public async Task Several_listeners_work_and_a_port_in_use_is_reported()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain, TestBroker.Plain],
            AllowAnonymous = true,
            Log = log,
        });
        Assert.Equal(2, broker.Broker.Endpoints.Select(e => e.Port).Distinct().Count());
        foreach (var endpoint in broker.Broker.Endpoints)
        {
            using var peer = await RawPeer.JoinAsync(endpoint.Port, V311, "x");
        }

        await using var second = new MqttBroker(new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain, new MqttListener(IPAddress.Loopback, broker.Port)],
            AllowAnonymous = true,
        });
        Assert.False(second.TryStart(out var whyNot));
        Assert.Contains($"{broker.Port}", whyNot, StringComparison.Ordinal);
        Assert.Empty(second.Endpoints);
    }

    [Fact]
    public async Task A_broker_has_its_port_back_at_once_after_a_restart()
    {
        var first = TestBroker.Start();
        var port = first.Port;
        using var peer = await RawPeer.JoinAsync(port, V311, "x");
        await first.DisposeAsync();

        await using var second = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [new MqttListener(IPAddress.Loopback, port)],
            AllowAnonymous = true,
            Log = log,
        });
        using var again = await RawPeer.JoinAsync(port, V311, "x");
    }

    [Fact]
    public void Saying_nothing_about_access_is_wrong_use()
    {
        Assert.Throws<ArgumentException>(() => new MqttBroker(new MqttBrokerOptions { Listeners = [TestBroker.Plain] }));
        Assert.Throws<ArgumentException>(() => new MqttBroker(new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            Users = new Dictionary<string, string> { ["a"] = "plain text" },
        }));
    }

    [Fact]
    public async Task Connections_are_bounded()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxConnections = 2,
            Log = log,
        });
        using var first = await RawPeer.JoinAsync(broker.Port, V311, "a");
        using var second = await RawPeer.JoinAsync(broker.Port, V311, "b");
        using var third = await RawPeer.ConnectAsync(broker.Port);
        Assert.Equal("closed", await third.ReadAsync());
        Assert.Equal(1, broker.Broker.Statistics.ConnectionsOverLimit);
        await first.SendAsync("C0 00");
        Assert.Equal("D000", await first.ReadAsync());
    }

    [Fact]
    public async Task Sessions_are_bounded()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxSessions = 1,
            Log = log,
        });
        using (var kept = await RawPeer.JoinAsync(broker.Port, V311, "kept", cleanStart: false))
        {
            using var other = await RawPeer.ConnectAsync(broker.Port);
            await other.SendAsync(RawPeer.Connect(V311, "new"));
            Assert.Equal("20020003", await other.ReadAsync());
        }

        await broker.StatisticsAsync(s => s is { Clients: 0, Sessions: 1 }, "away, and its session is kept");
        using var again = await RawPeer.ConnectAsync(broker.Port);
        await again.SendAsync(RawPeer.Connect(V5, "new"));
        Assert.Equal("2003009700", await again.ReadAsync());
        using var back = await RawPeer.ConnectAsync(broker.Port);
        await back.SendAsync(RawPeer.Connect(V311, "kept", cleanStart: false));
        Assert.Equal("20020100", await back.ReadAsync());
    }

    [Fact]
    public async Task Subscriptions_are_bounded()
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            AllowAnonymous = true,
            MaxSubscriptionsPerSession = 1,
            MaxTopicLength = 4,
            Log = log,
        });
        using var peer = await RawPeer.JoinAsync(broker.Port, V5, "x");
        await peer.SendAsync("82 13 0001 00 0001 61 00 0001 62 00 0005 612F622F63 00");
        Assert.Equal("9006000100009" + "78F", await peer.ReadAsync());
        await peer.SendAsync("82 07 0002 00 0001 61 01");
        Assert.Equal("900400020001", await peer.ReadAsync());
        using var old = await RawPeer.JoinAsync(broker.Port, V311, "y");
        await old.SendAsync("82 0A 0001 0001 61 00 0001 62 00");
        Assert.Equal("900400010080", await old.ReadAsync());
    }
}
