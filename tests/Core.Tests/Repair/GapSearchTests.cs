using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Repair;

public sealed class GapSearchTests
{
    private const long Second = UnixTime.NsPerSecond;
    private const long T0 = 1_700_000_000L * Second;

    private static readonly Oid First = Oid.Parse("sensor:edge1/heartbeat");
    private static readonly Oid Second2 = Oid.Parse("sensor:edge1/heartbeat2");

    [Fact]
    public async Task Gaps_in_the_middle_at_the_end_and_from_before_the_range_are_found_in_a_real_database()
    {
        using var folder = new TempFolder();
        await using var history = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = folder["history.db"] })).Value;
        // 1 s apart, in three pieces: 0 to 10, 1000 to 9000, 9100 to 9200.
        await WriteAsync(history, First, [.. Beats(0, 10), .. Beats(1000, 9000), .. Beats(9100, 9200)]);
        Assert.Equal(
            [Gap(10, 1000), Gap(9000, 9100), Gap(9200, 9300, isOpen: true)],
            await FindAsync(history, [First], 500, 9300, 5));
        Assert.Equal([Gap(10, 1000)], await FindAsync(history, [First], 5, 9205, 500));
        Assert.Empty(await FindAsync(history, [First], 1500, 9205, 500));
        // Never heard before the range: nobody knows when it began.
        Assert.Equal([Gap(-50, 0)], await FindAsync(history, [First], -50, 5, 5));
        Assert.Equal([Gap(0, 100, isOpen: true)], await FindAsync(history, [Oid.Parse("sensor:unknown")], 0, 100, 5));
    }

    [Fact]
    public async Task Of_two_heartbeats_both_have_to_be_silent()
    {
        using var folder = new TempFolder();
        await using var history = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = folder["history.db"] })).Value;
        await WriteAsync(history, First, [.. Beats(0, 100), .. Beats(200, 300)]);
        await WriteAsync(history, Second2, [.. Beats(50, 150), .. Beats(250, 300)]);
        Assert.Equal([Gap(150, 200)], await FindAsync(history, [First, Second2], 20, 301, 5));
        Assert.Equal([Gap(150, 200)], await FindAsync(history, [Second2, First], 180, 301, 5));
        Assert.Empty(await FindAsync(history, [First, Second2], 20, 149, 5));
    }

    private static IEnumerable<int> Beats(int first, int last) => Enumerable.Range(first, last - first + 1);

    private static Silence Gap(long after, long before, bool isOpen = false) => new(T0 + (after * Second), T0 + (before * Second), isOpen);

    private static async Task<IReadOnlyList<Silence>> FindAsync(IHistoryDatabase history, IReadOnlyList<Oid> heartbeats, long from, long to, long allowed)
    {
        var found = await GapSearch.FindAsync(
            history,
            new GapQuery(heartbeats, new TimeRange(T0 + (from * Second), T0 + (to * Second)), allowed * Second),
            CancellationToken.None);
        Assert.True(found.IsOk, found.Error?.ToString());
        return found.Value;
    }

    private static async Task WriteAsync(SqliteHistory history, Oid oid, IEnumerable<int> seconds)
    {
        var batch = new EventBatch(new OidTable());
        foreach (var second in seconds)
        {
            batch.Add(new TelemetryEvent(oid, T0 + (second * Second), 1, 0, TelemetryValue.From(second), new Ieid(1, (ulong)batch.Count + 1)));
        }

        var written = await history.WriteAsync(new HistoryWrite { Events = batch, Count = batch.Count }, CancellationToken.None);
        Assert.True(written.IsOk, written.Error?.ToString());
    }
}
