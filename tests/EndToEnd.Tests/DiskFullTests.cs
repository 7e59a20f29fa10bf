using System.Text.Json;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>A full disk at the edge or at the centre: said clearly, waited for, and over by itself when there is room again.</summary>
public sealed class DiskFullTests
{
    [RootFact]
    public async Task A_full_spool_is_said_clearly_and_passes_by_itself_and_nothing_accepted_is_lost()
    {
        await using var disk = await SmallDisk.MountAsync(2048);
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Spool = Path.Combine(disk.Path, "spool"), Mailbox = "block_ttl_sec: 1, max_block_size: 16KiB" },
            broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");

        var ballast = disk.Fill();
        await Eventually.TrueAsync(async () => await MailboxHealthAsync(site) == "failed", "health is red");
        var trouble = (await site.BooksAsync()).Trouble!;
        Assert.Contains("No space left on device", trouble, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(disk.Path, trouble, StringComparison.Ordinal);
        await site.Collector.LineAsync("No space left");
        var full = await site.BooksAsync();
        Assert.True(full.Balance, full.ToString());

        disk.Free(ballast);
        await Eventually.TrueAsync(async () => await MailboxHealthAsync(site) == "ok", "health is green");
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > full.Accepted + 100, "it accepts again");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        // Nobody had to help.
        Assert.True(site.Collector.IsRunning);
    }

    [RootFact]
    public async Task A_collector_that_is_killed_on_a_full_disk_loses_nothing_accepted()
    {
        await using var disk = await SmallDisk.MountAsync(2048);
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Spool = Path.Combine(disk.Path, "spool"), Mailbox = "block_ttl_sec: 1, max_block_size: 16KiB" },
            broker.Port);
        site.Collector.Launch();
        await site.Collector.ReadyAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 200, "events are accepted");
        var ballast = disk.Fill();
        await Eventually.TrueAsync(async () => await MailboxHealthAsync(site) == "failed", "health is red");
        await site.Collector.KillAsync();
        feed.CollectorKilled(site);
        site.Collector.Launch();
        site.Edge.Launch();
        site.Centre.Launch();
        await Task.WhenAll(site.Edge.ReadyAsync(), site.Centre.ReadyAsync());
        disk.Free(ballast);
        await site.Collector.ReadyAsync();
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RootFact]
    public async Task A_spool_that_filled_the_disk_by_itself_drains_even_after_a_kill()
    {
        await using var disk = await SmallDisk.MountAsync(1024);
        await File.WriteAllBytesAsync(Path.Combine(disk.Path, "others"), new byte[780 * 1024]);
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(20);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Spool = Path.Combine(disk.Path, "spool"), Mailbox = "block_ttl_sec: 600, max_block_size: 16KiB" },
            broker.Port);
        await site.Collector.StartAsync();
        await Eventually.TrueAsync(async () => await MailboxHealthAsync(site) == "failed", "the spool has filled the disk", TimeSpan.FromSeconds(60));
        await site.Collector.KillAsync();
        feed.CollectorKilled(site);
        var files = Directory.GetFiles(site.MailboxPath).Length;

        site.Collector.Launch();
        site.Edge.Launch();
        site.Centre.Launch();
        await Task.WhenAll(site.Collector.ReadyAsync(), site.Edge.ReadyAsync(), site.Centre.ReadyAsync());
        await Eventually.TrueAsync(async () => await MailboxHealthAsync(site) == "ok", "blocks that are delivered make room");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(Directory.GetFiles(site.MailboxPath).Length, 0, files);
    }

    [RootFact]
    public async Task While_the_centres_disk_is_full_blocks_stay_at_the_source()
    {
        await using var disk = await SmallDisk.MountAsync(4096);
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources }, broker.Port);
        site.Edit("centre.yml", "path: target", $"path: {disk.Path}/target");
        site.DatabasePath = Path.Combine(disk.Path, "target", "history.db");
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");

        var ballast = disk.Fill();
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").GetString() is not null, "the centre says that something is in the way");
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Backlog > before.Backlog + 100, "blocks stay at the source");
        var during = await site.BooksAsync();
        Assert.True(during.Balance, during.ToString());

        disk.Free(ballast);
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").ValueKind == JsonValueKind.Null, "the trouble is over");
    }

    private static async Task<string?> MailboxHealthAsync(Site site)
    {
        var health = await site.CallAsync(Site.CollectorId, "health");
        var check = health.GetProperty("checks").EnumerateArray().Single(c => c.GetProperty("name").GetString() == $"mailbox {Site.Target}");
        return check.GetProperty("state").GetString();
    }
}
