using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit.Abstractions;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.EndToEnd.Tests.Proof;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>
/// Holes in the centre's history, filled from the edge's own: by the heartbeat, by sequence numbers, and by hand. Everything that the
/// edge's history has must be at the centre afterwards, as it is, and once.
/// </summary>
public sealed class SelfRepairTests(ITestOutputHelper output)
{
    private const string Heartbeat = "sensor:edge1/heartbeat";
    private const int SeedSeconds = 3 * 3600;
    private const int SeedItems = 4;

    private static readonly string[] Sources =
    [
        $"heartbeat: {{ kind: generator, oid: \"{Heartbeat}\", interval: 100ms }}",
        .. Enumerable.Range(1, 4).Select(i => $"beat{i}: {{ kind: generator, oid: \"sensor:edge1/beat{i}\", interval: 10ms, value: counter }}"),
    ];

    private static readonly string[] LocalHistory = ["history: { path: local.db }"];

    [RequiresFact("mosquitto")]
    public async Task Gaps_by_the_heartbeat_are_found_filled_and_closed_though_collector_edge_and_centre_are_killed_in_the_middle()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(
            new SiteOptions
            {
                Sources = Sources,
                // So little room that filling is still going on whenever somebody is killed.
                Mailbox = "block_ttl_sec: 1, fill_max_backlog: 64KiB",
                Collector = LocalHistory,
                Served = "allow_fill: true",
                Fetch = $"interval: 200ms, timeout: 6, self_repair: {{ oid: \"{Heartbeat}\", repair_interval: 1, range: 4h, gap: 2 }}",
            },
            broker.Port);
        // Three hours that the edge has collected while nobody fetched, and which its mailbox has lost since.
        await SeedAsync(site.LocalHistoryPath);
        await site.StartAsync();
        await DeliveredAsync(site, 300);

        // A hole of the kind that no sequence number knows of: the mailbox takes nothing, the local history goes on.
        await site.CallAsync(Site.CollectorId, "mailbox.disable", Mailbox());
        await Task.Delay(TimeSpan.FromSeconds(4));
        await site.CallAsync(Site.CollectorId, "mailbox.enable", Mailbox());

        var filled = await FilledMoreAsync(site, 0);
        await site.Collector.KillAsync();
        await site.Collector.StartAsync();
        filled = await FilledMoreAsync(site, filled);
        await site.Centre.KillAsync();
        await site.Centre.StartAsync();
        filled = await FilledMoreAsync(site, filled);
        await site.Edge.KillAsync();
        await site.Edge.StartAsync();
        _ = await FilledMoreAsync(site, filled);

        _ = await RepairedAsync(site);
        var untilNs = UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
        // When the collector was killed, each source had one reading on its way: in the mailbox, say, and not yet in the local history.
        var proof = await ProveAsync(site, untilNs, onTheirWay: Sources.Length);
        var gaps = await RepairedAsync(site);
        output.WriteLine($"{proof}\n{gaps.Count} gaps: {string.Join(", ", gaps.Select(g => $"{State(g)} {Length(g)} {g.GetProperty("events")}"))}");
        Assert.True(proof is { Missing: 0, Duplicates: 0 }, $"{proof}\n{site.Outputs}");
        Assert.InRange(proof.Invented, 0, Sources.Length);
        Assert.InRange(proof.Delivered, SeedSeconds * (SeedItems + 1), long.MaxValue);
        // Nobody can fill the hour before the edge's history begins, nor the seconds in which no collector ran: that is said.
        Assert.Contains(gaps, g => State(g) == "closed" && Length(g) > TimeSpan.FromHours(3));
        Assert.Contains(gaps, g => State(g) == "closed" && Length(g) < TimeSpan.FromMinutes(10));
        var unfillable = Assert.Single(gaps, g => State(g) == "unfillable" && Length(g) > TimeSpan.FromMinutes(10));
        Assert.InRange(Length(unfillable), TimeSpan.FromMinutes(58), TimeSpan.FromMinutes(61));
        Assert.Contains("nothing for it", unfillable.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var loss = Assert.Single((await CentreDatabase.StreamAsync(site.DatabasePath)).Losses);
        Assert.Equal((LossOrigin.Import, LossReason.SourceGap, 0UL), (loss.Origin, loss.Reason, loss.Events));
        var books = await site.BooksAsync();
        Assert.True(books.Balance, books.ToString());
    }

