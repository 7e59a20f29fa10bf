using FsCheck;
using FsCheck.Fluent;
using ZfRepl.Core.Repair;

namespace ZfRepl.Core.Tests.Repair;

/// <summary>The finder of gaps against one that looks at every single instant.</summary>
public sealed class SilenceTests
{
    private const int End = 60;

    [Fact]
    public void Common_silences_of_any_heartbeats_are_what_a_search_instant_by_instant_finds()
    {
        var cases = from items in Gen.Choose(1, 4)
                    from beats in Beats().ListOf(items)
                    from allowed in Gen.Choose(0, 20)
                    select (Beats: beats.Select(b => b.ToList()).ToList(), Allowed: allowed);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var found = Silences.Common([.. c.Beats.Select(b => Find(b, 0, End, c.Allowed))], c.Allowed);
            Assert.Equal(Search([.. c.Beats.SelectMany(b => b)], c.Allowed), found);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Fact]
    public void Ranges_merge_and_subtract_as_sets_of_instants_do()
    {
        var range = from first in Gen.Choose(0, End)
                    from length in Gen.Choose(0, 15)
                    select new TimeRange(first, first + length);
        var cases = from whole in range
                    from others in range.ListOf()
                    select (whole, others);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            AssertSame(Instants(c.others), TimeRange.Merge(c.others));
            AssertSame(Instants([c.whole]).Except(Instants(c.others)), [.. c.whole.Without(c.others)]);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    [Fact]
    public void A_silence_of_just_the_allowed_length_is_none_and_one_a_nanosecond_longer_is_one()
    {
        Assert.Empty(Find([0, 6, 12], 0, 18, 6));
        Assert.Equal([new Silence(0, 7, false), new Silence(7, 14, true)], Find([7], 0, 14, 6));
    }

    [Fact]
    public void A_silence_that_began_before_the_range_is_found_from_its_beginning_and_one_at_the_end_is_open()
    {
        var finder = new SilenceFinder(beginNs: -500, endNs: 100, allowedNs: 10);
        foreach (var beat in (long[])[50, 55, 60])
        {
            finder.Add(beat);
        }

        Assert.Equal([new Silence(-500, 50, false), new Silence(60, 100, true)], finder.Finish());
    }

    [Fact]
    public void Without_any_heartbeat_all_of_the_range_is_one_open_silence()
    {
        Assert.Equal([new Silence(0, End, true)], Find([], 0, End, 5));
        Assert.Empty(Find([], 0, 5, 5));
        Assert.Empty(Silences.Common([], 5));
    }

    [Fact]
    public void Where_one_of_two_heartbeats_goes_on_there_is_no_common_silence()
    {
        var steady = Find([.. Enumerable.Range(0, End)], 0, End, 5);
        var stopped = Find([0, 1, 2], 0, End, 5);
        Assert.Single(stopped);
        Assert.Empty(Silences.Common([stopped, steady], 5));
    }

    private static Gen<IEnumerable<int>> Beats() =>
        // Dense and sparse ones, none at all, some behind the end, and repeats.
        from density in Gen.Choose(0, 40)
        from beats in Gen.Choose(0, End + 5).ListOf(density)
        select beats.Order().AsEnumerable();

    private static IReadOnlyList<Silence> Find(IReadOnlyList<int> beats, long begin, long end, long allowed)
    {
        var finder = new SilenceFinder(begin, end, allowed);
        foreach (var beat in beats)
        {
            finder.Add(beat);
        }

        return finder.Finish();
    }

    /// <summary>Walks from instant to instant and counts how long nothing was heard.</summary>
    private static List<Silence> Search(IReadOnlyCollection<int> beats, int allowed)
    {
        var found = new List<Silence>();
        var last = 0;
        for (var now = 1; now <= End; now++)
        {
            var isHeard = beats.Contains(now);
            if (isHeard || now == End)
            {
                if (now - last > allowed)
                {
                    found.Add(new Silence(last, now, !isHeard));
                }

                last = now;
            }
        }

        return found;
    }

    private static HashSet<long> Instants(IEnumerable<TimeRange> ranges) =>
        [.. ranges.SelectMany(r => Enumerable.Range((int)r.FromNs, (int)(r.ToNs - r.FromNs + 1)).Select(i => (long)i))];

    private static void AssertSame(IEnumerable<long> expected, IReadOnlyList<TimeRange> ranges)
    {
        Assert.Equal(expected.Order(), Instants(ranges).Order());
        Assert.All(ranges.Zip(ranges.Skip(1)), pair => Assert.True(pair.First.ToNs + 1 < pair.Second.FromNs, "ascending, and nothing between touches"));
    }
}
