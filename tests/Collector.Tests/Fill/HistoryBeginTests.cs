using ZfRepl.Collector.Fill;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Fill;

/// <summary>What a local history can say about its own beginning, and when it must say nothing.</summary>
public sealed class HistoryBeginTests
{
    private const long Second = UnixTime.NsPerSecond;
    private const long T0 = 1_700_000_000L * Second;

    private static readonly Oid Heartbeat = Oid.Parse("sensor:edge1/heartbeat");
    private static readonly Oid Other = Oid.Parse("sensor:plant/level");

    [Fact]
    public async Task A_history_that_began_here_says_since_when_it_has_an_item_also_after_restarts()
    {
        using var folder = new TempFolder();
        await using (var rig = await FillRig.StartAsync(folder))
        {
            Assert.Equal(BeginKnowledge.Never, (await SinceAsync(rig)).Knowledge);
            // A reading of long before comes first, as an OPC UA server gives it.
            await rig.CollectAsync([Event(Other, T0 - (90_000 * Second), 1), Event(Other, T0, 2)]);
            Assert.Equal(BeginKnowledge.Never, (await SinceAsync(rig)).Knowledge);
            await rig.CollectAsync([Event(Heartbeat, T0 + (60 * Second), 3), Event(Heartbeat, T0 + (61 * Second), 4)]);
            Assert.Equal(new BeginReply(BeginKnowledge.Since, T0 + (60 * Second)), await SinceAsync(rig));
        }

        await using var again = await FillRig.StartAsync(folder);
        await again.CollectAsync([Event(Heartbeat, T0 + (62 * Second), 5)]);
        Assert.Equal(new BeginReply(BeginKnowledge.Since, T0 + (60 * Second)), await SinceAsync(again));
    }

    [Fact]
    public async Task A_history_that_was_there_before_says_nothing()
    {
        using var folder = new TempFolder();
        await using (var rig = await FillRig.StartAsync(folder))
        {
            await rig.CollectAsync([Event(Heartbeat, T0, 1)]);
            await SinceAsync(rig);
        }

        // As after an update of the program, or where the spool was lost and the database was not.
        File.Delete(Path.Combine(folder.Path, HistoryBegin.FileName));
        await using var again = await FillRig.StartAsync(folder);
        await again.CollectAsync([Event(Heartbeat, T0 + Second, 2)]);
        Assert.Equal(BeginReply.Unknown, await SinceAsync(again));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_history_that_was_emptied_says_nothing(bool losesNote)
    {
        using var folder = new TempFolder();
        string database;
        await using (var rig = await FillRig.StartAsync(folder))
        {
            database = rig.DatabaseFile;
            await rig.CollectAsync([Event(Heartbeat, T0, 1)]);
            await SinceAsync(rig);
        }

        foreach (var file in Directory.EnumerateFiles(folder.Path, Path.GetFileName(database) + "*").ToList())
        {
            File.Delete(file);
        }

        if (losesNote)
        {
            File.WriteAllText(Path.Combine(folder.Path, HistoryBegin.FileName), "no such thing\n");
        }

        await using var again = await FillRig.StartAsync(folder);
        Assert.Equal(BeginReply.Unknown, await SinceAsync(again));
        await again.CollectAsync([Event(Heartbeat, T0 + (500 * Second), 2)]);
        Assert.Equal(BeginReply.Unknown, await SinceAsync(again));
    }

    [Fact]
    public async Task A_process_that_died_between_the_import_and_the_note_knows_it_all_the_same()
    {
        using var folder = new TempFolder();
        await using (var rig = await FillRig.StartAsync(folder))
        {
            await SinceAsync(rig);
        }

        // The note says that nothing is in the database yet, and the first block is.
        await using (var history = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = Path.Combine(folder.Path, "history.db") })).Value)
        {
            var batch = new EventBatch(new OidTable());
            batch.Add(Event(Heartbeat, T0, 1));
            Assert.True((await history.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None)).IsOk);
        }

        await using var again = await FillRig.StartAsync(folder);
        Assert.Equal(new BeginReply(BeginKnowledge.Since, T0), await SinceAsync(again));
    }

    [Fact]
    public async Task A_note_that_the_disk_does_not_give_any_more_keeps_no_reading_from_the_database()
    {
        using var folder = new TempFolder();
        var note = Path.Combine(folder.Path, HistoryBegin.FileName);
        await using (var rig = await FillRig.StartAsync(folder))
        {
            await rig.CollectAsync([Event(Heartbeat, T0, 1)]);
            await SinceAsync(rig);
        }

        // A file that can't be opened.
        File.Delete(note);
        File.CreateSymbolicLink(note, note);
        await using (var again = await FillRig.StartAsync(folder))
        {
            await again.CollectAsync([Event(Heartbeat, T0 + Second, 2)]);
            Assert.Equal(BeginReply.Unknown, await SinceAsync(again));
        }

        // Nor is anything made up from what is there later.
        await using var later = await FillRig.StartAsync(folder);
        Assert.Equal(BeginReply.Unknown, await SinceAsync(later));
    }

    private static TelemetryEvent Event(Oid oid, long timeNs, ulong number) => new(oid, timeNs, 1, 0, TelemetryValue.From(1), new Ieid(7, number));

    /// <summary>What it says when everything that was collected is in the database.</summary>
    private static async Task<BeginReply> SinceAsync(FillRig rig)
    {
        await rig.History.CaughtUpAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        var said = await rig.History.SinceAsync([Heartbeat], CancellationToken.None);
        Assert.True(said.IsOk, said.Error?.ToString());
        return said.Value;
    }
}