    [RequiresFact("mosquitto")]
    public async Task The_time_before_the_installation_is_no_loss_and_what_a_centre_has_lost_and_an_edge_has_missed_is_told_apart_from_it()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(
            new SiteOptions
            {
                Sources = Sources,
                Mailbox = "block_ttl_sec: 1",
                Collector = LocalHistory,
                Served = "allow_fill: true",
                Fetch = $"interval: 200ms, timeout: 6, self_repair: {{ oid: \"{Heartbeat}\", repair_interval: 1, range: 1h, gap: 2 }}",
            },
            broker.Port);
        var startNs = UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
        await site.StartAsync();
        await DeliveredAsync(site, 300);
        var gaps = await RepairedAsync(site);
        Assert.All(gaps, g => Assert.True(State(g) is "not_known" or "closed", $"{g}\n{site.Outputs}"));
        Assert.Contains("not known before", Assert.Single(gaps, g => State(g) == "not_known").GetProperty("detail").GetString(), StringComparison.Ordinal);
        var before = (await RepairAsync(site)).GetProperty("not_known_before").GetDateTimeOffset();
        Assert.InRange(before, DateTimeOffset.UnixEpoch.AddTicks(startNs / 100).AddSeconds(-5), DateTimeOffset.UnixEpoch.AddTicks(startNs / 100).AddSeconds(30));
        Assert.Empty((await CentreDatabase.StreamAsync(site.DatabasePath)).Losses);
        Assert.DoesNotContain("LOSS", site.Outputs, StringComparison.Ordinal);

