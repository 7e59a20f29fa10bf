using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>Disks that fail at the sync, that have no room for one more file, that turn read-only, that hang: said, waited for, and nothing accepted is lost.</summary>
public sealed class DiskTroubleTests(ITestOutputHelper output)
{
    [FaultFact("mosquitto", "mkfs.ext4")]
    public async Task A_sync_that_fails_in_earnest_gives_the_block_up_and_carries_over_what_was_durable()
    {
        // The disk promises 64 MiB and has 8: what was written fails only when it is to reach the image, and a second sync would say that all is well.
        await using var below = await SmallDisk.MountAsync(8 * 1024);
        await using var disk = await LoopDisk.CreateAsync("ext4", below.Path, sizeMiB: 64, options: "", "-O", "^has_journal", "-E", "lazy_itable_init=0,nodiscard", "-N", "512");
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, disk.Path, "block_ttl_sec: 1, max_block_size: 64KiB"), broker.Port);
        await site.StartAsync();
        await using var claims = new Claims(site);
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");

        var ballast = below.Fill();
        await Eventually.TrueAsync(async () => await HealthAsync(site) == "failed", "health is red");
        var during = await site.BooksAsync();
        output.WriteLine($"{during}");
        Assert.Contains("Sync", during.Trouble, StringComparison.Ordinal);
        Assert.True(during.Balance, during.ToString());

        below.Free(ballast);
        await Eventually.TrueAsync(async () => await HealthAsync(site) == "ok", "health is green");
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > during.Accepted + 100, "it accepts again");

        // Nothing of it may rest on what only the memory of the kernel has.
        await site.Collector.KillAsync();
        await site.Edge.KillAsync();
        await disk.RestorePowerAsync();
        feed.CollectorKilled(site);
        claims.Keep(Path.Combine(disk.Path, "spool"));
        site.Collector.Launch();
        site.Edge.Launch();
        await SiteWaits.WorksAsync(site.Collector, site.Edge);
        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{proof}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(claims.MissingIn(await site.ReadHistoryAsync()), long.MinValue, 0);
    }

    [FaultFact("mosquitto")]
    public async Task A_file_system_without_a_free_inode_is_said_clearly_and_passes_by_itself()
    {
        await using var disk = await SmallDisk.MountAsync(8 * 1024, "nr_inodes=60");
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, disk.Path, "block_ttl_sec: 1, max_block_size: 8KiB"), broker.Port);
        await site.Collector.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 100, "events are accepted");

        // The spool itself takes the last ones.
        await Eventually.TrueAsync(async () => await HealthAsync(site) == "failed", "health is red", TimeSpan.FromSeconds(90));
        var full = await site.BooksAsync();
        output.WriteLine($"{full}; {Directory.GetFiles(site.MailboxPath).Length} files");
        Assert.Contains("No space left on device", full.Trouble, StringComparison.OrdinalIgnoreCase);
        Assert.True(full.Balance, full.ToString());

        // Nobody makes room but the delivery.
        site.Edge.Launch();
        site.Centre.Launch();
        await SiteWaits.WorksAsync(site.Edge, site.Centre);
        await Eventually.TrueAsync(async () => await HealthAsync(site) == "ok", "what is delivered makes room");
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > full.Accepted + 100, "it accepts again");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.True(site.Collector.IsRunning);
    }

    [FaultFact("mosquitto", "mkfs.ext4", "e2fsck")]
    public async Task A_disk_that_turns_read_only_is_said_clearly_and_after_its_repair_everything_accepted_is_there()
    {
        await using var disk = await LoopDisk.CreateAsync("ext4", options: "errors=remount-ro");
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, disk.Path, "block_ttl_sec: 1, max_block_size: 8KiB"), broker.Port);
        await site.StartAsync();
        await using var claims = new Claims(site);
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");

        await disk.TriggerErrorAsync();
        await Eventually.TrueAsync(async () => await HealthAsync(site) == "failed", "health is red");
        var during = await site.BooksAsync();
        output.WriteLine($"{during}");
        Assert.True(during.Balance, during.ToString());
        Assert.Contains(disk.Path, during.Trouble, StringComparison.Ordinal);

        await site.Collector.KillAsync();
        await site.Edge.KillAsync();
        await disk.UnmountAsync();
        await disk.RepairAsync();
        await disk.MountAsync();
        feed.CollectorKilled(site);
        claims.Keep(Path.Combine(disk.Path, "spool"));
        site.Collector.Launch();
        site.Edge.Launch();
        await SiteWaits.WorksAsync(site.Collector, site.Edge);
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(claims.MissingIn(await site.ReadHistoryAsync()), long.MinValue, 0);
    }

    [FaultFact("mosquitto", "mkfs.ext4")]
    public async Task A_spool_that_is_mounted_read_only_ends_the_start_with_the_reason_and_the_next_start_after_a_remount_has_everything()
    {
        await using var disk = await LoopDisk.CreateAsync("ext4");
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, disk.Path, "block_ttl_sec: 1, max_block_size: 8KiB"), broker.Port);
        await site.Collector.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 100, "events are accepted");
        Assert.Equal(0, await site.Collector.TerminateAsync());
        feed.CollectorKilled(site);

        await Shell.RunAsync("mount", "-o", "remount,ro", disk.Path);
        site.Collector.Launch();
        Assert.NotEqual(0, await site.Collector.Process.WaitForExitAsync());
        Assert.Contains("the file system is read-only", site.Collector.Output, StringComparison.Ordinal);
        await Shell.RunAsync("mount", "-o", "remount,rw", disk.Path);
        await site.StartAsync();
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [FaultFact("mosquitto", "mkfs.ext4", "fsfreeze")]
    public async Task A_disk_that_hangs_holds_everything_up_and_loses_nothing()
    {
        await using var disk = await LoopDisk.CreateAsync("ext4");
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, disk.Path, "block_ttl_sec: 1, max_block_size: 8KiB"), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");
        var before = await site.BooksAsync();
        await disk.FreezeAsync();
        try
        {
            await Eventually.TrueAsync(async () => await HealthAsync(site) == "failed", "health is red");
            var during = await site.BooksAsync();
            Assert.Contains("the disk has not answered for", during.Trouble, StringComparison.Ordinal);
            Assert.True(during.Balance, during.ToString());
            output.WriteLine($"{during}");
            if (FaultRun.IsAll)
            {
                await Task.Delay(TimeSpan.FromSeconds(30));
            }
        }
        finally
        {
            await disk.ThawAsync();
        }

        await Eventually.TrueAsync(async () => await HealthAsync(site) == "ok", "health is green");
        var thawed = await site.BooksAsync();
        Assert.True(thawed.Balance, thawed.ToString());
        Assert.InRange(thawed.Accepted, before.Accepted, long.MaxValue);
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > thawed.Accepted + 100, "it accepts again");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.True(site.Collector.IsRunning);
    }

    private static SiteOptions Options(GeneratorFeed feed, string disk, string mailbox) =>
        new() { Sources = feed.Sources, Spool = Path.Combine(disk, "spool"), Mailbox = mailbox };

    private static async Task<string?> HealthAsync(Site site)
    {
        var health = await site.CallAsync(Site.CollectorId, "health");
        return health.GetProperty("checks").EnumerateArray()
            .Single(c => c.GetProperty("name").GetString() == $"mailbox {Site.Target}").GetProperty("state").GetString();
    }
}
