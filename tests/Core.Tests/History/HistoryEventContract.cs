using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>Events into a real database and back, for every kind of database.</summary>
public abstract class HistoryEventContract
{
    /// <summary>A place of the test's own.</summary>
    protected abstract IHistoryPlace NewPlace();

    [ContractFact]
    public async Task Every_kind_of_value_comes_back_bit_for_bit()
    {
        await using var place = NewPlace();
        var events = ValueSamples.All.Select((value, i) => Event(i, value, (ulong)i + 1)).ToArray();
        await WriteAsync(await place.OpenAsync(), events);
        Assert.Equal(events, await ReadAsync(await place.OpenAsync()));
    }

    [ContractFact]
    public async Task Every_field_of_an_event_comes_back()
    {
        await using var place = NewPlace();
        TelemetryEvent[] events =
        [
            new(Sensor, long.MinValue, short.MinValue, uint.MaxValue, TelemetryValue.From(1), new Ieid(ulong.MaxValue, ulong.MaxValue), (EventFlags)255),
            new(Sensor, -1, -1, 0x80000000, TelemetryValue.From(2), Ieid.Unknown, EventFlags.ServerTime),
            new(Sensor, 0, 0, 1, TelemetryValue.From(3), new Ieid(1UL << 63, 1), EventFlags.None),
            new(Sensor, long.MaxValue, short.MaxValue, 0, TelemetryValue.From(4), new Ieid(0, 5), EventFlags.AfterOverflow),
        ];
        var history = await place.OpenAsync();
        await WriteAsync(history, events);
        Assert.Equal(events, await ReadAsync(history));
    }

    [ContractFact]
    public async Task Fields_that_stay_change_and_change_back_from_event_to_event_are_each_event_s_own()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();

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

    [ContractFact]
    public async Task Every_kind_of_value_is_recognised_when_it_arrives_again()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
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

    [ContractFact]
    public async Task Values_that_differ_in_one_bit_or_only_in_kind_are_different_events()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();

