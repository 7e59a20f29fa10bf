using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Influx;
using ZfRepl.Core.History.Postgres;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.EndToEnd.Tests.Proof;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>Self-repair with a database server at both ends: the edge's local history and the centre's are both in it, and no file holds an event.</summary>
public sealed class RepairDatabaseTests(ITestOutputHelper output)
{
    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto", PostgresServer.Programs)]
    public async Task Postgresql_a_gap_is_found_filled_from_the_edges_own_and_closed()
    {
        await using var server = await PostgresServer.StartAsync();
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder["password"], PostgresServer.Password + "\n");
        File.SetUnixFileMode(folder["password"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await RepairAsync(
            schema => string.Create(
                CultureInfo.InvariantCulture,
                $"{{ kind: postgresql, url: \"postgresql://zfrepl@127.0.0.1:{server.Port}/zfrepl\", password_file: {folder["password"]}, schema: {schema} }}"),
            async (schema, _) => (await PostgresHistory.OpenAsync(server.Options with { Schema = schema })).Value);
    }

    [RequiresFact(ProgramLookup.NodeOpcUa, "mosquitto", InfluxServer.Program)]
    public async Task Influxdb_a_gap_is_found_filled_from_the_edges_own_and_closed()
    {
        await using var server = await InfluxServer.StartAsync();
        await RepairAsync(
            measurement => $"{{ kind: influxdb, url: \"{server.Url}\", measurement: {measurement} }}",
            async (measurement, file) => (await InfluxHistory.OpenAsync(
                new InfluxHistoryOptions
                {
                    Url = server.Url,
                    Measurement = measurement,
                    LedgerPath = Path.ChangeExtension(file, null) + "-ledger.db",
                    IsReadOnly = true,
                },
                TimeProvider.System)).Value);
    }

    /// <summary>Runs the ready configurations of self-repair with other databases.</summary>
    /// <param name="history">The section for a name of the test's.</param>
    /// <param name="open">Opens the database of that name, whose file would be at that path if it were SQLite.</param>
    private async Task RepairAsync(Func<string, string> history, Func<string, string, Task<IHistoryDatabase>> open)
    {
        await using var broker = await MosquittoServer.StartAsync();
        await using var plant = await Plant.StartAsync();
        await using var site = new TemplateSite();
        (string Old, string New) address = ("localhost:1883", $"127.0.0.1:{broker.Port}");
        site.Edge
            .Use(
                "self-repair-edge-collector.yml",
                plant.Address,
                ("auto_enabled: false ", "auto_enabled: true "),
                ("    history:                        # the local history: of all that is collected\n      path: runtime/zfrepl/local-history.db", $"    history: {history("edge")}"))
            .Use("self-repair-edge-replicator.yml", address);
        const string Target = "      path: runtime/zfrepl/target   # inbox, quarantine and history.db\n";
        site.Centre.Use(
            "self-repair-centre-replicator.yml",
            address,
            (Target, $"{Target}      history: {history("centre")}\n"),
            ("interval: 10 ", "interval: 200ms "),
            ("repair_interval: 600 ", "repair_interval: 1 "),
            ("gap: 5 ", "gap: 2 "));
        await site.StartAsync();
        await site.CollectsAsync(Plant.Variables);
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Delivered >= Plant.Variables, "readings are delivered", TimeSpan.FromSeconds(60));

        // The mailbox takes nothing for a while, which no sequence number knows of; the local history goes on.
        await site.Edge.SucceedAsync("eva svc call eva.zfrepl.default.collector mailbox.disable 'i=*'");
        await plant.ChangeAsync(800);
        await site.Edge.SucceedAsync("eva svc call eva.zfrepl.default.collector mailbox.enable 'i=*'");
        var enabledNs = UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
        await using var edge = await open("edge", site.LocalHistoryPath);
        await using var centre = await open("centre", site.HistoryPath);
        var proof = await ProveAsync(site, edge, centre, enabledNs);
        output.WriteLine($"{proof}\n{string.Join('\n', await GapsAsync(site, null))}");
        var judged = Plant.Prove(await CentreDatabase.ReadAsync(centre), await plant.LogAsync());
        Assert.True(judged.Holds && judged.Delivered == 800, $"{judged}\n{site.Outputs}");

        // What was before the edge began nobody ever had: that is said, and is no loss.
        await Eventually.TrueAsync(async () => await GapsAsync(site, "not_known") is { Count: > 0 }, "the day before is said to be not known", TimeSpan.FromMinutes(2));
        Assert.Empty(await GapsAsync(site, "unfillable"));
        var losses = JsonDocument.Parse(await site.Centre.SucceedAsync("eva svc call eva.zfrepl.default.replicator loss.list")).RootElement;
        Assert.Equal(0, losses.GetArrayLength());
        Assert.True((await site.BooksAsync()) is { Balance: true, Lost: 0 });
        Assert.False(File.Exists(site.HistoryPath) || File.Exists(site.LocalHistoryPath), "the events are in the server alone");
    }

    /// <summary>Waits until the centre has what the edge has, and a gap is closed.</summary>
    private static async Task<ProofResult> ProveAsync(TemplateSite site, IHistoryDatabase edge, IHistoryDatabase centre, long untilNs)
    {
        ProofResult? proof = null;
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    proof = FillProof.Check(await CentreDatabase.ReadAsync(edge), await CentreDatabase.ReadAsync(centre), untilNs);
                    return proof.Holds && await GapsAsync(site, "closed") is { Count: > 0 };
                },
                "the gap is filled and closed",
                TimeSpan.FromMinutes(2));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}: {proof}\n{string.Join('\n', await GapsAsync(site, null))}\n{site.Outputs}", e);
        }

        return proof!;
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static async Task<IReadOnlyList<JsonElement>> GapsAsync(TemplateSite site, string? state) =>
        [.. (await site.Centre.CallAsync(TemplateNode.ReplicatorId, "gap.list")).EnumerateArray().Where(g => state is null || Text(g, "state") == state)];
}
