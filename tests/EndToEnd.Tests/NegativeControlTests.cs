using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>
/// Where somebody works against the promises, the same checker that the kill tests use has to find the loss, and the product's own books
/// have to name it: never silent.
/// </summary>
public sealed class NegativeControlTests
{
    [RequiresFact("mosquitto")]
    public async Task A_block_that_somebody_deletes_from_the_spool_is_found_missing_and_stands_in_the_loss_ledger()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(Options(feed), broker.Port);
        await site.Collector.StartAsync();
        await Eventually.TrueAsync(() => SpoolReader.SealedBlocks(site.MailboxPath).Count >= 3, "blocks are closed");
        await site.Collector.KillAsync();
        feed.CollectorKilled(site);
        File.Delete(SpoolReader.SealedBlocks(site.MailboxPath)[1]);
        await site.StartAsync();

        var proof = await feed.ProveAsync(site);
        Assert.InRange(proof.Missing, 1, long.MaxValue);
        Assert.Equal((0, 0), (proof.Duplicates, proof.Invented));
        Assert.Equal(proof.Missing, (await site.BooksAsync()).Lost);
        var stream = await CentreDatabase.StreamAsync(site.DatabasePath);
        Assert.Equal(proof.Missing, (long)Assert.Single(stream.Losses).Events);
    }

    [RequiresFact("mosquitto")]
    public async Task A_block_that_vanishes_while_the_collector_runs_is_given_up_by_name_and_does_not_hold_up_the_others()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(Options(feed), broker.Port);
        await site.Collector.StartAsync();
        await Eventually.TrueAsync(() => SpoolReader.SealedBlocks(site.MailboxPath).Count >= 3, "blocks are closed");
        File.Delete(SpoolReader.SealedBlocks(site.MailboxPath)[1]);
        site.Edge.Launch();
        site.Centre.Launch();
        await Task.WhenAll(site.Edge.ReadyAsync(), site.Centre.ReadyAsync());
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Lost > 0, "the block is given up");
        // The ledger's entry travels with the events behind it.
        var given = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > given.Accepted + 50, "more events are accepted");

        var proof = await feed.ProveAsync(site);
        Assert.InRange(proof.Missing, 1, long.MaxValue);
        Assert.Equal((0, 0), (proof.Duplicates, proof.Invented));
        var books = await site.BooksAsync();
        Assert.Equal(proof.Missing, books.Lost);
        Assert.Contains("vanished", books.Trouble, StringComparison.Ordinal);
        Assert.Equal(proof.Missing, (long)Assert.Single((await CentreDatabase.StreamAsync(site.DatabasePath)).Losses).Events);
        Assert.Equal(1, (await site.RefusedAsync())["damaged_block"]);
    }

    [RequiresFact("mosquitto")]
    public async Task A_target_that_confirms_without_importing_is_found_out()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var tap = await BusTap.StartAsync(broker.Port);
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(Options(feed), broker.Port);
        site.Collector.Launch();
        site.Edge.Launch();
        await Task.WhenAll(site.Collector.ReadyAsync(), site.Edge.ReadyAsync());
        await Eventually.TrueAsync(() => SpoolReader.SealedBlocks(site.MailboxPath).Count >= 3, "blocks are closed");
        var lied = await LyingTarget.ConfirmAllAsync(site, tap);
        await site.Centre.StartAsync();

        var proof = await feed.ProveAsync(site);
        Assert.Equal((long)lied, proof.Missing);
        Assert.Equal((0, 0), (proof.Duplicates, proof.Invented));
        // The edge believed the lie; the centre knows by the sequence numbers what it never got.
        Assert.Equal(lied, (await CentreDatabase.StreamAsync(site.DatabasePath)).MissingCount);
    }

    private static SiteOptions Options(GeneratorFeed feed) => new() { Sources = feed.Sources, Mailbox = "block_ttl_sec: 1, max_block_size: 4KiB" };
}
