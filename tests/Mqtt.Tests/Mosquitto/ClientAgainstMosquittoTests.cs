using System.Text;
using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Mqtt.Tests.Mosquitto;

public sealed class ClientAgainstMosquittoTests
{
    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task Messages_of_both_qualities_travel_both_ways(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var alice = TestClient.Start(server.Port, version, "alice");
        await using var bob = TestClient.Start(server.Port, version, "bob");
        await alice.ConnectedAsync();
        await bob.ConnectedAsync();
        await bob.SubscribeAsync(new MqttSubscription("plant/+/t", MqttQoS.AtLeastOnce), new MqttSubscription("zero", MqttQoS.AtMostOnce));

        await alice.PublishAsync("plant/1/t", "one");
        await alice.PublishAsync("plant/2/t", "two", MqttQoS.AtMostOnce);
        await alice.PublishAsync("zero", "three");

        var first = await bob.MessageAsync();
        Assert.Equal(("plant/1/t", "one", MqttQoS.AtLeastOnce), (first.Topic, Encoding.UTF8.GetString(first.Payload.Span), first.QoS));
        var second = await bob.MessageAsync();
        Assert.Equal(("plant/2/t", MqttQoS.AtMostOnce), (second.Topic, second.QoS));
        var third = await bob.MessageAsync();
        Assert.Equal(("zero", MqttQoS.AtMostOnce), (third.Topic, third.QoS));

        await alice.SubscribeAsync(new MqttSubscription("back"));
        await bob.PublishAsync("back", "answer");
        Assert.Equal("answer", await alice.TextAsync());
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task A_wrong_password_is_reported_as_refused_and_the_right_one_gets_in(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync(folder =>
        {
            MosquittoPassword.Write(Path.Combine(folder, "passwords"), "edge", "secret");
            return ["allow_anonymous false", $"password_file {folder}/passwords"];
        });

        await using var wrong = Login(server.Port, version, "edge", "guess");
        var change = await wrong.StateAsync(MqttClientState.Refused);
        Assert.Equal(MqttDisconnectReason.NotAuthorized, change.Reason);
        Assert.NotNull(change.ReasonCode);
        Assert.True(change.RetryIn >= TimeSpan.FromMilliseconds(100), $"A refusal is not tried again quickly, but after {change.RetryIn}.");

        await using var right = Login(server.Port, version, "edge", "secret");
        await right.ConnectedAsync();
        await right.PublishAsync("t", "x");
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task A_retained_message_comes_marked_and_is_removed_by_an_empty_one(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var client = TestClient.Start(server.Port, version);
        await client.ConnectedAsync();
        await client.PublishAsync("state", "on", retain: true);
        await client.SubscribeAsync(new MqttSubscription("state"));
        var retained = await client.MessageAsync();
        Assert.True(retained.IsRetained);

        await client.PublishAsync("state", "off", retain: true);
        Assert.False((await client.MessageAsync()).IsRetained);

        await client.PublishAsync("state", "", retain: true);
        Assert.True((await client.MessageAsync()).Payload.IsEmpty);
        await using var late = TestClient.Start(server.Port, version);
        await late.ConnectedAsync();
        await late.SubscribeAsync(new MqttSubscription("state"), new MqttSubscription("marker"));
        await client.PublishAsync("marker", "m");
        Assert.Equal("m", await late.TextAsync());
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task The_will_is_published_when_the_client_is_cut_off_and_not_when_it_leaves(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var watcher = TestClient.Start(server.Port, version);
        await watcher.ConnectedAsync();
        await watcher.SubscribeAsync(new MqttSubscription("will/#"));

        await using (var polite = StartWithWill(server.Port, version, "will/polite"))
        {
            await polite.ConnectedAsync();
        }

        // Taken over by a second connection under its name, the first one ends without DISCONNECT.
        await using var first = StartWithWill(server.Port, version, "will/rude");
        await first.ConnectedAsync();
        await using var second = TestClient.Start(server.Port, version, "will/rude");
        await second.ConnectedAsync();

        var will = await watcher.MessageAsync();
        Assert.Equal(("will/rude", "gone"), (will.Topic, Encoding.UTF8.GetString(will.Payload.Span)));
        Assert.True(watcher.HasNoMessage);
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task A_payload_of_a_megabyte_arrives_whole(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var client = TestClient.Start(server.Port, version);
        await client.ConnectedAsync();
        await client.SubscribeAsync(new MqttSubscription("big"));
        var payload = new byte[1_000_000];
        new Random(1).NextBytes(payload);

        Assert.Equal(MqttPublishStatus.Acknowledged, (await client.Client.PublishAsync("big", payload)).Status);

        Assert.True((await client.MessageAsync()).Payload.Span.SequenceEqual(payload));
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task Twenty_thousand_acknowledged_messages_arrive_complete_and_in_order(MqttProtocolVersion version)
    {
        const int count = 20_000;
        await using var server = await MosquittoServer.StartAsync("max_inflight_messages 40");
        await using var sender = TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", server.Port)],
            ProtocolVersion = version,
            MaxQueuedMessages = count,
            MessageHandler = messages,
            StateHandler = states,
        });
        await using var receiver = TestClient.Start(server.Port, version);
        await sender.ConnectedAsync();
        await receiver.ConnectedAsync();
        await receiver.SubscribeAsync(new MqttSubscription("n"));

        var results = new List<Task<MqttPublishResult>>();
        for (var i = 0; i < count; i++)
        {
            results.Add(sender.Client.PublishAsync("n", BitConverter.GetBytes(i)).AsTask());
        }

        for (var i = 0; i < count; i++)
        {
            Assert.Equal(i, BitConverter.ToInt32((await receiver.MessageAsync()).Payload.Span));
        }

        Assert.All(await Task.WhenAll(results), r => Assert.Equal(MqttPublishStatus.Acknowledged, r.Status));
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task After_the_server_was_killed_subscriptions_come_back_and_a_message_in_flight_is_reported_lost(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var client = TestClient.Start(server.Port, version);
        await client.ConnectedAsync();
        await client.SubscribeAsync(new MqttSubscription("a"), new MqttSubscription("b"));
        await client.Client.UnsubscribeAsync(["b"]);

        server.Process.Freeze();
        var inFlight = client.Client.PublishAsync("a", "in flight"u8.ToArray());
        await server.Process.KillAsync();
        Assert.Equal(MqttPublishStatus.ConnectionLost, (await inFlight).Status);
        await client.StateAsync(MqttClientState.Waiting);
        Assert.Equal(MqttPublishStatus.NotConnected, (await client.Client.PublishAsync("a", "nobody there"u8.ToArray())).Status);

        await server.StartAgainAsync();
        await client.ConnectedAsync();
        await client.PublishAsync("b", "not subscribed any more");
        await client.PublishAsync("a", "again");
        Assert.Equal("again", await client.TextAsync());
    }

    [RequiresFact("mosquitto")]
    public async Task A_dead_first_host_is_skipped()
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var client = TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", FreePort.Next()), new MqttHost("host.invalid", 1883), new MqttHost("127.0.0.1", server.Port)],
            MessageHandler = messages,
            StateHandler = states,
        });

        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.Unreachable);
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.NameNotResolved);
        Assert.Equal(server.Port, (await client.ConnectedAsync()).Host?.Port);
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task A_frozen_server_is_noticed_by_its_silence(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var client = TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", server.Port)],
            ProtocolVersion = version,
            KeepAlive = TimeSpan.FromSeconds(1),
            PingTimeout = TimeSpan.FromMilliseconds(500),
            ConnectTimeout = TimeSpan.FromMilliseconds(500),
            ReconnectDelayMin = TimeSpan.FromMilliseconds(20),
            ReconnectDelayMax = TimeSpan.FromMilliseconds(100),
            MessageHandler = messages,
            StateHandler = states,
        });
        await client.ConnectedAsync();
        await client.SubscribeAsync(new MqttSubscription("t"));

        server.Process.Freeze();
        var pending = client.Client.PublishAsync("t", "x"u8.ToArray());
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.KeepAliveTimedOut);
        Assert.Equal(MqttPublishStatus.ConnectionLost, (await pending).Status);

        // The kernel still accepts connections for the frozen server; CONNACK does not come.
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.ConnectTimedOut);
        server.Process.Thaw();
        await client.ConnectedAsync();
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task Pings_keep_an_idle_connection(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var client = TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", server.Port)],
            ProtocolVersion = version,
            ClientId = "idle",
            KeepAlive = TimeSpan.FromSeconds(1),
            MessageHandler = messages,
            StateHandler = states,
        });
        await client.ConnectedAsync();

        await server.Process.WaitForLineAsync("Received PINGREQ from idle");
        await server.Process.WaitForLineAsync("Received PINGREQ from idle");
        Assert.True(client.Client.IsConnected);
    }

    [RequiresTheory("mosquitto")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task An_unacknowledged_message_comes_again_on_the_kept_session(MqttProtocolVersion version)
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var sender = TestClient.Start(server.Port, version);
        await sender.ConnectedAsync();
        await using (var first = TestClient.Start(server.Port, version, "kept", cleanStart: false))
        {
            first.AcknowledgesByItself = false;
            Assert.False((await first.ConnectedAsync()).SessionPresent);
            await first.SubscribeAsync(new MqttSubscription("work"));
            await sender.PublishAsync("work", "done");
            await sender.PublishAsync("work", "open");
            (await first.MessageAsync()).Acknowledge();
            Assert.False((await first.MessageAsync()).IsDuplicate);
            await server.Process.WaitForLineAsync("Received PUBACK from kept");
        }

        await sender.PublishAsync("work", "later");
        await using var second = TestClient.Start(server.Port, version, "kept", cleanStart: false);
        Assert.True((await second.ConnectedAsync()).SessionPresent);
        var again = await second.MessageAsync();
        Assert.Equal(("open", true), (Encoding.UTF8.GetString(again.Payload.Span), again.IsDuplicate));
        Assert.Equal("later", await second.TextAsync());
    }

    [RequiresFact("mosquitto", "mosquitto_pub")]
    public async Task User_properties_of_a_publisher_can_be_read()
    {
        await using var server = await MosquittoServer.StartAsync();
        await using var client = TestClient.Start(server.Port);
        await client.ConnectedAsync();
        await client.SubscribeAsync(new MqttSubscription("p"));

        await MosquittoTools.PublishAsync(
            server.Port, "-V", "mqttv5", "-t", "p", "-m", "x", "-D", "publish", "user-property", "unit", "bar", "-D", "publish", "content-type", "text");

        var message = await client.MessageAsync();
        Assert.Equal([new MqttUserProperty("unit", "bar")], message.UserProperties);
        Assert.Equal("text", message.ContentType);
    }

    private static TestClient Login(int port, MqttProtocolVersion version, string user, string password) =>
        TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", port)],
            ProtocolVersion = version,
            UserName = user,
            Password = password,
            ReconnectDelayMin = TimeSpan.FromMilliseconds(1),
            ReconnectDelayMax = TimeSpan.FromMilliseconds(200),
            MessageHandler = messages,
            StateHandler = states,
        });

    private static TestClient StartWithWill(int port, MqttProtocolVersion version, string clientIdAndTopic) =>
        TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", port)],
            ProtocolVersion = version,
            ClientId = clientIdAndTopic,
            Will = new MqttWill(clientIdAndTopic, "gone"u8.ToArray()),
            ReconnectDelayMin = TimeSpan.FromMinutes(1),
            ReconnectDelayMax = TimeSpan.FromMinutes(1),
            MessageHandler = messages,
            StateHandler = states,
        });
}