        // All at one instant, twice over, so that each is compared with each.
        var events = ValueSamples.All.Select((value, i) => Event(0, value, (ulong)i + 1)).ToArray();
        await WriteAsync(history, events);
        await WriteAsync(history, events.Select(e => e with { Ieid = Ieid.Unknown }));
        Assert.Equal(events, await ReadAsync(history));
    }

    [ContractFact]
    public async Task A_then_B_then_A_at_one_instant_stays_three_events_however_often_it_arrives()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        TelemetryEvent[] events = [Event(5, TelemetryValue.From(1.0), 1), Event(5, TelemetryValue.From(2.0), 2), Event(5, TelemetryValue.From(1.0), 3)];
        Assert.Equal(3, (await WriteAsync(history, events)).Inserted);
        Assert.Equal(3, (await WriteAsync(history, events)).Replays);
        foreach (var e in events)
        {
            Assert.Equal(1, (await WriteAsync(history, e)).Replays);
        }

        Assert.Equal(events, await ReadAsync(history));
    }

    [ContractFact]
    public async Task An_initial_value_that_is_sent_again_is_invisible()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        await WriteAsync(history, Event(5, TelemetryValue.From("on"), 1));
        Assert.Equal(1, (await WriteAsync(history, Event(5, TelemetryValue.From("on"), 1, boot: 2, flags: EventFlags.Refresh))).Repeats);
        Assert.Equal(1, (await WriteAsync(history, Event(5, TelemetryValue.From("on"), 1, boot: 3))).Repeats);
        Assert.Equal(1, (await WriteAsync(history, Event(5, TelemetryValue.From("on"), 1, boot: 4, status: -1))).Inserted);
        Assert.Equal(2, (await ReadAsync(history)).Count);
    }

    [ContractFact]
    public async Task Two_events_of_one_identity_are_a_conflict_that_is_counted()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var counts = await WriteAsync(history, Event(5, TelemetryValue.From(1), 1), Event(5, TelemetryValue.From(2), 1));
        Assert.Equal(new WriteCounts(2, 1, 0, 0, 1), counts);
        Assert.Equal(TelemetryValue.From(1), Assert.Single(await ReadAsync(history)).Value);
    }

    [ContractFact]
    public async Task The_database_judges_like_the_rule_over_a_list()
    {
        const int seed = 20260103;
        var random = new Random(seed);
        await using var place = NewPlace();
        var history = await place.OpenAsync();
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

    [ContractFact]
    public async Task A_part_of_a_batch_can_be_written()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var batch = Batch(Enumerable.Range(0, 10).Select(i => Event(i, TelemetryValue.From(i), (ulong)i + 1)));
        Ok(await history.WriteAsync(new HistoryWrite { Events = batch, Start = 3, Count = 4 }, CancellationToken.None));
        Assert.Equal([3, 4, 5, 6], (await ReadAsync(history)).Select(e => e.TimeNs));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => history.WriteAsync(new HistoryWrite { Events = batch, Start = 8, Count = 3 }, CancellationToken.None).AsTask());
    }

    [ContractFact]
    public async Task Pages_of_any_size_show_every_event_of_the_window_once()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var other = Oid.Parse("sensor:plant/other");

        // Three events each at ten instants, and another OID at the same times.
        var events = Enumerable.Range(0, 30).Select(i => Event(i / 3, TelemetryValue.From(i), (ulong)i + 1)).ToArray();
        await WriteAsync(history, [.. events, .. events.Select(e => e with { Oid = other })]);
        foreach (var pageSize in new[] { 1, 3, 7, 1000 })
        {
            Assert.Equal(events, await ReadAsync(history, pageSize: pageSize));
            Assert.Equal(events[6..15], await ReadAsync(history, fromNs: 2, toNs: 4, pageSize: pageSize));
            Assert.Empty(await ReadAsync(history, fromNs: 10, pageSize: pageSize));
            Assert.Empty(await ReadAsync(history, Oid.Parse("sensor:never/seen"), pageSize: pageSize));
        }
    }

    [ContractFact]
    public async Task Oids_are_counted_in_pages()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var oids = Enumerable.Range(0, 5).Select(i => Oid.Parse($"lvar:x{i}")).ToArray();
        await WriteAsync(history, oids.SelectMany((oid, i) => Enumerable.Range(0, i + 1).Select(k => Event(100 + k, TelemetryValue.From(k), (ulong)k + 1, oid: oid))));
        var first = Ok(await history.CountByOidAsync(null, 3, CancellationToken.None));
        var second = Ok(await history.CountByOidAsync(first[^1].Oid, 3, CancellationToken.None));
        Assert.Equal(oids.Select((oid, i) => new OidCount(oid, i + 1, 100, 100 + i)), first.Concat(second));
    }

    [ContractFact]
    public async Task Oids_are_listed_in_pages_with_the_times_of_their_first_and_last_event()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        Assert.Empty(Ok(await history.ListOidsAsync(null, 3, CancellationToken.None)));
        var oids = Enumerable.Range(0, 5).Select(i => Oid.Parse($"lvar:x{i}")).ToArray();

        // Not in the order of time, several at the last instant, and one at the very ends of time.
        await WriteAsync(history, oids.SelectMany((oid, i) => new[] { 7, 1000 + i, 1000 + i, 100 - i }.Select((t, k) => Event(t, TelemetryValue.From(k), (ulong)k + 1, oid: oid))));
        await WriteAsync(history, Event(long.MinValue, TelemetryValue.From(0), 9, oid: oids[1]), Event(long.MaxValue, TelemetryValue.From(0), 10, oid: oids[1]));
        var first = Ok(await history.ListOidsAsync(null, 3, CancellationToken.None));
        var second = Ok(await history.ListOidsAsync(first[^1].Oid, 3, CancellationToken.None));
        Assert.Equal(
            oids.Select((oid, i) => i == 1 ? new OidSpan(oid, long.MinValue, long.MaxValue) : new OidSpan(oid, 7, 1000 + i)), first.Concat(second));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => history.ListOidsAsync(null, 0, CancellationToken.None).AsTask());
    }

    [ContractFact]
    public async Task Twenty_thousand_events_of_one_instant_are_told_apart()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var events = Enumerable.Range(1, 20_000).Select(i => Event(0, TelemetryValue.From(i % 7 == 0 ? i : i % 2), (ulong)i)).ToArray();
        Assert.Equal(events.Length, (await WriteAsync(history, events)).Inserted);
        Assert.Equal(events.Length, (await WriteAsync(history, events)).Replays);
        Assert.Equal(events.Length, (await WriteAsync(history, events.Select(e => e with { Ieid = Ieid.Unknown }))).Repeats);
        Assert.Equal(events.Length, (await WriteAsync(history, events.Select(e => e with { Ieid = e.Ieid with { Boot = 2 }, Flags = EventFlags.Refresh }))).Repeats);
    }
}
