using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>
/// The same events have the same sums in every kind of database, as computed from the events themselves; what is new to it is told one by one; and the
/// applied ledger can be listed.
/// </summary>
public abstract class HistoryDigestContract
{
    private static readonly Oid Other = Oid.Parse("unit:plant/valve");

    /// <summary>A place of the test's own.</summary>
    protected abstract IHistoryPlace NewPlace();

    [ContractFact]
    public async Task Sums_by_hour_are_those_of_the_events()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var start = 472_222 * BookHour.Ns;

        // Every kind of value, over several hours, several events of one time, two items.
        var events = ValueSamples.All
            .SelectMany((value, i) => new[] { Sensor, Other }.Select(oid =>
                Event(start + (i / 3 * (BookHour.Ns / 5)) + i, value, (ulong)i + 1, oid: oid, status: (short)(i - 30)) with { Quality = (uint)i << 20 }))
            .Concat(Enumerable.Range(0, 5).Select(i => Event(start + 7, TelemetryValue.From(i), 900 + (ulong)i)))
            .ToList();
        var inserted = new List<int>();
        var batch = Batch(events);
        var counts = Ok(await history.WriteAsync(
            new HistoryWrite { Events = batch, Count = batch.Count, Inserted = inserted.Add }, CancellationToken.None)).Counts;
        Assert.Equal(events.Count, counts.Inserted);
        Assert.Equal(Enumerable.Range(0, events.Count), inserted.Order());
        foreach (var oid in new[] { Sensor, Other })
        {
            var expected = events.Where(e => e.Oid.Equals(oid)).GroupBy(e => BookHour.Of(e.TimeNs))
                .ToDictionary(g => g.Key, g => new EventDigest().Sum(Batch(g.Reverse())));
            var sums = Ok(await new HistoryDigest(history).SumAsync(oid, new TimeRange(0, long.MaxValue), CancellationToken.None));
            Assert.Equal(expected.OrderBy(e => e.Key), sums.OrderBy(s => s.Key));

            // In pieces of seven events it is the same.
            var pieces = new Dictionary<int, EventSum>();
            HistoryCursor? at = HistoryCursor.Before(0);
            while (at is { } after)
            {
                at = Ok(await new HistoryDigest(history).ReadAsync(
                    oid, after, long.MaxValue, 7, (hour, sum) => pieces[hour] = pieces.GetValueOrDefault(hour) + sum, CancellationToken.None));
            }

            Assert.Equal(expected.OrderBy(e => e.Key), pieces.OrderBy(s => s.Key));
        }

        // What comes again is not new, and changes nothing.
        inserted.Clear();
        batch = Batch(events.Take(20).Append(Event(start + 1, TelemetryValue.From("new"), 2000)));
        Ok(await history.WriteAsync(new HistoryWrite { Events = batch, Count = batch.Count, Inserted = inserted.Add }, CancellationToken.None));
        Assert.Equal([20], inserted);
    }

    [ContractFact]
    public async Task The_applied_ledger_is_listed_in_order_and_in_pages()
    {
        await using var place = NewPlace();
        var history = await place.OpenAsync();
        var book = Assert.IsType<IAppliedBook>(history, exactMatch: false);
        var stream = new StreamFacts(new StreamId(3, 4), "n", "m", 100);
        Assert.Empty(Ok(await book.ReadAppliedAsync(stream.Id, null, 10, CancellationToken.None)));
        var keys = new List<BlockKey>();
        foreach (var index in new ulong[] { 2, 1, 3, 300, 3 })
        {
            var hash = new byte[BlockHash.SizeBytes];
            hash[0] = (byte)keys.Count;
            var key = new BlockKey(stream.Id, index, new BlockHash(hash));
            keys.Add(key);
            Ok(await history.WriteAsync(
                new HistoryWrite
                {
                    Events = Batch(),
                    Count = 0,
                    Stream = stream,
                    Applied = new AppliedBlock(key, index, index + 5, new WriteCounts(5, 4, 1, 0, 0), 77, true, true),
                },
                CancellationToken.None));
        }

        var expected = keys.OrderBy(k => k.Index).ThenBy(k => k.Hash.ToString(), StringComparer.Ordinal).ToList();
        var found = new List<AppliedBlock>();
        while (Ok(await book.ReadAppliedAsync(stream.Id, found.Count == 0 ? null : found[^1].Block, 2, CancellationToken.None)) is { Count: > 0 } page)
        {
            found.AddRange(page);
        }

        Assert.Equal(expected, found.Select(f => f.Block));
        Assert.All(found, f => Assert.Equal((f.Block.Index, f.Block.Index + 5, 5), (f.FirstSequence, f.NextSequence, f.Counts.Events)));
    }
}

/// <summary>Sums of a real SQLite file.</summary>
public sealed class SqliteDigestTests : HistoryDigestContract
{
    protected override IHistoryPlace NewPlace() => new HistoryFolder();
}

/// <summary>Sums of a real InfluxDB.</summary>
[Collection(InfluxFixture.Name)]
[NeedsPrograms(InfluxServer.Program)]
public sealed class InfluxDigestTests(InfluxFixture fixture) : HistoryDigestContract
{
    protected override IHistoryPlace NewPlace() => new InfluxPlace(fixture.Server);
}

/// <summary>Sums of a real PostgreSQL.</summary>
[Collection(PostgresTests.Name)]
[NeedsPrograms(PostgresServer.Programs)]
public sealed class PostgresDigestTests(PostgresCluster cluster) : HistoryDigestContract
{
    protected override IHistoryPlace NewPlace() => new PostgresPlace(cluster.Server);
}
