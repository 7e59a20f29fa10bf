using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using static ZfRepl.Core.Tests.History.HistoryFolder;

namespace ZfRepl.Core.Tests.History;

/// <summary>Events into the real database and back.</summary>
public sealed class SqliteEventTests
{
    [Fact]
    public async Task Every_kind_of_value_comes_back_bit_for_bit()
    {
        await using var folder = new HistoryFolder();
        var events = ValueSamples.All.Select((value, i) => Event(i, value, (ulong)i + 1)).ToArray();
        await WriteAsync(await folder.OpenAsync(), events);
        await using var reopened = Ok(await SqliteHistory.OpenAsync(folder.Options));
        Assert.Equal(events, await ReadAsync(reopened));
    }

    [Fact]
    public async Task Every_field_of_an_event_comes_back()
    {
        await using var folder = new HistoryFolder();
        TelemetryEvent[] events =
        [
            new(Sensor, long.MinValue, short.MinValue, uint.MaxValue, TelemetryValue.From(1), new Ieid(ulong.MaxValue, ulong.MaxValue), (EventFlags)255),
            new(Sensor, -1, -1, 0x80000000, TelemetryValue.From(2), Ieid.Unknown, EventFlags.ServerTime),
            new(Sensor, 0, 0, 1, TelemetryValue.From(3), new Ieid(1UL << 63, 1), EventFlags.None),
            new(Sensor, long.MaxValue, short.MaxValue, 0, TelemetryValue.From(4), new Ieid(0, 5), EventFlags.AfterOverflow),
        ];
        var history = await folder.OpenAsync();
        await WriteAsync(history, events);
        Assert.Equal(events, await ReadAsync(history));
    }

    [Fact]
    public async Task Fields_that_stay_change_and_change_back_from_event_to_event_are_each_event_s_own()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();

