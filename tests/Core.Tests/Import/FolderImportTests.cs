using System.Diagnostics;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Tests.History;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Import;

/// <summary>A folder that somebody carried here.</summary>
public sealed class FolderImportTests
{
    [Fact]
    public async Task Blocks_are_done_in_the_order_of_their_headers_and_stay_when_nothing_is_to_be_deleted()
    {
        await using var rig = await RigAsync();
        rig.Put(BlockFiles.Simple(3, 61).Seal(), "mbb_1");
        rig.Put(BlockFiles.Simple(1, 1).Seal(), "zz renamed");
        rig.Put(BlockFiles.Simple(2, 31).Seal(), "mbb_9");
        var seen = new List<FolderImportProgress>();
        var report = await rig.RunAsync(progress: new Sink(seen));
        Assert.Equal(["zz renamed", "mbb_9", "mbb_1"], report.Files.Select(f => f.Name));
        Assert.All(report.Files, f => Assert.Equal((FileFate.Left, "applied"), (f.Fate, f.Detail)));
        Assert.True(report.IsClean);
        Assert.Equal(new WriteCounts(90, 90, 0, 0, 0), report.Counts);
        Assert.Equal([(0, 3), (1, 3), (2, 3), (3, 3)], seen.Select(p => (p.Done, p.Total)));
        Assert.Equal([0, 30, 60, 90], seen.Select(p => p.Counts.Events));
        Assert.Equal(Directory.GetFiles(rig.Stick).Sum(f => new FileInfo(f).Length), seen[^1].TotalBytes);
        Assert.Equal(seen[^1].TotalBytes, seen[^1].DoneBytes);
        await rig.Bench.HoldsExactlyAsync(new SequenceRange(1, 90));
        Assert.Equal(3, Directory.GetFiles(rig.Stick).Length);
    }

    [Fact]
    public async Task The_same_folder_twice_changes_nothing_and_may_then_be_deleted()
    {
        await using var rig = await RigAsync();
        rig.Put(BlockFiles.Simple().Seal(), "mbb_1");
        await rig.RunAsync();
        var again = await rig.RunAsync(delete: true);
        Assert.Equal((1, 1, 0), (again.Applied, again.AlreadyApplied, again.Partial));
        Assert.Equal(FileFate.Deleted, again.Files[0].Fate);
        Assert.Empty(Directory.GetFiles(rig.Stick));
        await rig.Bench.HoldsExactlyAsync(new SequenceRange(1, 30));
    }

    [Fact]
    public async Task Deleting_removes_what_is_applied_and_moves_what_is_damaged_and_leaves_the_rest()
    {
        await using var rig = await RigAsync();
        rig.Put(BlockFiles.Simple(1, 1).Seal(), "mbb_1");
        var damaged = BlockFiles.Simple(2, 31).Seal();
        rig.Put(Flip(damaged, damaged.Offsets[1] + 50), "mbb_2");
        rig.Put(BlockFiles.Simple(3, 61).ToArray(), "mbb_3.open");
        rig.Put(BlockFiles.Simple(4, 91, mailbox: "elsewhere").Seal(), "mbb_4");
        await File.WriteAllTextAsync(Path.Combine(rig.Stick, "holiday.jpg"), new string('x', 5000));
        await File.WriteAllBytesAsync(Path.Combine(rig.Stick, "mbb_5"), []);
        var report = await rig.RunAsync(delete: true, mailbox: "centre");

        var files = report.Files.ToDictionary(f => f.Name);
        Assert.Equal(FileFate.Deleted, files["mbb_1"].Fate);
        Assert.Equal(FileFate.Quarantined, files["mbb_2"].Fate);
        Assert.Contains("20 events applied, 10 missing; damage at offset", files["mbb_2"].Detail, StringComparison.Ordinal);
        Assert.Equal(FileFate.Left, files["mbb_3.open"].Fate);
        Assert.Equal("30 events applied of a block that was still being written", files["mbb_3.open"].Detail);
        Assert.Equal(RefusalKind.OtherMailbox, Assert.IsType<ImportOutcome.Refused>(files["mbb_4"].Outcome).Kind);
        Assert.Equal("not a block", files["holiday.jpg"].Detail);
        Assert.Equal("empty: nothing is in it", files["mbb_5"].Detail);
        Assert.Equal((1, 0, 2, 1), (report.Applied, report.AlreadyApplied, report.Partial, report.Refused));
        Assert.False(report.IsClean);
        Assert.Equal(["holiday.jpg", "mbb_3.open", "mbb_4", "mbb_5"], Directory.GetFiles(rig.Stick).Select(Path.GetFileName).Order());
        Assert.Contains("damage", Assert.Single(rig.Quarantine.List(null, 10).Value).Reason, StringComparison.Ordinal);
        await rig.Bench.HoldsExactlyAsync(new SequenceRange(1, 40), new SequenceRange(51, 90));
    }

