using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.Import;

/// <summary>The book of what was imported is what the database has, whatever comes twice; and what is cut out of the database stays in the book.</summary>
public sealed class ImportDigestsTests
{
    private static readonly TimeRange Always = new(long.MinValue, long.MaxValue);

    [Fact]
    public async Task The_book_is_what_the_database_has_though_blocks_overlap_and_come_again()
    {
        using var folder = new TempFolder();
        using var digests = Ok(ImportDigests.Open(folder["digests.db"]));
        await using var bench = await ImportBench.StartAsync(options: new BlockImporterOptions { Digests = digests });
        var first = BlockFiles.Simple(index: 1, firstSequence: 1, frames: 3).Seal();
        await bench.ImportAsync<ImportOutcome.Applied>(first);
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(index: 2, firstSequence: 21, frames: 3).Seal());
        await bench.ImportAsync<ImportOutcome.AlreadyApplied>(first);
        var booked = await BookAsync(digests);
        Assert.Equal(50, booked.Sum(b => b.Value.Values.Sum(s => s.Count)));
        await AgreesAsync(bench.History, booked);

        // And so it is after a restart of the service.
        digests.Dispose();
        using var again = Ok(ImportDigests.Open(folder["digests.db"]));
        await AgreesAsync(bench.History, await BookAsync(again));
    }

    [Fact]
    public async Task What_a_write_that_failed_would_have_inserted_is_not_booked()
    {
        using var folder = new TempFolder();
        using var digests = Ok(ImportDigests.Open(folder["digests.db"]));
        await using var bench = await ImportBench.StartAsync(options: new BlockImporterOptions { Digests = digests });
        await bench.RestartAsync(inside: step => Break(step == Core.History.Sqlite.SqliteHistoryStep.BeforeCommit));
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => bench.ImportAsync(BlockFiles.Simple().Seal()));
        Assert.Empty(await BookAsync(digests));
        await bench.RestartAsync();
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple().Seal());
        await AgreesAsync(bench.History, await BookAsync(digests));
    }

    [Fact]
    public async Task What_waits_to_be_written_is_listed_and_what_could_not_wait_stays_named()
    {
        using var folder = new TempFolder();
        using var digests = Ok(ImportDigests.Open(folder["digests.db"]));
        var other = Oid.Parse("sensor:other");
        using var session = SqliteSession.Open(new SqliteHistoryOptions { Path = folder["digests.db"] }, SqliteAccess.Write);
        session.Execute("DROP TABLE cell");
        await EnterAsync(digests, Sensor, hours: 3);
        Assert.Contains("does not have the tables", digests.Trouble, StringComparison.Ordinal);
        Assert.Equal([Sensor], Ok(await digests.ItemsAsync([BlockFiles.Stream], 0, int.MaxValue, null, 10, CancellationToken.None)));
        Assert.Null(digests.Trouble);

        session.Execute("DROP TABLE cell");
        await EnterAsync(digests, Sensor, hours: 200_001);
        Assert.Contains("does not have the tables", digests.Trouble, StringComparison.Ordinal);
        await EnterAsync(digests, other, hours: 1);
        Assert.Contains("are not in it", digests.Trouble, StringComparison.Ordinal);
        Assert.Equal([other], Ok(await digests.ItemsAsync([BlockFiles.Stream], 0, int.MaxValue, null, 10, CancellationToken.None)));
    }

    [Fact]
    public async Task Items_come_in_one_order_page_by_page()
    {
        // In UTF-16 the last one of these is before the one in the middle.
        Oid[] items = [Oid.Parse("sensor:a"), Oid.Parse("sensor:\uff41"), Oid.Parse("sensor:\U00020000")];
        using var folder = new TempFolder();
        using var digests = Ok(ImportDigests.Open(folder["digests.db"]));
        foreach (var item in items)
        {
            await EnterAsync(digests, item, hours: 1);
        }

        var paged = new List<Oid>();
        while (Ok(await digests.ItemsAsync([BlockFiles.Stream], 0, int.MaxValue, paged.LastOrDefault(), 1, CancellationToken.None)) is [var next])
        {
            paged.Add(next);
        }

        Assert.Equal(items, paged);
        var two = Ok(await digests.ItemsAsync([BlockFiles.Stream], 0, int.MaxValue, null, 3, CancellationToken.None));
        Assert.Equal(items, two);
    }

    [Fact]
    public void A_file_that_is_no_book_is_refused()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["digests.db"], new string('x', 5000));
        Assert.Equal(HistoryTrouble.Broken, ImportDigests.Open(folder["digests.db"]).Error!.Trouble);
    }

    private static async Task EnterAsync(ImportDigests digests, Oid item, int hours)
    {
        var events = new EventBatch(new OidTable());
        using var entry = await digests.BeginAsync(CancellationToken.None);
        for (var i = 0; i < hours; i++)
        {
            events.Add(Event(i * BookHour.Ns, TelemetryValue.From(i), (ulong)i + 1, oid: item));
            entry.Inserted(i);
        }

        entry.Book(BlockFiles.Stream, events);
    }

    private static async Task<Dictionary<Oid, Dictionary<int, EventSum>>> BookAsync(ImportDigests digests)
    {
        var book = new Dictionary<Oid, Dictionary<int, EventSum>>();
        foreach (var item in Ok(await digests.ItemsAsync([BlockFiles.Stream], int.MinValue, int.MaxValue, null, 1000, CancellationToken.None)))
        {
            using var look = await digests.BeginAsync(CancellationToken.None);
            book[item] = Ok(look.Sum([BlockFiles.Stream], item, int.MinValue, int.MaxValue));
        }

        return book;
    }

    private static async Task AgreesAsync(Core.History.Sqlite.SqliteHistory history, Dictionary<Oid, Dictionary<int, EventSum>> book)
    {
        foreach (var count in Ok(await history.CountByOidAsync(null, 1000, CancellationToken.None)))
        {
            var sums = Ok(await new HistoryDigest(history).SumAsync(count.Oid, Always, CancellationToken.None));
            Assert.Equal(sums.OrderBy(s => s.Key), book[count.Oid].OrderBy(s => s.Key));
        }
    }
}
