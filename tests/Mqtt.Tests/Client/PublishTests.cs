using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Tests.Support;

namespace ZfRepl.Mqtt.Tests.Client;

/// <summary>What a publisher is told, against a server whose every byte the test decides.</summary>
public sealed class PublishTests : IDisposable
{
    private readonly ScriptedServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Before_the_connection_nothing_is_sent()
    {
        await using var client = TestClient.Start(_server.Port);
        Assert.Equal(MqttPublishStatus.NotConnected, (await client.Client.PublishAsync("t", default)).Status);
    }

    [Fact]
    public async Task Quality_0_ends_when_the_bytes_are_written()
    {
        await using var client = TestClient.Start(_server.Port);
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();

        Assert.Equal(MqttPublishStatus.Written, (await client.Client.PublishAsync("t", "x"u8.ToArray(), MqttQoS.AtMostOnce, retain: true)).Status);

        Assert.Equal("31050001740078", await peer.ReadAsync());
    }

    [Fact]
    public async Task The_servers_window_is_kept_and_identifiers_are_not_used_twice()
    {
        await using var client = TestClient.Start(_server.Port);
        using var peer = await _server.WelcomeAsync("20 06 00 00 03 21 0002");
        await client.ConnectedAsync();
        var results = Enumerable.Range(0, 5).Select(_ => client.Client.PublishAsync("t", default).AsTask()).ToArray();

        Assert.Equal("3206000174000100", await peer.ReadAsync());
        Assert.Equal("3206000174000200", await peer.ReadAsync());

        // The third waits: a message of quality 0, which needs no room in the window, comes first.
        await client.Client.PublishAsync("marker", default, MqttQoS.AtMostOnce);
        Assert.StartsWith("30", await peer.ReadAsync(), StringComparison.Ordinal);
        await peer.SendAsync("40 02 0002");
        Assert.Equal("3206000174000300", await peer.ReadAsync());
        Assert.Equal(MqttPublishStatus.Acknowledged, (await results[1]).Status);
        Assert.False(results[0].IsCompleted || results[2].IsCompleted || results[3].IsCompleted);
        await peer.SendAsync("40 02 0001 40 02 0003");
        Assert.Equal("3206000174000400", await peer.ReadAsync());
        Assert.Equal("3206000174000500", await peer.ReadAsync());
        await peer.SendAsync("40 02 0004 40 02 0005");
        Assert.All(await Task.WhenAll(results), r => Assert.Equal(MqttPublishStatus.Acknowledged, r.Status));
    }

    [Fact]
    public async Task An_acknowledgment_of_something_unknown_changes_nothing()
    {
        await using var client = TestClient.Start(_server.Port);
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        var result = client.Client.PublishAsync("t", default).AsTask();
        Assert.Equal("3206000174000100", await peer.ReadAsync());
        await peer.SendAsync("40 02 0009");
        await peer.SendAsync("40 03 0001 10");
        Assert.Equal(new MqttPublishResult(MqttPublishStatus.Acknowledged, MqttReasonCode.NoMatchingSubscribers), await result);
    }

    [Fact]
    public async Task A_refusal_is_passed_on_with_its_code()
    {
        await using var client = TestClient.Start(_server.Port);
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();
        var result = client.Client.PublishAsync("t", default).AsTask();
        await peer.ReadAsync();
        await peer.SendAsync("40 03 0001 87");
        Assert.Equal(new MqttPublishResult(MqttPublishStatus.Refused, MqttReasonCode.NotAuthorized), await result);
    }

