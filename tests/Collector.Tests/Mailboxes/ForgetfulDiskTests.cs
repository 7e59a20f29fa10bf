using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Disks that keep to themselves what was written and synced, for a moment or for ever (found by the simulation).</summary>
public sealed class ForgetfulDiskTests
{
    [Fact]
    public async Task A_start_that_fails_because_the_disk_gives_nothing_leaves_everything_where_it_is()
    {
        var storage = await KilledAsync();
        storage.Fault = (_, operation, path) => operation switch
        {
            StorageOperation.Open when path.EndsWith(".open", StringComparison.Ordinal) => Errno.InputOutput,
            StorageOperation.Open when path.EndsWith(RemovalBook.FileName, StringComparison.Ordinal) => Errno.AccessDenied,
            _ => null,
        };
        await using (var mailbox = Closed(storage))
        {
            Assert.Equal(Errno.AccessDenied, (await mailbox.OpenAsync(CancellationToken.None))?.Errno);
        }

        storage.KillProcess();
        await using var next = await MailboxRig.StartAsync(storage);
        Assert.Equal([0, 1, 2], await next.ValuesAsync());
    }

    [Fact]
    public async Task A_block_that_could_not_be_read_is_in_the_ledger_also_when_the_start_that_moved_it_aside_came_no_further()
    {
        var storage = await KilledAsync();
        storage.Fault = (_, operation, path) =>
        {
            if (operation == StorageOperation.Rename && path.EndsWith(".open", StringComparison.Ordinal))
            {
                storage.CrashAt = storage.Operations;
            }

            return operation == StorageOperation.Open && path.EndsWith(".open", StringComparison.Ordinal) ? Errno.InputOutput : null;
        };
        await using (var mailbox = Closed(storage))
        {
            await Assert.ThrowsAsync<SimulatedCrashException>(() => mailbox.OpenAsync(CancellationToken.None));
        }

        storage.KillProcess();
        await using (var next = await MailboxRig.StartAsync(storage))
        {
            var (values, losses) = await next.DrainAsync();
            Assert.Empty(values);
            var loss = Assert.Single(losses);
            Assert.Equal((LossReason.Damaged, false), (loss.Reason, loss.IsExact));
            Assert.StartsWith("mbb_", loss.Source, StringComparison.Ordinal);
        }

        // It is said once.
        await using var later = await MailboxRig.StartAsync(storage);
        Assert.Empty((await later.DrainAsync()).Losses);
    }

