using System.Globalization;
using System.Text.Json;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

public sealed class ArchiveTopicTests
{
    [RequiresFact("mosquitto", "mosquitto_sub")]
    public async Task Every_imported_event_is_seen_on_the_archive_topic_by_somebody_elses_client()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var watcher = await MosquittoTools.SubscribeAsync(broker.Port, "-q", "1", "-t", "ST/RAR/#", "-F", "EVENT %t %p");
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources, Archive = "{ topic: ST/RAR/ }" }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 500, "events are delivered");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");

        var imported = (await CentreDatabase.ReadAsync(site.DatabasePath)).ToDictionary(e => (e.Oid.TopicPath, e.Ieid.Boot, e.Ieid.Counter));
        await Eventually.TrueAsync(() => Lines(watcher).Count >= imported.Count, "all of them are seen");
        foreach (var line in Lines(watcher))
        {
            var parts = line.Split(' ', 3);
            using var json = JsonDocument.Parse(parts[2]);
            var root = json.RootElement;
            var ieid = root.GetProperty("ieid");
            Assert.True(imported.Remove((parts[1]["ST/RAR/".Length..], ieid[0].GetUInt64(), ieid[1].GetUInt64()), out var e), line);
            Assert.Equal(e.Value.AsInt64, root.GetProperty("value").GetInt64());
            Assert.Equal(e.Status, root.GetProperty("status").GetInt16());
            Assert.Equal(e.TimeNs, (long)(decimal.Parse(root.GetProperty("t").GetRawText(), CultureInfo.InvariantCulture) * 1_000_000_000m));
            Assert.Equal(Site.Source, root.GetProperty("node").GetString());
        }

        Assert.Empty(imported);
    }

    [RequiresFact("mosquitto", "mosquitto_sub")]
    public async Task A_centre_that_is_killed_again_and_again_leaves_no_event_out_of_the_archive_topic()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var watcher = await MosquittoTools.SubscribeAsync(broker.Port, "-q", "1", "-t", "ST/RAR/#", "-F", "EVENT %t %p");
        await using var feed = new GeneratorFeed(10);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, Mailbox = "block_ttl_sec: 1, max_block_size: 4KiB", Archive = "{ topic: ST/RAR/ }" }, broker.Port);
        await site.StartAsync();
        for (var kills = 0; kills < 6; kills++)
        {
            var seen = Lines(watcher).Count;
            await Eventually.TrueAsync(() => Lines(watcher).Count > seen, "events are being published");
            await site.Centre.KillAsync();
            site.Centre.Launch();
        }

        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        var imported = (await CentreDatabase.ReadAsync(site.DatabasePath)).Select(e => $"{e.Oid.TopicPath} [{e.Ieid.Boot},{e.Ieid.Counter}]").ToHashSet();
        // Repeats are allowed here, and told by their identity.
        await Eventually.TrueAsync(() => imported.IsSubsetOf(Lines(watcher).Select(Identity)), "every event was published");
        Assert.Empty(Lines(watcher).Select(Identity).Except(imported));
    }

    private static string Identity(string line)
    {
        var parts = line.Split(' ', 3);
        using var json = JsonDocument.Parse(parts[2]);
        return $"{parts[1]["ST/RAR/".Length..]} {json.RootElement.GetProperty("ieid").GetRawText()}";
    }

    private static List<string> Lines(ExternalProcess watcher) =>
        [.. watcher.Output.Split('\n').Where(l => l.StartsWith("EVENT ", StringComparison.Ordinal))];
}
