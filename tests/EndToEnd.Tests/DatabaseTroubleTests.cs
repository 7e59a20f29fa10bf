using System.Text.Json;
using Microsoft.Data.Sqlite;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

public sealed class DatabaseTroubleTests
{
    [RequiresFact("mosquitto")]
    public async Task While_another_program_locks_the_database_blocks_stay_at_the_source_and_everything_comes_after()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(new SiteOptions { Sources = feed.Sources }, broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 100, "blocks are delivered");

        // Whichever libsqlite3 the product itself uses.
        _ = SqliteHistory.LibraryVersion;
        await using (var other = new SqliteConnection($"Data Source={site.DatabasePath};Pooling=False"))
        {
            await other.OpenAsync();
            await using var transaction = other.BeginTransaction(System.Data.IsolationLevel.Serializable);
            await Eventually.TrueAsync(
                async () => (await site.ClientAsync()).GetProperty("trouble").GetString() is not null, "the centre says what is in the way");
            var before = await site.BooksAsync();
            await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > before.Accepted + 200, "the edge goes on accepting");
            var during = await site.BooksAsync();
            Assert.Equal(before.Delivered, during.Delivered);
            Assert.True(during.Balance, during.ToString());
            await Eventually.TrueAsync(
                async () => (await site.CallAsync(Site.CentreId, "health")).GetProperty("state").GetString() == "degraded", "health says so too");
        }

        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").ValueKind == JsonValueKind.Null, "the trouble is over");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }
}
