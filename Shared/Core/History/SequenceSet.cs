using ZfRepl.Core.Frames;

namespace ZfRepl.Core.History;

/// <summary>
/// A set of sequence numbers as ranges: ascending, disjoint, never touching. It takes as much memory as it has holes. Numbers go up
/// to 2^63 - 1, so that neighbours can be computed without overflow. Not thread-safe.
/// </summary>
internal sealed class SequenceSet
{
    private readonly List<SequenceRange> _ranges = [];

    public IReadOnlyList<SequenceRange> Ranges => _ranges;

    /// <summary>How many numbers are in it.</summary>
    public ulong Count => _ranges.Aggregate(0UL, (sum, range) => sum + range.Count);

    public void Add(SequenceRange range)
    {
        if (range.Last < range.First || range.Last > long.MaxValue)
        {
            throw new ArgumentOutOfRangeException(nameof(range), range, "A range goes upwards and ends at 2^63 - 1 at most.");
        }

        // The usual case: events arrive in order, so a range continues or follows the last one.
        var begin = _ranges.Count > 0 && range.First > _ranges[^1].Last + 1 ? _ranges.Count : FirstNotBefore(range.First);
        var end = begin;
        var merged = range;
        while (end < _ranges.Count && _ranges[end].First <= range.Last + 1)
        {
            merged = new SequenceRange(Math.Min(merged.First, _ranges[end].First), Math.Max(merged.Last, _ranges[end].Last));
            end++;
        }

        if (end == begin)
        {
            _ranges.Insert(begin, merged);
            return;
        }

        _ranges[begin] = merged;
        _ranges.RemoveRange(begin + 1, end - begin - 1);
    }

    public void AddAll(IEnumerable<SequenceRange> ranges)
    {
        foreach (var range in ranges)
        {
            Add(range);
        }
    }

    public bool Contains(ulong sequence)
    {
        var i = FirstNotBefore(sequence);
        return i < _ranges.Count && _ranges[i].First <= sequence && sequence <= _ranges[i].Last;
    }

    /// <summary>The numbers of a range that are not in this set, ascending.</summary>
    public IEnumerable<SequenceRange> Holes(SequenceRange within)
    {
        var next = within.First;
        for (var i = FirstNotBefore(within.First); i < _ranges.Count && _ranges[i].First <= within.Last; i++)
        {
            if (_ranges[i].First > next)
            {
                yield return new SequenceRange(next, _ranges[i].First - 1);
            }

            next = Math.Max(next, _ranges[i].Last + 1);
        }

        if (next <= within.Last)
        {
            yield return new SequenceRange(next, within.Last);
        }
    }

    /// <summary>How many numbers of this set are not in another one.</summary>
    public ulong CountWithout(SequenceSet other) =>
        _ranges.SelectMany(other.Holes).Aggregate(0UL, (sum, range) => sum + range.Count);

    /// <summary>How many events of a loss are not in this set; as many as it names where they never had sequence numbers.</summary>
    public ulong StillLost(LossRecord record) =>
        record.FirstSequence > 0 && record.LastSequence >= record.FirstSequence && record.LastSequence <= long.MaxValue
            ? Holes(new SequenceRange(record.FirstSequence, record.LastSequence)).Aggregate(0UL, (sum, hole) => sum + hole.Count)
            : record.Count;

    public void Clear() => _ranges.Clear();

    /// <summary>The index of the first range that ends at the number, just before it, or behind it.</summary>
    private int FirstNotBefore(ulong first)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].Last + 1 < first)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
