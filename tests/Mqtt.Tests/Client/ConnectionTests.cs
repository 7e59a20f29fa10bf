using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Tests.Support;

namespace ZfRepl.Mqtt.Tests.Client;

/// <summary>How the client connects, notices trouble, and comes back, against a server whose every byte the test decides.</summary>
public sealed class ConnectionTests : IDisposable
{
    private readonly ScriptedServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task A_server_that_never_answers_CONNECT_is_given_up_in_time()
    {
        await using var client = Start(connectTimeout: TimeSpan.FromMilliseconds(200));
        using var peer = await _server.AcceptAsync();
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.ConnectTimedOut);
    }

    [Theory]
    [InlineData("20 03 00 87 00", MqttClientState.Refused, MqttDisconnectReason.NotAuthorized)]
    [InlineData("20 03 00 86 00", MqttClientState.Refused, MqttDisconnectReason.NotAuthorized)]
    [InlineData("20 03 00 89 00", MqttClientState.Waiting, MqttDisconnectReason.RefusedByServer)]
    [InlineData("20 03 01 00 00", MqttClientState.Waiting, MqttDisconnectReason.ProtocolViolation)]
    [InlineData("20 03 04 00 00", MqttClientState.Waiting, MqttDisconnectReason.ProtocolViolation)]
    [InlineData("D0 00", MqttClientState.Waiting, MqttDisconnectReason.ProtocolViolation)]
    [InlineData("48 54 54 50 2F 31 2E 31", MqttClientState.Waiting, MqttDisconnectReason.ProtocolViolation)]
    public async Task An_answer_other_than_yes_is_reported_as_what_it_is(string answer, MqttClientState state, MqttDisconnectReason reason)
    {
        await using var client = Start();
        using var peer = await _server.WelcomeAsync(answer);
        await client.StateAsync(state, reason);
    }

    [Theory]
    [InlineData("34 06 0001 74 0001 00", "E0019B", "a message of quality 2")]
    [InlineData("30 07 0001 74 03 23 0001", "E00194", "a topic alias")]
    [InlineData("30 FF FF FF 7F", "E00195", "a packet of 256 MiB")]
    [InlineData("30 FF FF FF FF 7F", "E00181", "a length of five bytes")]
    [InlineData("62 02 0001", "E00182", "PUBREL")]
    [InlineData("82 06 0001 00 0001 61", "E00182", "SUBSCRIBE")]
    [InlineData("40 02 0000", "E00182", "an identifier of 0")]
    [InlineData("20 03 00 00 00", "E00182", "a second CONNACK")]
    public async Task A_violation_ends_the_connection_with_its_code(string packet, string goodBye, string what)
    {
        await using var client = Start();
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        await peer.SendAsync(packet);
        var answer = await peer.ReadAsync();
        Assert.True(answer == goodBye, $"{what}: {answer}");
        Assert.Equal("closed", await peer.ReadAsync());
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.ProtocolViolation);
    }

    [Fact]
    public async Task A_wrong_number_of_codes_in_SUBACK_is_a_violation_and_the_filters_are_asked_for_again()
    {
        await using var client = Start();
        using var first = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        var subscribe = client.Client.SubscribeAsync([new MqttSubscription("a")]);
        await first.ReadAsync();
        await first.SendAsync("90 05 0001 00 01 01");
        Assert.Equal(MqttRequestStatus.ConnectionLost, (await subscribe).Status);
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.ProtocolViolation);

        using var second = await _server.WelcomeAsync();
        Assert.Equal("82070001000001" + "6101", await second.ReadAsync());
        await second.SendAsync("90 04 0001 00 01");
        await client.ConnectedAsync();
    }

    [Fact]
    public async Task Garbage_of_any_kind_only_costs_the_connection()
    {
        const int seed = 21;
        var random = new Random(seed);
        await using var client = Start();
        for (var i = 0; i < 60; i++)
        {
            using var peer = await _server.WelcomeAsync();
            var garbage = new byte[random.Next(1, 2_000)];
            random.NextBytes(garbage);
            await peer.SendAsync(garbage);
        }

        using var good = await _server.WelcomeAsync();
        while (!client.Client.IsConnected)
        {
            await client.ConnectedAsync();
        }

        await good.SendAsync("32 07 0001 74 0001 00 78");
        while (await client.TextAsync() != "x")
        {
            // Some garbage happened to be a message.
        }

        Assert.False(client.Run.IsCompleted, $"seed {seed}");
    }

    [Fact]
    public async Task A_kept_session_is_not_subscribed_again_but_what_changed_meanwhile_is_told()
    {
        await using var client = Start(clientId: "kept", cleanStart: false);
        using (var first = await _server.WelcomeAsync())
        {
            await client.ConnectedAsync();
            var subscribe = client.Client.SubscribeAsync([new MqttSubscription("a"), new MqttSubscription("b")]);
            await first.ReadAsync();
            await first.SendAsync("90 05 0001 00 01 01");
            Assert.True((await subscribe).IsSuccess);
        }

        await client.StateAsync(MqttClientState.Waiting);
        Assert.Equal(MqttRequestStatus.NotConnected, (await client.Client.UnsubscribeAsync(["b"])).Status);
        Assert.Equal(MqttRequestStatus.NotConnected, (await client.Client.SubscribeAsync([new MqttSubscription("c")])).Status);

        using (var second = await _server.WelcomeAsync("20 03 01 00 00"))
        {
            Assert.Equal("A2060001000001" + "62", await second.ReadAsync());
            await second.SendAsync("B0 04 0001 00 00");
            Assert.Equal("82070002000001" + "6301", await second.ReadAsync());
            await second.SendAsync("90 04 0002 00 01");
            Assert.True((await client.ConnectedAsync()).SessionPresent);
        }

        // The server forgot the session: everything is asked for again, and nothing is taken back.
        using var third = await _server.WelcomeAsync();
        var packet = await third.ReadAsync();
        Assert.True(packet is "820B0001000001" + "6101" + "0001" + "6301" or "820B0001000001" + "6301" + "0001" + "6101", packet);
        await third.SendAsync("90 05 0001 00 01 01");
        Assert.False((await client.ConnectedAsync()).SessionPresent);
    }

    [Fact]
    public async Task A_filter_refused_at_reconnect_is_reported_and_asked_for_again_later()
    {
        await using var client = Start();
        using (var first = await _server.WelcomeAsync())
        {
            await client.ConnectedAsync();
            var subscribe = client.Client.SubscribeAsync([new MqttSubscription("a")]);
            await first.ReadAsync();
            await first.SendAsync("90 04 0001 00 01");
            Assert.True((await subscribe).IsSuccess);
        }

        using (var second = await _server.WelcomeAsync())
        {
            await second.ReadAsync();
            await second.SendAsync("90 04 0001 00 87");
            Assert.Equal(["a"], (await client.ConnectedAsync()).RefusedFilters);
        }

        using var third = await _server.WelcomeAsync();
        Assert.StartsWith("82", await third.ReadAsync(), StringComparison.Ordinal);
        await third.SendAsync("90 04 0001 00 01");
        Assert.Empty((await client.ConnectedAsync()).RefusedFilters);
    }

    [Fact]
    public async Task A_filter_that_is_refused_at_once_is_forgotten()
    {
        await using var client = Start();
        using (var first = await _server.WelcomeAsync())
        {
            await client.ConnectedAsync();
            var subscribe = client.Client.SubscribeAsync([new MqttSubscription("a")]);
            await first.ReadAsync();
            await first.SendAsync("90 04 0001 00 87");
            Assert.Equal([MqttReasonCode.NotAuthorized], (await subscribe).ReasonCodes);
        }

        using var second = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        await client.Client.PublishAsync("t", default, MqttQoS.AtMostOnce);
        Assert.StartsWith("30", await second.ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assigned_identifier_is_used_again()
    {
        await using var client = Start();
        using (await _server.WelcomeAsync("20 08 00 00 05 12 0002 6964"))
        {
            await client.ConnectedAsync();
        }

        using var peer = await _server.AcceptAsync();
        Assert.EndsWith("00026964", await peer.ReadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("E0 01 8E", MqttDisconnectReason.SessionTakenOver)]
    [InlineData("E0 01 8B", MqttDisconnectReason.DisconnectedByServer)]
    [InlineData("E0 01 87", MqttDisconnectReason.NotAuthorized)]
    public async Task A_servers_good_bye_is_reported_with_its_reason(string packet, MqttDisconnectReason reason)
    {
        await using var client = Start();
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        await peer.SendAsync(packet);
        var state = reason == MqttDisconnectReason.NotAuthorized ? MqttClientState.Refused : MqttClientState.Waiting;
        Assert.Equal(Hex.Bytes(packet)[2], (byte)(await client.StateAsync(state, reason)).ReasonCode!.Value);
    }

    [Fact]
    public async Task The_servers_keep_alive_time_counts()
    {
        await using var client = Start(keepAlive: TimeSpan.FromHours(1));
        using var peer = await _server.WelcomeAsync("20 06 00 00 03 13 0001");
        await client.ConnectedAsync();
        Assert.Equal("C000", await peer.ReadAsync());
        await peer.SendAsync("D0 00");
        Assert.Equal("C000", await peer.ReadAsync());
        Assert.Equal("closed", await peer.ReadAsync());
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.KeepAliveTimedOut);
    }

    [Fact]
    public async Task A_slow_link_is_not_taken_for_a_dead_one()
    {
        using var server = new ScriptedServer(receiveBufferBytes: 16 * 1024);
        await using var client = TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", server.Port)],
            KeepAlive = TimeSpan.FromSeconds(1),
            PingTimeout = TimeSpan.FromSeconds(1),
            MessageHandler = messages,
            StateHandler = states,
        });
        using var peer = await server.WelcomeAsync();
        await client.ConnectedAsync();
        var result = client.Client.PublishAsync("t", new byte[3 * 1024 * 1024]).AsTask();

        // About a megabyte in a second, and not a word in return, for longer than keep alive and ping time together.
        var left = 3 * 1024 * 1024;
        while (left > 0)
        {
            var count = await peer.SwallowAsync(32 * 1024);
            Assert.True(count > 0, $"The client gave up: {client.Client.State}");
            left -= count;
            await Task.Delay(TimeSpan.FromMilliseconds(15 * count / 16_384.0));
        }

        await peer.SendAsync("40 02 0001");
        Assert.Equal(MqttPublishStatus.Acknowledged, (await result).Status);
    }

    [Fact]
    public async Task A_server_that_takes_no_data_is_noticed_even_before_a_ping_gets_through()
    {
        await using var client = Start(keepAlive: TimeSpan.FromSeconds(1));
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        var results = Enumerable.Range(0, 20).Select(_ => client.Client.PublishAsync("t", new byte[1_000_000], MqttQoS.AtMostOnce).AsTask()).ToArray();
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.KeepAliveTimedOut);
        Assert.Contains(await Task.WhenAll(results), r => r.Status == MqttPublishStatus.ConnectionLost);
    }

    [Fact]
    public async Task A_server_that_never_answers_SUBSCRIBE_is_given_up()
    {
        await using var client = Start(ackTimeout: TimeSpan.FromMilliseconds(200));
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        Assert.Equal(MqttRequestStatus.TimedOut, (await client.Client.SubscribeAsync([new MqttSubscription("a")])).Status);
        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.AcknowledgmentTimedOut);
    }

    [Fact]
    public async Task A_stream_cut_at_any_byte_towards_the_server_ends_the_publication_and_is_survived()
    {
        const int publishBytes = 28;
        var acknowledgment = Hex.Bytes("40 02 0001");
        await using var client = Start();
        for (var cut = 0; cut <= publishBytes + acknowledgment.Length; cut++)
        {
            using var peer = await _server.WelcomeAsync();
            await client.ConnectedAsync();
            var result = client.Client.PublishAsync("t", new byte[20]).AsTask();
            for (var taken = 0; taken < Math.Min(cut, publishBytes); taken++)
            {
                Assert.Equal(1, await peer.SwallowAsync(1));
            }

            var answered = Math.Max(0, cut - publishBytes);
            await peer.SendAsync(acknowledgment.AsMemory(0, answered));
            if (answered == acknowledgment.Length)
            {
                Assert.Equal(MqttPublishStatus.Acknowledged, (await result).Status);
            }

            peer.Dispose();
            var expected = answered == acknowledgment.Length ? MqttPublishStatus.Acknowledged : MqttPublishStatus.ConnectionLost;
            Assert.Equal(expected, (await result).Status);
        }
    }

    [Fact]
    public async Task A_stream_cut_at_any_byte_towards_the_client_delivers_a_message_whole_or_not_at_all()
    {
        await using var client = Start();
        var packet = Hex.Bytes("32 0A 0003 612F62 000A 00 6869");
        for (var cut = 0; cut <= packet.Length; cut++)
        {
            using var peer = await _server.WelcomeAsync();
            await client.ConnectedAsync();
            await peer.SendAsync(packet.AsMemory(0, cut));
            if (cut == packet.Length)
            {
                Assert.Equal("hi", await client.TextAsync());
            }

            peer.Dispose();
            await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.ConnectionLost);
        }

        Assert.True(client.HasNoMessage);
    }

    [Fact]
    public async Task Stopping_says_good_bye()
    {
        var client = Start();
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        var stopping = client.DisposeAsync();
        Assert.Equal("E000", await peer.ReadAsync());
        Assert.Equal("closed", await peer.ReadAsync());
        peer.Dispose();
        await stopping;
        Assert.Equal(MqttClientState.Stopped, client.Client.State.State);
        Assert.Equal(MqttPublishStatus.NotConnected, (await client.Client.PublishAsync("t", default)).Status);
    }

    [Fact]
    public async Task A_stopped_client_can_run_again_and_remembers_its_subscriptions()
    {
        await using var client = new MqttClient(new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", _server.Port)],
            MessageHandler = (_, _) => ValueTask.CompletedTask,
        });
        await client.SubscribeAsync([new MqttSubscription("a")]);
        for (var i = 0; i < 2; i++)
        {
            using var stop = new CancellationTokenSource();
            var run = client.RunAsync(stop.Token);
            using var peer = await _server.WelcomeAsync();
            Assert.Equal("82070001000001" + "6101", await peer.ReadAsync());
            await peer.SendAsync("90 04 0001 00 01");
            await stop.CancelAsync();
            Assert.Equal("E000", await peer.ReadAsync());
            peer.Dispose();
            await run;
        }
    }

    [Fact]
    public async Task Running_twice_at_once_is_wrong_use()
    {
        await using var client = Start();
        Assert.Throws<InvalidOperationException>(() => { _ = client.Client.RunAsync(CancellationToken.None); });
    }

    private TestClient Start(
        string clientId = "", bool cleanStart = true, TimeSpan? connectTimeout = null, TimeSpan? keepAlive = null, TimeSpan? ackTimeout = null) =>
        TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", _server.Port)],
            ClientId = clientId,
            CleanStart = cleanStart,
            KeepAlive = keepAlive ?? TimeSpan.FromSeconds(20),
            PingTimeout = TimeSpan.FromMilliseconds(500),
            ConnectTimeout = connectTimeout ?? TimeSpan.FromSeconds(10),
            AckTimeout = ackTimeout ?? TimeSpan.FromSeconds(30),
            CloseTimeout = TimeSpan.FromMilliseconds(200),
            ReconnectDelayMin = TimeSpan.FromMilliseconds(5),
            ReconnectDelayMax = TimeSpan.FromMilliseconds(50),
            MessageHandler = messages,
            StateHandler = states,
        });
}
