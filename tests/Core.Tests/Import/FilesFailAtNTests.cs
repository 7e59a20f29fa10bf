using ZfRepl.Core.Blocks;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Import;

/// <summary>Every storage operation of the inbox and of the quarantine fails (<see cref="FailAtN"/>); what was done again is whole and there once.</summary>
public sealed class FilesFailAtNTests
{
    private const string Aside = "/aside";

    [Fact]
    public Task Writing_finding_and_removing_a_block_in_the_inbox() => FailAtN.RunAsync("inbox", faults => InboxAsync(faults, isDeaf: false));

    [Fact]
    public async Task Negative_control_a_program_that_ignores_errors_is_found()
    {
        var found = await Assert.ThrowsAsync<FailAtNException>(() => FailAtN.RunAsync("inbox", faults => InboxAsync(faults, isDeaf: true)));
        Assert.Contains("Sync /inbox/", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Negative_control_a_workflow_that_works_on_another_disk_is_found()
    {
        var found = await Assert.ThrowsAsync<FailAtNException>(() => FailAtN.RunAsync("elsewhere", faults =>
        {
            _ = faults.NewStorage();
            faults.Arm();
            return InboxAsync(new DiskFaults(int.MaxValue, 0, 0), isDeaf: false);
        }));
        Assert.Contains("never comes to the disk", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public Task Keeping_exporting_and_deleting_files_in_quarantine() => FailAtN.RunAsync("quarantine", async faults =>
    {
        var storage = new SimulatedStorage();
        byte[] content = [1, 2, 3, 4, 5];
        storage.Overwrite("/spool/mbb_1", content);
        storage.Overwrite("/spool/mbb_2", content);
        faults.Break(storage);
        faults.Arm();
        var quarantine = await faults.RepeatAsync(() => Quarantine.Open(storage, Aside, new ManualTime()));
        await MoveAsync("/spool/mbb_1");
        await MoveAsync("/spool/mbb_2");
        var copy = await faults.RepeatAsync(() => quarantine.Copy("/spool/tail", content, "torn"));
        var names = (await faults.RepeatAsync(() => quarantine.List(null, 100))).Select(e => e.Name).ToList();
        await faults.RepeatAsync(() =>
        {
            var exported = quarantine.Export(names[0], "/out/file");

            // What not even could be deleted a person deletes.
            return exported is { IsOk: false, Error.IsExists: true } && faults.Hits.Count > 0 ? storage.Delete("/out/file") is { IsOk: false } e ? e : exported : exported;
        });
        Assert.Equal(content, storage.Content("/out/file"));
        await DeleteAsync(Path.GetFileName(copy));
        faults.Lift();
        storage.Crash(new Random(faults.FailAt));
        Assert.Equal(content, storage.Content("/out/file"));

        // A copy that not even could be deleted stays beside the one that counts.
        var kept = quarantine.List(null, 100).Value.Where(e => e.Name.StartsWith("mbb_", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, kept.Count);
        Assert.All(kept, e => Assert.Equal(content, storage.Content(e.Path)));
        Assert.Equal(["/spool/mbb_1", "/spool/mbb_2"], kept.Select(e => e.Origin).Order());
        Assert.DoesNotContain(storage.Paths(), p => p.StartsWith("/spool/", StringComparison.Ordinal));

        async Task MoveAsync(string path)
        {
            await faults.RepeatAsync(() =>
            {
                var moved = quarantine.Move(path, "damaged");

                // When only a folder's sync failed it is there already.
                return moved is { IsOk: false, Error.IsNotFound: true } && storage.Content(path) is null ? storage.SyncFolder(Aside) : moved.Error is { } e ? e : StorageResult.Ok;
            });
            await faults.RepeatAsync(() => storage.SyncFolder("/spool"));
        }

        async Task DeleteAsync(string name)
        {
            var attempts = 0;
            await faults.RepeatAsync(() =>
            {
                var deleted = quarantine.Delete(name);
                return deleted is { IsOk: false, Error.IsNotFound: true } && attempts++ > 0 ? storage.SyncFolder(Aside) : deleted;
            });
            Assert.DoesNotContain(storage.Paths(), p => p.StartsWith(Path.Combine(Aside, name), StringComparison.Ordinal));
        }
    },
    // A file is listed without its reason where the note can't be read.
    (_, operation, path) => operation is StorageOperation.Open or StorageOperation.Read && path.EndsWith(".json", StringComparison.Ordinal));

    private static async Task InboxAsync(DiskFaults faults, bool isDeaf)
    {
        var storage = faults.NewStorage();
        byte[] content = [1, 2, 3, 4, 5];
        var (first, second) = (KeyOf(1), KeyOf(2));
        faults.Arm();
        var inbox = await faults.RepeatAsync(() => Inbox.Open(isDeaf ? new DeafStorage(storage) : storage, "/inbox"));
        await faults.RepeatAsync(() => inbox.Put(first, content));
        await faults.RepeatAsync(() => inbox.Put(second, content));
        Assert.NotNull(await faults.RepeatAsync(() => inbox.Find(first)));
        await faults.RepeatAsync(() => inbox.Remove(second));
        faults.Lift();
        storage.Crash(new Random(faults.FailAt));
        var entry = Assert.Single(inbox.List().Value);
        Assert.Equal((first, true), (entry.Block, entry.IsComplete));
        Assert.Equal(content, storage.Content(entry.Path));
    }

    private static BlockKey KeyOf(ulong index) => new(BlockFiles.Stream, index, new BlockHash(new byte[32]));
}
