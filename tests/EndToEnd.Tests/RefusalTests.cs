using ZfRepl.Core.Transfer;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>What must not be let in: it is refused, logged once with what to do, counted, and nothing is lost by it.</summary>
public sealed class RefusalTests
{
    [RequiresFact("mosquitto")]
    public async Task With_a_wrong_key_nothing_is_served_and_with_the_right_one_it_goes_on()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(2);
        await using var site = new Site(Options(feed), broker.Port);
        site.WriteKey("centre", ApiKey.Generate());
        await RefusedThenRightAsync(site, feed, "wrong_key", "copy the key anew", () => site.WriteKey("centre", site.Key));
    }

    [RequiresFact("mosquitto")]
    public async Task With_an_unknown_key_id_nothing_is_served_and_with_the_right_one_it_goes_on()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(2);
        await using var site = new Site(Options(feed), broker.Port);
        Rename("default", "other");
        await RefusedThenRightAsync(site, feed, "unknown_key_id", "set the same key_id on both sides", () => Rename("other", "default"));

        void Rename(string old, string now)
        {
            site.Edit("centre.yml", $"{old}: \"file:", $"{now}: \"file:");
            site.Edit("centre.yml", $"key_id: {old}", $"key_id: {now}");
        }
    }

    [RequiresFact("mosquitto")]
    public async Task A_node_without_a_mailbox_of_its_name_gets_nothing()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(2);
        await using var site = new Site(Options(feed), broker.Port);
        site.Edit("centre.yml", "system_name: centre", "system_name: stranger");
        await RefusedThenRightAsync(
            site, feed, "unknown_mailbox", "add it to server.mailboxes", () => site.Edit("centre.yml", "system_name: stranger", "system_name: centre"));
    }

    [RequiresFact("mosquitto")]
    public async Task Recorded_messages_sent_again_or_changed_are_refused_and_replication_goes_on()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var tap = await BusTap.StartAsync(broker.Port);
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(Options(feed), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100 && RequestsOf(tap.Messages).Count >= 13, "blocks are delivered");
        // A hello that went out before the edge listened was never seen there, and would be no replay: what counts begins with the one
        // that was answered.
        var seen = tap.Messages.ToList();
        var answered = seen.FindIndex(m => TypeOf(m.Payload) == MessageType.HelloReply);
        var heard = seen.FindLastIndex(answered, m => TypeOf(m.Payload) == MessageType.Hello);
        var recorded = seen.Skip(heard).ToList();
        var requests = RequestsOf(recorded);

        foreach (var (topic, payload) in requests)
        {
            await tap.SendAsync(topic, payload);
        }

        await RefusedAsync(site, "replay", requests.Count);
        foreach (var (topic, payload) in recorded)
        {
            // In the content: the header alone decides who looks at a message, the seal covers all of it.
            var changed = (byte[])payload.Clone();
            changed[^1] ^= 1;
            await tap.SendAsync(topic, changed);
        }

        await RefusedAsync(site, "tampered", requests.Count);
        foreach (var (topic, _) in requests.Take(3))
        {
            await tap.SendAsync(topic, "nothing of this protocol"u8.ToArray());
        }

        await RefusedAsync(site, "malformed", 3);
        // The centre counts what came changed within its session.
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("refused").GetInt64() > 0, "the centre has refused changed messages");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        foreach (var cause in new[] { "was changed on its way", "came again", "no message of this protocol" })
        {
            Assert.Single(Lines(site.Edge, cause));
        }

        List<(string Topic, byte[] Payload)> RequestsOf(IEnumerable<(string Topic, byte[] Payload)> messages) =>
            [.. messages.Where(m => m.Topic.EndsWith("/q", StringComparison.Ordinal))];

        static MessageType? TypeOf(byte[] message) => MessageHeader.TryRead(message, out var header) ? header.Type : null;

        Assert.All(Lines(site.Edge, "refused:"), l => Assert.Contains("next:", l, StringComparison.Ordinal));
        var atCentre = Assert.Single(Lines(site.Centre, "a message was changed on its way"));
        Assert.Contains("next:", atCentre, StringComparison.Ordinal);
    }

    private static SiteOptions Options(GeneratorFeed feed) => new() { Sources = feed.Sources, Fetch = "interval: 200ms, timeout: 2" };

    private static async Task RefusedThenRightAsync(Site site, GeneratorFeed feed, string reason, string remedy, Action makeRight)
    {
        await site.StartAsync();
        await RefusedAsync(site, reason, 3);
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").GetString() is { } t && t.Contains("key", StringComparison.Ordinal),
            "the centre says what may be wrong");
        var books = await site.BooksAsync();
        Assert.Equal(0, books.Delivered);
        Assert.True(books.Balance, books.ToString());
        Assert.Contains(remedy, Assert.Single(Lines(site.Edge, "refused:")), StringComparison.Ordinal);

        await site.Centre.KillAsync();
        makeRight();
        await site.Centre.StartAsync();
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(proof.Delivered, 1, long.MaxValue);
    }

    private static Task RefusedAsync(Site site, string reason, int atLeast) => Eventually.TrueAsync(
        async () => (await site.RefusedAsync()).GetValueOrDefault(reason) >= atLeast, $"{atLeast} messages are refused as {reason}\n{site.Outputs}");

    private static List<string> Lines(ZfReplProcess process, string text) =>
        [.. process.Output.Split('\n').Where(l => l.Contains(text, StringComparison.Ordinal))];
}
