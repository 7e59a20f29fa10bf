using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Proxy;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>
/// A link that understands MQTT and breaks its rules: messages twice, late, overtaken, of yesterday, acknowledgments that vanish, connections that end at
/// any byte. The seed is printed.
/// </summary>
public sealed class MqttFaultTests(ITestOutputHelper output)
{
    private const int ChunkBytes = 1024;

    [RequiresFact("mosquitto")]
    public async Task A_link_that_breaks_the_rules_of_mqtt_delivers_everything_once()
    {
        var random = Seed.Next(output);
        await using var broker = await MosquittoServer.StartAsync();
        await using var edge = new MqttFaultProxy(broker.Port, new Random(random.Next()));
        await using var centre = new MqttFaultProxy(broker.Port, new Random(random.Next()));
        await using var feed = new GeneratorFeed(10);
        await using var site = new Site(Options(feed, edge), broker.Port);
        site.Edit("centre.yml", $":{edge.Port}", $":{centre.Port}");
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");

        edge.Faults = centre.Faults = MqttFaults.Everything;
        var before = await site.BooksAsync();
        var watch = Stopwatch.StartNew();
        var seconds = FaultRun.Rounds(usual: 12, all: 120);
        await Eventually.TrueAsync(
            async () => watch.Elapsed.TotalSeconds > seconds && (await site.BooksAsync()).Delivered > before.Delivered + 300,
            "blocks are delivered in spite of it all",
            TimeSpan.FromSeconds(seconds + 60));
        var during = await site.BooksAsync();
        Assert.True(during.Balance, during.ToString());
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{during.Delivered - before.Delivered} events in {watch.Elapsed.TotalSeconds:0} s; edge: {Text(edge)}; centre: {Text(centre)}"));

        edge.Faults = centre.Faults = new MqttFaults();
        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{proof}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(centre.Done.Values.Sum() + edge.Done.Values.Sum(), 20, int.MaxValue);
        var stream = await CentreDatabase.StreamAsync(site.DatabasePath);
        Assert.Equal((0UL, (ulong)(await site.BooksAsync()).Accepted), (stream.MissingCount, stream.Received));
    }

    [RequiresFact("mosquitto")]
    public async Task A_connection_that_ends_at_any_byte_of_a_chunk_delivers_everything_once()
    {
        var random = Seed.Next(output);
        await using var broker = await MosquittoServer.StartAsync();
        await using var edge = new MqttFaultProxy(broker.Port, random);
        await using var feed = new GeneratorFeed(10);
        await using var site = new Site(Options(feed, edge), broker.Port);
        site.Edit("centre.yml", $":{edge.Port}", $":{broker.Port}");
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");
        var watch = Stopwatch.StartNew();
        var step = FaultRun.Rounds(usual: 130, all: 3);
        var cuts = 0;
        for (var at = 0; at < ChunkBytes + 100; at += step)
        {
            // The first bytes are the ones that every parser has to wait for.
            await edge.CutWithinAsync(ChunkBytes, at == 0 ? random.Next(1, 6) : at).WaitAsync(TimeSpan.FromSeconds(60));
            cuts++;
        }

        var proof = await feed.ProveAsync(site);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{cuts} cuts in {watch.Elapsed.TotalSeconds:0} s; {proof}"));
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        var stream = await CentreDatabase.StreamAsync(site.DatabasePath);
        Assert.Equal((0UL, (ulong)(await site.BooksAsync()).Accepted), (stream.MissingCount, stream.Received));
    }

    private static string Text(MqttFaultProxy proxy) => string.Join(", ", proxy.Done.Select(d => $"{d.Key} {d.Value}"));

    private static SiteOptions Options(GeneratorFeed feed, MqttFaultProxy proxy) => new()
    {
        Sources = feed.Sources,
        BrokerPort = proxy.Port,
        // So that a block has many chunks.
        Mailbox = "block_ttl_sec: 1, max_block_size: 16KiB, coding: rows",
        Served = "allow_fill: false, codec: none",
        Replicator = ["chunk_size: 1KiB"],
        Fetch = "interval: 200ms, timeout: 2",
    };
}
