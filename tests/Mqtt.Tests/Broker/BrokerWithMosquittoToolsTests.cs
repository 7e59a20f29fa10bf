using ZfRepl.Mqtt.Broker;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.TestKit;

namespace ZfRepl.Mqtt.Tests.Broker;

/// <summary>Our broker, seen by clients that are not ours.</summary>
public sealed class BrokerWithMosquittoToolsTests
{
    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311", "0")]
    [InlineData("mqttv311", "1")]
    [InlineData("mqttv5", "0")]
    [InlineData("mqttv5", "1")]
    public async Task A_message_goes_through(string version, string qos)
    {
        await using var broker = TestBroker.Start();
        await using var subscriber = await MosquittoTools.SubscribeAsync(broker.Port, "-V", version, "-q", qos, "-t", "plant/+/#", "-v");

        await MosquittoTools.PublishAsync(broker.Port, "-V", version, "-q", qos, "-t", "plant/1/a/b", "-m", "hello");

        await subscriber.WaitForLineAsync("plant/1/a/b hello");
    }

    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311", "mqttv5")]
    [InlineData("mqttv5", "mqttv311")]
    public async Task Versions_mix(string publisher, string subscriber)
    {
        await using var broker = TestBroker.Start();
        await using var process = await MosquittoTools.SubscribeAsync(broker.Port, "-V", subscriber, "-q", "1", "-t", "#", "-v");
        string[] properties = publisher == "mqttv5" ? ["-D", "publish", "user-property", "k", "v"] : [];
        await MosquittoTools.PublishAsync(broker.Port, ["-V", publisher, "-q", "1", "-t", "t", "-m", "x", .. properties]);
        await process.WaitForLineAsync("t x");
    }

