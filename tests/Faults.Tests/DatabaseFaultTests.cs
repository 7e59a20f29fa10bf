using System.Globalization;
using System.Text.Json.Nodes;
using Xunit.Abstractions;
using ZfRepl.Core.History.Influx;
using ZfRepl.Core.History.Postgres;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.Faults.Tests.Rig;
using ZfRepl.TestKit;

namespace ZfRepl.Faults.Tests;

/// <summary>Databases that die in the middle of a batch, that are away, that refuse a single row.</summary>
public sealed class DatabaseFaultTests(ITestOutputHelper output)
{
    [RequiresFact("mosquitto", PostgresServer.Programs)]
    public async Task A_postgres_that_is_killed_in_the_middle_of_a_batch_has_every_event_once_in_the_end()
    {
        await using var server = await PostgresServer.StartAsync();
        using var folder = new TempFolder();
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(PostgresOptions(feed, server, folder), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 50, "blocks are delivered", TimeSpan.FromSeconds(60));
        await server.ExecuteAsync(
            "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$");
        for (var i = 0; i < FaultRun.Rounds(usual: 2, all: 10); i++)
        {
            await server.ExecuteAsync("CREATE TRIGGER slow BEFORE INSERT ON zfrepl.event FOR EACH ROW EXECUTE FUNCTION public.slow()");
            await Eventually.TrueAsync(
                async () => (await server.QueryAsync("SELECT 1 FROM pg_stat_activity WHERE usename = 'zfrepl' AND wait_event = 'PgSleep'")).Count > 0,
                "a batch is half written");
            await server.KillAsync();
            await server.StartAgainAsync();
            await server.ExecuteAsync("DROP TRIGGER slow ON zfrepl.event");
            if (FaultRun.IsAll)
            {
                // Away for long.
                await server.KillAsync();
                await Task.Delay(TimeSpan.FromSeconds(20));
                await server.StartAgainAsync();
            }

            var before = await site.BooksAsync();
            await Eventually.TrueAsync(
                async () => (await site.BooksAsync()).Delivered > before.Delivered + 50, "blocks are delivered again", TimeSpan.FromSeconds(90));
        }

        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{proof}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    /// <summary>
    /// A rule that somebody gave the tables is a matter for whoever gave it: what it refuses is kept aside with the rule's name, the rest goes in, nothing
    /// is lost, and nothing dies.
    /// </summary>
    [RequiresTheory("mosquitto", PostgresServer.Programs)]
    [InlineData(
        "ALTER TABLE zfrepl.event ADD CONSTRAINT poison CHECK (\"integer\" % 100 <> 0) NOT VALID", "ALTER TABLE zfrepl.event DROP CONSTRAINT poison", "poison")]
    [InlineData(
        "CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.\"integer\" % 100 = 0 THEN RAISE EXCEPTION 'not on a Friday'; "
        + "END IF; RETURN NEW; END $$; CREATE TRIGGER poison BEFORE INSERT ON zfrepl.event FOR EACH ROW EXECUTE FUNCTION public.poison()",
        "DROP TRIGGER poison ON zfrepl.event",
        "not on a Friday")]
    public async Task A_row_that_a_rule_of_somebody_refuses_holds_up_nobody_and_is_lost_by_nobody(string rule, string undo, string said)
    {
        await using var server = await PostgresServer.StartAsync();
        using var folder = new TempFolder();
        await using var broker = await MosquittoServer.StartAsync();
        await using var feed = new GeneratorFeed(4);
        await using var site = new Site(PostgresOptions(feed, server, folder), broker.Port);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > 50, "blocks are delivered", TimeSpan.FromSeconds(60));
        await server.ExecuteAsync(rule);
        await Eventually.TrueAsync(
            async () => (await site.CallAsync(Site.CentreId, "quarantine.list")).GetRawText().Contains(said, StringComparison.Ordinal),
            $"the quarantine says '{said}'",
            TimeSpan.FromSeconds(60));
        var during = await site.BooksAsync();
        Assert.True(during.Balance, during.ToString());
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > during.Delivered + 200, "the others are delivered", TimeSpan.FromSeconds(60));
        Assert.True(site.Centre.IsRunning);

        await site.DrainAsync();
        await server.ExecuteAsync(undo);
        while ((await site.CallAsync(Site.CentreId, "quarantine.list")).EnumerateArray().Select(f => f.GetProperty("name").GetString()).FirstOrDefault() is { } name)
        {
            var retried = await site.CallAsync(Site.CentreId, "quarantine.retry", new JsonObject { ["name"] = name });
            Assert.True(retried.GetProperty("removed").GetBoolean(), retried.GetRawText());
        }

        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{proof}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresFact("mosquitto", InfluxServer.Program)]
    public async Task An_influxdb_that_is_killed_again_and_again_under_load_has_every_event_once_in_the_end()
    {
        var random = Seed.Next(output);
        await using var broker = await MosquittoServer.StartAsync();
        await using var influx = await InfluxServer.StartAsync();
        await using var feed = new GeneratorFeed(10);
        await using var site = InfluxSite(feed, influx, broker);
        await site.StartAsync();
        for (var i = 0; i < FaultRun.Rounds(usual: 4, all: 30); i++)
        {
            var before = await site.BooksAsync();
            await Eventually.TrueAsync(
                async () => (await site.BooksAsync()).Delivered > before.Delivered, "blocks are delivered", TimeSpan.FromSeconds(90));
            await Task.Delay(random.Next(300));
            await influx.Process.KillAsync();
            await influx.StartAgainAsync();
        }

        var proof = await feed.ProveAsync(site);
        output.WriteLine($"{proof}");
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    /// <summary>A site whose centre imports into an InfluxDB.</summary>
    internal static Site InfluxSite(GeneratorFeed feed, InfluxServer influx, MosquittoServer broker)
    {
        var ledger = "";
        var site = new Site(
            new SiteOptions
            {
                Sources = feed.Sources,
                Mailbox = "block_ttl_sec: 1, max_block_size: 4KiB",
                History = $"{{ kind: influxdb, url: \"{influx.Url}\", timeout: 5s }}",
                OpenHistory = async () => (await InfluxHistory.OpenAsync(
                    new InfluxHistoryOptions { Url = influx.Url, LedgerPath = ledger, IsReadOnly = true }, TimeProvider.System)).Value,
            },
            broker.Port);
        ledger = Path.Combine(site.Folder, "target", "history-ledger.db");
        return site;
    }

    /// <summary>A site whose centre imports into a PostgreSQL.</summary>
    internal static SiteOptions PostgresOptions(GeneratorFeed feed, PostgresServer server, TempFolder folder)
    {
        File.WriteAllText(folder["password"], PostgresServer.Password + "\n");
        File.SetUnixFileMode(folder["password"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return new SiteOptions
        {
            Sources = feed.Sources,
            History = string.Create(
                CultureInfo.InvariantCulture,
                $"{{ kind: postgresql, url: \"postgresql://zfrepl@127.0.0.1:{server.Port}/zfrepl\", password_file: {folder["password"]}, timeout: 10s }}"),
            OpenHistory = async () => (await PostgresHistory.OpenAsync(server.Options with { AllowUnsafeServer = true })).Value,
        };
    }
}
