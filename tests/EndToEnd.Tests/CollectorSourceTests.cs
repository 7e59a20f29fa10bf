using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Harness;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests;

/// <summary>What an OPC UA source watches, as its configuration says it: names, subtrees, dead bands, changes of mind.</summary>
public sealed class CollectorSourceTests
{
    private const string History = "history: { path: local/history.db }";

    [Fact]
    public async Task Items_are_named_one_by_one_or_found_below_a_root_and_keep_their_types()
    {
        await using var plant = await OwnPlant.StartAsync();
        var root = plant.Space.AddFolder("Plant");
        var line = plant.Space.AddFolder("Line 1", root);
        var oven = plant.Add(line, "Oven", new Variant(20.5));
        var speeds = plant.Add(line, "Speeds", Variant.Array(BuiltInType.Int16, new short[] { 1, 2 }));
        var elsewhere = plant.Add(plant.Space.AddFolder("Elsewhere"), "State", new Variant("idle"));
        plant.Configure("""
            items:
              - { node: "ns=1;s=Oven", oid: sensor:oven }
              - { node: "ns=1;s=State", oid: sensor:state }
            browse:
              - { root: "ns=1;s=Plant", oid: "sensor:plant/{path}" }
            """);
        await plant.StartCollectorAsync();
        await plant.AcceptedAsync(3);
        plant.Set(oven, new Variant(21.0));
        plant.Set(speeds, Variant.Array(BuiltInType.Int16, new short[] { 3, 4 }));
        plant.Set(elsewhere, new Variant("running"));
        await plant.AcceptedAsync(6);
        var events = await plant.StopAndReadAsync();
        string[] expected =
        [
            "sensor:oven 20.5", "sensor:oven 21.0", "sensor:plant/Line_1/Speeds [1,2]", "sensor:plant/Line_1/Speeds [3,4]", "sensor:state \"idle\"",
            "sensor:state \"running\"",
        ];
        Assert.Equal(expected, events.Select(e => $"{e.Oid} {e.Value}").Order(StringComparer.Ordinal));
        Assert.All(events, e => Assert.Equal(e.Oid.Text.EndsWith("Speeds", StringComparison.Ordinal) ? ValueKind.Array : e.Value.Kind, e.Value.Kind));
    }

    [Fact]
    public async Task A_dead_band_leaves_small_changes_out()
    {
        await using var plant = await OwnPlant.StartAsync();
        var folder = plant.Space.AddFolder("Plant");
        var level = plant.Add(folder, "Level", new Variant(0.0));
        var state = plant.Add(folder, "State", new Variant("idle"));
        plant.Configure("""
            items:
              - { node: "ns=1;s=Level", oid: sensor:level }
              - { node: "ns=1;s=State", oid: sensor:state }
            deadband: { kind: absolute, value: 1 }
            """);
        await plant.StartCollectorAsync();
        await plant.AcceptedAsync(2);
        foreach (var value in new[] { 0.5, 0.9, 2.0, 2.5, 5.0 })
        {
            plant.Set(level, new Variant(value));
        }

        // A text has no dead band: all of its changes come, instead of none.
        plant.Set(state, new Variant("running"));
        await plant.AcceptedAsync(5);
        var events = await plant.StopAndReadAsync();
        Assert.Equal([0.0, 2.0, 5.0], events.Where(e => e.Oid.Text == "sensor:level").Select(e => e.Value.AsDouble));
        Assert.Equal(["idle", "running"], events.Where(e => e.Oid.Text == "sensor:state").Select(e => e.Value.AsText));
    }

    [Fact]
    public async Task What_changed_between_two_runs_arrives_once_also_when_the_second_one_watches_more()
    {
        await using var plant = await OwnPlant.StartAsync();
        var root = plant.Space.AddFolder("Plant");
        var line1 = plant.Space.AddFolder("Line1", root);
        var line2 = plant.Space.AddFolder("Line2", root);
        var first = plant.Add(line1, "First", new Variant(0));
        var second = plant.Add(line2, "Second", new Variant(1000));
        plant.Configure("""browse: [{ root: "ns=1;s=Line1", oid: "sensor:{name}" }]""", History);
        await plant.StartCollectorAsync();
        await plant.AcceptedAsync(1);
        Assert.Equal(0, await plant.Collector.TerminateAsync());
        for (var i = 1; i <= 100; i++)
        {
            plant.Set(first, new Variant(i));
        }

        plant.Configure("""browse: [{ root: "ns=1;s=Plant", oid: "sensor:{name}" }]""", History);
        await plant.StartCollectorAsync();
        plant.Set(first, new Variant(101));
        plant.Set(second, new Variant(1001));

        // The former subscription and its successor overlap, so a change may be taken twice; in the database it is once.
        int[] expected = [.. Enumerable.Range(0, 102), 1000, 1001];
        await Eventually.TrueAsync(
            async () => await CentreDatabase.CountAsync(plant["local/history.db"]) >= expected.Length, "all changes are in the database");
        Assert.Equal(0, await plant.Collector.TerminateAsync());
        var stored = await CentreDatabase.ReadAsync(plant["local/history.db"]);
        Assert.Equal(expected, stored.Select(e => (int)e.Value.AsInt64).Order());
    }

    [Fact]
    public async Task The_history_database_at_the_edge_holds_what_the_mailbox_holds()
    {
        await using var plant = await OwnPlant.StartAsync();
        var counter = plant.Add(plant.Space.AddFolder("Plant"), "Counter", new Variant(0));
        plant.Configure("""items: [{ node: "ns=1;s=Counter", oid: sensor:counter }]""", History);
        await plant.StartCollectorAsync();
        for (var i = 1; i <= 500; i++)
        {
            plant.Set(counter, new Variant(i));
        }

        await plant.AcceptedAsync(501);
        await Eventually.TrueAsync(async () => await CentreDatabase.CountAsync(plant["local/history.db"]) == 501, "the database has them too");
        var events = await plant.StopAndReadAsync();
        var stored = await CentreDatabase.ReadAsync(plant["local/history.db"]);
        Assert.Equal(
            events.Select(e => (e.Oid, e.TimeNs, e.Value)).OrderBy(e => e.TimeNs), stored.Select(e => (e.Oid, e.TimeNs, e.Value)).OrderBy(e => e.TimeNs));
    }
}