        // Every combination of two values of five fields, in an order in which each of them stays and changes, over two writes.
        var events = Enumerable.Range(0, 64)
            .Select(i => new TelemetryEvent(
                Sensor,
                i,
                (short)(i & 1),
                (i & 2) == 0 ? 0 : 0x80000000,
                (i & 4) == 0 ? TelemetryValue.From(i) : TelemetryValue.From((long)i),
                new Ieid((i & 8) == 0 ? 1UL : 2UL, (ulong)i),
                (i & 16) == 0 ? EventFlags.None : EventFlags.ServerTime))
            .ToArray();
        await WriteAsync(history, events[..20]);
        await WriteAsync(history, events[20..]);
        Assert.Equal(events, await ReadAsync(history));
    }

    [Fact]
    public async Task Every_kind_of_value_is_recognised_when_it_arrives_again()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var events = ValueSamples.All.Select((value, i) => Event(i, value, (ulong)i + 1)).ToArray();
        await WriteAsync(history, events);
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(new WriteCounts(events.Length, 0, events.Length, 0, 0), await WriteAsync(history, events));
        }

        var underOtherIdentity = events.Select(e => e with { Ieid = new Ieid(9, e.Ieid.Counter) });
        Assert.Equal(new WriteCounts(events.Length, 0, 0, events.Length, 0), await WriteAsync(history, underOtherIdentity));
        var withoutIdentity = events.Select(e => e with { Ieid = Ieid.Unknown });
        Assert.Equal(new WriteCounts(events.Length, 0, 0, events.Length, 0), await WriteAsync(history, withoutIdentity));
        Assert.Equal(events, await ReadAsync(history));
    }

    [Fact]
    public async Task Values_that_differ_in_one_bit_or_only_in_kind_are_different_events()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();

        // All at one instant, twice over, so that each is compared with each.
        var events = ValueSamples.All.Select((value, i) => Event(0, value, (ulong)i + 1)).ToArray();
        await WriteAsync(history, events);
        await WriteAsync(history, events.Select(e => e with { Ieid = Ieid.Unknown }));
        Assert.Equal(events, await ReadAsync(history));
    }

    [Fact]
    public async Task A_then_B_then_A_at_one_instant_stays_three_events_however_often_it_arrives()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        TelemetryEvent[] events = [Event(5, TelemetryValue.From(1.0), 1), Event(5, TelemetryValue.From(2.0), 2), Event(5, TelemetryValue.From(1.0), 3)];
        Assert.Equal(3, (await WriteAsync(history, events)).Inserted);
        Assert.Equal(3, (await WriteAsync(history, events)).Replays);
        foreach (var e in events)
        {
            Assert.Equal(1, (await WriteAsync(history, e)).Replays);
        }

        Assert.Equal(events, await ReadAsync(history));
    }

    [Fact]
    public async Task An_initial_value_that_is_sent_again_is_invisible()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        await WriteAsync(history, Event(5, TelemetryValue.From("on"), 1));
        Assert.Equal(1, (await WriteAsync(history, Event(5, TelemetryValue.From("on"), 1, boot: 2, flags: EventFlags.Refresh))).Repeats);
        Assert.Equal(1, (await WriteAsync(history, Event(5, TelemetryValue.From("on"), 1, boot: 3))).Repeats);
        Assert.Equal(1, (await WriteAsync(history, Event(5, TelemetryValue.From("on"), 1, boot: 4, status: -1))).Inserted);
        Assert.Equal(2, (await ReadAsync(history)).Count);
    }

    [Fact]
    public async Task Two_events_of_one_identity_are_a_conflict_that_is_counted()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var counts = await WriteAsync(history, Event(5, TelemetryValue.From(1), 1), Event(5, TelemetryValue.From(2), 1));
        Assert.Equal(new WriteCounts(2, 1, 0, 0, 1), counts);
        Assert.Equal(TelemetryValue.From(1), Assert.Single(await ReadAsync(history)).Value);
    }

    [Fact]
    public async Task The_database_judges_like_the_rule_over_a_list()
    {
        const int seed = 20260103;
        var random = new Random(seed);
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        for (var instant = 0L; instant < 300; instant++)
        {
            var counter = 0UL;
            var letters = Enumerable.Range(0, random.Next(1, 12)).Select(_ => IdentityRuleTests.Letter.Draw(random, ref counter)).ToArray();
            if (instant % 2 == 0)
            {
                random.Shuffle(letters);
            }

            var model = new IdentityRuleTests.ListRows([]);
            foreach (var part in letters.Concat(letters.Take(3)).Chunk(random.Next(1, 5)))
            {
                await WriteAsync(history, part.Select(l => new TelemetryEvent(Sensor, instant, 1, 0, TelemetryValue.From(l.Content.ToString()), l.Ieid, l.Flags)));
                foreach (var letter in part)
                {
                    model.Add(letter);
                }
            }

            var rows = (await ReadAsync(history, fromNs: instant, toNs: instant))
                .Select(e => new IdentityRuleTests.Letter(e.Value.AsText[0], e.Ieid, e.Flags));
            Assert.True(string.Join(' ', rows) == model.ToString(), $"seed {seed} instant {instant}: {string.Join(' ', letters)}");
        }
    }

    [Fact]
    public async Task A_clock_that_stands_still_costs_index_look_ups_and_not_a_scan_of_its_instant()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var events = Enumerable.Range(1, 20_000).Select(i => Event(0, TelemetryValue.From(i % 7 == 0 ? i : i % 2), (ulong)i)).ToArray();
        Assert.Equal(events.Length, (await WriteAsync(history, events)).Inserted);
        Assert.Equal(events.Length, (await WriteAsync(history, events)).Replays);
        Assert.Equal(events.Length, (await WriteAsync(history, events.Select(e => e with { Ieid = Ieid.Unknown }))).Repeats);
        Assert.Equal(events.Length, (await WriteAsync(history, events.Select(e => e with { Ieid = e.Ieid with { Boot = 2 }, Flags = EventFlags.Refresh }))).Repeats);

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
    public async Task A_part_of_a_batch_can_be_written()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var batch = Batch(Enumerable.Range(0, 10).Select(i => Event(i, TelemetryValue.From(i), (ulong)i + 1)));
        Ok(await history.WriteAsync(new HistoryWrite { Events = batch, Start = 3, Count = 4 }, CancellationToken.None));
        Assert.Equal([3, 4, 5, 6], (await ReadAsync(history)).Select(e => e.TimeNs));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => history.WriteAsync(new HistoryWrite { Events = batch, Start = 8, Count = 3 }, CancellationToken.None).AsTask());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Pages_of_any_size_show_every_event_of_the_window_once(int pageSize)
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var other = Oid.Parse("sensor:plant/other");

        // Three events each at ten instants, and another OID at the same times.
        var events = Enumerable.Range(0, 30).Select(i => Event(i / 3, TelemetryValue.From(i), (ulong)i + 1)).ToArray();
        await WriteAsync(history, [.. events, .. events.Select(e => e with { Oid = other })]);
        Assert.Equal(events, await ReadAsync(history, pageSize: pageSize));
        Assert.Equal(events[6..15], await ReadAsync(history, fromNs: 2, toNs: 4, pageSize: pageSize));
        Assert.Empty(await ReadAsync(history, fromNs: 10, pageSize: pageSize));
        Assert.Empty(await ReadAsync(history, Oid.Parse("sensor:never/seen"), pageSize: pageSize));
    }

    [Fact]
    public async Task Oids_are_counted_in_pages()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var oids = Enumerable.Range(0, 5).Select(i => Oid.Parse($"lvar:x{i}")).ToArray();
        await WriteAsync(history, oids.SelectMany((oid, i) => Enumerable.Range(0, i + 1).Select(k => Event(100 + k, TelemetryValue.From(k), (ulong)k + 1, oid: oid))));
        var first = Ok(await history.CountByOidAsync(null, 3, CancellationToken.None));
        var second = Ok(await history.CountByOidAsync(first[^1].Oid, 3, CancellationToken.None));
        Assert.Equal(oids.Select((oid, i) => new OidCount(oid, i + 1, 100, 100 + i)), first.Concat(second));
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

    internal static void Break(bool isTime)
    {
        if (isTime)
        {
            // An exception that nothing in the product could throw or catch.
            throw new InvalidTimeZoneException("the process ends here");
        }
    }

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
