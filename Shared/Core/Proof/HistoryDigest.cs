using ZfRepl.Core.History;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Proof;

/// <summary>
/// Reads a history database and sums it up, per item and hour. It reads in pieces of bounded size: sums of pieces are added up by whoever wants
/// the whole. One user at a time.
/// </summary>
public sealed class HistoryDigest(IHistoryDatabase database)
{
    private readonly EventDigest _digest = new();
    private readonly EventBatch _batch = new(new OidTable(), ReadPace.First);

    /// <summary>Sums up the next events of an item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="after">Where to go on: <see cref="HistoryCursor.Before"/> the first time wanted, then what the call returned.</param>
    /// <param name="toNs">The last time wanted.</param>
    /// <param name="maxEvents">How many events to read at most, from 1.</param>
    /// <param name="add">Is given the sum of each hour, in order of time; an hour comes again in the next call where this one ends within it.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>Where to go on, or null when there is no more.</returns>
    public async Task<HistoryResult<HistoryCursor?>> ReadAsync(
        Oid item, HistoryCursor after, long toNs, long maxEvents, Action<int, EventSum> add, CancellationToken cancellation)
    {
        HistoryCursor? at = after;
        var limit = ReadPace.First;
        var (hour, sum, read) = (0, default(EventSum), 0L);
        while (at is { } cursor && read < maxEvents)
        {
            _batch.Clear();
            var page = await database.ReadEventsAsync(item, cursor, toNs, (int)Math.Min(limit, maxEvents - read), _batch, cancellation);
            if (!page.IsOk)
            {
                return page;
            }

            for (var i = 0; i < _batch.Count; i++)
            {
                var eventHour = BookHour.Of(_batch.TimesNs[i]);
                if (eventHour != hour && sum.Count > 0)
                {
                    add(hour, sum);
                    sum = default;
                }

                hour = eventHour;
                sum += new EventSum(1, _digest.Of(_batch, i));
            }

            read += _batch.Count;
            at = page.Value;
            limit = ReadPace.Next(limit, _batch.Count, ReadPace.SizeOf(_batch, 0));
        }

        if (sum.Count > 0)
        {
            add(hour, sum);
        }

        return at;
    }

    /// <summary>Sums up all events of an item in a range of time.</summary>
    public async Task<HistoryResult<IReadOnlyDictionary<int, EventSum>>> SumAsync(Oid item, TimeRange range, CancellationToken cancellation)
    {
        var hours = new Dictionary<int, EventSum>();
        var read = await ReadAsync(
            item,
            HistoryCursor.Before(range.FromNs),
            range.ToNs,
            long.MaxValue,
            (hour, sum) => hours[hour] = hours.GetValueOrDefault(hour) + sum,
            cancellation);
        return read.IsOk ? hours : read.Error;
    }
}
