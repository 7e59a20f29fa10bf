using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Blocks are written once more at sealing; whatever happens on the way, each is there once and whole.</summary>
public sealed class MailboxRecodeTests
{
    private const int Commits = 10;
    private const int EventsPerCommit = 20;
    private const int Events = Commits * EventsPerCommit;

    private static readonly SourcePosition Position = new("plc", 7, Commits);

    [Fact]
    public async Task A_closed_block_becomes_a_smaller_one_with_the_same_content_under_the_same_number()
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        await FillAsync(rig);
        var open = OpenFile(storage);
        var loss = new LossRecord(LossReason.SourceOverflow, 0, 0, 3, IsExact: false, 1, 2, 3, "plc", "in between");
        Assert.Equal(AppendResult.Accepted, await rig.Mailbox.AppendLossAsync(loss));
        var last = Position with { Sequence = Commits + 1 };
        await rig.AppendAsync(Events, EventsPerCommit, last);
        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;

        Assert.True(ready.Block.LengthBytes < open.Value.Length, $"{open.Value.Length} bytes became {ready.Block.LengthBytes}");
        Assert.Equal((1UL, 1UL, (ulong)Events + EventsPerCommit + 1), (ready.Block.Header.Index, ready.Block.Trailer.FirstSequence, ready.Block.Trailer.NextSequence));
        Assert.Equal((0L, (Events + EventsPerCommit - 1) * 1_000_000L), (ready.Block.Trailer.MinTimeNs, ready.Block.Trailer.MaxTimeNs));
        var report = Report(storage, ready.Path);
        Assert.True(report.IsIntact);
        Assert.Equal((4U, (ulong)Events + EventsPerCommit), (report.FrameCount, report.EventCount));
        Assert.Equal([last], report.Positions);
        var (values, losses) = MailboxRig.ReadFrames(storage, ready.Path);
        Assert.Equal(Enumerable.Range(0, Events + EventsPerCommit), values);
        Assert.Equal([loss], losses);
        Assert.Equal([Path.GetFileName(ready.Path)], BlockFiles(storage));
        await rig.AssertAccountsAsync();
    }

    [Fact]
    public async Task Coding_rows_and_small_blocks_stay_as_the_commits_wrote_them()
    {
        foreach (var (options, count) in new[] { (MailboxRig.Options with { Coding = BlockCoding.Rows }, Commits), (MailboxRig.Options, 3) })
        {
            var storage = new SimulatedStorage();
            await using var rig = await MailboxRig.StartAsync(storage, options: options);
            await FillAsync(rig, count);
            var open = OpenFile(storage);
            var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
            Assert.Equal(open.Value, storage.Snapshot()[ready.Path][..open.Value.Length]);
        }
    }

    [Fact]
    public async Task While_one_block_is_recoded_commits_go_on_and_the_blocks_come_out_in_their_order()
    {
        var storage = new HoldingStorage(new SimulatedStorage());
        await using var rig = await MailboxRig.StartAsync(storage.Inner, through: storage);
        await FillAsync(rig);
        var sealing = rig.Mailbox.SealAsync(CancellationToken.None);
        await storage.Reached.WaitAsync(TimeSpan.FromSeconds(30));

        // A block that is being re-coded is backlog; what comes behind it is accepted, and waits for its turn.
        Assert.Equal(AppendResult.Accepted, await rig.AppendAsync(Events, 3));
        var next = rig.Mailbox.NextAsync(rotate: true, CancellationToken.None);
        Assert.Null((await rig.Mailbox.NextAsync(rotate: false, CancellationToken.None)).Value);
        Assert.Equal(2, (await rig.AssertAccountsAsync()).BacklogBlocks);
        Assert.False(sealing.IsCompleted);
        Assert.False(next.IsCompleted);
        storage.Release();
        Assert.True((await sealing).IsOk);
        Assert.Equal(1UL, (await next).Value!.Block.Header.Index);
        Assert.Equal(Enumerable.Range(0, Events + 3), (await rig.DrainAsync()).Values);
        Assert.Equal((ulong)Events + 3, (await rig.AssertAccountsAsync()).DeliveredEvents);
    }

    [Fact]
    public async Task When_blocks_close_faster_than_they_can_be_recoded_the_rest_is_sealed_as_it_is()
    {
        var storage = new HoldingStorage(new SimulatedStorage());
        await using var rig = await MailboxRig.StartAsync(storage.Inner, through: storage, options: MailboxRig.Options with { MaxBlockBytes = 1000 });
        const int appends = 200;
        for (var i = 0; i < appends; i++)
        {
            Assert.Equal(AppendResult.Accepted, await rig.AppendAsync(i * EventsPerCommit, EventsPerCommit));
        }

        await storage.Reached.WaitAsync(TimeSpan.FromSeconds(30));
        var waiting = BlockFiles(storage.Inner).Length;
        Assert.True(waiting > 20, $"{waiting} blocks wait");
        storage.Release();
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        Assert.DoesNotContain(BlockFiles(storage.Inner), name => name.Contains('.', StringComparison.Ordinal));
        var ready = await rig.Mailbox.ListAsync(CancellationToken.None);
        Assert.Equal(Enumerable.Range(1, ready.Count).Select(i => (ulong)i), ready.Select(r => r.Block.Header.Index));
        Assert.InRange(ready.Count(r => r.Block.Trailer.FrameCount == 1), 16, 17);
        Assert.Equal(Enumerable.Range(0, appends * EventsPerCommit), (await rig.DrainAsync()).Values);
        await rig.AssertAccountsAsync();
    }

    [Fact]
    public async Task An_orderly_stop_waits_for_one_block_at_most_and_seals_the_rest_as_it_is()
    {
        var storage = new HoldingStorage(new SimulatedStorage());
        await using (var rig = await MailboxRig.StartAsync(storage.Inner, through: storage))
        {
            await FillAsync(rig);
            var sealing = rig.Mailbox.SealAsync(CancellationToken.None);
            await storage.Reached.WaitAsync(TimeSpan.FromSeconds(30));
            await rig.AppendAsync(Events, EventsPerCommit);
            var stopping = rig.StopAsync();
            storage.Release();
            await stopping;
            Assert.True((await sealing).IsOk);
        }

        Assert.DoesNotContain(BlockFiles(storage.Inner), name => name.Contains('.', StringComparison.Ordinal));
        await using var again = await MailboxRig.StartAsync(storage.Inner);
        Assert.DoesNotContain("found at start", again.Log.ToString(), StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, Events + EventsPerCommit), (await again.DrainAsync()).Values);
    }

    [Theory]
    [InlineData(StorageOperation.Open, ".recode", Errno.NoSpace)]
    [InlineData(StorageOperation.Write, ".recode", Errno.NoSpace)]
    [InlineData(StorageOperation.Sync, ".recode", Errno.InputOutput)]
    [InlineData(StorageOperation.Rename, ".recode", Errno.InputOutput)]
    [InlineData(StorageOperation.Read, ".open", Errno.InputOutput)]
    [InlineData(StorageOperation.SyncFolder, "", Errno.InputOutput)]
    public async Task A_block_that_cannot_be_recoded_is_sealed_as_it_is_and_the_log_says_so(StorageOperation operation, string suffix, int errno)
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        await FillAsync(rig);
        var hits = 0;
        storage.Fault = (_, o, path) =>
            o == operation && path.EndsWith(suffix.Length > 0 ? suffix : MailboxRig.Folder, StringComparison.Ordinal) && hits++ == 0 ? errno : null;
        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        Assert.Equal(1, Math.Min(hits, 1));
        Assert.Equal((uint)Commits * 2, ready.Block.Trailer.FrameCount);
        Assert.Contains("stays in rows", rig.Log.ToString(), StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, Events), MailboxRig.ReadValues(storage, ready.Path));
        Assert.Null((await rig.AssertAccountsAsync()).Trouble);
        await rig.StopAsync();
        Assert.Equal([Path.GetFileName(ready.Path)], BlockFiles(storage));
    }

    [Fact]
    public async Task A_block_that_went_bad_while_it_was_open_is_left_as_it_is_for_repair()
    {
        var storage = new HoldingStorage(new SimulatedStorage());
        await using var rig = await MailboxRig.StartAsync(storage.Inner, through: storage);
        await FillAsync(rig);
        storage.FlipReads = true;
        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        storage.FlipReads = false;
        Assert.Equal((uint)Commits * 2, ready.Block.Trailer.FrameCount);
        Assert.Contains("does not match its checksum", rig.Log.ToString(), StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, Events), MailboxRig.ReadValues(storage.Inner, ready.Path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_old_file_goes_only_when_the_new_name_is_on_disk(bool isNewNameSynced)
    {
        var lost = 0;
        for (var seed = 0; seed < 64; seed++)
        {
            var storage = new SimulatedStorage { NamesInAnyOrder = true };
            await using (var rig = await MailboxRig.StartAsync(storage))
            {
                await FillAsync(rig);
                storage.IgnoreFolderSync = _ => !isNewNameSynced;
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
                storage.Crash(new Random(seed));
            }

            await using var again = await MailboxRig.StartAsync(storage);
            lost += (await again.DrainAsync()).Values.Count == Events ? 0 : 1;
        }

        // Without that sync, the negative control, the power cut takes some of the blocks.
        Assert.Equal(isNewNameSynced, lost == 0);
    }

    [Fact]
    public async Task An_old_file_that_a_power_loss_brings_back_is_deleted_again_whether_the_block_waits_or_was_delivered()
    {
        foreach (var isDelivered in new[] { false, true })
        {
            var storage = new SimulatedStorage();
            KeyValuePair<string, byte[]> open;
            await using (var rig = await MailboxRig.StartAsync(storage))
            {
                await FillAsync(rig);
                open = OpenFile(storage);
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
                if (isDelivered)
                {
                    await rig.DrainAsync();
                }

                await rig.StopAsync();
            }

            storage.KillProcess();
            storage.Overwrite(open.Key, open.Value);
            await using var again = await MailboxRig.StartAsync(storage);
            Assert.Equal(isDelivered ? 0 : Events, (await again.DrainAsync()).Values.Count);
            var status = await again.AssertAccountsAsync();
            Assert.Equal(((ulong)Events, (ulong)Events), (status.AcceptedEvents, status.DeliveredEvents));
            Assert.Null(status.Trouble);
            Assert.Empty(BlockFiles(storage));
        }
    }

    [Fact]
    public async Task Of_a_block_that_is_there_twice_the_better_file_goes_on_and_the_other_is_kept_aside()
    {
        var (open, whole) = await BothFilesAsync();
        var cut = whole.Value[..(whole.Value.Length / 2)];
        var foreign = (byte[])open.Value.Clone();
        foreign.AsSpan(32, 8).Reverse();
        foreach (var (sealedBytes, openBytes, kept) in new (byte[], byte[], string)[]
        {
            (cut, open.Value, whole.Key),
            (whole.Value, foreign, open.Key),
            (whole.Value, [], open.Key),
        })
        {
            var storage = new SimulatedStorage();
            storage.Overwrite(whole.Key, sealedBytes);
            storage.Overwrite(open.Key, openBytes);
            await using var rig = await MailboxRig.StartAsync(storage);
            Assert.Contains(storage.Snapshot().Keys, path => path.StartsWith($"/spool/quarantine/{Path.GetFileName(kept)}.", StringComparison.Ordinal));
            Assert.NotNull((await rig.AssertAccountsAsync()).Trouble);
            Assert.Equal(Enumerable.Range(0, Events), (await rig.DrainAsync()).Values);
        }
    }

    [Fact]
    public async Task What_a_recoding_left_aside_is_deleted_and_what_is_all_that_is_left_is_taken()
    {
        var (open, whole) = await BothFilesAsync();
        var aside = whole.Key + BlockRecoder.RecodeSuffix;
        foreach (var (leftover, others) in new (byte[], KeyValuePair<string, byte[]>[])[]
        {
            (whole.Value[..100], [open]),
            (whole.Value, [open]),
            (whole.Value[..100], [whole]),
            (whole.Value, []),
            (whole.Value[..^10], []),
        })
        {
            var storage = new SimulatedStorage();
            storage.Overwrite(aside, leftover);
            foreach (var (path, content) in others)
            {
                storage.Overwrite(path, content);
            }

            await using var rig = await MailboxRig.StartAsync(storage);
            Assert.DoesNotContain(BlockFiles(storage), name => name.EndsWith(BlockRecoder.RecodeSuffix, StringComparison.Ordinal));
            Assert.Equal(Enumerable.Range(0, Events), (await rig.DrainAsync()).Values);
            await rig.AssertAccountsAsync();
        }
    }

    private static async Task<(KeyValuePair<string, byte[]> Open, KeyValuePair<string, byte[]> Sealed)> BothFilesAsync()
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        await FillAsync(rig);
        var open = OpenFile(storage);
        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        return (open, new KeyValuePair<string, byte[]>(ready.Path, storage.Snapshot()[ready.Path]));
    }

    private static async Task FillAsync(MailboxRig rig, int commits = Commits)
    {
        for (var i = 0; i < commits; i++)
        {
            var accepted = await rig.AppendAsync(i * EventsPerCommit, EventsPerCommit, Position with { Sequence = (ulong)i + 1 });
            Assert.Equal(AppendResult.Accepted, accepted);
        }
    }

    private static KeyValuePair<string, byte[]> OpenFile(SimulatedStorage storage) =>
        storage.Snapshot().Single(f => f.Key.EndsWith(BlockName.OpenSuffix, StringComparison.Ordinal));

    private static string[] BlockFiles(SimulatedStorage storage) =>
        [.. storage.Snapshot().Keys.Where(k => Path.GetDirectoryName(k) == MailboxRig.Folder).Select(k => Path.GetFileName(k)!)
            .Where(name => name.StartsWith("mbb_", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static BlockReport Report(SimulatedStorage storage, string path)
    {
        using var file = storage.Open(path, write: false).Value;
        return BlockReport.Create(file).Value;
    }
}
