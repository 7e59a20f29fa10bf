using ZfRepl.Core.History;
using ZfRepl.Core.History.Influx;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>What stands in a real InfluxDB, and what people find there.</summary>
[Collection(InfluxFixture.Name)]
public sealed class InfluxPointTests(InfluxFixture fixture)
{
    [RequiresFact(InfluxServer.Program)]
    public async Task Values_are_fields_of_their_own_types_and_the_ordinary_is_left_out()
    {
        await using var place = new InfluxPlace(fixture.Server);
        var history = await place.OpenAsync();
        TelemetryValue[] values =
        [
            TelemetryValue.From(1.5), TelemetryValue.From(-7L), TelemetryValue.From(true), TelemetryValue.From("123"), TelemetryValue.From(-7),
            TelemetryValue.From(ulong.MaxValue), TelemetryValue.From(double.NaN), default,
        ];
        await WriteAsync(history, values.Select((v, i) => Event(i, v, (ulong)i + 1)));
        Assert.Equal(
            """{"results":[{"statement_id":0,"series":[{"name":"zfrepl","columns":["time","f","i","b","s","x","kind","status","quality","flags","boot","counter"],"values":["""
            + """[0,1.5,null,null,null,null,null,1,null,null,1,1],"""
            + """[1,null,-7,null,null,null,null,1,null,null,1,2],"""
            + """[2,null,null,true,null,null,null,1,null,null,1,3],"""
            + """[3,null,null,null,"123",null,null,1,null,null,1,4],"""
            + """[4,null,-7,null,null,null,6,1,null,null,1,5],"""
            + """[5,null,null,null,"18446744073709551615",null,9,1,null,null,1,6],"""
            + """[6,null,null,null,null,"AAAAAAAA+P8=",11,1,null,null,1,7],"""
            + """[7,null,null,null,null,null,0,1,null,null,1,8]]}]}]}""",
            await place.QueryAsync($"SELECT f,i,b,s,x,kind,status,quality,flags,boot,counter FROM zfrepl WHERE oid='{Sensor}'"));
        Assert.Equal(
            $$"""{"results":[{"statement_id":0,"series":[{"columns":["key"],"values":[["zfrepl,oid={{Sensor}}"]]}]}]}""",
            await place.QueryAsync("SHOW SERIES FROM zfrepl"));
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task Oids_and_texts_with_any_characters_come_back_and_stay_apart()
    {
        await using var place = new InfluxPlace(fixture.Server);
        var history = await place.OpenAsync();
        string[] names = ["a\\", "\\", "a\\b", "a/b", "a.b(c)[d]-e_f", "Wärme/Größe", "温度", "a\\\\", "x", "\\\\\\"];
        string[] texts =
        [
            "\"", "\\", "\\\"", "a\\nb", "line\nline", "\r\n", "\t", "a,b=c d", "i", "1i", "true", "# x", "\u2028<&>", "\uFFFD", "\uFEFF", "''", "\u0001\u007f\u0085",
            "zfrepl,oid=x s=\"y\" 1\nzfrepl s=\"", "ends with \\",
        ];
        var events = names.SelectMany(n => texts.Select((t, i) => Event(i, TelemetryValue.From(t + n), (ulong)i + 1, oid: Oid.Parse($"sensor:{n}")))).ToArray();
        await WriteAsync(history, events);
        var read = await ReadAllAsync(history);
        Assert.Equal(events.ToHashSet(), read.ToHashSet());
        Assert.Equal(events.Length, read.Count);
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task Names_with_spaces_commas_and_quotes_name_what_they_say()
    {
        await using var place = new InfluxPlace(fixture.Server);
        var options = place.Options with { Measurement = "my \"data\", = all", Compresses = true };
        var history = await place.OpenAsync(options);
        var events = Enumerable.Range(0, 100).Select(i => Event(i / 2, TelemetryValue.From(i), (ulong)i + 1)).ToArray();
        await WriteAsync(history, events);
        Assert.Equal(events, await ReadAsync(history));
        Assert.Contains("my \\\"data\\\", = all\"", await place.QueryAsync("SHOW MEASUREMENTS"), StringComparison.Ordinal);
        Assert.Equal(100, (await WriteAsync(await place.OpenAsync(options), events)).Replays);
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task A_clock_that_stands_still_makes_one_series_of_a_thousand_events()
    {
        await using var place = new InfluxPlace(fixture.Server);
        var history = await place.OpenAsync();

        // Instants within the microsecond that the shifted points take, another OID, and the ends of time.
        long[] times = [long.MinValue, long.MinValue + 1, long.MinValue + 2, 0, 1, 700, 100_000, PointPlace.LastPlainNs + 1, long.MaxValue - 1, long.MaxValue];
        var counter = 0UL;
        var events = times.SelectMany(t => Enumerable.Range(0, t == 0 ? 3500 : 40).Select(_ => Event(t, TelemetryValue.From((long)++counter), counter))).ToArray();
        await WriteAsync(history, [.. events, Event(0, TelemetryValue.From(5L), 5, oid: Oid.Parse("sensor:other"))]);
        foreach (var pageSize in new[] { 7, 1000, 100_000 })
        {
            Assert.Equal(events, await ReadAsync(history, pageSize: pageSize));
            Assert.Equal(events.Where(e => e.TimeNs is >= 1 and <= 700), await ReadAsync(history, fromNs: 1, toNs: 700, pageSize: pageSize));
        }

        Assert.Equal(events.Length, (await WriteAsync(history, events)).Replays);
        var counts = Ok(await history.CountByOidAsync(null, 10, CancellationToken.None));
        Assert.Equal(
            [new OidCount(Oid.Parse("sensor:other"), 1, 0, 0), new OidCount(Sensor, events.Length, long.MinValue, long.MaxValue)], counts);
        var series = await place.QueryAsync($"SHOW SERIES FROM zfrepl WHERE oid = '{Sensor}' AND k =~ /\\.0/");
        Assert.Equal(4, series.Split("k=").Length - 1);
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task Times_before_the_last_one_are_compared_with_what_is_there()
    {
        const int seed = 7;
        var random = new Random(seed);
        await using var place = new InfluxPlace(fixture.Server);
        var history = await place.OpenAsync();
        var events = Enumerable.Range(1, 600).Select(i => Event(random.Next(2) == 0 ? i : (long)i << random.Next(50), TelemetryValue.From(i), (ulong)i)).ToArray();
        var order = events.ToArray();
        random.Shuffle(order);
        foreach (var part in order.Chunk(37))
        {
            Assert.Equal(part.Length, (await WriteAsync(history, part)).Inserted);
            Assert.Equal(part.Length, (await WriteAsync(history, part.Reverse())).Replays);
        }

        Assert.Equal(events.OrderBy(e => e.TimeNs).Select(e => e.TimeNs), (await ReadAsync(history)).Select(e => e.TimeNs));
        Assert.Equal(events.ToHashSet(), (await ReadAsync(history)).ToHashSet());
    }

    [RequiresFact(InfluxServer.Program)]
    public async Task Whoever_only_looks_changes_nothing()
    {
        await using var place = new InfluxPlace(fixture.Server);
        await WriteAsync(await place.OpenAsync(), Event(1, TelemetryValue.From(1), 1));
        var looker = await place.OpenAsync(place.Options with { IsReadOnly = true });
        Assert.Single(await ReadAsync(looker));
        await Assert.ThrowsAsync<InvalidOperationException>(() => WriteAsync(looker, Event(2, TelemetryValue.From(1), 2)));
        var absent = await place.OpenAsync(place.Options with { IsReadOnly = true, Database = "not there" });
        Assert.Equal(HistoryTrouble.Broken, (await absent.CountByOidAsync(null, 1, CancellationToken.None)).Error?.Trouble);
        Assert.DoesNotContain("not there", await place.QueryAsync("SHOW DATABASES"), StringComparison.Ordinal);
    }
}
