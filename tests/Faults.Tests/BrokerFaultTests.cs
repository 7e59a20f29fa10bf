using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>Brokers that die every other second, that stand still, that are away for so long that a thousand blocks wait.</summary>
public sealed class BrokerFaultTests(ITestOutputHelper output)
{
    private const int Blocks = 2000;
    private const int EventsInBlock = 20;

    [RequiresFact("mosquitto")]
    public async Task A_broker_that_is_killed_every_two_seconds_loses_nothing_and_traffic_goes_on_in_between()
    {
        var kills = FaultRun.Rounds(usual: 5, all: 30);
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 50, "blocks are delivered");
        for (var i = 0; i < kills; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(2));
            await broker.Process.KillAsync();
            await broker.StartAgainAsync();
        }

        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{kills} kills of the broker; {proof}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresFact("mosquitto")]
    public async Task A_broker_that_stands_still_is_noticed_and_what_it_held_back_does_no_harm()
    {
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 50, "blocks are delivered");

        broker.Process.Freeze();
        await Eventually.TrueAsync(
            async () => (await site.CallAsync(Site.EdgeId, "health")).GetProperty("state").GetString() == "degraded"
                && (await site.CallAsync(Site.CentreId, "health")).GetProperty("state").GetString() == "degraded",
            "both sides say that the broker is silent");
        var frozen = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > frozen.Accepted + 100, "the edge goes on accepting");
        if (FaultRun.IsAll)
        {
            await Task.Delay(TimeSpan.FromSeconds(20));
        }

        broker.Process.Thaw();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > frozen.Delivered + 100, "blocks are delivered again", TimeSpan.FromSeconds(60));
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [FaultFact("mosquitto")]
    public async Task While_the_broker_is_away_memory_stays_as_it_is_and_two_thousand_blocks_are_caught_up_afterwards()
    {
        await using var disk = await SmallDisk.MountAsync(64 * 1024);
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await broker.Process.KillAsync();
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Spool = Path.Combine(disk.Path, "spool"), Mailbox = "block_ttl_sec: 1, max_block_size: 4KiB" }, broker.Port);
        await SpoolFiller.FillAsync(site.MailboxPath, Path.Combine(disk.Path, "aside"), Blocks, EventsInBlock);
        await site.StartAsync();
        var before = Memory(site);
        await Task.Delay(TimeSpan.FromSeconds(FaultRun.Rounds(usual: 5, all: 60)));
        var away = Memory(site);
        Assert.Equal(0, (await site.BooksAsync()).Delivered);

        await broker.StartAgainAsync();
        var watch = Stopwatch.StartNew();
        var books = await site.DrainAsync(TimeSpan.FromSeconds(120));
        var after = Memory(site);
        Assert.True(books.Balance, books.ToString());
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{books.Delivered} events in {watch.Elapsed.TotalSeconds:0.0} s; resident MiB of edge and centre: {before}, broker away {away}, caught up {after}"));
        var history = await site.ReadHistoryAsync();
        var filled = history.Where(e => e.Oid.Equals(SpoolFiller.Item)).Select(e => e.Value.AsInt64).Order().ToList();
        Assert.Equal(Enumerable.Range(1, Blocks * EventsInBlock).Select(i => (long)i), filled);
        Assert.Equal(books.Accepted, history.Count);
        // Neither what waits nor how long it waits is in memory: as much as a window of blocks may be.
        Assert.InRange(away.Edge - before.Edge, int.MinValue, 32);
        Assert.InRange(away.Centre - before.Centre, int.MinValue, 32);
        Assert.InRange(after.Edge, 0, 250);
        Assert.InRange(after.Centre, 0, 250);
    }

    private static SiteOptions Options(GeneratorFeed feed) => new() { Sources = feed.Sources, Mailbox = "block_ttl_sec: 1, max_block_size: 8KiB", Fetch = "interval: 200ms, timeout: 2" };

    private static (int Edge, int Centre) Memory(Site site) => (ResidentMiB(site.Edge.Process.Id), ResidentMiB(site.Centre.Process.Id));

    private static int ResidentMiB(int processId)
    {
        var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/status")).Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return int.Parse(line.AsSpan(6).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) / 1024;
    }
}
