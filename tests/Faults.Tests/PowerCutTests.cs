using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>
/// The power of the edge's box fails under a running collector, ten times on each file system: what it had accepted is there afterwards. With a
/// sync that does nothing, or a mailbox that does without, the same check finds the loss.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    [FaultTheory("mosquitto", "mkfs.ext4", "mkfs.xfs")]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public async Task Power_cuts_of_the_edge_take_nothing_that_was_accepted(string kind)
    {
        await using var feed = new GeneratorFeed(4);
        await CutAgainAndAgainAsync(kind, feed, FaultRun.Rounds(usual: 10, all: 100));
    }

    [FaultFact("mosquitto", "mkfs.ext4", ProgramLookup.NodeOpcUa)]
    public async Task Power_cuts_of_the_edge_take_no_change_of_a_plant_that_has_a_log_of_its_own()
    {
        await using var feed = new NodeOpcUaFeed(ratePerSecond: 200, changes: 0, variables: 50);
        await feed.OpenAsync();
        await CutAgainAndAgainAsync("ext4", feed, FaultRun.Rounds(usual: 3, all: 50));
    }

    [FaultTheory("mosquitto", "mkfs.ext4", "mkfs.xfs", "strace")]
    [InlineData("ext4", "group", true)]
    [InlineData("xfs", "group", true)]
    [InlineData("ext4", "relaxed", false)]
    public async Task A_sync_that_does_nothing_is_found_out(string kind, string durability, bool isFaked)
    {
        await using var feed = new GeneratorFeed(4);
        await using var disk = await LoopDisk.CreateAsync(kind);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, disk, $"block_ttl_sec: 600, durability: {durability}"), broker.Port);
        site.Collector.Under = isFaked ? Strace.FakedSync : [];
        await site.Collector.StartAsync();
        await using var claims = new Claims(site);
        await Eventually.TrueAsync(() => claims.Accepted > 300, "events are said to be accepted");
        await CutAsync(site, disk, feed, claims);
        await site.Centre.StartAsync();
        await SiteWaits.WorksAsync(site.Collector, site.Edge);
        var proof = await feed.ProveAsync(site);
        var missing = claims.MissingIn(await site.ReadHistoryAsync());
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind}: {missing} of the claimed events are missing"));
        Assert.InRange(missing, 1, long.MaxValue);
        // What was accepted after the cut is not at fault.
        Assert.InRange(proof.Delivered, 1, long.MaxValue);
        Assert.Equal((0, 0), (proof.Duplicates, proof.Invented));
    }

    private static SiteOptions Options(IFeed feed, LoopDisk disk, string mailbox) =>
        new() { Sources = feed.Sources, Spool = Path.Combine(disk.Path, "spool"), Mailbox = mailbox };

    private async Task CutAgainAndAgainAsync(string kind, IFeed feed, int cuts)
    {
        var random = Seed.Next(output);
        await using var disk = await LoopDisk.CreateAsync(kind);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, disk, "block_ttl_sec: 1, max_block_size: 8KiB"), broker.Port);
        await site.StartAsync();
        await feed.StartAsync(site);
        await using var claims = new Claims(site);
        var watch = Stopwatch.StartNew();
        for (var cut = 0; cut < cuts; cut++)
        {
            // From the middle of the start to the middle of a delivery.
            if (random.Next(4) > 0)
            {
                await SiteWaits.WorksAsync(site.Collector);
            }

            await Task.Delay(random.Next(10, 900));
            await CutAsync(site, disk, feed, claims);
        }

        var cutting = watch.Elapsed;
        // A centre that has failed so often would wait for half a minute before it tries again.
        await site.Centre.KillAsync();
        await site.Centre.StartAsync();
        await SiteWaits.WorksAsync(site.Collector, site.Edge);
        var proof = await feed.ProveAsync(site);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind}: {cuts} cuts in {cutting.TotalSeconds:0.0} s; {proof}"));
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        var delivered = await site.ReadHistoryAsync();
        output.WriteLine($"of what was claimed while the power failed, missing: {Math.Max(0, claims.MissingLateIn(delivered))}");
        Assert.InRange(claims.MissingIn(delivered), long.MinValue, 0);
        Assert.Equal(0, (await site.BooksAsync()).Lost);
    }

    /// <summary>The box of collector and replicator goes dark, and comes back.</summary>
    private static async Task CutAsync(Site site, LoopDisk disk, IFeed feed, Claims claims)
    {
        claims.BeforeCut();
        disk.CutPower();
        await site.Collector.KillAsync();
        if (site.Edge.IsRunning)
        {
            await site.Edge.KillAsync();
        }

        await disk.RestorePowerAsync();
        feed.CollectorKilled(site);
        claims.Keep(Path.Combine(disk.Path, "spool"));
        site.Collector.Under = [];
        site.Collector.Launch();
        site.Edge.Launch();
    }
}
