using System.Text.Json;
using ZfRepl.Cli.Demo;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Demo;

/// <summary>The demo's proof finds what is missing, doubled and invented; else it would prove nothing.</summary>
public sealed class DemoProofTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Everything_there_once_is_a_proof()
    {
        var changes = Changes(500);
        var proof = await CompareAsync(changes, changes);
        Assert.True(proof.Holds);
        Assert.Equal((500, 500, 0, 0, 0), (proof.Produced, proof.Delivered, proof.Missing, proof.Duplicates, proof.Invented));
        Assert.Empty(proof.Examples);
        Assert.True(proof.RawBytes > 500 * 50);
    }

    [Fact]
    public async Task A_missing_change_is_named()
    {
        var changes = Changes(20);
        var proof = await CompareAsync(changes, [.. changes.Where((_, i) => i != 7)]);
        Assert.False(proof.Holds);
        Assert.Equal((1, 0, 0), (proof.Missing, proof.Duplicates, proof.Invented));
        Assert.Equal($"missing: {DemoProof.LineOf(changes[7])}", Assert.Single(proof.Examples));
    }

    [Theory]
    [InlineData("value")]
    [InlineData("type")]
    [InlineData("time")]
    [InlineData("quality")]
    public async Task A_change_that_arrived_otherwise_than_it_was_made_is_missing_and_invented(string what)
    {
        var changes = Changes(20);
        var other = changes[3] with
        {
            Value = what switch
            {
                "value" => TelemetryValue.From(12345),
                "type" => TelemetryValue.Integer(ValueKind.Int64, 4),
                _ => changes[3].Value,
            },
            TimeNs = changes[3].TimeNs + (what == "time" ? 100 : 0),
            Quality = what == "quality" ? 0x4000_0000 : 0u,
        };
        var proof = await CompareAsync(changes, [.. changes[..3], other, .. changes[4..]]);
        Assert.Equal((1, 0, 1), (proof.Missing, proof.Duplicates, proof.Invented));
        Assert.False(proof.Holds);
    }

    [Fact]
    public async Task A_row_that_repeats_a_change_is_found()
    {
        // Another change of the same instant lies between the two, so the database keeps the second one as a change of its own.
        var changes = Changes(20);
        var proof = await CompareAsync(
            changes,
            [.. changes, changes[5] with { Value = TelemetryValue.From(999), Ieid = new Ieid(1, 999) }, changes[5] with { Ieid = new Ieid(1, 1000) }]);
        Assert.Equal((0, 1, 1), (proof.Missing, proof.Duplicates, proof.Invented));
        Assert.False(proof.Holds);
    }

    [Fact]
    public async Task The_json_says_everything_that_scripts_ask_for()
    {
        var changes = Changes(3);
        var outcome = new DemoOutcome(await CompareAsync(changes, changes), Accepted: 4, LostAtEdge: 1, LinkCuts: 2, Kills: 6, WireBytes: 700, Seconds: 12.34);
        using var json = JsonDocument.Parse(DemoReport.ToJson(outcome));
        string[] names =
        [
            "produced", "accepted", "delivered", "missing", "duplicates", "invented", "lost", "link_cuts", "kills", "wire_bytes", "raw_bytes", "seconds",
        ];
        Assert.All(names, n => Assert.Equal(JsonValueKind.Number, json.RootElement.GetProperty(n).ValueKind));
        Assert.Equal(3, json.RootElement.GetProperty("produced").GetInt64());
        Assert.Equal(1, json.RootElement.GetProperty("lost").GetInt64());
    }

    private static List<TelemetryEvent> Changes(int count) =>
    [
        .. Enumerable.Range(0, count).Select(i => new TelemetryEvent(
            Oid.Parse($"sensor:plant/v{i % 3}"), 1_700_000_000_000_000_000 + i * 100L, 1, 0, TelemetryValue.From(i + 1), new Ieid(1, (ulong)i + 1))),
    ];

    private async Task<DemoProof> CompareAsync(IReadOnlyList<TelemetryEvent> made, IReadOnlyList<TelemetryEvent> stored)
    {
        await using (var log = new StreamWriter(_folder["plant.jsonl"]))
        {
            foreach (var change in made)
            {
                await log.WriteLineAsync(DemoProof.LineOf(change));
            }
        }

        var opened = await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = _folder["history.db"] });
        Assert.True(opened.IsOk, opened.Error?.ToString());
        await using (var history = opened.Value)
        {
            var batch = new EventBatch(new OidTable());
            foreach (var e in stored)
            {
                batch.Add(e);
            }

            var written = await history.WriteAsync(new HistoryWrite { Events = batch, Count = batch.Count }, CancellationToken.None);
            Assert.True(written.IsOk, written.Error?.ToString());
        }

        return await DemoProof.CompareAsync(_folder["plant.jsonl"], _folder["history.db"], CancellationToken.None);
    }
}