    [RequiresFact("mosquitto_pub", "mosquitto_sub")]
    public async Task Properties_are_passed_on_unchanged()
    {
        await using var broker = TestBroker.Start();
        await using var process = await MosquittoTools.SubscribeAsync(broker.Port, "-V", "mqttv5", "-q", "1", "-t", "#", "-F", "%t %p %P %C %R %D");
        await MosquittoTools.PublishAsync(
            broker.Port,
            ["-V", "mqttv5", "-q", "1", "-t", "t", "-m", "x", "-D", "publish", "user-property", "unit", "bar", "-D", "publish", "content-type", "text",
            "-D", "publish", "response-topic", "back", "-D", "publish", "correlation-data", "c1"]);
        var line = await process.WaitForLineAsync("t x");
        Assert.Equal("t x unit:bar text back c1", line);
    }

    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311")]
    [InlineData("mqttv5")]
    public async Task Users_are_checked(string version)
    {
        await using var broker = TestBroker.Start(log => new MqttBrokerOptions
        {
            Listeners = [TestBroker.Plain],
            Users = new Dictionary<string, string> { ["edge"] = MqttPasswordHash.Create("secret", iterations: 1_000) },
            Log = log,
        });

        foreach (var login in new string[][] { [], ["-u", "edge", "-P", "wrong"], ["-u", "nobody", "-P", "secret"], ["-u", "edge"] })
        {
            var (code, output) = await MosquittoTools.TryPublishAsync(broker.Port, ["-V", version, "-t", "t", "-m", "x", .. login]);
            Assert.True(code != 0, output);
            Assert.Contains(version == "mqttv5" ? "Bad user name or password" : "bad user name or password", output, StringComparison.OrdinalIgnoreCase);
        }

        for (var i = 0; i < 2; i++)
        {
            await MosquittoTools.PublishAsync(broker.Port, "-V", version, "-q", "1", "-t", "t", "-m", "x", "-u", "edge", "-P", "secret");
        }

        Assert.Equal(4, broker.Broker.Statistics.LoginsRefused);
    }

    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311")]
    [InlineData("mqttv5")]
    public async Task Tls_is_served_with_the_given_certificate(string version)
    {
        using var folder = new TempFolder();
        using var authority = new CertificateAuthority(folder.Path);
        using var other = new CertificateAuthority(folder.Path, "other");
        using var certificate = authority.Issue("broker").Certificate;
        await using var broker = TestBroker.StartWithTls(certificate);
        await using var subscriber = await MosquittoTools.SubscribeAsync(
            broker.Port, "-V", version, "--cafile", authority.CaFile, "-q", "1", "-t", "t", "-v");

        await MosquittoTools.PublishAsync(broker.Port, "-V", version, "--cafile", authority.CaFile, "-q", "1", "-t", "t", "-m", "sealed");
        await subscriber.WaitForLineAsync("t sealed");

        var (code, _) = await MosquittoTools.TryPublishAsync(broker.Port, "-V", version, "--cafile", other.CaFile, "-t", "t", "-m", "x");
        Assert.NotEqual(0, code);
        var (plainCode, _) = await MosquittoTools.TryPublishAsync(broker.Port, "-V", version, "-t", "t", "-m", "x");
        Assert.NotEqual(0, plainCode);
    }

    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311")]
    [InlineData("mqttv5")]
    public async Task Retained_messages_greet_late_subscribers_until_they_are_removed(string version)
    {
        await using var broker = TestBroker.Start();
        await MosquittoTools.PublishAsync(broker.Port, "-V", version, "-q", "1", "-t", "state/a", "-m", "on", "-r");
        await using (var late = await MosquittoTools.SubscribeAsync(broker.Port, "-V", version, "-t", "state/#", "-F", "%r %t %p"))
        {
            await late.WaitForLineAsync("1 state/a on");
            await MosquittoTools.PublishAsync(broker.Port, "-V", version, "-q", "1", "-t", "state/a", "-m", "off", "-r");
            await late.WaitForLineAsync("0 state/a off");
        }

        Assert.Equal(1, broker.Broker.Statistics.RetainedMessages);
        await MosquittoTools.PublishAsync(broker.Port, "-V", version, "-q", "1", "-t", "state/a", "-n", "-r");
        Assert.Equal((0L, 0L), (broker.Broker.Statistics.RetainedMessages, broker.Broker.Statistics.RetainedBytes));
    }

    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311")]
    [InlineData("mqttv5")]
    public async Task The_will_of_a_killed_client_is_published(string version)
    {
        await using var broker = TestBroker.Start();
        await using var watcher = await MosquittoTools.SubscribeAsync(broker.Port, "-V", version, "-q", "1", "-t", "will", "-v");
        await using var client = await MosquittoTools.SubscribeAsync(
            broker.Port, "-V", version, "-t", "x", "--will-topic", "will", "--will-payload", "gone", "--will-qos", "1");

        await client.KillAsync();

        await watcher.WaitForLineAsync("will gone");
    }

    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311")]
    [InlineData("mqttv5")]
    public async Task A_second_connection_takes_the_session_over(string version)
    {
        await using var broker = TestBroker.Start();
        await using var first = await MosquittoTools.SubscribeAsync(broker.Port, "-V", version, "-i", "same", "-c", "-q", "1", "-t", "t", "-v");
        await using var second = await MosquittoTools.SubscribeAsync(broker.Port, "-V", version, "-i", "same", "-c", "-q", "1", "-t", "t", "-v");
        if (version == "mqttv5")
        {
            await first.WaitForLineAsync("Received DISCONNECT (142)");
        }

        Assert.Equal(1, broker.Broker.Statistics.Sessions);
        await first.KillAsync();
        await MosquittoTools.PublishAsync(broker.Port, "-V", version, "-q", "1", "-t", "t", "-m", "for the second");
        await second.WaitForLineAsync("for the second");
    }

    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311")]
    [InlineData("mqttv5")]
    public async Task A_kept_session_holds_messages_while_its_client_is_away(string version)
    {
        await using var broker = TestBroker.Start();
        await using (var first = await MosquittoTools.SubscribeAsync(broker.Port, "-V", version, "-i", "away", "-c", "-q", "1", "-t", "t"))
        {
            await first.TerminateAsync();
        }

        await broker.StatisticsAsync(s => s.Clients == 0, "the subscriber is away");
        for (var i = 0; i < 3; i++)
        {
            await MosquittoTools.PublishAsync(broker.Port, "-V", version, "-q", "1", "-t", "t", "-m", $"message {i}");
        }

        await MosquittoTools.PublishAsync(broker.Port, "-V", version, "-q", "0", "-t", "t", "-m", "quality 0");
        Assert.Equal(3, broker.Broker.Statistics.QueuedMessages);
        Assert.Equal(1, broker.Broker.Statistics.DroppedOffline);

        await using var second = await MosquittoTools.SubscribeAsync(broker.Port, "-V", version, "-i", "away", "-c", "-q", "1", "-t", "t", "-v");
        await Eventually.TrueAsync(
            () => Enumerable.Range(0, 3).All(i => second.Output.Contains($"t message {i}", StringComparison.Ordinal)), "the messages come");
        Assert.DoesNotContain("quality 0", second.Output, StringComparison.Ordinal);
        await broker.StatisticsAsync(s => s.QueuedMessages == 0 && s.QueuedBytes == 0, "everything is acknowledged");
    }

