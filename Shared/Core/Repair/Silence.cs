namespace ZfRepl.Core.Repair;

/// <summary>A time without a heartbeat, nanoseconds since 1970.</summary>
/// <param name="AfterNs">The last heartbeat before it, or the beginning of what was looked at when there is none.</param>
/// <param name="BeforeNs">The first heartbeat behind it, or the end of what was looked at when there is none yet.</param>
/// <param name="IsOpen">True when no heartbeat has come since.</param>
public readonly record struct Silence(long AfterNs, long BeforeNs, bool IsOpen)
{
    /// <summary>How long it is, nanoseconds.</summary>
    public long LengthNs => BeforeNs - AfterNs;

    /// <summary>True when there is no heartbeat before it at all: nobody knows here whether there was any yet.</summary>
    public bool IsFirst { get; init; }
}

/// <summary>
/// Finds the silences of one heartbeat item that are longer than allowed, in one pass over its times in order, with as much memory as
/// there are silences. Not thread-safe.
/// </summary>
/// <remarks>
/// A silence that began before the range is found where its real beginning is given. One at the end counts as open: whether it is a gap or the next
/// heartbeat is only late, its length says, as with any other.
/// </remarks>
public sealed class SilenceFinder
{
    private readonly List<Silence> _silences = [];
    private readonly long _endNs;
    private readonly long _allowedNs;
    private long _lastNs;

    /// <summary>A finder for a range.</summary>
    /// <param name="beginNs">The last heartbeat before the range, or the range's beginning where none is known.</param>
    /// <param name="endNs">The range's end, not before its beginning.</param>
    /// <param name="allowedNs">The longest silence that is none, nanoseconds, from 0.</param>
    public SilenceFinder(long beginNs, long endNs, long allowedNs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(endNs, beginNs);
        ArgumentOutOfRangeException.ThrowIfNegative(allowedNs);
        (_lastNs, _endNs, _allowedNs) = (beginNs, endNs, allowedNs);
    }

    /// <summary>Adds the next heartbeat; those before the beginning or behind the end, and repeats, count nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is before the one that was added last.</exception>
    public void Add(long timeNs)
    {
        if (timeNs > _endNs || timeNs <= _lastNs)
        {
            return;
        }

        Close(timeNs, isOpen: false);
        _lastNs = timeNs;
    }

    /// <summary>The silences, ascending; nothing can be added afterwards.</summary>
    public IReadOnlyList<Silence> Finish()
    {
        Close(_endNs, isOpen: true);
        _lastNs = _endNs;
        return _silences;
    }

    private void Close(long beforeNs, bool isOpen)
    {
        if (beforeNs - _lastNs > _allowedNs)
        {
            _silences.Add(new Silence(_lastNs, beforeNs, isOpen));
        }
    }
}

/// <summary>Silences of several heartbeats together. Pure.</summary>
public static class Silences
{
    /// <summary>
    /// When all of several heartbeats are silent. One alone being silent is the plant's affair (a machine that is off has no readings that
    /// could be missing); a hole in the history takes all of them.
    /// </summary>
    /// <param name="perItem">The silences of each item, ascending, all longer than allowed; looked at up to the same end.</param>
    /// <param name="allowedNs">The longest silence that is none, nanoseconds.</param>
    /// <returns>Ascending; what is left of a silence is one only where it is longer than allowed.</returns>
    public static IReadOnlyList<Silence> Common(IReadOnlyList<IReadOnlyList<Silence>> perItem, long allowedNs)
    {
        if (perItem.Count == 0)
        {
            return [];
        }

        var common = perItem[0];
        foreach (var other in perItem.Skip(1))
        {
            common = Common(common, other, allowedNs);
        }

        return common;
    }

    private static List<Silence> Common(IReadOnlyList<Silence> first, IReadOnlyList<Silence> second, long allowedNs)
    {
        var common = new List<Silence>();
        var (i, j) = (0, 0);
        while (i < first.Count && j < second.Count)
        {
            var (a, b) = (first[i], second[j]);
            var both = new Silence(Math.Max(a.AfterNs, b.AfterNs), Math.Min(a.BeforeNs, b.BeforeNs), a.IsOpen && b.IsOpen);
            if (both.LengthNs > allowedNs)
            {
                common.Add(both);
            }

            if (a.BeforeNs <= b.BeforeNs)
            {
                i++;
            }

            if (b.BeforeNs <= a.BeforeNs)
            {
                j++;
            }
        }

        return common;
    }
}
