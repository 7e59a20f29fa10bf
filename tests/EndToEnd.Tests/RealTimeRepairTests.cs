using System.Text.Json;
using Xunit.Abstractions;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.EndToEnd.Tests.Proof;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>The self-repairing strategy as the manual means it: readings reach the centre in real time on another way, and only what that way has lost is fetched.</summary>
public sealed class RealTimeRepairTests(ITestOutputHelper output)
{
    private static readonly TimeSpan CutFor = TimeSpan.FromSeconds(5);

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto")]
    public async Task What_the_real_time_path_has_lost_is_found_by_the_heartbeat_filled_and_closed()
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var link = new LinkRelay(broker.Port);
        await using var plant = await Plant.StartAsync();
        await using var site = new TemplateSite();
        site.Edge
            .Use("self-repair-edge-collector.yml", plant.Address)
            .Use("self-repair-edge-replicator.yml", ("localhost:1883", $"127.0.0.1:{link.Port}"));
        site.Centre.Use(
            "self-repair-centre-replicator.yml",
            ("localhost:1883", $"127.0.0.1:{broker.Port}"),
            ("interval: 10 ", "interval: 200ms "),
            ("repair_interval: 600 ", "repair_interval: 1 "),
            ("gap: 5 ", "gap: 3 "));
        await site.Edge.Process.StartAsync();
        await site.CollectsAsync(Plant.Variables);
        await Eventually.TrueAsync(() => File.Exists(site.LocalHistoryPath), "the local history is there");
        await using var realTime = await RealTimePath.StartAsync(site.LocalHistoryPath, link.Port, site.HistoryPath, broker.Port);
        await site.Centre.Process.StartAsync();
        await plant.StartChangesAsync();
        await Eventually.TrueAsync(() => realTime.Written > Plant.Variables + 200, "changes arrive in real time");

        // Nothing goes through, for longer than the heartbeat may be silent.
        link.Cut();
        var cutNs = Now();
        await Task.Delay(CutFor);
        var restoredNs = Now();
        await Eventually.TrueAsync(() => realTime.Lost > 200, "readings are lost");
        await plant.StopAsync();
        var before = await ProveAsync(site, restoredNs - (2 * UnixTime.NsPerSecond));
        Assert.InRange(before.Missing, 100, long.MaxValue);
        link.Restore();

        // All that the edge has is there once, as it is, whichever way it came; on a slow machine it takes more than one gap.
        JsonElement? gap = null;
        ProofResult? proof = null;
        MailboxBooks? books = null;
        var untilNs = Now();
        await Eventually.TrueAsync(
            async () =>
            {
                var gaps = (await site.Centre.CallAsync(TemplateNode.ReplicatorId, "gap.list")).EnumerateArray().ToList();
                gap = gaps.Find(g => TimeNs(g, "from") < restoredNs && TimeNs(g, "to") > cutNs && State(g) == "closed");
                proof = await ProveAsync(site, untilNs);
                books = await site.BooksAsync();
                return gap is not null && gaps.TrueForAll(g => State(g) is "closed" or "unfillable" or "not_known") && proof.Missing == 0 && books.Backlog == 0;
            },
            "the gap is found, filled and closed",
            TimeSpan.FromMinutes(2));
        output.WriteLine($"{proof}\n{gap}\n{realTime.Written} in real time, {realTime.Lost} lost, {books}");
        Assert.True(proof!.Holds, $"{proof}\n{site.Outputs}");
        var judged = await plant.WaitForAllAsync(site.HistoryPath);
        Assert.True(judged.Holds, judged.ToString());

        // Both ways have carried something: what came in real time has no identity, and a fill does not take its place.
        Assert.InRange((await CentreDatabase.ReadAsync(site.HistoryPath)).Count(e => e.Ieid == Ieid.Unknown), 200, realTime.Written);
        Assert.InRange(books!.Delivered, before.Missing, long.MaxValue);
        Assert.True(books is { Balance: true, Lost: 0 }, books.ToString());
    }

    private static string? State(JsonElement gap) => gap.GetProperty("state").GetString();

    private static long TimeNs(JsonElement gap, string name) => UnixTime.FromDateTimeOffset(gap.GetProperty(name).GetDateTimeOffset());

    private static long Now() => UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());

    private static async Task<ProofResult> ProveAsync(TemplateSite site, long untilNs) => FillProof.Check(
        WithoutIdentity(await CentreDatabase.ReadAsync(site.LocalHistoryPath)), WithoutIdentity(await CentreDatabase.ReadAsync(site.HistoryPath)), untilNs);

    // The real-time path knows of none.
    private static IEnumerable<TelemetryEvent> WithoutIdentity(IEnumerable<TelemetryEvent> events) => events.Select(e => e with { Ieid = Ieid.Unknown });
}
