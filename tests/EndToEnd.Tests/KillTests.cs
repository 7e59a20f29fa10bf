using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>
/// SIGKILL at random moments, while events are produced: nothing accepted may be missing, nothing may be there twice. The seed is printed;
/// <c>ZFREPL_SEED=N</c> repeats a run, as far as the timing of processes repeats. <c>ZFREPL_LONG=1</c> makes it 300 rounds instead of 30.
/// </summary>
public sealed class KillTests(ITestOutputHelper output)
{
    [RequiresTheory("mosquitto", ProgramLookup.NodeOpcUa)]
    [InlineData(FeedKind.Generators)]
    [InlineData(FeedKind.NodeOpcUa)]
    public async Task Thirty_kills_of_collector_replicators_and_broker_lose_nothing_and_double_nothing(FeedKind kind)
    {
        var rounds = Seed.IsLong ? 300 : 30;
        await using var feed = await OpenAsync(kind);
        var random = Seed.Next(output);
        var watch = Stopwatch.StartNew();
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Mailbox = "block_ttl_sec: 1, max_block_size: 32KiB", Archive = "{ topic: ST/RAR/ }" }, broker.Port);
        await site.StartAsync();
        await feed.StartAsync(site);
        var kills = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var round = 0; round < rounds; round++)
        {
            // From "still starting" to "in the middle of its work".
            await Task.Delay(random.Next(50, 1500));
            foreach (var victim in Victims(random))
            {
                kills[victim] = kills.GetValueOrDefault(victim) + 1;
                await KillAndStartAsync(victim, site, broker, feed);
            }
        }

        await Task.WhenAll(site.Collector.ReadyAsync(), site.Edge.ReadyAsync(), site.Centre.ReadyAsync());
        var proof = await feed.ProveAsync(site);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{watch.Elapsed.TotalSeconds:0} s, kills: {string.Join(", ", kills.Select(k => $"{k.Key} {k.Value}"))}; {proof}"));
        var known = (await site.ClientAsync()).GetProperty("duplicates").GetInt64();
        output.WriteLine($"events that the last centre process got again and recognised: {known}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(proof.Delivered, rounds * 50, long.MaxValue);
        var received = await CentreDatabase.StreamAsync(site.DatabasePath);
        Assert.Equal((0UL, (ulong)(await site.BooksAsync()).Accepted), (received.MissingCount, received.Received));
        Assert.Empty(received.Losses);
    }

    private static async Task<IFeed> OpenAsync(FeedKind kind)
    {
        if (kind == FeedKind.Generators)
        {
            return new GeneratorFeed(10);
        }

        var plant = new NodeOpcUaFeed(ratePerSecond: 500, changes: 0, variables: 100);
        await plant.OpenAsync();
        return plant;
    }

    private static async Task KillAndStartAsync(string victim, Site site, MosquittoServer broker, IFeed feed)
    {
        switch (victim)
        {
            case "collector":
                await site.Collector.KillAsync();
                feed.CollectorKilled(site);
                site.Collector.Launch();
                break;
            case "edge":
                await site.Edge.KillAsync();
                site.Edge.Launch();
                break;
            case "centre":
                await site.Centre.KillAsync();
                site.Centre.Launch();
                break;
            default:
                await broker.Process.KillAsync();
                await broker.StartAgainAsync();
                break;
        }
    }

    /// <summary>What produces the events.</summary>
    public enum FeedKind
    {
        Generators,
        NodeOpcUa,
    }

    /// <summary>One of the four, sometimes two at once.</summary>
    private static string[] Victims(Random random)
    {
        string[] all = ["broker", "centre", "collector", "edge"];
        random.Shuffle(all);
        return all[..(random.Next(4) == 0 ? 2 : 1)];
    }
}
