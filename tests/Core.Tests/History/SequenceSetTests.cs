using FsCheck;
using FsCheck.Fluent;
using ZfRepl.Core.History;

namespace ZfRepl.Core.Tests.History;

public sealed class SequenceSetTests
{
    private static readonly Arbitrary<SequenceRange[]> AnyRanges =
        ArbMap.Default.GeneratorFor<int>().Select(i => Math.Abs(i % 60))
            .SelectMany(first => Gen.Choose(0, 12), (first, length) => new SequenceRange((ulong)first, (ulong)(first + length)))
            .ArrayOf().ToArbitrary();

    [Fact]
    public void Ranges_hold_what_a_set_of_numbers_holds() =>
        Prop.ForAll(AnyRanges, ranges =>
        {
            var (set, naive) = (new SequenceSet(), new SortedSet<ulong>());
            foreach (var range in ranges)
            {
                set.Add(range);
                naive.UnionWith(Numbers(range));
            }

            var isMinimal = set.Ranges.Zip(set.Ranges.Skip(1)).All(pair => pair.First.Last + 1 < pair.Second.First);
            return isMinimal
                && set.Ranges.SelectMany(Numbers).SequenceEqual(naive)
                && set.Count == (ulong)naive.Count
                && Enumerable.Range(0, 80).All(n => set.Contains((ulong)n) == naive.Contains((ulong)n));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Holes_and_differences_are_what_a_set_of_numbers_lacks() =>
        Prop.ForAll(AnyRanges, AnyRanges, (left, right) =>
        {
            var (a, b) = (new SequenceSet(), new SequenceSet());
            a.AddAll(left);
            b.AddAll(right);
            var window = new SequenceRange(5, 50);
            var lacking = Numbers(window).Except(a.Ranges.SelectMany(Numbers));
            var difference = a.Ranges.SelectMany(Numbers).Except(b.Ranges.SelectMany(Numbers)).Count();
            return a.Holes(window).SelectMany(Numbers).SequenceEqual(lacking) && a.CountWithout(b) == (ulong)difference;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_ends_of_the_number_range_are_no_exception()
    {
        var set = new SequenceSet();
        set.Add(new SequenceRange(long.MaxValue, long.MaxValue));
        set.Add(new SequenceRange(0, 0));
        set.Add(new SequenceRange(long.MaxValue - 1, long.MaxValue - 1));
        Assert.Equal([new(0, 0), new(long.MaxValue - 1, long.MaxValue)], set.Ranges);
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Add(new SequenceRange(5, 1UL << 63)));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Add(new SequenceRange(5, 4)));
    }

    private static IEnumerable<ulong> Numbers(SequenceRange range) => Enumerable.Range((int)range.First, (int)range.Count).Select(n => (ulong)n);
}
