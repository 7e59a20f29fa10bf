using System.Globalization;
using System.Text.Json;
using ZfRepl.Core.History.Postgres;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>The whole chain into a real PostgreSQL, which is down when the centre starts, and is killed twice later on.</summary>
public sealed class PostgresTests
{
    [RequiresFact("mosquitto", PostgresServer.Programs)]
    public async Task A_server_that_is_down_or_killed_costs_time_and_no_reading()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.StopAsync();
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["password"], PostgresServer.Password + "\n");
        File.SetUnixFileMode(folder["password"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(
            new SiteOptions
            {
                Sources = feed.Sources,
                History = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{{ kind: postgresql, url: \"postgresql://zfrepl@127.0.0.1:{server.Port}/zfrepl\", password_file: {folder["password"]}, timeout: 10s }}"),
                OpenHistory = async () => (await PostgresHistory.OpenAsync(server.Options)).Value,
            },
            broker.Port);
        await site.StartAsync();
        await TroubleAsync(site, "can't be reached");
        await AcceptsAsync(site, 100);
        Assert.Equal(0, (await site.BooksAsync()).Delivered);

        await server.StartAgainAsync();
        for (var i = 0; i < 2; i++)
        {
            await DeliversAsync(site, 200);
            await server.KillAsync();
            await TroubleAsync(site, "");
            await AcceptsAsync(site, 200);
            await server.StartAgainAsync();
        }

        await DeliversAsync(site, 200);
        await Eventually.TrueAsync(
            async () => (await site.ClientAsync()).GetProperty("trouble").ValueKind == JsonValueKind.Null, "the trouble is over");
        var proof = await feed.ProveAsync(site);
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.Equal(
            [((await site.BooksAsync()).Accepted).ToString(CultureInfo.InvariantCulture)],
            await server.QueryAsync("SELECT count(DISTINCT (oid, time_ns)) FROM zfrepl.history"));
        Assert.DoesNotContain(PostgresServer.Password, site.Outputs, StringComparison.Ordinal);
    }

    private static Task TroubleAsync(Site site, string text) => Eventually.TrueAsync(
        async () => (await site.ClientAsync()).GetProperty("trouble").GetString()?.Contains(text, StringComparison.Ordinal) == true,
        $"the centre says '{text}'",
        TimeSpan.FromSeconds(60));

    private static async Task AcceptsAsync(Site site, long more)
    {
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted >= before.Accepted + more, "the edge goes on accepting");
        var now = await site.BooksAsync();
        Assert.True(now.Balance, now.ToString());
    }

    private static async Task DeliversAsync(Site site, long more)
    {
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(
            async () => (await site.BooksAsync()).Delivered >= before.Delivered + more, "blocks are delivered", TimeSpan.FromSeconds(120));
    }
}
