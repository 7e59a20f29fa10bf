using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>Locks, full disks and the end of the process in the middle of a write.</summary>
public sealed class SqliteTroubleTests
{
    [Fact]
    public async Task While_another_program_holds_the_file_a_write_is_busy_and_reads_go_on()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        await WriteAsync(history, Event(1, TelemetryValue.From(1), 1));
        using (var other = SqliteSession.Open(folder.Options, SqliteAccess.Write))
        {
            other.Begin();
            var batch = Batch(Event(2, TelemetryValue.From(2), 2));
            for (var i = 0; i < 2; i++)
            {
                var result = await history.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
                Assert.Equal(HistoryTrouble.Busy, result.Error?.Trouble);
                Assert.True(result.Error!.IsTransient);
            }

            Assert.Single(await ReadAsync(history));
        }

        await WriteAsync(history, Event(2, TelemetryValue.From(2), 2));
        Assert.Equal(2, (await ReadAsync(history)).Count);
    }

    [RootFact]
    public async Task A_full_disk_changes_nothing_and_is_over_when_there_is_space()
    {
        await using var disk = await SmallDisk.MountAsync(2048);
        await using var history = Ok(await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = Path.Combine(disk.Path, "h.db") }));
        await WriteAsync(history, Event(1, TelemetryValue.From("before"), 1));
        var big = Batch(Enumerable.Range(0, 5000).Select(i => Event(100 + i, TelemetryValue.From($"text {i} {new string('x', 50)}"), (ulong)i + 2)));
        var write = new HistoryWrite
        {
            Events = big,
            Count = big.Count,
            Stream = new StreamFacts(new StreamId(1, 2), "n", "m", 5000),
            Received = [new SequenceRange(1, 5000)],
        };
        var ballast = disk.Fill();
        for (var i = 0; i < 3; i++)
        {
            var result = await history.WriteAsync(write, CancellationToken.None);
            Assert.Equal(HistoryTrouble.Unavailable, result.Error?.Trouble);
            Assert.Contains("free space", result.Error!.Remedy, StringComparison.Ordinal);
        }

        Assert.Single(await ReadAsync(history));
        Assert.Empty(Ok(await history.ReadStreamsAsync(null, 1, CancellationToken.None)));
        disk.Free(ballast);
        Assert.Equal(5000, Ok(await history.WriteAsync(write, CancellationToken.None)).Counts.Inserted);
        Assert.Equal(5001, (await ReadAsync(history)).Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_write_that_ends_with_the_process_is_there_as_a_whole_or_not_at_all(int atStep)
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        var stream = new StreamFacts(new StreamId(1, 2), "n", "m", 3000);
        var batch = Batch(Enumerable.Range(0, 3000).Select(i => Event(i, TelemetryValue.From($"value {i}"), (ulong)i + 1)));
        var write = new HistoryWrite { Events = batch, Count = batch.Count, Stream = stream, Received = [new SequenceRange(1, 3000)] };

        // What a killed process leaves is what the files hold at that moment: a copy of them is looked at afterwards.
        var image = Path.Combine(folder.Folder, "after-kill.db");
        history.Probe = step =>
        {
            if (step == (SqliteHistoryStep)atStep)
            {
                File.Copy(folder.Path, image);
                File.Copy(folder.Path + "-wal", image + "-wal");
            }
        };
        Ok(await history.WriteAsync(write, CancellationToken.None));

        await using var survivor = Ok(await SqliteHistory.OpenAsync(folder.Options with { Path = image }));
        var isThere = (SqliteHistoryStep)atStep == SqliteHistoryStep.Committed;
        Assert.Equal(isThere ? 3000 : 0, (await ReadAsync(survivor)).Count);
        Assert.Equal(isThere ? 1 : 0, Ok(await survivor.ReadStreamsAsync(null, 1, CancellationToken.None)).Count);
        Ok(await survivor.WriteAsync(write, CancellationToken.None));
        Assert.Equal(3000, (await ReadAsync(survivor)).Count);
        Assert.Equal(3000UL, (await AccountAsync(survivor, stream.Id)).Received);
    }

    [Fact]
    public async Task A_file_that_is_deleted_under_the_service_is_not_quietly_made_anew()
    {
        await using var folder = new HistoryFolder();
        var history = await folder.OpenAsync();
        await WriteAsync(history, Event(1, TelemetryValue.From(1), 1));
        history.Probe = step => Break(step == SqliteHistoryStep.Begun);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => WriteAsync(history, Event(2, TelemetryValue.From(1), 2)));
        history.Probe = null;
        File.Delete(folder.Path);
        var batch = Batch(Event(2, TelemetryValue.From(2), 2));
        var result = await history.WriteAsync(new HistoryWrite { Events = batch, Count = 1 }, CancellationToken.None);
        Assert.Equal(HistoryTrouble.Unavailable, result.Error?.Trouble);
        Assert.False(File.Exists(folder.Path));
    }
}
