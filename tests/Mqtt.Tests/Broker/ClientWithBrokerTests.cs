using System.Net;
using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Client;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Mqtt.Tests.Broker;

/// <summary>Both halves of the library together.</summary>
public sealed class ClientWithBrokerTests
{
    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task Large_and_small_messages_go_through_tls(MqttProtocolVersion version)
    {
        using var folder = new TempFolder();
        using var authority = new CertificateAuthority(folder.Path);
        using var certificate = authority.Issue("broker").Certificate;
        await using var broker = TestBroker.StartWithTls(certificate);
        await using var client = TestClient.Start((messages, states) => new MqttClientOptions
        {
            Hosts = [new MqttHost("localhost", broker.Port)],
            ProtocolVersion = version,
            Tls = new MqttTlsOptions { CaFile = authority.CaFile },
            MessageHandler = messages,
            StateHandler = states,
        });
        await client.ConnectedAsync();
        await client.SubscribeAsync(new MqttSubscription("t"));
        var random = new Random(1);
        var payloads = new[] { 0, 1, 8_191, 8_192, 20_000, 131_072, 1_500_000 }.Select(size => new byte[size]).ToList();
        payloads.ForEach(random.NextBytes);
        foreach (var payload in payloads)
        {
            Assert.True((await client.Client.PublishAsync("t", payload)).IsSuccess);
            Assert.True((await client.MessageAsync()).Payload.Span.SequenceEqual(payload), $"{payload.Length} bytes");
        }
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public async Task Publishers_with_their_own_retry_lose_nothing_while_the_broker_dies_again_and_again(MqttProtocolVersion version)
    {
        // The broker forgets everything each time, so an acknowledged message may still be lost inside it: the consumer's answer is the proof, as in
        // every protocol above a broker. What this asks of the client: each call ends, with an honest answer, and the subscription is back each time.
        const int count = 2_000;
        const int killsMin = 5;
        var kills = 0;
        var port = FreePort.Next();
        var broker = Start(port);
        await using var consumer = TestClient.Start(port, version);
        await using var publisher = TestClient.Start(port, version);
        await consumer.ConnectedAsync();
        await publisher.ConnectedAsync();
        await consumer.SubscribeAsync(new MqttSubscription("n"));
        var seen = new HashSet<int>();
        var consuming = Task.Run(async () =>
        {
            while (seen.Count < count || kills < killsMin)
            {
                var number = BitConverter.ToInt32((await consumer.MessageAsync()).Payload.Span);
                lock (seen)
                {
                    seen.Add(number);
                }
            }
        });
        using var enough = new CancellationTokenSource();
        var killing = Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                await Eventually.TrueAsync(() => broker.Broker.Statistics.MessagesReceived > 40 || enough.IsCancellationRequested, "some messages came");
                await broker.DisposeAsync();
                broker = Start(port);
                kills++;
            }
        });

        for (var round = 0; !consuming.IsCompleted; round++)
        {
            Assert.True(round < 2_000, $"{seen.Count} of {count} came.");
            int[] open;
            lock (seen)
            {
                open = [.. Enumerable.Range(0, count).Where(i => !seen.Contains(i) || seen.Count == count).Take(50)];
            }

            var results = await Task.WhenAll(open.Select(i => publisher.Client.PublishAsync("n", BitConverter.GetBytes(i)).AsTask()));
            Assert.All(results, r => Assert.Contains(
                r.Status, new[] { MqttPublishStatus.Acknowledged, MqttPublishStatus.ConnectionLost, MqttPublishStatus.NotConnected }));
            await Task.WhenAny(consuming, Task.Delay(5));
        }

        await consuming;
        await enough.CancelAsync();
        await killing;
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task More_messages_than_there_are_identifiers_go_through_one_connection()
    {
        const int count = 70_000;
        await using var broker = TestBroker.Start();
        await using var client = TestClient.Start(broker.Port);
        await client.ConnectedAsync();
        await client.SubscribeAsync(new MqttSubscription("t"));
        var publishers = Enumerable.Range(0, 50).Select(p => Task.Run(async () =>
        {
            for (var i = 0; i < count / 50; i++)
            {
                Assert.Equal(MqttPublishStatus.Acknowledged, (await client.Client.PublishAsync("t", default)).Status);
            }
        })).ToList();
        for (var i = 0; i < count; i++)
        {
            await client.MessageAsync();
        }

        await Task.WhenAll(publishers);
        Assert.Equal(MqttDisconnectReason.None, client.Client.State.Reason);
    }

    [Fact]
    public async Task A_thousand_topics_reach_the_right_ones_of_many_clients()
    {
        await using var broker = TestBroker.Start();
        var consumers = new List<TestClient>();
        for (var i = 0; i < 20; i++)
        {
            var consumer = TestClient.Start(broker.Port, i % 2 == 0 ? MqttProtocolVersion.V311 : MqttProtocolVersion.V5);
            await consumer.ConnectedAsync();
            await consumer.SubscribeAsync(new MqttSubscription($"node/{i}/#"));
            consumers.Add(consumer);
        }

        await using var publisher = TestClient.Start(broker.Port);
        await publisher.ConnectedAsync();
        var results = Enumerable.Range(0, 1_000).Select(i => publisher.Client.PublishAsync($"node/{i % 20}/item/{i}", BitConverter.GetBytes(i)).AsTask());
        Assert.All(await Task.WhenAll(results), r => Assert.Equal(new MqttPublishResult(MqttPublishStatus.Acknowledged), r));

        for (var i = 0; i < 20; i++)
        {
            for (var k = 0; k < 50; k++)
            {
                Assert.Equal((k * 20) + i, BitConverter.ToInt32((await consumers[i].MessageAsync()).Payload.Span));
            }

            Assert.True(consumers[i].HasNoMessage);
            await consumers[i].DisposeAsync();
        }
    }

    private static TestBroker Start(int port) => TestBroker.Start(log => new MqttBrokerOptions
    {
        Listeners = [new MqttListener(IPAddress.Loopback, port)],
        AllowAnonymous = true,
        CloseTimeout = TimeSpan.FromMilliseconds(100),
        Log = log,
    });
}
