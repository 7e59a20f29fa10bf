using System.Text.Json;
using ZfRepl.Core.History.Influx;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.EndToEnd.Tests.Proof;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>The centre's history in a real InfluxDB, which is down at the start and is killed later.</summary>
public sealed class InfluxDatabaseTests
{
    [RequiresFact("mosquitto", InfluxServer.Program)]
    public async Task A_database_that_is_down_holds_up_the_import_alone_and_has_every_event_once_in_the_end()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var influx = await InfluxServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(
            new SiteOptions { Sources = feed.Sources, History = $"{{ kind: influxdb, url: \"{influx.Url}\", timeout: 5s }}" }, broker.Port);
        await influx.Process.KillAsync();
        await site.StartAsync();
        await TroubleAsync(site, influx);
        await influx.StartAgainAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 200, "blocks are delivered");

        await influx.Process.KillAsync();
        await TroubleAsync(site, influx);
        await influx.StartAgainAsync();
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").ValueKind == JsonValueKind.Null, "the trouble is over");

        var books = await site.DrainAsync();
        Assert.True(books.Balance, books.ToString());
        var options = new InfluxHistoryOptions
        {
            Url = influx.Url,
            LedgerPath = Path.Combine(site.Folder, "target", "history-ledger.db"),
            IsReadOnly = true,
        };
        await using var history = (await InfluxHistory.OpenAsync(options, TimeProvider.System)).Value;
        var delivered = await CentreDatabase.ReadAsync(history);
        var proof = CounterProof.Check(delivered, [], books.Accepted);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        var account = Assert.Single((await history.ReadStreamsAsync(only: null, 10, CancellationToken.None)).Value);
        Assert.Equal(((ulong)books.Accepted, 0UL), (account.Received, account.MissingCount));

        // The control: the same judge finds the one event that somebody deletes.
        var victim = delivered[delivered.Count / 2];
        await influx.QueryAsync(FormattableString.Invariant($"DELETE FROM zfrepl WHERE oid = '{victim.Oid}' AND time = {victim.TimeNs}"), "zfrepl");
        Assert.Equal(1, CounterProof.Check(await CentreDatabase.ReadAsync(history), [], books.Accepted).Missing);
    }

    /// <summary>The centre says what is in the way, the edge goes on accepting, and nothing is confirmed.</summary>
    private static async Task TroubleAsync(Site site, InfluxServer influx)
    {
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").GetString()?.Contains($"{influx.Url}", StringComparison.Ordinal) is true,
            "the centre says what is in the way");
        // What was imported before may still be confirmed.
        var first = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > first.Accepted + 200, "the edge goes on accepting");
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted > before.Accepted + 200, "the edge goes on accepting");
        var during = await site.BooksAsync();
        Assert.Equal(before.Delivered, during.Delivered);
        Assert.True(during.Balance, during.ToString());
    }
}
