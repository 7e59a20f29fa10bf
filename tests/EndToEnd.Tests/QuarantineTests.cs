using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>What can't go where it should is kept aside, seen, and tried again, and holds nothing else up.</summary>
public sealed class QuarantineTests
{
    private const string Poison = "sensor/edge1/beat2";

    [RequiresFact("mosquitto", "mosquitto_sub")]
    public async Task An_item_that_the_archives_broker_refuses_holds_nothing_up_and_is_published_when_it_may_be()
    {
        var isDenied = true;
        await using var broker = await MosquittoServer.StartAsync(folder =>
        {
            File.WriteAllText(Path.Combine(folder, "acl"), Acl(isDenied));

            // With the kit's 0 this mosquitto ends the connection over every refusal instead of saying so.
            return [$"acl_file {folder}/acl", "max_queued_messages 100000"];
        });
        await using var watcher = await MosquittoTools.SubscribeAsync(broker.Port, "-q", "1", "-t", "ST/RAR/#", "-F", "EVENT %t");
        await using var feed = new GeneratorFeed(3);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Archive = "{ topic: ST/RAR/ }" }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 300, "the queue goes on");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");

        // The history has every event of all three; the topic has those of two.
        var imported = await CentreDatabase.ReadAsync(site.DatabasePath);
        var poison = imported.Count(e => e.Oid.TopicPath == Poison);
        Assert.True(poison > 50);
        await Eventually.TrueAsync(() => Seen(watcher).Count == imported.Count - poison, "the others are seen");
        Assert.DoesNotContain($"ST/RAR/{Poison}", Seen(watcher));

        // It is in sight: health, status, the list.
        var status = await site.CallAsync(Site.CentreId, "status");
        Assert.Equal(poison, status.GetProperty("archive").GetProperty("kept_aside_events").GetInt64());
        var health = await site.CallAsync(Site.CentreId, "health");
        Assert.Contains("kept aside", health.GetRawText(), StringComparison.Ordinal);
        var files = (await site.CallAsync(Site.CentreId, "quarantine.list")).EnumerateArray().ToList();
        Assert.NotEmpty(files);
        Assert.All(files, f => Assert.Equal("archive_events", f.GetProperty("kind").GetString()));

        // As long as the broker refuses, a retry leaves the file where it is.
        var name = files[0].GetProperty("name").GetString()!;
        Assert.False((await RetryAsync(site, name)).GetProperty("removed").GetBoolean());

        // A broker that takes it now: mosquitto reads its access list again when it starts.
        isDenied = false;
        await broker.Process.KillAsync();
        await File.WriteAllTextAsync(Path.Combine(broker.Folder, "acl"), Acl(isDenied));
        await broker.StartAgainAsync();
        await using var later = await MosquittoTools.SubscribeAsync(broker.Port, "-q", "1", "-t", "ST/RAR/#", "-F", "EVENT %t");
        foreach (var file in files.Select(f => f.GetProperty("name").GetString()!))
        {
            await Eventually.TrueAsync(async () => (await RetryAsync(site, file)).GetProperty("removed").GetBoolean(), "the file is published");
        }

        await Eventually.TrueAsync(() => Seen(later).Count == poison, "what was kept aside is seen");
        Assert.All(Seen(later), topic => Assert.Equal($"ST/RAR/{Poison}", topic));
        Assert.Empty((await site.CallAsync(Site.CentreId, "quarantine.list")).EnumerateArray());
        await Eventually.TrueAsync(
            async () => !(await site.CallAsync(Site.CentreId, "health")).GetRawText().Contains("kept aside;", StringComparison.Ordinal), "health is green again");
    }

    [RequiresFact("mosquitto")]
    public async Task Of_an_untrusted_source_only_what_its_key_may_write_is_imported_and_the_rest_can_be_let_in_later()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(3);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Fetch = "interval: 200ms, timeout: 6, trusted: false" }, broker.Port);
        WriteStore(site, "sensor:edge1/beat1");
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 300, "events are delivered");
        var books = await site.DrainAsync();

        // Nothing holds the source up: all of it is delivered, in the database or in the quarantine.
        Assert.Equal((books.Accepted, 0L), (books.Delivered, books.Lost));
        var imported = await CentreDatabase.ReadAsync(site.DatabasePath);
        Assert.All(imported, e => Assert.Equal("sensor:edge1/beat1", e.Oid.Text));
        var losses = (await site.CallAsync(Site.CentreId, "loss.list")).EnumerateArray().ToList();
        var refused = losses.Sum(l => l.GetProperty("events").GetInt64());
        Assert.Equal(books.Accepted, imported.Count + refused);
        Assert.True(refused > 100);

        // Counted when the source has said that it knows of the block, which is a moment later.
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("refused_events").GetInt64() == refused, "the state counts what was refused");
        Assert.All(losses, l => Assert.Equal(("refused", "import"), (l.GetProperty("reason").GetString(), l.GetProperty("found_by").GetString())));
        Assert.Contains("key 'default' may not write", losses[0].GetProperty("detail").GetString(), StringComparison.Ordinal);

        // The next process reads the access list.
        await site.Centre.KillAsync();
        WriteStore(site, "sensor:edge1/#");
        site.Centre.Launch();
        await site.Centre.ReadyAsync();
        foreach (var file in (await site.CallAsync(Site.CentreId, "quarantine.list")).EnumerateArray().Select(f => f.GetProperty("name").GetString()!))
        {
            Assert.True((await RetryAsync(site, file)).GetProperty("removed").GetBoolean());
        }

        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresFact("mosquitto")]
    public async Task Nothing_is_fetched_while_a_watched_service_is_down()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(3);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Client = [$"watch_svcs: [{Site.EdgeId}, eva.db.i1]"] }, broker.Port);
        site.Collector.Launch();
        site.Centre.Launch();
        await Task.WhenAll(site.Collector.ReadyAsync(), site.Centre.ReadyAsync());
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").GetString() is { } t && t.Contains($"{Site.EdgeId} is down", StringComparison.Ordinal),
            "the centre says what it waits for");
        await Eventually.TrueAsync(
            async () => (await site.CallAsync(Site.CentreId, "health")).GetRawText().Contains("watched service edge.replicator is down", StringComparison.Ordinal),
            "health says so, too");
        site.Edge.Launch();
        await site.Edge.ReadyAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "fetching goes on by itself");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresFact("mosquitto")]
    public async Task Wrong_names_and_paths_are_refused_and_change_nothing()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(1);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources }, broker.Port);
        await site.StartAsync();
        var quarantine = Directory.CreateDirectory(Path.Combine(site.Folder, "target", "quarantine")).FullName;
        await File.WriteAllTextAsync(Path.Combine(quarantine, "mbb_1"), "no block at all");
        var file = Assert.Single((await site.CallAsync(Site.CentreId, "quarantine.list")).EnumerateArray());
        Assert.Equal("mbb_1", file.GetProperty("name").GetString());

        await RefusedAsync(site, Site.CentreId, "quarantine.retry", new JsonObject { ["name"] = "../history.db" }, RpcErrorCode.NotFound);
        await RefusedAsync(site, Site.CentreId, "quarantine.delete", new JsonObject { ["name"] = "mbb_2" }, RpcErrorCode.NotFound);
        await RefusedAsync(site, Site.CentreId, "quarantine.export", new JsonObject { ["name"] = "mbb_1", ["path"] = "relative" }, RpcErrorCode.InvalidData);
        await RefusedAsync(
            site, Site.CentreId, "quarantine.export", new JsonObject { ["name"] = "mbb_1", ["path"] = site.DatabasePath }, RpcErrorCode.AlreadyExists);
        await RefusedAsync(site, Site.CentreId, "quarantine.list", new JsonObject { ["limit"] = 0 }, RpcErrorCode.InvalidData);
        await RefusedAsync(site, Site.CentreId, "loss.list", new JsonObject { ["limit"] = -1 }, RpcErrorCode.InvalidData);
        await RefusedAsync(site, Site.CollectorId, "loss.list", new JsonObject { ["i"] = "nobody" }, RpcErrorCode.NotFound);
        await RefusedAsync(site, Site.CollectorId, "block.verify", new JsonObject { ["i"] = Site.Target, ["block_id"] = "../x" }, RpcErrorCode.NotFound);
        await RefusedAsync(site, Site.CentreId, "block.verify", new JsonObject { ["path"] = "x" }, RpcErrorCode.InvalidData);
        await RefusedAsync(site, Site.CentreId, "block.verify", new JsonObject { ["path"] = Path.Combine(quarantine, "none") }, RpcErrorCode.NotFound);
        await RefusedAsync(site, Site.CentreId, "block.verify", new JsonObject { ["path"] = Path.Combine(quarantine, "mbb_1") }, RpcErrorCode.InvalidData);

        // What is no block stays, and says why.
        var retried = await RetryAsync(site, "mbb_1");
        Assert.Equal(("refused", false), (retried.GetProperty("outcome").GetString(), retried.GetProperty("removed").GetBoolean()));
        await site.CallAsync(Site.CentreId, "quarantine.export", new JsonObject { ["name"] = "mbb_1", ["path"] = Path.Combine(site.Folder, "out") });
        Assert.Equal("no block at all", await File.ReadAllTextAsync(Path.Combine(site.Folder, "out")));
        await site.CallAsync(Site.CentreId, "quarantine.delete", new JsonObject { ["name"] = "mbb_1" });
        Assert.Empty(Directory.EnumerateFiles(quarantine));
    }

    private static Task<JsonElement> RetryAsync(Site site, string name) =>
        site.CallAsync(Site.CentreId, "quarantine.retry", new JsonObject { ["name"] = name });

    private static async Task RefusedAsync(Site site, string service, string method, JsonObject parameters, int code)
    {
        var error = Assert.IsType<RpcReply.RemoteError>(await site.AskAsync(service, method, parameters));
        Assert.True(error.Code == code, $"{method}: {error}");
    }

    private static string Acl(bool isDenied) =>
        $"topic readwrite zfrepl/#\ntopic readwrite ST/RAR/#\n{(isDenied ? $"topic deny ST/RAR/{Poison}\n" : "")}";

    private static List<string> Seen(ExternalProcess watcher) =>
        [.. watcher.Output.Split('\n').Where(l => l.StartsWith("EVENT ", StringComparison.Ordinal)).Select(l => l["EVENT ".Length..].Trim())];

    private static void WriteStore(Site site, string mask)
    {
        var path = Path.Combine(site.Folder, "etc", "zfrepl", "keys.yml");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"keys: {{default: {{acls: [edge]}}}}\nacls: {{edge: {{write: {{items: [\"{mask}\"]}}}}}}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
