using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>
/// The power of the centre's box fails, with its inbox and its database: what it has confirmed, and its source has deleted, is there afterwards. With a
/// sync that does nothing it is not, and the same check says so.
/// </summary>
public sealed class CentrePowerCutTests(ITestOutputHelper output)
{
    [FaultTheory("mosquitto", "mkfs.ext4", "mkfs.xfs")]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public async Task Power_cuts_of_the_centre_take_nothing_that_was_confirmed(string kind)
    {
        var cuts = FaultRun.Rounds(usual: 5, all: 60);
        var random = Seed.Next(output);
        await using var feed = new GeneratorFeed(4);
        await using var disk = await LoopDisk.CreateAsync(kind);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = NewSite(feed, disk, broker);
        await site.StartAsync();
        for (var cut = 0; cut < cuts; cut++)
        {
            if (random.Next(4) > 0)
            {
                await SiteWaits.WorksAsync(site.Centre);
            }

            await Task.Delay(random.Next(10, 1500));
            await CutAsync(site, disk);
        }

        await SiteWaits.WorksAsync(site.Centre);
        var proof = await feed.ProveAsync(site);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind}: {cuts} cuts; {proof}"));
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(proof.Delivered, 1, long.MaxValue);
        var stream = await CentreDatabase.StreamAsync(site.DatabasePath);
        Assert.Equal((0UL, (ulong)(await site.BooksAsync()).Accepted), (stream.MissingCount, stream.Received));
    }

    [FaultFact("mosquitto", "mkfs.ext4", "strace")]
    public async Task A_sync_of_the_centre_that_does_nothing_is_found_out()
    {
        await using var feed = new GeneratorFeed(4);
        await using var disk = await LoopDisk.CreateAsync("ext4");
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = NewSite(feed, disk, broker);
        site.Centre.Under = Strace.FakedSync;
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are confirmed");
        await CutAsync(site, disk);
        await SiteWaits.WorksAsync(site.Centre);
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > before.Delivered + 50, "blocks are delivered again", TimeSpan.FromSeconds(60));
        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{proof}");
        Assert.InRange(proof.Missing, 1, long.MaxValue);
        Assert.Equal((0, 0), (proof.Duplicates, proof.Invented));
    }

    private static Site NewSite(GeneratorFeed feed, LoopDisk disk, MosquittoServer broker)
    {
        var site = new Site(
            new SiteOptions { Sources = feed.Sources, Mailbox = "block_ttl_sec: 1, max_block_size: 8KiB", Fetch = "interval: 100ms, timeout: 6" }, broker.Port);
        var folder = Path.Combine(disk.Path, "target");
        site.Edit("centre.yml", "path: target", $"path: {folder}");
        site.DatabasePath = Path.Combine(folder, "history.db");
        return site;
    }

    private static async Task CutAsync(Site site, LoopDisk disk)
    {
        // It must not confirm any more what a sync says that was under way when the disk went: see docs/reliability.md.
        site.Centre.Process.Freeze();
        disk.CutPower();
        await site.Centre.KillAsync();
        await disk.RestorePowerAsync();
        site.Centre.Under = [];
        site.Centre.Launch();
    }
}
