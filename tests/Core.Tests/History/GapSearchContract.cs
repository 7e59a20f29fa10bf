using ZfRepl.Core.History;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>Gaps by the heartbeat, found in every kind of database and closed by what is filled.</summary>
public abstract class GapSearchContract
{
    private const long Second = UnixTime.NsPerSecond;
    private const long T0 = 1_700_000_000L * Second;

    private static readonly Oid First = Oid.Parse("sensor:edge1/heartbeat");
    private static readonly Oid Second2 = Oid.Parse("sensor:edge1/heartbeat2");

    /// <summary>A place of the test's own.</summary>
    protected abstract IHistoryPlace NewPlace();

    [ContractFact]
    public async Task Gaps_in_the_middle_at_the_end_and_from_before_the_range_are_found()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();

        // 1 s apart, in three pieces, the middle one longer than a page: 0 to 10, 1000 to 9000, 9100 to 9200.
        await BeatAsync(history, First, [.. Beats(0, 10), .. Beats(1000, 9000), .. Beats(9100, 9200)]);
        Assert.Equal([Gap(10, 1000), Gap(9000, 9100), Gap(9200, 9300, isOpen: true)], await FindAsync(history, [First], 500, 9300, 5));
        Assert.Equal([Gap(10, 1000)], await FindAsync(history, [First], 5, 9205, 500));
        Assert.Empty(await FindAsync(history, [First], 1500, 9205, 500));

        // Never heard before the range: nobody knows when it began.
        Assert.Equal([Gap(-50, 0) with { IsFirst = true }], await FindAsync(history, [First], -50, 5, 5));
        Assert.Equal([Gap(0, 100, isOpen: true) with { IsFirst = true }], await FindAsync(history, [Oid.Parse("sensor:unknown")], 0, 100, 5));
    }

    [ContractFact]
    public async Task Of_two_heartbeats_both_have_to_be_silent()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        await BeatAsync(history, First, [.. Beats(0, 100), .. Beats(200, 300)]);
        await BeatAsync(history, Second2, [.. Beats(50, 150), .. Beats(250, 300)]);
        Assert.Equal([Gap(150, 200)], await FindAsync(history, [First, Second2], 20, 301, 5));
        Assert.Equal([Gap(150, 200)], await FindAsync(history, [Second2, First], 180, 301, 5));
        Assert.Empty(await FindAsync(history, [First, Second2], 20, 149, 5));

        // One that was heard before is enough: then it is known that something is missing.
        Assert.Equal([Gap(100, 200)], await FindAsync(history, [First, Oid.Parse("sensor:unknown")], 150, 301, 5));
    }

    [ContractFact]
    public async Task What_is_filled_from_another_history_closes_a_gap_and_what_was_there_is_recognised()
    {
        await using var edgePlace = NewPlace();
        await using var centrePlace = NewPlace();
        var (edge, centre) = (await edgePlace.OpenAsync(), await centrePlace.OpenAsync());
        await BeatAsync(edge, First, Beats(0, 300));
        await BeatAsync(centre, First, [.. Beats(0, 100), .. Beats(200, 300)]);
        var gap = Assert.Single(await FindAsync(centre, [First], 50, 300, 5));
        Assert.Equal(Gap(100, 200), gap);

        // Both ends of what is asked for belong to it, so two beats arrive that are there.
        var filled = await ReadAsync(edge, First, gap.AfterNs, gap.BeforeNs, pageSize: 32);
        Assert.Equal(new WriteCounts(101, 99, 2, 0, 0), await WriteAsync(centre, filled));
        Assert.Empty(await FindAsync(centre, [First], 50, 300, 5));
        Assert.Equal(new WriteCounts(101, 0, 101, 0, 0), await WriteAsync(centre, filled));
        Assert.Equal(await ReadAsync(edge, First), await ReadAsync(centre, First));
    }

    private static IEnumerable<int> Beats(int first, int last) => Enumerable.Range(first, last - first + 1);

    private static Silence Gap(long after, long before, bool isOpen = false) => new(T0 + (after * Second), T0 + (before * Second), isOpen);

    private static async Task<IReadOnlyList<Silence>> FindAsync(IHistoryDatabase history, IReadOnlyList<Oid> heartbeats, long from, long to, long allowed) =>
        Ok(await GapSearch.FindAsync(
            history,
            new GapQuery(heartbeats, new TimeRange(T0 + (from * Second), T0 + (to * Second)), allowed * Second),
            CancellationToken.None));

    private static Task<WriteCounts> BeatAsync(IHistoryDatabase history, Oid oid, IEnumerable<int> seconds) =>
        WriteAsync(history, seconds.Select(s => Event(T0 + (s * Second), TelemetryValue.From(s), (ulong)s + 1, oid: oid)));
}

/// <summary>In SQLite.</summary>
public sealed class GapSearchTests : GapSearchContract
{
    protected override IHistoryPlace NewPlace() => new HistoryFolder();
}

/// <summary>In a real PostgreSQL.</summary>
[Collection(PostgresTests.Name)]
[NeedsPrograms(PostgresServer.Programs)]
public sealed class PostgresGapSearchTests(PostgresCluster cluster) : GapSearchContract
{
    protected override IHistoryPlace NewPlace() => new PostgresPlace(cluster.Server);
}

/// <summary>In a real InfluxDB.</summary>
[Collection(InfluxFixture.Name)]
[NeedsPrograms(InfluxServer.Program)]
public sealed class InfluxGapSearchTests(InfluxFixture fixture) : GapSearchContract
{
    protected override IHistoryPlace NewPlace() => new InfluxPlace(fixture.Server);
}