    [RequiresFact("mosquitto_pub", "mosquitto_sub")]
    public async Task Quality_2_is_granted_as_1_and_refused_for_publications()
    {
        await using var broker = TestBroker.Start();
        await using var subscriber = await MosquittoTools.SubscribeAsync(broker.Port, "-V", "mqttv5", "-q", "2", "-t", "t", "-v");
        Assert.Contains("Subscribed (mid: 1): 1", subscriber.Output, StringComparison.Ordinal);

        foreach (var version in new[] { "mqttv5", "mqttv311" })
        {
            var (code, output) = await MosquittoTools.TryPublishAsync(broker.Port, "-V", version, "-q", "2", "-t", "t", "-m", "x");
            Assert.True(code != 0 || output.Contains("QoS not supported", StringComparison.Ordinal), output);
        }

        await MosquittoTools.PublishAsync(broker.Port, "-V", "mqttv5", "-q", "1", "-t", "t", "-m", "still there");
        await subscriber.WaitForLineAsync("still there");
    }

    [RequiresTheory("mosquitto_pub", "mosquitto_sub")]
    [InlineData("mqttv311")]
    [InlineData("mqttv5")]
    public async Task Ten_thousand_lines_arrive_in_order(string version)
    {
        const int count = 10_000;
        using var folder = new TempFolder();
        var lines = Enumerable.Range(0, count).Select(i => $"line {i}").ToList();
        await File.WriteAllLinesAsync(folder["lines"], lines);
        await using var broker = TestBroker.Start();
        await using var subscriber = ExternalProcess.Start(
            ProgramLookup.Find("mosquitto_sub")!,
            ["-h", "127.0.0.1", "-p", $"{broker.Port}", "-V", version, "-q", "1", "-t", "t", "-C", $"{count}"]);
        await broker.StatisticsAsync(s => s.Subscriptions == 1, "subscribed");

        await using var publisher = ExternalProcess.Start(
            "sh", ["-c", $"exec '{ProgramLookup.Find("mosquitto_pub")}' -h 127.0.0.1 -p {broker.Port} -V {version} -q 1 -t t -l < '{folder["lines"]}'"]);

        Assert.Equal(0, await publisher.WaitForExitAsync());
        Assert.Equal(0, await subscriber.WaitForExitAsync());
        await Eventually.TrueAsync(() => subscriber.Output.EndsWith($"line {count - 1}\n", StringComparison.Ordinal), "the output is complete");
        Assert.Equal(lines, subscriber.Output.TrimEnd('\n').Split('\n'));
    }

    [RequiresFact("mosquitto_pub", "mosquitto_sub")]
    public async Task Shared_subscriptions_are_refused()
    {
        await using var broker = TestBroker.Start();
        await using var subscriber = ExternalProcess.Start(
            ProgramLookup.Find("mosquitto_sub")!, ["-d", "-h", "127.0.0.1", "-p", $"{broker.Port}", "-V", "mqttv5", "-t", "$share/g/t"]);
        await subscriber.WaitForExitAsync();
        Assert.Contains("All subscription requests were denied", subscriber.Output, StringComparison.Ordinal);
        Assert.Equal(0, broker.Broker.Statistics.Subscriptions);
    }

    [RequiresFact("mosquitto_pub", "mosquitto_sub")]
    public async Task A_silent_client_is_cut_off_after_its_keep_alive_time()
    {
        const string version = "mqttv311";
        await using var broker = TestBroker.Start();
        await using var watcher = await MosquittoTools.SubscribeAsync(broker.Port, "-V", version, "-t", "will", "-v");
        await using var client = await MosquittoTools.SubscribeAsync(
            broker.Port, "-V", version, "-k", "5", "-t", "x", "--will-topic", "will", "--will-payload", "silent");

        client.Freeze();

        await watcher.WaitForLineAsync("will silent");
        Assert.Equal(1, broker.Broker.Statistics.KeepAliveTimeouts);
    }
}
