using ZfRepl.Core.History.Postgres;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>What only PostgreSQL has: columns, the view, plans.</summary>
[Collection(PostgresTests.Name)]
public sealed class PostgresEventTests(PostgresCluster cluster)
{
    [RequiresFact(PostgresServer.Programs)]
    public async Task Comparing_takes_index_look_ups_and_not_a_scan_of_an_instant()
    {
        await using var place = new PostgresPlace(cluster.Server);
        var history = await place.OpenAsync();
        var events = Enumerable.Range(1, 2_000).Select(i => Event(0, TelemetryValue.From(i % 7 == 0 ? i : i % 2), (ulong)i)).ToArray();
        Assert.Equal(events.Length, (await WriteAsync(history, events)).Inserted);
        await using var session = Ok(await PostgresSession.OpenAsync(place.Options, CancellationToken.None));
        await session.BeginAsync();
        await session.ExecuteAsync(PostgresSchema.Part);
        await session.ExecuteAsync($"INSERT INTO pg_temp.part SELECT {CopyRows.Columns}, n FROM event");
        var compare = await ExplainAsync(session, PostgresEventWriter.Compare);
        Assert.Equal(3, compare.Count(l => l.Contains("using event_by_origin", StringComparison.Ordinal)));
        Assert.Equal(2, compare.Count(l => l.Contains("using event_by_content", StringComparison.Ordinal)));
        Assert.All(compare, l => Assert.False(l.Contains("Seq Scan", StringComparison.Ordinal) && !l.Contains("on part", StringComparison.Ordinal), l));
        Assert.DoesNotContain(compare, l => l.Contains("Bitmap", StringComparison.Ordinal));

        // As many rows as the instant has may not be looked at for one event, but a few.
        Assert.All(compare.Where(l => l.Contains("Rows Removed by Filter", StringComparison.Ordinal)), l => Assert.EndsWith(": 1", l, StringComparison.Ordinal));
        Assert.Contains(
            await ExplainAsync(session, "SELECT t FROM event WHERE oid_id = 1 AND (t, n) > (5, 6) AND t <= 9 ORDER BY t, n LIMIT 5"),
            l => l.Contains("Index Cond: ((oid_id = 1) AND (ROW(t, n) > ROW(5, 6)) AND (t <= 9))", StringComparison.Ordinal));
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task Values_are_stored_as_what_they_are_and_as_bytes_only_where_postgresql_can_not_hold_them()
    {
        await using var place = new PostgresPlace(cluster.Server);
        (TelemetryValue Value, string Column)[] samples =
        [
            (default, ""),
            (TelemetryValue.From(true), "boolean"),
            (new TelemetryValue(ValueKind.Boolean, 2, null), "integer"),
            (TelemetryValue.From(ulong.MaxValue), "integer"),
            (TelemetryValue.Integer(ValueKind.DateTime, 5), "integer"),
            (TelemetryValue.From(-0.0), "number"),
            (TelemetryValue.From(double.NaN), "number"),
            (TelemetryValue.From(1f), "number"),
            (TelemetryValue.From(""), "text"),
            (TelemetryValue.From("\U0001F321"), "text"),
            (TelemetryValue.From("a\0b"), "bytes"),
            (TelemetryValue.From("\uD800"), "bytes"),
            (TelemetryValue.From(Array.Empty<byte>()), "bytes"),
            (new TelemetryValue(ValueKind.List, 0, Array.Empty<TelemetryValue>()), "bytes"),
        ];
        await WriteAsync(await place.OpenAsync(), samples.Select((s, i) => Event(i, s.Value, (ulong)i + 1)));
        Assert.Equal(
            samples.Select(s => s.Column),
            await place.QueryAsync("""
                SELECT concat(CASE WHEN "integer" IS NOT NULL THEN 'integer' END, CASE WHEN number IS NOT NULL THEN 'number' END,
                  CASE WHEN "boolean" IS NOT NULL THEN 'boolean' END, CASE WHEN text IS NOT NULL THEN 'text' END,
                  CASE WHEN bytes IS NOT NULL THEN 'bytes' END) FROM event ORDER BY t
                """));
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task The_view_is_readable_without_knowing_the_tables()
    {
        await using var place = new PostgresPlace(cluster.Server);
        var history = await place.OpenAsync();
        var values = new[]
        {
            TelemetryValue.From(true), TelemetryValue.From(ulong.MaxValue), TelemetryValue.From(double.NaN), TelemetryValue.From(21.5),
            TelemetryValue.From(0.1f), TelemetryValue.From("ok"), TelemetryValue.From([0xAB]),
            TelemetryValue.Integer(ValueKind.DateTime, 133_801_632_001_234_567), default,
        };
        await WriteAsync(history, values.Select((v, i) => Event(1_700_000_000_000_000_999 + i, v, (ulong)i + 1)));
        await WriteAsync(history, Event(-1, TelemetryValue.From(-7), 99), Event(long.MinValue, TelemetryValue.From(1), 100));
        Assert.Equal(
            [
                $"{Sensor}|1677-09-21 00:12:43.145224+00|-9223372036854775808|1|0x00000000|Int32|1|1|1.100",
                $"{Sensor}|1969-12-31 23:59:59.999999+00|-1|1|0x00000000|Int32|-7|-7|1.99",
                $"{Sensor}|2023-11-14 22:13:20+00|1700000000000000999|1|0x00000000|Boolean|true|1|1.1",
                $"{Sensor}|2023-11-14 22:13:20.000001+00|1700000000000001000|1|0x00000000|UInt64|18446744073709551615|1.8446744073709552e+19|1.2",
                $"{Sensor}|2023-11-14 22:13:20.000001+00|1700000000000001001|1|0x00000000|Double|NaN|NaN|1.3",
                $"{Sensor}|2023-11-14 22:13:20.000001+00|1700000000000001002|1|0x00000000|Double|21.5|21.5|1.4",
                $"{Sensor}|2023-11-14 22:13:20.000001+00|1700000000000001003|1|0x00000000|Float|0.1|0.10000000149011612|1.5",
                $"{Sensor}|2023-11-14 22:13:20.000001+00|1700000000000001004|1|0x00000000|String|ok||1.6",
                $"{Sensor}|2023-11-14 22:13:20.000001+00|1700000000000001005|1|0x00000000|ByteString|0xAB||1.7",
                $"{Sensor}|2023-11-14 22:13:20.000001+00|1700000000000001006|1|0x00000000|DateTime|2025-01-01T00:00:00.1234567Z||1.8",
                $"{Sensor}|2023-11-14 22:13:20.000001+00|1700000000000001007|1|0x00000000|Null|||1.9",
            ],
            await place.QueryAsync("SET timezone = 'UTC'; SELECT oid, time, time_ns, status, quality, kind, value, number, ieid FROM history ORDER BY time_ns"));
        Assert.Equal(
            ["1700000000000001000|1969-12-31 23:59:59.999999+00"],
            await place.QueryAsync("SET timezone = 'UTC'; SELECT ns_of('2023-11-14 22:13:20.000001Z'), time_of(-1)"));
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task Numbers_of_oids_that_were_rolled_back_are_not_used()
    {
        await using var place = new PostgresPlace(cluster.Server);
        var history = await place.OpenAsync();
        history.Probe = step =>
        {
            Break(step == PostgresHistoryStep.BeforeCommit);
            return Task.CompletedTask;
        };
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => WriteAsync(history, Event(1, TelemetryValue.From(1), 1)));
        history.Probe = null;
        await WriteAsync(history, Event(1, TelemetryValue.From(1), 1, oid: Oid.Parse("unit:first")));
        await WriteAsync(history, Event(1, TelemetryValue.From(2), 2));
        Assert.Equal(TelemetryValue.From(2), Assert.Single(await ReadAsync(history)).Value);
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task Oids_and_texts_of_any_length_are_held()
    {
        await using var place = new PostgresPlace(cluster.Server);
        var history = await place.OpenAsync();
        var longest = Oid.Parse($"lvar:{new string('x', 60_000)}");
        TelemetryEvent[] events = [Event(1, TelemetryValue.From(new string('y', 3_000_000)), 1, oid: longest), Event(1, TelemetryValue.From(new byte[8_000_000]), 2, oid: longest)];
        await WriteAsync(history, events);
        Assert.Equal(2, (await WriteAsync(history, events)).Replays);
        Assert.Equal(events, await ReadAsync(history, longest));
    }

    private static async Task<List<string>> ExplainAsync(PostgresSession session, string sql)
    {
        await using var explain = session.Command($"EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF) {sql}");
        await using var line = await explain.ExecuteReaderAsync();
        var plan = new List<string>();
        while (await line.ReadAsync())
        {
            plan.Add(line.GetString(0));
        }

        return plan;
    }
}
