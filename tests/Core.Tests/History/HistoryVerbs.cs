using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.History;

/// <summary>The few verbs that tests need on a history database of any kind.</summary>
internal static class HistoryVerbs
{
    public static readonly Oid Sensor = Oid.Parse("sensor:plant/line1/temperature");

    public static T Ok<T>(HistoryResult<T> result)
    {
        Assert.True(result.IsOk, result.Error?.ToString());
        return result.Value;
    }

    public static TelemetryEvent Event(
        long timeNs, TelemetryValue value, ulong counter, ulong boot = 1, Oid? oid = null, short status = 1, EventFlags flags = EventFlags.None) =>
        new(oid ?? Sensor, timeNs, status, 0, value, new Ieid(boot, counter), flags);

    public static EventBatch Batch(params IEnumerable<TelemetryEvent> events)
    {
        var batch = new EventBatch(new OidTable());
        foreach (var e in events)
        {
            batch.Add(e);
        }

        return batch;
    }

    public static async Task<WriteCounts> WriteAsync(IHistoryDatabase history, params IEnumerable<TelemetryEvent> events)
    {
        var batch = Batch(events);
        return Ok(await history.WriteAsync(new HistoryWrite { Events = batch, Count = batch.Count }, CancellationToken.None)).Counts;
    }

    /// <summary>Writes books without events.</summary>
    public static async Task<WriteReceipt> WriteBooksAsync(
        IHistoryDatabase history, StreamFacts stream, IReadOnlyList<SequenceRange>? received = null, params LossEntry[] losses) =>
        Ok(await history.WriteAsync(
            new HistoryWrite { Events = Batch(), Count = 0, Stream = stream, Received = received ?? [], Losses = losses }, CancellationToken.None));

    public static async Task<List<TelemetryEvent>> ReadAsync(
        IHistoryDatabase history, Oid? oid = null, long fromNs = long.MinValue, long toNs = long.MaxValue, int pageSize = 1000)
    {
        var events = new List<TelemetryEvent>();
        HistoryCursor? cursor = HistoryCursor.Before(fromNs);
        while (cursor is { } after)
        {
            var page = new EventBatch(new OidTable());
            cursor = Ok(await history.ReadEventsAsync(oid ?? Sensor, after, toNs, pageSize, page, CancellationToken.None));
            events.AddRange(Enumerable.Range(0, page.Count).Select(i => page[i]));
        }

        return events;
    }

    /// <summary>Everything in the database, OID by OID.</summary>
    public static async Task<List<TelemetryEvent>> ReadAllAsync(IHistoryDatabase history)
    {
        var events = new List<TelemetryEvent>();
        foreach (var count in Ok(await history.CountByOidAsync(null, 100_000, CancellationToken.None)))
        {
            events.AddRange(await ReadAsync(history, count.Oid));
        }

        return events;
    }

    public static async Task<StreamAccount> AccountAsync(IHistoryDatabase history, StreamId stream) =>
        Assert.Single(Ok(await history.ReadStreamsAsync(stream, 100, CancellationToken.None)));

    /// <summary>Breaks a call off as nothing in the product could, or catch.</summary>
    public static void Break(bool isTime)
    {
        if (isTime)
        {
            throw new InvalidTimeZoneException("the process ends here");
        }
    }
}
