namespace ZfRepl.Core.Repair;

/// <summary>A stretch of time, nanoseconds since 1970; both ends belong to it.</summary>
/// <param name="FromNs">The first instant.</param>
/// <param name="ToNs">The last instant, not before the first.</param>
public readonly record struct TimeRange(long FromNs, long ToNs)
{
    /// <summary>True when the two have an instant in common.</summary>
    public bool Overlaps(TimeRange other) => FromNs <= other.ToNs && other.FromNs <= ToNs;

    /// <summary>Ranges as few as cover the same instants: ascending, and those that overlap or touch made one.</summary>
    public static IReadOnlyList<TimeRange> Merge(IEnumerable<TimeRange> ranges)
    {
        var merged = new List<TimeRange>();
        foreach (var range in ranges.OrderBy(r => r.FromNs))
        {
            if (merged.Count > 0 && (merged[^1].ToNs == long.MaxValue || range.FromNs <= merged[^1].ToNs + 1))
            {
                merged[^1] = new TimeRange(merged[^1].FromNs, Math.Max(merged[^1].ToNs, range.ToNs));
            }
            else
            {
                merged.Add(range);
            }
        }

        return merged;
    }

    /// <summary>What is left of this range without some others, ascending.</summary>
    public IEnumerable<TimeRange> Without(IEnumerable<TimeRange> others)
    {
        var next = FromNs;
        foreach (var other in Merge(others))
        {
            if (other.ToNs < next)
            {
                continue;
            }

            if (other.FromNs > ToNs)
            {
                break;
            }

            if (other.FromNs > next)
            {
                yield return new TimeRange(next, other.FromNs - 1);
            }

            if (other.ToNs >= ToNs)
            {
                yield break;
            }

            next = other.ToNs + 1;
        }

        yield return new TimeRange(next, ToNs);
    }
}