    [Fact]
    public async Task What_the_server_said_it_cannot_do_is_not_tried()
    {
        await using var client = TestClient.Start(_server.Port);

        // Maximum QoS 0, Retain Available 0, Maximum Packet Size 64.
        using var peer = await _server.WelcomeAsync("20 0C 00 00 09 24 00 25 00 27 00000040");
        await client.ConnectedAsync();

        Assert.Equal(new MqttPublishResult(MqttPublishStatus.Refused, MqttReasonCode.QoSNotSupported), await client.Client.PublishAsync("t", default));
        Assert.Equal(
            new MqttPublishResult(MqttPublishStatus.Refused, MqttReasonCode.RetainNotSupported),
            await client.Client.PublishAsync("t", default, MqttQoS.AtMostOnce, retain: true));
        Assert.Equal(MqttPublishStatus.TooLarge, (await client.Client.PublishAsync("t", new byte[59], MqttQoS.AtMostOnce)).Status);
        Assert.Equal(MqttPublishStatus.Written, (await client.Client.PublishAsync("t", new byte[58], MqttQoS.AtMostOnce)).Status);
        Assert.Equal(64 * 2, (await peer.ReadAsync()).Length);
    }

    [Fact]
    public async Task A_full_queue_says_so_at_once()
    {
        await using var client = Start(o => o.MaxQueuedMessages = 2);
        using var peer = await _server.WelcomeAsync("20 06 00 00 03 21 0001");
        await client.ConnectedAsync();
        var sent = client.Client.PublishAsync("t", default).AsTask();
        var waiting = Enumerable.Range(0, 2).Select(_ => client.Client.PublishAsync("t", default).AsTask()).ToArray();

        Assert.Equal(MqttPublishStatus.QueueFull, (await client.Client.PublishAsync("t", default)).Status);

        foreach (var identifier in new[] { "0001", "0002", "0003" })
        {
            await peer.ReadAsync();
            await peer.SendAsync($"40 02 {identifier}");
        }

        Assert.All(await Task.WhenAll([sent, .. waiting]), r => Assert.Equal(MqttPublishStatus.Acknowledged, r.Status));
    }

    [Fact]
    public async Task The_queue_is_bounded_in_bytes_too()
    {
        await using var client = Start(o => o.MaxQueuedBytes = 10_000);
        using var peer = await _server.WelcomeAsync("20 06 00 00 03 21 0001");
        await client.ConnectedAsync();
        var sent = client.Client.PublishAsync("t", default).AsTask();
        await peer.ReadAsync();
        var large = client.Client.PublishAsync("t", new byte[9_000]).AsTask();

        Assert.Equal(MqttPublishStatus.QueueFull, (await client.Client.PublishAsync("t", new byte[2_000])).Status);
        var small = client.Client.PublishAsync("t", new byte[500]).AsTask();

        await peer.SendAsync("40 02 0001");
        await peer.ReadAsync();
        await peer.SendAsync("40 02 0002");
        await peer.ReadAsync();
        await peer.SendAsync("40 02 0003");
        Assert.All(await Task.WhenAll(sent, large, small), r => Assert.Equal(MqttPublishStatus.Acknowledged, r.Status));
    }

