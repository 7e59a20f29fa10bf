using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

public sealed class GeneratorToDatabaseTests
{
    [RequiresFact("mosquitto")]
    public async Task What_the_edge_accepts_is_in_the_centres_database_once()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(8);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 500, "some blocks are delivered");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.InRange(proof.Delivered, 500, long.MaxValue);
        Assert.Equal(0, await site.Centre.TerminateAsync());
        Assert.Equal(0, await site.Edge.TerminateAsync());
        Assert.Equal(0, await site.Collector.TerminateAsync());
    }
}
