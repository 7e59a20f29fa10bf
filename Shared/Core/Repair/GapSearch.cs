using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Repair;

/// <summary>What counts as a gap.</summary>
/// <param name="Heartbeats">The items, at least one: a gap is where all of them are silent.</param>
/// <param name="Range">What is looked at.</param>
/// <param name="AllowedNs">The longest silence that is none, nanoseconds.</param>
public sealed record GapQuery(IReadOnlyList<Oid> Heartbeats, TimeRange Range, long AllowedNs);

/// <summary>Finds the gaps of a history by its heartbeats, reading page by page. Stateless.</summary>
public static class GapSearch
{
    /// <summary>
    /// The gaps in a range. One that began before the range is given from its real beginning: the last heartbeat before it. Where there is no
    /// heartbeat before the range at all, nobody knows when it began, and it is given from the beginning of the range, as the first.
    /// </summary>
    public static async Task<HistoryResult<IReadOnlyList<Silence>>> FindAsync(
        IHistoryDatabase history, GapQuery query, CancellationToken cancellationToken)
    {
        var page = new EventBatch(new OidTable(), ReadPace.First);
        var begins = new List<long?>();
        foreach (var heartbeat in query.Heartbeats)
        {
            var last = await LastBeforeAsync(history, heartbeat, query.Range.FromNs, page, cancellationToken);
            if (!last.IsOk)
            {
                return last.Error;
            }

            begins.Add(last.Value);
        }

        // An item that was never heard before has been silent at least as long as all the others.
        var earliest = begins.Min() ?? query.Range.FromNs;
        var silences = new List<IReadOnlyList<Silence>>();
        for (var i = 0; i < query.Heartbeats.Count; i++)
        {
            var found = await FindAsync(history, query.Heartbeats[i], begins[i] ?? earliest, query, page, cancellationToken);
            if (!found.IsOk)
            {
                return found.Error;
            }

            silences.Add(found.Value);
        }

        var hasNothingBefore = begins.TrueForAll(b => b is null);
        return Silences.Common(silences, query.AllowedNs)
            .Select(s => hasNothingBefore && s.AfterNs == query.Range.FromNs ? s with { IsFirst = true } : s)
            .ToArray();
    }

    private static async Task<HistoryResult<IReadOnlyList<Silence>>> FindAsync(
        IHistoryDatabase history, Oid heartbeat, long beginNs, GapQuery query, EventBatch page, CancellationToken cancellationToken)
    {
        var finder = new SilenceFinder(beginNs, query.Range.ToNs, query.AllowedNs);
        HistoryCursor? at = HistoryCursor.Before(query.Range.FromNs);
        var limit = ReadPace.First;
        while (at is { } cursor)
        {
            page.Clear();
            var read = await history.ReadEventsAsync(heartbeat, cursor, query.Range.ToNs, limit, page, cancellationToken);
            if (!read.IsOk)
            {
                return read.Error;
            }

            foreach (var timeNs in page.TimesNs)
            {
                finder.Add(timeNs);
            }

            at = read.Value;
            limit = ReadPace.Next(limit, page.Count, ReadPace.SizeOf(page, 0));
        }

        return finder.Finish().ToArray();
    }

    /// <summary>
    /// The last time of an item before an instant, or null. A database reads forwards only: so the range in which it has to be is halved
    /// until it is found, each time with a question for a single event.
    /// </summary>
    private static async Task<HistoryResult<long?>> LastBeforeAsync(
        IHistoryDatabase history, Oid oid, long beforeNs, EventBatch page, CancellationToken cancellationToken)
    {
        long? last = null;
        var (low, high) = (0L, beforeNs - 1);
        while (low <= high)
        {
            var middle = low + ((high - low) / 2);
            page.Clear();
            var read = await history.ReadEventsAsync(oid, HistoryCursor.Before(middle), high, limit: 1, page, cancellationToken);
            if (!read.IsOk)
            {
                return read.Error;
            }

            if (page.Count > 0)
            {
                last = page.TimesNs[0];
                low = last.Value + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return last;
    }
}