    [Fact]
    public async Task Without_deleting_damaged_files_are_left_alone()
    {
        await using var rig = await RigAsync();
        var block = BlockFiles.Simple().Seal();
        var bytes = Flip(block, block.Offsets[0] + 50);
        rig.Put(bytes, "mbb_1");
        var report = await rig.RunAsync();
        Assert.Equal(FileFate.Left, report.Files[0].Fate);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(rig.Stick, "mbb_1")));
        Assert.Empty(rig.Quarantine.List(null, 10).Value);
    }

    [Fact]
    public async Task Only_blocks_of_the_wanted_node_are_taken()
    {
        await using var rig = await RigAsync();
        rig.Put(BlockFiles.Simple(1, 1).Seal(), "mbb_1");
        rig.Put(BlockFiles.Simple(1, 1, node: "edge2", stream: new StreamId(5, 5)).Seal(), "mbb_2");
        var report = await rig.RunAsync(node: "edge1");
        Assert.Equal((1, 1), (report.Applied, report.Refused));
        Assert.Equal(RefusalKind.OtherNode, Assert.IsType<ImportOutcome.Refused>(report.Files.Single(f => f.Name == "mbb_2").Outcome).Kind);
        Assert.Equal(2, (await rig.RunAsync(node: "any")).Applied);
    }

    [Fact]
    public async Task A_block_without_header_comes_last_when_its_stream_is_known_from_the_others()
    {
        await using var rig = await RigAsync();
        rig.Put(Flip(BlockFiles.Simple(2, 31).Seal(), 20), "mbb_1");
        rig.Put(BlockFiles.Simple(1, 1).Seal(), "mbb_2");
        var report = await rig.RunAsync(node: "edge1");
        Assert.Equal((1, 1), (report.Applied, report.Partial));
        await rig.Bench.HoldsExactlyAsync(new SequenceRange(1, 60));
    }

    [Fact]
    public async Task Links_pipes_and_folders_inside_are_not_followed()
    {
        await using var rig = await RigAsync();
        var outside = BlockFiles.Simple().Seal().WriteTo(rig.Bench["outside"]);
        File.CreateSymbolicLink(Path.Combine(rig.Stick, "mbb_1"), outside);
        File.CreateSymbolicLink(Path.Combine(rig.Stick, "mbb_2"), "/nowhere/at/all");
        Directory.CreateDirectory(Path.Combine(rig.Stick, "inner"));
        File.Copy(outside, Path.Combine(rig.Stick, "inner", "mbb_3"));
        using (var mkfifo = Process.Start("mkfifo", [Path.Combine(rig.Stick, "mbb_4")]))
        {
            await mkfifo.WaitForExitAsync();
        }

        var report = await rig.RunAsync(delete: true);
        Assert.Equal(["a link, not followed", "a link, not followed", "empty: nothing is in it"], report.Files.Select(f => f.Detail));
        Assert.True(File.Exists(outside));
        Assert.Empty(await HistoryVerbs.ReadAllAsync(rig.Bench.History));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_does_not_stop_the_others()
    {
        await using var rig = await RigAsync((operation, path) =>
            operation == StorageOperation.Read && path.EndsWith("mbb_1", StringComparison.Ordinal) ? Errno.InputOutput : null);
        rig.Put(BlockFiles.Simple(1, 1).Seal(), "mbb_1");
        rig.Put(BlockFiles.Simple(2, 31).Seal(), "mbb_2");
        var report = await rig.RunAsync(delete: true);
        Assert.Null(report.StoppedBy);
        Assert.Equal((1, 1), (report.Applied, report.Refused));
        var unreadable = report.Files.Single(f => f.Name == "mbb_1");
        Assert.Equal(FileFate.Left, unreadable.Fate);
        Assert.Contains("check the disk", unreadable.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_away_stops_the_run_and_nothing_is_deleted()
    {
        await using var rig = await RigAsync();
        rig.Put(BlockFiles.Simple(1, 1).Seal(), "mbb_1");
        rig.Put(BlockFiles.Simple(2, 31).Seal(), "mbb_2");
        using (var other = SqliteSession.Open(new SqliteHistoryOptions { Path = rig.Bench["h.db"] }, SqliteAccess.Write))
        {
            other.Begin();
            var stopped = await rig.RunAsync(delete: true);
            Assert.Equal(ImportObstacle.History, stopped.StoppedBy?.Obstacle);
            Assert.Equal("not tried", stopped.Files[1].Detail);
            Assert.Equal(2, Directory.GetFiles(rig.Stick).Length);
        }

        Assert.True((await rig.RunAsync(delete: true)).IsClean);
        Assert.Empty(Directory.GetFiles(rig.Stick));
    }

    [Fact]
    public async Task What_cannot_be_deleted_or_moved_is_said()
    {
        await using var rig = await RigAsync((operation, path) =>
            operation is StorageOperation.Delete or StorageOperation.Rename && path.Contains("stick", StringComparison.Ordinal) ? Errno.ReadOnly : null);
        rig.Put(BlockFiles.Simple(1, 1).Seal(), "mbb_1");
        var damaged = BlockFiles.Simple(2, 31).Seal();
        rig.Put(Flip(damaged, damaged.Offsets[0] + 50), "mbb_2");
        var report = await rig.RunAsync(delete: true);
        Assert.All(report.Files, f => Assert.Equal(FileFate.Left, f.Fate));
        Assert.Contains("could not be deleted", report.Files[0].Detail, StringComparison.Ordinal);
        Assert.Contains("could not be moved to quarantine", report.Files[1].Detail, StringComparison.Ordinal);
        Assert.Equal((1, 1), (report.Applied, report.Partial));
    }

    [Fact]
    public async Task The_path_must_be_a_folder_that_is_there()
    {
        await using var rig = await RigAsync();
        rig.Put(BlockFiles.Simple().Seal(), "mbb_1");
        foreach (var path in new[] { Path.Combine(rig.Stick, "mbb_1"), Path.Combine(rig.Stick, "absent") })
        {
            var result = await rig.Import.RunAsync(new FolderImportRequest(path, "any", Delete: true), null, CancellationToken.None);
            Assert.False(result.IsOk);
            Assert.NotEmpty(result.Error!.Detail);
        }
    }

    [Fact]
    public async Task Cancelling_stops_between_files()
    {
        await using var rig = await RigAsync();
        rig.Put(BlockFiles.Simple(1, 1).Seal(), "mbb_1");
        rig.Put(BlockFiles.Simple(2, 31).Seal(), "mbb_2");
        using var cancel = new CancellationTokenSource();
        var progress = new Sink([], cancel.Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => rig.Import.RunAsync(new FolderImportRequest(rig.Stick, "any", Delete: true), progress, cancel.Token).AsTask());
        Assert.Equal("mbb_2", Path.GetFileName(Assert.Single(Directory.GetFiles(rig.Stick))));
    }

    private static byte[] Flip(BlockFiles block, int offset)
    {
        var bytes = block.ToArray();
        bytes[offset] ^= 1;
        return bytes;
    }

    private static async Task<Rig> RigAsync(Func<StorageOperation, string, int?>? fault = null)
    {
        var bench = await ImportBench.StartAsync();
        if (fault is not null)
        {
            bench.Storage = new FaultyStorage(fault);
            await bench.RestartAsync();
        }

        return new Rig(bench);
    }

    private sealed class Rig : IAsyncDisposable
    {
        public Rig(ImportBench bench)
        {
            Bench = bench;
            Stick = bench["stick"];
            Directory.CreateDirectory(Stick);
            Quarantine = Quarantine.Open(bench.Storage, bench["quarantine"], new ManualTime()).Value;
            Import = new FolderImport(bench.Storage, bench.Importer, Quarantine);
        }

        public ImportBench Bench { get; }

        public string Stick { get; }

        public Quarantine Quarantine { get; }

        public FolderImport Import { get; }

        public void Put(BlockFiles block, string name) => block.WriteTo(Stick, name);

        public void Put(byte[] bytes, string name) => File.WriteAllBytes(Path.Combine(Stick, name), bytes);

        public async Task<FolderImportReport> RunAsync(
            string node = "any", bool delete = false, string? mailbox = null, IProgress<FolderImportProgress>? progress = null)
        {
            var result = await Import.RunAsync(new FolderImportRequest(Stick, node, delete, mailbox), progress, CancellationToken.None);
            Assert.True(result.IsOk, result.Error?.ToString());
            return result.Value;
        }

        public ValueTask DisposeAsync() => Bench.DisposeAsync();
    }

    /// <summary>Reports on the spot; the framework's own class reports some time later on another thread.</summary>
    private sealed class Sink(List<FolderImportProgress> seen, Action? also = null) : IProgress<FolderImportProgress>
    {
        public void Report(FolderImportProgress value)
        {
            seen.Add(value);
            if (value.File is not null)
            {
                also?.Invoke();
            }
        }
    }
}