        // The edge misses a few seconds, and the centre loses everything that it had.
        Assert.Equal(0, await site.Collector.TerminateAsync());
        Assert.Equal(0, await site.Centre.TerminateAsync());
        Directory.Delete(Path.GetDirectoryName(site.DatabasePath)!, recursive: true);
        await Task.Delay(TimeSpan.FromSeconds(4));
        await site.Collector.StartAsync();
        // So much that the first search sees the silence's end.
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Backlog > 2000, "the edge collects again", TimeSpan.FromMinutes(1));
        await site.Centre.StartAsync();
        await Eventually.TrueAsync(
            async () => (await GapsAsync(site)).Any(g => State(g) == "unfillable" && IsOfHeartbeat(g)), "what nobody has is given up", TimeSpan.FromMinutes(2));
        gaps = [.. (await RepairedAsync(site)).Where(IsOfHeartbeat)];
        var missed = Assert.Single(gaps, g => State(g) == "unfillable");
        Assert.InRange(Length(missed), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(60));
        Assert.True(missed.GetProperty("from").GetDateTimeOffset() > before, $"{missed}\n{site.Outputs}");
        Assert.Equal(1, Assert.Single((await CentreDatabase.StreamAsync(site.DatabasePath)).Losses, l => l.Reason == LossReason.SourceGap).Records);
        var proof = await ProveAsync(site, UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow()));
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
    }

    [RequiresTheory("mosquitto")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_mailbox_that_is_filled_by_hand_is_complete_after_a_kill_unless_the_list_of_tasks_is_lost(bool losesTasks)
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(
            new SiteOptions
            {
                Sources = Sources,
                Mailbox = "block_ttl_sec: 1, auto_enabled: false, fill_max_backlog: 64KiB",
                Collector = LocalHistory,
            },
            broker.Port);
        await SeedAsync(site.LocalHistoryPath);
        await site.StartAsync();
        await Eventually.TrueAsync(async () => await CentreDatabase.CountAsync(site.LocalHistoryPath) > (SeedSeconds * (SeedItems + 1)) + 300, "the edge collects");
        Assert.Equal(0, await CentreDatabase.CountAsync(site.DatabasePath));

        var asked = TimeProvider.System.GetUtcNow();
        var task = await site.CallAsync(Site.CollectorId, "mailbox.fill", Mailbox(("t_start", "6H")));
        Assert.Equal("open", State(task));
        await FilledMoreAsync(site, 0);
        await site.Collector.KillAsync();
        if (losesTasks)
        {
            File.Delete(Path.Combine(site.Folder, "spool", "fill.tasks"));
        }

        await site.Collector.StartAsync();
        await Eventually.TrueAsync(
            async () => (await FillsAsync(site)).All(f => State(f) == "done") && (await site.BooksAsync()).Backlog == 0,
            "the filling is over",
            TimeSpan.FromMinutes(2));
        var proof = FillProof.Check(
            await CentreDatabase.ReadAsync(site.LocalHistoryPath), await CentreDatabase.ReadAsync(site.DatabasePath), UnixTime.FromDateTimeOffset(asked));
        output.WriteLine(proof.ToString());
        Assert.Equal((0, 0), (proof.Duplicates, proof.Invented));
        Assert.Equal(losesTasks, proof.Missing > 0);
        Assert.True((await site.BooksAsync()).Balance);
    }

    [RequiresFact("mosquitto")]
    public async Task A_source_that_does_not_allow_filling_says_so_and_nothing_else_suffers()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(
            new SiteOptions
            {
                Sources = Sources,
                Collector = LocalHistory,
                Fetch = $"interval: 200ms, timeout: 6, self_repair: {{ oid: \"{Heartbeat}\", range: 60, gap: 2 }}",
            },
            broker.Port);
        await site.StartAsync();
        await DeliveredAsync(site, 300);
        var searched = await site.CallAsync(Site.CentreId, "client.self_repair", new JsonObject { ["i"] = Site.Source });
        Assert.Equal((1, 1), (searched.GetProperty("found").GetInt32(), searched.GetProperty("open").GetInt32()));
        await Eventually.TrueAsync(
            async () => (await RepairAsync(site)).GetProperty("trouble").GetString() is { } t && t.Contains("allow_fill", StringComparison.Ordinal), "the centre says why");
        Assert.Equal("found", State(Assert.Single(await GapsAsync(site))));
        Assert.InRange((await site.RefusedAsync())["fill_not_allowed"], 1, long.MaxValue);
        // Asked again, a gap that is known is no new one; by force it is.
        Assert.Equal(0, (await site.CallAsync(Site.CentreId, "client.self_repair", new JsonObject { ["i"] = Site.Source })).GetProperty("found").GetInt32());
        var forced = await site.CallAsync(Site.CentreId, "client.self_repair", new JsonObject { ["i"] = Site.Source, ["force"] = true });
        Assert.Equal((1, 1), (forced.GetProperty("found").GetInt32(), forced.GetProperty("open").GetInt32()));
        var before = await site.BooksAsync();
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered > before.Delivered + 100, "events are delivered as before");
    }

    [RequiresFact("mosquitto")]
    public async Task A_hole_in_the_sequence_numbers_is_filled_without_a_heartbeat()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var tap = await BusTap.StartAsync(broker.Port);
        await using var site = new Site(
            new SiteOptions
            {
                Sources = Sources,
                Mailbox = "block_ttl_sec: 1, max_block_size: 4KiB",
                Collector = LocalHistory,
                Served = "allow_fill: true",
                Fetch = "interval: 200ms, timeout: 6, self_repair: { repair_interval: 1 }",
            },
            broker.Port);
        await site.StartAsync();
        await DeliveredAsync(site, 300);
        Assert.Equal(0, await site.Centre.TerminateAsync());
        await Eventually.TrueAsync(() => SpoolReader.SealedBlocks(site.MailboxPath).Count >= 3, "blocks are closed");
        // Somebody who has the key takes blocks away without having imported them.
        var lied = await LyingTarget.ConfirmAllAsync(site, tap);
        await site.Centre.StartAsync();

        var gap = Assert.Single(await RepairedAsync(site));
        Assert.Equal("closed", State(gap));
        var missing = gap.GetProperty("last_sequence").GetUInt64() - gap.GetProperty("first_sequence").GetUInt64() + 1;
        var proof = await ProveAsync(site, UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow()));
        Assert.True(proof.Holds, $"{proof}\n{site.Outputs}");
        Assert.Equal(missing, (await CentreDatabase.StreamAsync(site.DatabasePath)).MissingCount);

        // The centre may have stopped between the import of a block and its confirmation: that one was taken away too, and is not missing.
        Assert.InRange(missing, lied / 3, lied);
    }

    [RequiresFact("mosquitto")]
    public async Task Wrong_requests_are_refused_with_what_to_do_and_change_nothing()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var site = new Site(new SiteOptions { Sources = Sources, Collector = LocalHistory }, broker.Port);
        await using var bare = new Site(new SiteOptions { Sources = Sources }, broker.Port);
        await Task.WhenAll(site.Collector.StartAsync(), site.Centre.StartAsync(), bare.Collector.StartAsync());
        await RefusedAsync(bare, Site.CollectorId, "mailbox.fill", Mailbox(), RpcErrorCode.Unsupported, "add `history:`");
        await RefusedAsync(site, Site.CollectorId, "mailbox.fill", new JsonObject { ["i"] = "nobody" }, RpcErrorCode.NotFound, "mailbox.list");
        await RefusedAsync(site, Site.CollectorId, "mailbox.fill", Mailbox(("db_svc", "eva.db.other")), RpcErrorCode.NotFound, "default_history_db_svc");
        await RefusedAsync(
            site, Site.CollectorId, "mailbox.fill", Mailbox(("t_start", "2024-01-02"), ("t_end", "2024-01-01")), RpcErrorCode.InvalidData, "swap them");
        await RefusedAsync(site, Site.CollectorId, "mailbox.fill", Mailbox(("t_start", "yesterday")), RpcErrorCode.InvalidData, "t_start");
        await RefusedAsync(site, Site.CollectorId, "mailbox.fill", Mailbox(("id", "../x")), RpcErrorCode.InvalidData, "letters and digits");
        await RefusedAsync(site, Site.CollectorId, "mailbox.fill", Mailbox(("xopts", new JsonObject { ["a"] = 1 })), RpcErrorCode.InvalidData, "leave xopts out");
        await RefusedAsync(site, Site.CollectorId, "fill.cancel", new JsonObject { ["i"] = "nobody" }, RpcErrorCode.NotFound, "fill.list");
        await RefusedAsync(site, Site.CollectorId, "fill.list", new JsonObject { ["i"] = "nobody" }, RpcErrorCode.NotFound, "mailbox.list");
        await RefusedAsync(site, Site.CentreId, "client.self_repair", new JsonObject { ["i"] = "nobody" }, RpcErrorCode.NotFound, "client.mailboxes");
        await RefusedAsync(site, Site.CentreId, "client.self_repair", Edge(), RpcErrorCode.InvalidData, "self_repair.oid");
        await RefusedAsync(site, Site.CentreId, "client.self_repair", Edge(("oid", "sensor:")), RpcErrorCode.InvalidData, "no item");
        await RefusedAsync(site, Site.CentreId, "client.self_repair", Edge(("range", -1)), RpcErrorCode.InvalidData, "range");
        await RefusedAsync(site, Site.CentreId, "gap.list", new JsonObject { ["i"] = "nobody" }, RpcErrorCode.NotFound, "client.mailboxes");
        Assert.Empty(await FillsAsync(site));
        Assert.Empty(await GapsAsync(site));

        // Any form of time, also one far ahead, and the name of the original's service.
        foreach (var start in (JsonNode[])["1H", 1656445625.5, new JsonArray(1656445625, 5), "2022-06-28 19:47:05", "1970-01-02"])
        {
            await site.CallAsync(Site.CollectorId, "mailbox.fill", Mailbox(("t_start", start), ("t_end", "2150-01-01"), ("db_svc", "eva.db.default")));
        }

        await Eventually.TrueAsync(async () => (await FillsAsync(site)).All(f => State(f) == "done"), "all of them are done");

        static JsonObject Edge(params (string Name, JsonNode Value)[] more) => With(Site.Source, more);
    }

    private static JsonObject Mailbox(params (string Name, JsonNode Value)[] more) => With(Site.Target, more);

    private static JsonObject With(string name, (string Name, JsonNode Value)[] more)
    {
        var parameters = new JsonObject { ["i"] = name };
        foreach (var (key, value) in more)
        {
            parameters[key] = value;
        }

        return parameters;
    }

    private static async Task RefusedAsync(Site site, string service, string method, JsonObject parameters, int code, string remedy)
    {
        var refused = Assert.IsType<RpcReply.RemoteError>(await site.AskAsync(service, method, parameters));
        Assert.Equal(code, refused.Code);
        Assert.Contains(remedy, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Readings of the last three hours: five items, a reading each second.</summary>
    private static async Task SeedAsync(string path)
    {
        await using var history = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = path })).Value;
        var batch = new EventBatch(new OidTable());
        var end = UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
        for (var second = 0; second < SeedSeconds; second++)
        {
            var timeNs = end - ((SeedSeconds - second) * UnixTime.NsPerSecond);
            batch.Add(new TelemetryEvent(Oid.Parse(Heartbeat), timeNs, 1, 0, TelemetryValue.From((double)second), new Ieid(1, (ulong)(second * 10) + 1)));
            for (var item = 1; item <= SeedItems; item++)
            {
                batch.Add(new TelemetryEvent(
                    Oid.Parse(string.Create(CultureInfo.InvariantCulture, $"sensor:plant/{item}")),
                    timeNs + item,
                    (short)(second % 7 == 0 ? -1 : 1),
                    second % 7 == 0 ? 0x8001_0000 : 0,
                    second % 2 == 0 ? TelemetryValue.From(second) : TelemetryValue.From($"{second}"),
                    new Ieid(1, (ulong)((second * 10) + item + 1))));
            }
        }

        var written = await history.WriteAsync(new HistoryWrite { Events = batch, Count = batch.Count }, CancellationToken.None);
        Assert.True(written.IsOk, written.Error?.ToString());
    }

    private static TimeSpan Length(JsonElement gap) => gap.GetProperty("to").GetDateTimeOffset() - gap.GetProperty("from").GetDateTimeOffset();

    private static bool IsOfHeartbeat(JsonElement gap) => gap.GetProperty("kind").GetString() == "heartbeat";

    private static string State(JsonElement element) => element.GetProperty("state").GetString()!;

    private static async Task<IReadOnlyList<JsonElement>> FillsAsync(Site site) => [.. (await site.CallAsync(Site.CollectorId, "fill.list")).EnumerateArray()];

    private static async Task<IReadOnlyList<JsonElement>> GapsAsync(Site site) => [.. (await site.CallAsync(Site.CentreId, "gap.list")).EnumerateArray()];

    private static async Task<JsonElement> RepairAsync(Site site) => (await site.CallAsync(Site.CentreId, "status")).GetProperty("repairs")[0];

    /// <summary>Waits until some task has filled more, and is not done.</summary>
    private static async Task<long> FilledMoreAsync(Site site, long before)
    {
        var now = before;
        await Eventually.TrueAsync(
            async () =>
            {
                now = (await FillsAsync(site)).Where(f => State(f) == "open").Select(f => f.GetProperty("events").GetInt64()).DefaultIfEmpty(0).Max();
                return now > before;
            },
            $"more than {before} events are filled, and there are more to come",
            TimeSpan.FromMinutes(2));
        return now;
    }

    private static Task DeliveredAsync(Site site, long events) => Eventually.TrueAsync(
        async () => (await site.BooksAsync()).Delivered > events, "events are delivered", TimeSpan.FromMinutes(2));

    /// <summary>Waits until no gap is open any more.</summary>
    private static async Task<IReadOnlyList<JsonElement>> RepairedAsync(Site site)
    {
        IReadOnlyList<JsonElement> gaps = [];
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    gaps = await GapsAsync(site);
                    return gaps.Count > 0 && gaps.All(g => State(g) is "closed" or "unfillable" or "not_known");
                },
                "all gaps are closed, as far as the edge can",
                TimeSpan.FromMinutes(3));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{string.Join('\n', gaps)}\n{string.Join('\n', await FillsAsync(site))}\n{site.Outputs}", e);
        }

        return gaps;
    }

    private static async Task<ProofResult> ProveAsync(Site site, long untilNs, int onTheirWay = 0)
    {
        ProofResult? proof = null;
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    proof = FillProof.Check(
                        await CentreDatabase.ReadAsync(site.LocalHistoryPath), await CentreDatabase.ReadAsync(site.DatabasePath), untilNs);
                    return proof is { Missing: 0, Duplicates: 0 } && proof.Invented <= onTheirWay;
                },
                "the centre has what the edge has",
                TimeSpan.FromMinutes(2));
        }
        catch (TimeoutException)
        {
            // The proof says what is missing.
        }

        Assert.Equal(0, (await site.BooksAsync()).Lost);
        return proof!;
    }
}
