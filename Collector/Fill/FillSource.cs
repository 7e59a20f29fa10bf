using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Fill;

/// <summary>
/// What the local history held for a mailbox when it was looked at: which items and since when, so that years without a reading cost nothing.
/// Reads stretches of time in batches of bounded size. One user at a time.
/// </summary>
internal sealed class FillSource
{
    private const int OidPage = 1000;
    private const int BatchEvents = 4096;

    private readonly IHistoryDatabase _database;
    private readonly List<OidSpan> _items;
    private readonly EventBatch _batch;

    private FillSource(IHistoryDatabase database, List<OidSpan> items, OidTable oids)
    {
        _database = database;
        _items = items;
        _batch = new EventBatch(oids, ReadPace.First);
    }

    /// <summary>Looks which items the database has for a mailbox.</summary>
    public static async Task<HistoryResult<FillSource>> OpenAsync(
        IHistoryDatabase database, Func<Oid, bool> takes, OidTable oids, CancellationToken cancellationToken)
    {
        var items = new List<OidSpan>();
        Oid? after = null;
        while (true)
        {
            var page = await database.ListOidsAsync(after, OidPage, cancellationToken);
            if (!page.IsOk)
            {
                return page.Error;
            }

            items.AddRange(page.Value.Where(c => !c.IsEmpty && takes(c.Oid)));
            if (page.Value.Count < OidPage)
            {
                return new FillSource(database, items, oids);
            }

            after = page.Value[^1].Oid;
        }
    }

    /// <summary>The first time from the given one on at which there may be an event; null when there is none any more.</summary>
    public long? FirstFrom(long timeNs)
    {
        long? first = null;
        foreach (var item in _items)
        {
            if (item.LastNs >= timeNs)
            {
                var from = Math.Max(item.FirstNs, timeNs);
                first = first is { } known && known <= from ? known : from;
            }
        }

        return first;
    }

    /// <summary>Reads a stretch of time and hands it on in batches; the batch is the reader's again when the call returns.</summary>
    /// <param name="fromNs">The first time wanted.</param>
    /// <param name="toNs">The last time wanted.</param>
    /// <param name="only">These items alone, by their OIDs; null for all.</param>
    /// <param name="take">Takes a batch; returns why it could not, or null.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>How many events were taken, or why the stretch was not read to its end.</returns>
    public async Task<(FilledEvents Filled, string? Trouble)> ReadAsync(
        long fromNs, long toNs, IReadOnlySet<string>? only, Func<EventBatch, Task<string?>> take, CancellationToken cancellationToken)
    {
        var filled = default(FilledEvents);
        var bytes = 0L;
        _batch.Clear();
        foreach (var item in _items)
        {
            if (item.LastNs < fromNs || item.FirstNs > toNs || only?.Contains(item.Oid.Text) == false)
            {
                continue;
            }

            var limit = ReadPace.First;
            HistoryCursor? at = HistoryCursor.Before(fromNs);
            while (at is { } cursor)
            {
                var before = _batch.Count;
                var read = await _database.ReadEventsAsync(item.Oid, cursor, toNs, limit, _batch, cancellationToken);
                if (!read.IsOk)
                {
                    _batch.Clear();
                    return (filled, read.Error.ToString());
                }

                var size = ReadPace.SizeOf(_batch, before);
                bytes += size;
                at = read.Value;
                limit = ReadPace.Next(limit, _batch.Count - before, size);
                if (_batch.Count >= BatchEvents || bytes >= ReadPace.TargetBytes)
                {
                    if (await HandOnAsync(take) is { } trouble)
                    {
                        return (filled, trouble);
                    }
                }
            }
        }

        var last = await HandOnAsync(take);
        return (filled, last);

        async Task<string?> HandOnAsync(Func<EventBatch, Task<string?>> to)
        {
            if (_batch.Count == 0)
            {
                return null;
            }

            var trouble = await to(_batch);
            filled = trouble is null ? new FilledEvents(filled.Events + (ulong)_batch.Count, filled.Bytes + (ulong)bytes) : filled;
            bytes = 0;
            _batch.Clear();
            return trouble;
        }
    }
}
