using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>Events into a real SQLite file and back: the contract, and what only SQLite has.</summary>
public sealed class SqliteEventTests : HistoryEventContract
{
    [Fact]
    public async Task A_clock_that_stands_still_costs_index_look_ups_and_not_a_scan_of_its_instant()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var events = Enumerable.Range(1, 20_000).Select(i => Event(0, TelemetryValue.From(i % 7 == 0 ? i : i % 2), (ulong)i)).ToArray();
        Assert.Equal(events.Length, (await WriteAsync(history, events)).Inserted);
        await history.DisposeAsync();
        using var session = SqliteSession.Open(folder.Options, SqliteAccess.Query);
        foreach (var plan in SqliteInstantPlans(session))
        {
            Assert.Contains("SEARCH", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("SCAN", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("TEMP B-TREE", plan, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Numbers_of_oids_that_were_rolled_back_are_not_used()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        history.Probe = step => Break(step == SqliteHistoryStep.BeforeCommit);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => WriteAsync(history, Event(1, TelemetryValue.From(1), 1)));
        history.Probe = null;
        await WriteAsync(history, Event(1, TelemetryValue.From(1), 1, oid: Oid.Parse("unit:first")));
        await WriteAsync(history, Event(1, TelemetryValue.From(2), 2));
        Assert.Equal(TelemetryValue.From(2), Assert.Single(await ReadAsync(history)).Value);
    }

    [Fact]
    public async Task Values_are_stored_as_what_they_are_and_as_bytes_only_where_sqlite_would_change_them()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        (TelemetryValue Value, string Type)[] samples =
        [
            (default, "null"),
            (TelemetryValue.From(true), "integer"),
            (TelemetryValue.From(ulong.MaxValue), "integer"),
            (TelemetryValue.Integer(ValueKind.DateTime, 5), "integer"),
            (TelemetryValue.From(1.0), "real"),
            (TelemetryValue.From(-0.0), "real"),
            (TelemetryValue.From(double.PositiveInfinity), "real"),
            (TelemetryValue.From(1f), "real"),
            (TelemetryValue.From(double.NaN), "blob"),
            (TelemetryValue.From(float.NaN), "blob"),
            (TelemetryValue.From(""), "text"),
            (TelemetryValue.From("\U0001F321"), "text"),
            (TelemetryValue.From("a\0b"), "blob"),
            (TelemetryValue.From("\uD800"), "blob"),
            (TelemetryValue.From(Array.Empty<byte>()), "blob"),
            (new TelemetryValue(ValueKind.List, 0, Array.Empty<TelemetryValue>()), "blob"),
        ];
        await WriteAsync(history, samples.Select((s, i) => Event(i, s.Value, (ulong)i + 1)));
        await history.DisposeAsync();
        using var session = SqliteSession.Open(folder.Options, SqliteAccess.Query);
        using var rows = new SqliteStatement(session.Database, "SELECT typeof(value) FROM event ORDER BY t");
        Assert.All(samples, sample =>
        {
            Assert.True(rows.Step());
            Assert.Equal(sample.Type, rows.Text(0));
        });
    }

    [Fact]
    public async Task The_view_is_readable_without_knowing_the_tables()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var values = new[]
        {
            TelemetryValue.From(true), TelemetryValue.From(ulong.MaxValue), TelemetryValue.From(double.NaN), TelemetryValue.From(21.5),
            TelemetryValue.From("ok"), TelemetryValue.From([0xAB]), TelemetryValue.Integer(ValueKind.DateTime, 133_801_632_001_234_567), default,
        };
        await WriteAsync(history, values.Select((v, i) => Event(1_700_000_000_000_000_001 + i, v, (ulong)i + 1)));
        await WriteAsync(history, Event(-1, TelemetryValue.From(1), 99), Event(long.MinValue, TelemetryValue.From(1), 100));
        await history.DisposeAsync();
        using var session = SqliteSession.Open(folder.Options, SqliteAccess.Query);
        using var rows = new SqliteStatement(session.Database, "SELECT oid, time, status, kind, value, ieid FROM history ORDER BY time DESC, oid");
        var text = new List<string>();
        while (rows.Step())
        {
            text.Add(string.Join(' ', Enumerable.Range(0, 6).Select(rows.Text)));
        }

        Assert.Equal(
            [
                $"{Sensor} 2023-11-14T22:13:20.000000008Z 1 Null  1.8",
                $"{Sensor} 2023-11-14T22:13:20.000000007Z 1 DateTime 2025-01-01T00:00:00.1234567Z 1.7",
                $"{Sensor} 2023-11-14T22:13:20.000000006Z 1 ByteString 0xAB 1.6",
                $"{Sensor} 2023-11-14T22:13:20.000000005Z 1 String ok 1.5",
                $"{Sensor} 2023-11-14T22:13:20.000000004Z 1 Double 21.5 1.4",
                $"{Sensor} 2023-11-14T22:13:20.000000003Z 1 Double NaN 1.3",
                $"{Sensor} 2023-11-14T22:13:20.000000002Z 1 UInt64 18446744073709551615 1.2",
                $"{Sensor} 2023-11-14T22:13:20.000000001Z 1 Boolean true 1.1",
                $"{Sensor} 1969-12-31T23:59:59.999999999Z 1 Int32 1 1.99",
                $"{Sensor} 1677-09-21T00:12:43.145224192Z 1 Int32 1 1.100",
            ],
            text);
    }

    protected override IHistoryPlace NewPlace() => new HistoryFolder();

    private static IEnumerable<string> SqliteInstantPlans(SqliteSession session)
    {
        foreach (var sql in new[]
        {
            "SELECT status FROM event INDEXED BY event_by_origin WHERE oid_id = 1 AND t = 0 AND n > 0 AND (boot, counter) < (5, 5) ORDER BY boot DESC, counter DESC LIMIT 1",
            "SELECT value FROM event INDEXED BY event_by_content WHERE oid_id = 1 AND t = 0 AND kind = 1 AND status = 1 AND quality = 0 AND value IS 5 AND n > 0",
            "SELECT max(n) FROM event WHERE oid_id = 1 AND t = 0",
            "SELECT t FROM event WHERE oid_id = 1 AND (t, n) > (5, 6) AND t <= 9 ORDER BY t, n LIMIT 5",
        })
        {
            using var plan = new SqliteStatement(session.Database, $"EXPLAIN QUERY PLAN {sql}");
            while (plan.Step())
            {
                yield return $"{sql}: {plan.Text(3)}";
            }
        }
    }
}
