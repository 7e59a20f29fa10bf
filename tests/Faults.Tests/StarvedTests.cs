using System.Globalization;
using Xunit.Abstractions;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>A collector that stands still, that gets next to no processor time, that may not open one more file, whose folder nobody may change.</summary>
public sealed class StarvedTests(ITestOutputHelper output)
{
    [RequiresFact("mosquitto")]
    public async Task A_collector_that_stood_still_goes_on_where_it_was()
    {
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, "spool"), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 50, "blocks are delivered");
        var before = await site.BooksAsync();
        site.Collector.Process.Freeze();
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").GetString() is not null, "the centre says that the source does not answer");
        await Task.Delay(TimeSpan.FromSeconds(FaultRun.Rounds(usual: 1, all: 30)));
        site.Collector.Process.Thaw();
        await Eventually.TrueAsync(
            async () => (await site.BooksAsync()).Delivered > before.Delivered + 50, "blocks are delivered again", TimeSpan.FromSeconds(60));
        await ProveAsync(site, feed);
    }

    [FaultFact("mosquitto", "mkfs.ext4", "chattr")]
    public async Task A_folder_that_nobody_may_change_is_said_and_passes_by_itself()
    {
        await using var disk = await LoopDisk.CreateAsync("ext4");
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, Path.Combine(disk.Path, "spool")), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 50, "blocks are delivered");
        await Shell.RunAsync("chattr", "+i", site.MailboxPath);
        try
        {
            await Eventually.TrueAsync(async () => (await site.BooksAsync()).Trouble is not null, "the mailbox says what is in the way");
            var during = await site.BooksAsync();
            output.WriteLine($"{during}");
            Assert.Contains(site.MailboxPath, during.Trouble, StringComparison.Ordinal);
            Assert.True(during.Balance, during.ToString());
        }
        finally
        {
            await Shell.RunAsync("chattr", "-i", site.MailboxPath);
        }

        await GoesOnAsync(site);
        await ProveAsync(site, feed);
    }

    [FaultFact("mosquitto", "prlimit")]
    public async Task A_collector_that_may_open_no_more_files_loses_nothing_whether_it_waits_or_ends()
    {
        await using var feed = new GeneratorFeed(4);
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, "spool"), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 50, "blocks are delivered");
        var pid = site.Collector.Process.Id.ToString(CultureInfo.InvariantCulture);

        // Not even a question about its health gets through, since that takes a file too.
        var limit = (await Shell.RunAsync("prlimit", "--pid", pid, "--nofile", "--output", "SOFT", "--noheadings")).Trim();
        await using var claims = new Claims(site);
        await Shell.RunAsync("prlimit", "--pid", pid, "--nofile=20:");
        await Eventually.TrueAsync(() => site.Collector.Output.Contains("Too many open files", StringComparison.Ordinal), "it may open no more", TimeSpan.FromSeconds(60));
        await Task.Delay(TimeSpan.FromSeconds(FaultRun.Rounds(usual: 1, all: 30)));

        // It may end at any moment of this.
        _ = await Shell.TryAsync("prlimit", "--pid", pid, $"--nofile={limit}:");
        await Eventually.TrueAsync(
            async () => site.Collector.Process.HasExited || await site.TryBooksAsync() is { Trouble: null }, "it works again, or has ended", TimeSpan.FromSeconds(60));
        if (site.Collector.Process.HasExited)
        {
            // The runtime itself could not go on: it ended in order, and its supervisor starts it again.
            output.WriteLine("the collector ended");
            feed.CollectorKilled(site);
            claims.Keep(Path.Combine(site.Folder, "spool"));
            await site.Collector.StartAsync();
        }

        await GoesOnAsync(site);
        await ProveAsync(site, feed);
        claims.Keep(Path.Combine(site.Folder, "spool"));
        Assert.InRange(claims.MissingIn(await site.ReadHistoryAsync()), long.MinValue, 0);
    }

    [CpuGroupFact]
    public async Task With_a_seventh_of_a_processor_for_all_of_them_everything_arrives()
    {
        await using var group = await CpuGroup.CreateAsync(percent: 15);
        await using var feed = new GeneratorFeed(4, "200ms");
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(Options(feed, "spool") with { Fetch = "interval: 1s, timeout: 20" }, broker.Port);
        await site.StartAsync();
        foreach (var process in new[] { site.Collector, site.Edge, site.Centre })
        {
            await group.AddAsync(process.Process.Id);
        }

        var before = await site.BooksAsync();
        await Eventually.TrueAsync(
            async () => await site.TryBooksAsync() is { } now && now.Delivered > before.Delivered + 100, "blocks are delivered", TimeSpan.FromSeconds(180));
        await group.ReleaseAsync();
        await ProveAsync(site, feed);
    }

    private static SiteOptions Options(GeneratorFeed feed, string spool) => new()
    {
        Sources = feed.Sources,
        Spool = spool,
        Mailbox = "block_ttl_sec: 1, max_block_size: 8KiB",
        Fetch = "interval: 200ms, timeout: 2",
    };

    private static async Task GoesOnAsync(Site site)
    {
        await Eventually.TrueAsync(async () => (await site.TryBooksAsync()) is { Trouble: null }, "the trouble is over", TimeSpan.FromSeconds(60));
        var now = await site.BooksAsync();
        await Eventually.TrueAsync(
            async () => (await site.BooksAsync()).Delivered > now.Delivered + 50, "blocks are delivered again", TimeSpan.FromSeconds(60));
        Assert.True(site.Collector.IsRunning);
    }

    private async Task ProveAsync(Site site, GeneratorFeed feed)
    {
        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{proof}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }
}