    [Fact]
    public async Task Cancelling_gives_the_place_in_the_queue_back()
    {
        await using var client = Start(o => o.MaxQueuedMessages = 1);
        using var peer = await _server.WelcomeAsync("20 06 00 00 03 21 0001");
        await client.ConnectedAsync();
        var sent = client.Client.PublishAsync("t", "1"u8.ToArray()).AsTask();
        using var cancel = new CancellationTokenSource();
        var cancelled = client.Client.PublishAsync("t", "2"u8.ToArray(), cancellationToken: cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        var next = client.Client.PublishAsync("t", "3"u8.ToArray()).AsTask();

        Assert.EndsWith("31", await peer.ReadAsync(), StringComparison.Ordinal);
        await peer.SendAsync("40 02 0001");
        Assert.EndsWith("33", await peer.ReadAsync(), StringComparison.Ordinal);
        await peer.SendAsync("40 02 0002");
        Assert.Equal(MqttPublishStatus.Acknowledged, (await sent).Status);
        Assert.Equal(MqttPublishStatus.Acknowledged, (await next).Status);
    }

    [Fact]
    public async Task Cancelling_after_sending_keeps_the_identifier_until_the_acknowledgment()
    {
        await using var client = TestClient.Start(_server.Port);
        using var peer = await _server.WelcomeAsync("20 06 00 00 03 21 0001");
        await client.ConnectedAsync();
        using var cancel = new CancellationTokenSource();
        var cancelled = client.Client.PublishAsync("t", default, cancellationToken: cancel.Token).AsTask();
        Assert.Equal("3206000174000100", await peer.ReadAsync());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        var next = client.Client.PublishAsync("t", default).AsTask();
        await peer.SendAsync("40 02 0001");
        Assert.Equal("3206000174000200", await peer.ReadAsync());
        await peer.SendAsync("40 02 0002");
        Assert.Equal(MqttPublishStatus.Acknowledged, (await next).Status);
    }

    [Fact]
    public async Task A_server_that_never_acknowledges_is_given_up()
    {
        await using var client = Start(o => o.AckTimeout = TimeSpan.FromMilliseconds(200));
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();

        Assert.Equal(MqttPublishStatus.TimedOut, (await client.Client.PublishAsync("t", default)).Status);

        await client.StateAsync(MqttClientState.Waiting, MqttDisconnectReason.AcknowledgmentTimedOut);
        Assert.StartsWith("32", await peer.ReadAsync(), StringComparison.Ordinal);
        Assert.Equal("E00180", await peer.ReadAsync());
    }

    [Fact]
    public async Task A_topic_with_a_wildcard_or_quality_2_is_wrong_use()
    {
        await using var client = new MqttClient(new MqttClientOptions { Hosts = [new MqttHost("x", 1)] });
        await Assert.ThrowsAsync<ArgumentException>(() => client.PublishAsync("a/#", default).AsTask());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => client.PublishAsync("a", default, MqttQoS.ExactlyOnce).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.SubscribeAsync([new MqttSubscription("a")]));
    }

    [Fact]
    public async Task Many_publishers_at_once_get_each_their_own_answer()
    {
        await using var client = Start(o => o.MaxQueuedMessages = 10_000);
        using var peer = await _server.WelcomeAsync();
        await client.ConnectedAsync();

        // The server refuses every third identifier; the payload of each message tells which publisher it is from.
        var answers = Task.Run(async () =>
        {
            var refused = new HashSet<int>();
            for (var i = 0; i < 6_000; i++)
            {
                var packet = Hex.Bytes(await peer.ReadAsync());
                var identifier = (packet[5] << 8) | packet[6];
                var isRefused = identifier % 3 == 0;
                await peer.SendAsync($"40 03 {identifier:X4} {(isRefused ? "97" : "00")}");
                if (isRefused)
                {
                    refused.Add(BitConverter.ToInt32(packet.AsSpan(8)));
                }
            }

            return refused;
        });
        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(p => Task.Run(async () =>
        {
            var mine = new List<(int Number, MqttPublishStatus Status)>();
            for (var i = 0; i < 1_000; i++)
            {
                var number = (p * 1_000) + i;
                mine.Add((number, (await client.Client.PublishAsync("t", BitConverter.GetBytes(number))).Status));
            }

            return mine;
        })));

        var refusedAtServer = await answers;
        Assert.All(results.SelectMany(r => r), r =>
            Assert.Equal(refusedAtServer.Contains(r.Number) ? MqttPublishStatus.Refused : MqttPublishStatus.Acknowledged, r.Status));
    }

    private TestClient Start(Action<Bounds> change)
    {
        var bounds = new Bounds();
        change(bounds);
        return TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("127.0.0.1", _server.Port)],
            MaxQueuedMessages = bounds.MaxQueuedMessages,
            MaxQueuedBytes = bounds.MaxQueuedBytes,
            AckTimeout = bounds.AckTimeout,
            CloseTimeout = TimeSpan.FromMilliseconds(200),
            MessageHandler = messages,
            StateHandler = states,
        });
    }

    private sealed class Bounds
    {
        public int MaxQueuedMessages { get; set; } = 1_000;

        public long MaxQueuedBytes { get; set; } = 1_000_000;

        public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(30);
    }
}
