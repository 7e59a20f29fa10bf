using FsCheck;
using FsCheck.Fluent;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.History;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.Proof;

/// <summary>The sum of digests is of the events and of nothing else: not of their order, not of how they came.</summary>
public sealed class EventDigestTests
{
    private static readonly Arbitrary<TelemetryEvent[]> AnyEvents = (
        from count in Gen.Choose(0, 40)
        from events in Gen.ListOf(
            from item in Gen.Choose(0, 3)
            from time in Gen.Choose(int.MinValue, int.MaxValue)
            from value in Gen.Elements<TelemetryValue>([.. ValueSamples.All])
            from status in Gen.Choose(short.MinValue, short.MaxValue)
            from quality in Gen.Choose(0, int.MaxValue)
            select new TelemetryEvent(
                Oid.Parse($"sensor:plant/s{item}"), time * 4_000_000_000L, (short)status, (uint)quality, value, new Ieid(1, unchecked((uint)time)), EventFlags.None),
            count)
        select events.ToArray()).ToArbitrary();

    [Fact]
    public void Sums_do_not_depend_on_the_order_or_on_how_they_are_cut_into_pieces() => Prop.ForAll(AnyEvents, Gen.Choose(0, 1000).ToArbitrary(), (events, seed) =>
    {
        var mixed = events.ToArray();
        new Random(seed).Shuffle(mixed);
        var cut = events.Length == 0 ? 0 : seed % events.Length;
        var pieces = new EventDigest().Sum(Batch(mixed[..cut])) + new EventDigest().Sum(Batch(mixed[cut..]));
        return new EventDigest().Sum(Batch(events)) == pieces && pieces.Count == events.Length;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Every_field_that_says_something_changes_the_digest() => Prop.ForAll(AnyEvents, events => events.All(e =>
    {
        TelemetryEvent[] others =
        [
            e with { Oid = Oid.Parse(e.Oid.Text + "x") },
            e with { TimeNs = e.TimeNs + 1 },
            e with { Status = (short)(e.Status ^ 1) },
            e with { Quality = e.Quality ^ 0x80000000 },
            e with { Value = TelemetryValue.From("something else") },
        ];
        return others.All(o => Of(o) != Of(e));
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(50));

    [Fact]
    public void How_an_event_came_does_not_change_it()
    {
        var e = Event(5, TelemetryValue.From(1.5), 7);
        Assert.Equal(Of(e), Of(e with { Ieid = new Ieid(8, 9), Flags = EventFlags.Refresh }));
    }

    [Fact]
    public void Values_of_different_kinds_or_bits_are_different()
    {
        var digests = ValueSamples.All.Select(v => Of(Event(5, v, 1))).ToList();
        Assert.Equal(digests.Count, digests.Distinct().Count());
        Assert.NotEqual(Of(Event(5, TelemetryValue.From(0d), 1)), Of(Event(5, TelemetryValue.From(-0d), 1)));
    }

    [Fact]
    public void Hours_begin_where_they_should_also_before_1970()
    {
        Assert.Equal([-1, -1, 0, 0, 1], new[] { -1L, -BookHour.Ns, 0, BookHour.Ns - 1, BookHour.Ns }.Select(BookHour.Of));
        foreach (var timeNs in new[] { long.MinValue, -1L, 0, 1_700_000_000_123_456_789, long.MaxValue })
        {
            var hour = BookHour.Of(timeNs);
            Assert.InRange(timeNs, BookHour.FirstNs(hour), BookHour.LastNs(hour));
        }

        Assert.True(BookHour.TryParse(BookHour.Format(472_222), out var read));
        Assert.Equal(472_222, read);
    }

    private static UInt128 Of(TelemetryEvent e) => new EventDigest().Of(Batch(e), 0);
}
