using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>The replicator's methods, as an operator uses them.</summary>
public sealed class MethodTests
{
    private static readonly JsonObject FromEdge = new() { ["i"] = Site.Source };

    [RequiresTheory("mosquitto")]
    [InlineData("null")]
    [InlineData("\"0 0 0 1 1 * 2099\"")]
    public async Task Without_a_schedule_that_fires_only_client_start_fetches_and_only_for_the_duration(string schedule)
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Fetch = $"schedule: {schedule}, interval: 100ms, duration: 2, timeout: 2" }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 300, "events are accepted");
        Assert.Equal(0, (await site.BooksAsync()).Delivered);
        Assert.Empty(await ActiveAsync(site));

        await site.CallAsync(Site.CentreId, "client.start", Copy());
        await Eventually.TrueAsync(async () => (await ActiveAsync(site)) is [Site.Source], "the session begins");
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "events are delivered");
        await Eventually.TrueAsync(async () => (await ActiveAsync(site)).Count == 0, "the session ends");
        var after = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > after.Accepted + 300, "more events are accepted");
        Assert.Equal(after.Delivered, (await site.BooksAsync()).Delivered);

        // On a slow machine one session may be too short for all of it.
        await Eventually.TrueAsync(
            async () =>
            {
                await site.CallAsync(Site.CentreId, "client.start", Copy());
                return (await site.BooksAsync()).Delivered >= after.Accepted + 300;
            },
            "the rest is delivered");
        await site.CallAsync(Site.CollectorId, "mailbox.disable", new JsonObject { ["i"] = Site.Target });
        await Eventually.TrueAsync(
            async () =>
            {
                await site.CallAsync(Site.CentreId, "client.start", Copy());
                return (await site.BooksAsync()).Backlog == 0;
            },
            "nothing is left");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresFact("mosquitto")]
    public async Task The_command_line_follows_what_it_started_until_all_that_waited_is_here()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Fetch = "schedule: null, interval: 100ms, timeout: 2" }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > 300, "events are accepted");
        var accepted = (await site.BooksAsync()).Accepted;
        _ = SqliteHistory.LibraryVersion;
        await using var other = new SqliteConnection($"Data Source={site.DatabasePath};Pooling=False");
        await other.OpenAsync();
        await using var transaction = other.BeginTransaction(System.Data.IsolationLevel.Serializable);
        await using var following = ZfReplProgram.Begin(
            site.Folder, "call", Site.CentreId, "client.start", $"i={Site.Source}", "--progress", "0.1", "--bus", Path.Combine(site.Folder, "run"));
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).TryGetProperty("session", out var s) && s.GetProperty("left_blocks").GetInt64() > 0, "the session has begun");
        await following.WaitForLineAsync($"fetching from {Site.Source} 0 % | 0 of ");
        Assert.False(following.HasExited);
        await transaction.RollbackAsync();
        var run = await following.WaitForRunAsync();
        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        Assert.Contains(run.ErrorLines, l => l.StartsWith($"zfrepl: fetching from {Site.Source} 0 % | 0 of ", StringComparison.Ordinal));
        Assert.True((await site.BooksAsync()).Delivered >= accepted, "what waited is delivered");
    }

    [RequiresFact("mosquitto")]
    public async Task Disable_stops_fetching_and_forbids_serving_until_enable()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Fetch = "interval: 100ms, timeout: 2" }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "events are delivered");

        await site.CallAsync(Site.CentreId, "disable");
        await Eventually.TrueAsync(async () => (await ActiveAsync(site)).Count == 0, "the session ends");
        Assert.False((await site.CallAsync(Site.CentreId, "status")).GetProperty("enabled").GetBoolean());
        await Eventually.TrueAsync(async () => await SaysDisabledAsync(site), "health says so, for whoever has forgotten it");
        await NothingIsDeliveredAsync(site);
        var refused = Assert.IsType<RpcReply.RemoteError>(await site.AskAsync(Site.CentreId, "client.start", Copy()));
        Assert.Equal(RpcErrorCode.NotReady, refused.Code);
        await site.CallAsync(Site.CentreId, "enable");
        await DeliveredAgainAsync(site);
        await Eventually.TrueAsync(async () => !await SaysDisabledAsync(site), "health is ok again");

        await site.CallAsync(Site.EdgeId, "disable");
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").GetString() is { } t && t.Contains("disabled", StringComparison.Ordinal),
            "the centre says that the source is disabled");
        await NothingIsDeliveredAsync(site);
        await site.CallAsync(Site.EdgeId, "enable");
        await DeliveredAgainAsync(site);
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    private static async Task<bool> SaysDisabledAsync(Site site) => (await site.CallAsync(Site.CentreId, "health")).GetProperty("checks").EnumerateArray()
        .Any(c => c.GetProperty("name").GetString() == "replication" && c.GetProperty("state").GetString() == "degraded");

    [RequiresFact("mosquitto")]
    public async Task A_node_that_nothing_is_fetched_from_cannot_be_started()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(1);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources }, broker.Port);
        await site.Centre.StartAsync();
        var refused = Assert.IsType<RpcReply.RemoteError>(await site.AskAsync(Site.CentreId, "client.start", new JsonObject { ["i"] = "nobody" }));
        Assert.Equal(RpcErrorCode.NotFound, refused.Code);
    }

    [RequiresFact("mosquitto")]
    public async Task Blocks_that_were_carried_over_by_hand_are_imported_once_and_recognised_when_they_come_over_the_link_too()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Fetch = "schedule: null, interval: 100ms" }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(() => SpoolReader.SealedBlocks(site.MailboxPath).Count >= 2, "blocks are closed");
        var stick = Directory.CreateDirectory(Path.Combine(site.Folder, "stick")).FullName;
        foreach (var block in SpoolReader.SealedBlocks(site.MailboxPath).Take(2))
        {
            File.Copy(block, Path.Combine(stick, Path.GetFileName(block)));
        }

        var first = await site.CallAsync(Site.CentreId, "process_dir", Stick());
        Assert.Equal((2, 0), (first.GetProperty("applied").GetInt64(), first.GetProperty("already_applied").GetInt64()));
        Assert.Equal(first.GetProperty("events").GetInt64(), await CentreDatabase.CountAsync(site.DatabasePath));
        var second = await site.CallAsync(Site.CentreId, "process_dir", Stick(delete: true));
        Assert.Equal((2, 2), (second.GetProperty("applied").GetInt64(), second.GetProperty("already_applied").GetInt64()));
        Assert.Empty(Directory.EnumerateFiles(stick));

        await site.CallAsync(Site.CentreId, "client.start", Copy());
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.Equal(first.GetProperty("events").GetInt64(), (await site.ClientAsync()).GetProperty("duplicates").GetInt64());

        JsonObject Stick(bool delete = false) => new() { ["path"] = stick, ["node"] = Site.Source, ["delete"] = delete };
    }

    private static JsonObject Copy() => (JsonObject)FromEdge.DeepClone();

    private static async Task<IReadOnlyList<string?>> ActiveAsync(Site site) =>
        [.. (await site.CallAsync(Site.CentreId, "status")).GetProperty("active_clients").EnumerateArray().Select(c => c.GetString())];

    /// <summary>Nothing for as long as the edge needs to accept a few hundred events.</summary>
    private static async Task NothingIsDeliveredAsync(Site site)
    {
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > before.Accepted + 300, "the edge goes on accepting");
        Assert.Equal(before.Delivered, (await site.BooksAsync()).Delivered);
    }

    private static async Task DeliveredAgainAsync(Site site)
    {
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > before.Delivered + 100, "events are delivered again");
    }
}