    [Fact]
    public async Task Entries_of_the_ledger_in_a_block_that_expires_are_not_given_up_because_the_disk_does_not_give_them_for_a_moment()
    {
        var time = new ManualTime();
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage, time, MailboxRig.Options with { Keep = TimeSpan.FromSeconds(100) });
        await rig.AppendAsync(0, 3);
        Assert.Equal(
            AppendResult.Accepted,
            await rig.Mailbox.AppendLossAsync(new LossRecord(LossReason.QueueFull, 0, 0, 7, IsExact: true, 0, 0, 1, "plant", "the queue was full")));
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var path = Assert.Single(await rig.Mailbox.ListAsync(CancellationToken.None)).Path;
        storage.Fault = (_, operation, read) => operation == StorageOperation.Open && read == path ? Errno.InputOutput : null;
        await AdvanceAsync(time, async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble is not null);
        Assert.Equal(3UL, (await rig.Mailbox.StatusAsync(CancellationToken.None)).BacklogEvents);
        storage.Fault = null;
        await AdvanceAsync(time, async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).LostEvents == 3);
        Assert.Null((await rig.AssertAccountsAsync()).Trouble);
        Assert.Equal([LossReason.QueueFull, LossReason.Expired], (await rig.DrainAsync()).Losses.Select(l => l.Reason).Order());
    }

    [Fact]
    public async Task An_entry_that_the_disk_never_gives_again_does_not_keep_a_block_from_expiring_for_ever()
    {
        var time = new ManualTime();
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage, time, MailboxRig.Options with { Keep = TimeSpan.FromSeconds(100) });
        await rig.AppendAsync(0, 3);
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var path = Assert.Single(await rig.Mailbox.ListAsync(CancellationToken.None)).Path;
        storage.Fault = (_, operation, read) => operation == StorageOperation.Open && read == path ? Errno.InputOutput : null;
        await AdvanceAsync(time, async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).LostEvents == 3);
        Assert.Contains("can't be read", Assert.Single((await rig.DrainAsync()).Losses).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_block_that_expires_on_a_bad_place_of_the_disk_is_not_read_each_second()
    {
        var time = new ManualTime();
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage, time, MailboxRig.Options with { Keep = TimeSpan.FromDays(1) });
        await rig.AppendAsync(0, 3);
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var path = Assert.Single(await rig.Mailbox.ListAsync(CancellationToken.None)).Path;
        var reads = 0;
        storage.Fault = (_, operation, read) =>
            operation == StorageOperation.Open && read == path && Interlocked.Increment(ref reads) > 0 ? Errno.InputOutput : null;
        time.Advance(TimeSpan.FromDays(1));
        await AdvanceAsync(time, async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble is not null);
        var (before, start) = (Volatile.Read(ref reads), time.GetTimestamp());
        await AdvanceAsync(time, () => Task.FromResult(Volatile.Read(ref reads) > before));

        // The trouble stays said until then.
        Assert.True(time.GetElapsedTime(start) >= TimeSpan.FromSeconds(50), $"it was read again after {time.GetElapsedTime(start)}");
        Assert.NotNull((await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble);
    }

    [Fact]
    public async Task The_newest_block_that_was_sealed_and_is_cut_off_to_what_looks_as_long_as_a_trailer_says_that_something_is_missing()
    {
        var storage = new SimulatedStorage();
        Core.Blocks.SealedBlock block;
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 2);
            await rig.AppendAsync(2, 50);
            block = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!.Block;
        }

        var path = $"{MailboxRig.Folder}/{block.Name}";
        storage.Overwrite(path, storage.Content(path)![..((int)LastFrameOffset(storage, path) + Core.Blocks.BlockTrailer.FrameBytes)]);
        storage.KillProcess();
        await using var next = await MailboxRig.StartAsync(storage);
        await next.AppendAsync(52, 1);
        var (values, losses) = await next.DrainAsync();
        Assert.InRange(values.Count - 1, 2, 51);
        Assert.Equal([.. Enumerable.Range(0, values.Count - 1), 52], values);
        Assert.Equal((LossReason.Damaged, false), (Assert.Single(losses).Reason, losses[0].IsExact));
        await next.AssertAccountsAsync();
    }

    [Fact]
    public async Task A_block_that_lost_its_header_behind_one_that_vanished_and_one_that_was_delivered_keeps_its_readings()
    {
        var storage = new SimulatedStorage();
        var blocks = new List<ReadyBlock>();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            for (var i = 0; i < 4; i++)
            {
                await rig.AppendAsync(i * 3, 3);
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            }

            blocks.AddRange(await rig.Mailbox.ListAsync(CancellationToken.None));
            Assert.True((await rig.Mailbox.ConfirmAsync(blocks[2].Block.Name, blocks[2].Block.Trailer.Hash, CancellationToken.None)).IsOk);
        }

        Assert.True(storage.Delete(blocks[1].Path).IsOk);
        Assert.True(storage.SyncFolder(MailboxRig.Folder).IsOk);
        Assert.True(storage.Rot(blocks[3].Path, 0, new byte[8]));
        storage.KillProcess();
        await using var next = await MailboxRig.StartAsync(storage);
        var (values, losses) = await next.DrainAsync();
        Assert.Equal([0, 1, 2, 9, 10, 11], values);
        Assert.NotEmpty(losses);
        await next.AssertAccountsAsync();
    }

    [Theory]
    [InlineData(130, 20, 20)]
    [InlineData(250, 16, 19)]
    [InlineData(500, 2, 17)]
    public async Task The_newest_block_that_was_sealed_and_lost_its_end_keeps_what_is_intact_and_says_that_something_is_missing(int badBytes, int least, int most)
    {
        var storage = new SimulatedStorage();
        Core.Blocks.SealedBlock block;
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            for (var i = 0; i < 10; i++)
            {
                await rig.AppendAsync(i * 2, 2, new SourcePosition("plant", 1, (ulong)i + 1));
            }

            block = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!.Block;
        }

        var path = $"{MailboxRig.Folder}/{block.Name}";
        Assert.True(storage.Rot(path, (int)block.LengthBytes - badBytes, new byte[badBytes]));
        storage.KillProcess();
        await using var next = await MailboxRig.StartAsync(storage);
        await next.AppendAsync(20, 1);
        var (values, losses) = await next.DrainAsync();
        Assert.InRange(values.Count - 1, least, most);
        Assert.Equal([.. Enumerable.Range(0, values.Count - 1), 20], values);
        var loss = Assert.Single(losses);
        Assert.Equal((LossReason.Damaged, block.Name.ToString(), false), (loss.Reason, loss.Source, loss.IsExact));
        await next.AssertAccountsAsync();
    }

    [Fact]
    public async Task A_sealed_block_that_lost_its_trailer_alone_stays_the_same_block()
    {
        var storage = new SimulatedStorage();
        Core.Blocks.SealedBlock block;
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 3);
            block = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!.Block;
        }

        Assert.True(storage.Rot($"{MailboxRig.Folder}/{block.Name}", (int)block.LengthBytes - 50, new byte[50]));
        storage.KillProcess();
        await using var next = await MailboxRig.StartAsync(storage);
        Assert.Equal(block.Trailer, Assert.Single(await next.Mailbox.ListAsync(CancellationToken.None)).Block.Trailer);
        Assert.Empty((await next.DrainAsync()).Losses);
    }

    [Fact]
    public async Task A_sealed_block_that_is_found_without_its_end_while_it_is_served_is_in_the_accounts_at_once()
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        for (var i = 0; i < 10; i++)
        {
            await rig.AppendAsync(i * 2, 2);
        }

        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        Assert.True(storage.Rot(ready.Path, (int)ready.Block.LengthBytes - 300, new byte[300]));

        // Whatever the entry in the ledger waits for: the accounts are whole before that.
        storage.Fault = (_, operation, path) =>
            operation is StorageOperation.Write or StorageOperation.Open && path.EndsWith(".open", StringComparison.Ordinal) ? Errno.NoSpace : null;
        Assert.True((await rig.Mailbox.RepairAsync(ready.Block.Name, CancellationToken.None)).IsOk);
        var status = await rig.AssertAccountsAsync();
        Assert.True(status.QuarantinedEvents > 0);
        Assert.Equal(20UL, status.AcceptedEvents);
    }

    /// <summary>A disk with three readings in an open block, whose process was killed.</summary>
    private static async Task<SimulatedStorage> KilledAsync()
    {
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 3);
            storage.CrashAt = storage.Operations;
        }

        storage.KillProcess();
        return storage;
    }

    private static long LastFrameOffset(SimulatedStorage storage, string path)
    {
        using var file = storage.Open(path, write: false).Value;
        var scanner = Core.Blocks.BlockScanner.Open(file).Value;
        var last = 0L;
        while (scanner.Next().Value is { Kind: Core.Blocks.ScanKind.Frame } frame)
        {
            last = frame.Header.EventCount > 0 ? frame.Offset : last;
        }

        return last;
    }

    private static Mailbox Closed(SimulatedStorage storage) =>
        new(storage, new MailboxRig.KeepAside(storage), new ManualTime(), MailboxRig.Options, new ListLogger());

    private static Task AdvanceAsync(ManualTime time, Func<Task<bool>> isDone) => Eventually.TrueAsync(
        () =>
        {
            time.Advance(TimeSpan.FromSeconds(10));
            return isDone();
        },
        "time has come");
}
