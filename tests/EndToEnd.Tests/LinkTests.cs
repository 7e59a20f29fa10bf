using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>Brokers that are away, links that break in the middle of a block, brokers that take little at a time.</summary>
public sealed class LinkTests
{
    [RequiresFact("mosquitto")]
    public async Task A_broker_that_is_down_at_the_start_and_goes_away_later_is_waited_for()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await broker.Process.KillAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 100, "events are accepted without a broker");
        Assert.False((await site.CallAsync(Site.EdgeId, "status")).GetProperty("broker").GetProperty("connected").GetBoolean());
        await Eventually.TrueAsync(
            async () => (await site.CallAsync(Site.EdgeId, "health")).GetProperty("state").GetString() == "degraded", "health says so");

        await broker.StartAgainAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "they are delivered when it is there");
        await broker.Process.TerminateAsync();
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Backlog > before.Backlog + 100, "the backlog grows");
        await broker.StartAgainAsync();
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresFact("mosquitto")]
    public async Task A_link_that_breaks_again_and_again_in_the_middle_of_blocks_delivers_all_of_them()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var relay = new LinkRelay(broker.Port);
        await using var feed = new GeneratorFeed(10);
        await using var site = new Site(
            new SiteOptions
            {
                Sources = feed.Sources,
                BrokerPort = relay.Port,
                Mailbox = "block_ttl_sec: 600",
                Replicator = ["chunk_size: 1KiB"],
                Fetch = "schedule: null, interval: 200ms, timeout: 2",
            },
            broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 3000, "there is something to send");
        await site.CallAsync(Site.CentreId, "client.start", new() { ["i"] = Site.Source });
        for (var cut = 0; cut < 5; cut++)
        {
            // Chunks are 1 KiB and a window has 16: after so many bytes a block is on its way.
            var at = relay.Bytes + 9_000;
            await Eventually.TrueAsync(() => relay.Bytes > at, "the transfer runs");
            relay.Cut();
            await Eventually.TrueAsync(async () => !await IsConnectedAsync(site, Site.EdgeId) && !await IsConnectedAsync(site, Site.CentreId), "both sides notice");
            relay.Restore();
            await Eventually.TrueAsync(async () => await IsConnectedAsync(site, Site.EdgeId) && await IsConnectedAsync(site, Site.CentreId), "both sides are back");
        }

        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(proof.Delivered, 3000, long.MaxValue);
    }

    [RequiresFact("mosquitto")]
    public async Task A_broker_with_small_limits_gets_what_it_can_take()
    {
        await using var broker = await MosquittoServer.StartAsync(
            "max_packet_size 6000", "max_inflight_messages 1", "max_queued_messages 40", "message_size_limit 5000");
        await using var feed = new GeneratorFeed(10);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Mailbox = "block_ttl_sec: 600", Replicator = ["chunk_size: 4KiB"] }, broker.Port);
        site.Collector.Launch();
        site.Edge.Launch();
        await Task.WhenAll(site.Collector.ReadyAsync(), site.Edge.ReadyAsync());
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 3000, "there is something to send");
        await site.Centre.StartAsync();
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresFact("mosquitto")]
    public async Task Chunks_that_the_broker_does_not_take_are_said_clearly_and_go_after_the_setting_is_changed()
    {
        await using var broker = await MosquittoServer.StartAsync("max_packet_size 6000");
        await using var feed = new GeneratorFeed(10);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Mailbox = "block_ttl_sec: 600", Fetch = "interval: 200ms, timeout: 2", Replicator = ["chunk_size: 64KiB"] },
            broker.Port);
        site.Collector.Launch();
        await site.Collector.ReadyAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 4000, "there is something to send");
        await site.CallAsync(Site.CollectorId, "mailbox.seal", new() { ["i"] = Site.Target });
        site.Edge.Launch();
        site.Centre.Launch();
        await Task.WhenAll(site.Edge.ReadyAsync(), site.Centre.ReadyAsync());
        await Eventually.TrueAsync(async () => (await site.RefusedAsync()).GetValueOrDefault("broker") > 0, $"the edge counts it");
        Assert.Contains("chunk_size", site.Edge.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await site.BooksAsync()).Delivered);

        Assert.Equal(0, await site.Edge.TerminateAsync());
        site.Edit("edge.yml", "chunk_size: 64KiB", "chunk_size: 4KiB");
        await site.Edge.StartAsync();
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresFact("mosquitto", "mosquitto_passwd")]
    public async Task Over_tls_with_an_account_everything_arrives_and_the_password_is_in_no_log()
    {
        using var folder = new TempFolder();
        using var authority = new CertificateAuthority(folder.Path);
        var (certificate, key, _) = authority.Issue("broker");
        MosquittoPassword.Write(folder["passwords"], "node", "sesame-open");
        await using var broker = await MosquittoServer.StartAsync(
            $"certfile {certificate}", $"keyfile {key}", "allow_anonymous false", $"password_file {folder["passwords"]}");
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Authority = authority, Account = ("node", "sesame-open") }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.DoesNotContain("sesame-open", site.Outputs, StringComparison.Ordinal);
        Assert.DoesNotContain(site.Key, site.Outputs, StringComparison.Ordinal);
    }

    private static async Task<bool> IsConnectedAsync(Site site, string service) =>
        (await site.CallAsync(service, "status")).GetProperty("broker").GetProperty("connected").GetBoolean();
}
