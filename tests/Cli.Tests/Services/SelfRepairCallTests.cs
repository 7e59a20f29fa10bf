using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Cli.Tests.BadInput;

namespace ZfRepl.Cli.Tests.Services;

/// <summary>client.self_repair by call, with what is to be searched given in the call. What it refuses is in <see cref="BadInputTests"/>.</summary>
public sealed class SelfRepairCallTests(Plant plant) : IClassFixture<Plant>
{
    private const string Heartbeat = "sensor:edge1/heartbeat";

    [Fact]
    public async Task What_is_given_in_the_call_is_searched()
    {
        // The last heartbeats are of just now; before them there were none.
        await plant.AskAsync(Plant.Replicator, "process_dir", new JsonObject { ["path"] = plant.Names["{stick}"], ["node"] = "edge1" });
        Assert.Equal((0, 0), await SearchAsync(Heartbeat, range: 3600, gap: 36_000));
        Assert.Empty(await GapsAsync());

        Assert.Equal((1, 1), await SearchAsync(Heartbeat, range: 3600, gap: 5));
        var gap = Assert.Single(await GapsAsync());
        Assert.Equal(("edge1", "heartbeat", "found"), (Text(gap, "node"), Text(gap, "kind"), Text(gap, "state")));
        var length = Time(gap, "to") - Time(gap, "from");
        Assert.InRange(length, TimeSpan.FromSeconds(3400), TimeSpan.FromSeconds(3660));

        // In flight, it is not found again, unless somebody insists.
        Assert.Equal((0, 1), await SearchAsync(Heartbeat, range: 3600, gap: 5));
        Assert.Equal((1, 1), await SearchAsync(Heartbeat, range: 3600, gap: 5, force: true));

        // Of two heartbeats both have to be silent: the list is taken as one search.
        Assert.Equal((0, 1), await SearchAsync($"{Heartbeat},sensor:edge1/other", range: 3600, gap: 36_000));

        // Somebody asked, so the source is asked too; not while replication is switched off, and that is said.
        Assert.Contains("edge1", (await plant.AskAsync(Plant.Replicator, "status")).GetProperty("active_clients").EnumerateArray().Select(c => c.GetString()));
        await plant.AskAsync(Plant.Replicator, "disable");
        var answer = await plant.AskAsync(Plant.Replicator, "client.self_repair", Parameters(Heartbeat, 3600, 5, force: true));
        Assert.False(answer.GetProperty("enabled").GetBoolean());
    }

    private async Task<(int Found, int Open)> SearchAsync(string oid, double range, double gap, bool force = false)
    {
        var answer = await plant.AskAsync(Plant.Replicator, "client.self_repair", Parameters(oid, range, gap, force));
        Assert.True(answer.GetProperty("enabled").GetBoolean());
        return (answer.GetProperty("found").GetInt32(), answer.GetProperty("open").GetInt32());
    }

    private static JsonObject Parameters(string oid, double range, double gap, bool force) =>
        new() { ["i"] = "edge1", ["oid"] = oid, ["range"] = range, ["gap"] = gap, ["force"] = force };

    private async Task<IReadOnlyList<JsonElement>> GapsAsync() =>
        [.. (await plant.AskAsync(Plant.Replicator, "gap.list", new JsonObject { ["i"] = "edge1" })).EnumerateArray()];

    private static string? Text(JsonElement gap, string name) => gap.GetProperty(name).GetString();

    private static DateTimeOffset Time(JsonElement gap, string name) => DateTimeOffset.Parse(Text(gap, name)!, CultureInfo.InvariantCulture);
}
