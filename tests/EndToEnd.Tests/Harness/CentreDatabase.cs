using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>Reads a history database beside the process that writes it.</summary>
internal static class CentreDatabase
{
    private const int PageEvents = 10_000;
    private const int OidsLimit = 100_000;

    /// <summary>Every event, OID by OID in the order of their times.</summary>
    public static async Task<IReadOnlyList<TelemetryEvent>> ReadAsync(string path)
    {
        await using var history = await OpenAsync(path);
        return await ReadAsync(history);
    }

    /// <summary>Every event of a database of any kind, OID by OID in the order of their times.</summary>
    public static async Task<IReadOnlyList<TelemetryEvent>> ReadAsync(IHistoryDatabase history)
    {
        var events = new List<TelemetryEvent>();
        var page = new EventBatch(new OidTable(), PageEvents);
        foreach (var oid in (await history.CountByOidAsync(after: null, OidsLimit, CancellationToken.None)).Value.Select(c => c.Oid))
        {
            HistoryCursor? next = HistoryCursor.Before(long.MinValue);
            while (next is { } cursor)
            {
                page.Clear();
                next = (await history.ReadEventsAsync(oid, cursor, long.MaxValue, PageEvents, page, CancellationToken.None)).Value;
                for (var i = 0; i < page.Count; i++)
                {
                    events.Add(page[i]);
                }
            }
        }

        return events;
    }

    /// <summary>How many events there are; 0 while there is no database.</summary>
    public static async Task<long> CountAsync(string path)
    {
        if (!File.Exists(path))
        {
            return 0;
        }

        await using var history = await OpenAsync(path);
        var counts = await history.CountByOidAsync(after: null, OidsLimit, CancellationToken.None);
        return counts.IsOk ? counts.Value.Sum(c => c.Events) : 0;
    }

    /// <summary>The books of the one stream.</summary>
    public static async Task<StreamAccount> StreamAsync(string path)
    {
        await using var history = await OpenAsync(path);
        return Assert.Single((await history.ReadStreamsAsync(only: null, 10, CancellationToken.None)).Value);
    }

    private static async Task<SqliteHistory> OpenAsync(string path) =>
        (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = path, IsReadOnly = true })).Value;
}
