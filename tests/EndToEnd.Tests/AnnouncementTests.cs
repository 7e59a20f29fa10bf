using System.Text.Json.Nodes;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>Continuous replication: a centre that asks once in ten minutes has the changes at once, because the edge announces them.</summary>
public sealed class AnnouncementTests
{
    private const int Changes = 2000;
    private const string TenMinutes = "interval: 600, timeout: 6";

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto")]
    public async Task Changes_arrive_by_announcement_though_the_centre_asks_once_in_ten_minutes()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new NodeOpcUaFeed(1000, Changes, variables: 50);
        await feed.OpenAsync();
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Mailbox = "max_delay: 100ms", Fetch = TenMinutes }, broker.Port);
        await site.StartAsync();
        await feed.StartAsync(site);
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.Equal(Changes, proof.Delivered);
        // Closed by nothing but the longest delay: neither by size nor by age nor by the target.
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("blocks").GetInt64() is >= 5 and <= Changes, "the centre knows that many blocks are confirmed");
    }

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto")]
    public async Task Control_without_the_key_the_open_block_waits_for_the_next_question()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new NodeOpcUaFeed(1000, Changes, variables: 50);
        await feed.OpenAsync();
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Mailbox = "block_ttl_sec: 600", Fetch = TenMinutes }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).TryGetProperty("last_contact", out _), "the centre has asked for the first time");
        await feed.StartAsync(site);
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted >= Changes, "the changes are accepted");
        var books = await site.BooksAsync();
        Assert.InRange(books.Backlog, Changes / 2, long.MaxValue);

        // An operator closes the block: that is announced too.
        await site.CallAsync(Site.CollectorId, "mailbox.seal", new JsonObject { ["i"] = Site.Target });
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered >= Changes, "the closed block is fetched at once");
    }
}
