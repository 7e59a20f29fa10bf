using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Disks that fail more than once, in the moments in between (found by the simulation).</summary>
public sealed class FailingDiskTests
{
    [Fact]
    public async Task A_start_that_can_not_write_a_copy_sets_no_sound_block_aside()
    {
        var storage = await KilledAsync();
        storage.Fault = (_, operation, path) =>
            operation == StorageOperation.Open && path.EndsWith(".salvage", StringComparison.Ordinal) ? Errno.InputOutput : null;
        await using (var mailbox = Closed(storage, new ManualTime()))
        {
            Assert.NotNull(await mailbox.OpenAsync(CancellationToken.None));
        }

        storage.KillProcess();
        await using var next = await MailboxRig.StartAsync(storage);
        Assert.Equal([0, 1, 2], await next.ValuesAsync());
    }

    [Fact]
    public async Task A_copy_that_was_cut_short_keeps_no_mailbox_from_starting()
    {
        var storage = await KilledAsync();
        storage.Fault = (_, operation, path) =>
        {
            if (operation == StorageOperation.Sync && path.EndsWith(".salvage", StringComparison.Ordinal))
            {
                storage.CrashAt = storage.Operations;
            }

            return null;
        };
        await using (var mailbox = Closed(storage, new ManualTime()))
        {
            await Assert.ThrowsAsync<SimulatedCrashException>(() => mailbox.OpenAsync(CancellationToken.None));
        }

        storage.KillProcess();
        await using var next = await MailboxRig.StartAsync(storage);
        Assert.Equal([0, 1, 2], await next.ValuesAsync());
    }

    [Fact]
    public async Task An_open_block_that_the_disk_does_not_give_is_in_the_ledger()
    {
        var storage = await KilledAsync();
        storage.Fault = (_, operation, path) =>
            operation == StorageOperation.Open && path.EndsWith(".open", StringComparison.Ordinal) ? Errno.InputOutput : null;
        var mailbox = Closed(storage, new ManualTime());
        Assert.Null(await mailbox.OpenAsync(CancellationToken.None));
        storage.Fault = null;
        using var end = new CancellationTokenSource();
        var run = mailbox.RunAsync(end.Token);
        await end.CancelAsync();
        await run;
        await mailbox.DisposeAsync();
        await using var next = await MailboxRig.StartAsync(storage);
        var (values, losses) = await next.DrainAsync();
        Assert.Empty(values);
        var loss = Assert.Single(losses);
        Assert.Equal((LossReason.Damaged, false), (loss.Reason, loss.IsExact));
        Assert.StartsWith("mbb_", loss.Source, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_block_that_is_carried_over_survives_a_power_cut_at_any_moment_whatever_becomes_of_names()
    {
        for (var seed = 0; seed < 12; seed++)
        {
            var storage = new SimulatedStorage { NamesInAnyOrder = true };
            var time = new ManualTime();
            var rig = await MailboxRig.StartAsync(storage, time);
            await rig.AppendAsync(0, 3);
            var isCarried = false;
            storage.Fault = (_, operation, path) =>
            {
                if (operation == StorageOperation.Sync && path.EndsWith(".open", StringComparison.Ordinal) && !isCarried)
                {
                    return Errno.InputOutput;
                }

                // The original is on its way aside, and from now on nothing of names gets to the disk.
                isCarried |= operation == StorageOperation.Rename && path.EndsWith(".open", StringComparison.Ordinal);
                return isCarried && operation is StorageOperation.SyncFolder or StorageOperation.Open ? Errno.InputOutput : null;
            };
            _ = await rig.Mailbox.EnqueueAsync(rig.Batch(3, 3), position: null, CancellationToken.None);
            await Eventually.TrueAsync(
                () =>
                {
                    time.Advance(TimeSpan.FromSeconds(1));
                    return isCarried;
                },
                "the original is moved aside");
            storage.CrashAt = storage.Operations;
            await rig.DisposeAsync();
            storage.Crash(new Random(seed));
            await using var next = await MailboxRig.StartAsync(storage);
            var values = await next.ValuesAsync();
            Assert.True(values.Take(3).SequenceEqual([0, 1, 2]), $"seed {seed}: {string.Join(',', values)}");
        }
    }

    [Fact]
    public async Task Blocks_that_were_begun_in_vain_do_not_hide_where_the_next_one_begins()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        var rig = await MailboxRig.StartAsync(storage, time);
        await rig.AppendAsync(0, 3, new SourcePosition("plc", 1, 1));
        var (syncs, headers) = (0, 0);
        storage.Fault = (_, operation, path) => operation switch
        {
            StorageOperation.Sync when path.EndsWith(".open", StringComparison.Ordinal) => syncs++ == 0 ? Errno.InputOutput : null,

            // Two blocks in a row get no header, and nothing of it can be tidied up.
            StorageOperation.Write when path.EndsWith(".open", StringComparison.Ordinal) && syncs > 0 => headers++ < 2 ? Errno.InputOutput : null,
            StorageOperation.Delete => Errno.InputOutput,
            StorageOperation.Open when path.EndsWith(".salvage", StringComparison.Ordinal) => Errno.InputOutput,
            _ => null,
        };
        var append = rig.AppendAsync(3, 3, new SourcePosition("plc", 1, 2));
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(500));
                return append.IsCompleted;
            },
            "the append is durable in a third block");
        Assert.True(headers > 2, "two blocks were begun in vain");
        storage.CrashAt = storage.Operations;
        await rig.DisposeAsync();
        storage.KillProcess();
        await using var next = await MailboxRig.StartAsync(storage);
        Assert.Equal(Enumerable.Range(0, 6), await next.ValuesAsync());
        await next.AssertAccountsAsync();
    }

    [Fact]
    public async Task What_vanished_counts_as_lost_from_the_start_on()
    {
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 3);
            Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            await rig.AppendAsync(3, 3);
            Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            Assert.True(storage.Delete((await rig.Mailbox.ListAsync(CancellationToken.None))[0].Path).IsOk);
        }

        // Nothing runs yet, so the entry in the ledger is on its way.
        await using var mailbox = Closed(storage, new ManualTime());
        Assert.Null(await mailbox.OpenAsync(CancellationToken.None));
        var status = await mailbox.StatusAsync(CancellationToken.None);
        Assert.Equal((6UL, 3UL, 3UL), (status.AcceptedEvents, status.BacklogEvents, status.LostEvents));
    }

    [Fact]
    public async Task Entries_of_the_ledger_wait_for_whoever_fetches_them_and_do_not_go_round_in_circles()
    {
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(
            new SimulatedStorage(), time, MailboxRig.Options with { Keep = TimeSpan.FromSeconds(100) });
        await rig.AppendAsync(0, 3);
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        await AdvanceAsync(time, async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).LostEvents == 3);
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var before = Assert.Single(await rig.Mailbox.ListAsync(CancellationToken.None));
        var until = time.GetUtcNow() + TimeSpan.FromSeconds(500);
        await AdvanceAsync(time, () => Task.FromResult(time.GetUtcNow() >= until));
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        Assert.Equal(before.Block.Name, Assert.Single(await rig.Mailbox.ListAsync(CancellationToken.None)).Block.Name);
        Assert.Equal(LossReason.Expired, Assert.Single((await rig.DrainAsync()).Losses).Reason);
    }

    [Fact]
    public async Task What_the_housekeeping_can_not_do_is_said_once_however_many_readings_come()
    {
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(
            new SimulatedStorage(), time, MailboxRig.Options with { Keep = TimeSpan.FromSeconds(100), BlockTtl = TimeSpan.FromHours(1) });
        await rig.Mailbox.AppendLossAsync(new LossRecord(LossReason.SourceOverflow, 0, 0, 7, IsExact: true, 1, 2, 3, "plc", "its queue"));
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var path = Assert.Single(await rig.Mailbox.ListAsync(CancellationToken.None)).Path;
        var looks = 0;
        rig.Storage.Fault = (_, operation, p) => operation == StorageOperation.Open && p == path && Interlocked.Increment(ref looks) > 0 ? Errno.InputOutput : null;
        for (var i = 0; i < 5; i++)
        {
            var before = Volatile.Read(ref looks);
            await AdvanceAsync(time, () => Task.FromResult(Volatile.Read(ref looks) > before && time.PendingTimers > 0));
            await rig.AppendAsync(i, 1);
        }

        Assert.Contains("looked at again", (await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble, StringComparison.Ordinal);
        Assert.Single(rig.Log.Lines, l => l.Text.Contains("looked at again", StringComparison.Ordinal));

        // It ends where the housekeeping finds nothing any more.
        rig.Storage.Fault = null;
        await AdvanceAsync(time, async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble is null);
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

    private static Mailbox Closed(SimulatedStorage storage, ManualTime time) =>
        new(storage, new MailboxRig.KeepAside(storage), time, MailboxRig.Options, new ListLogger());

    private static Task AdvanceAsync(ManualTime time, Func<Task<bool>> isDone) => Eventually.TrueAsync(
        () =>
        {
            time.Advance(TimeSpan.FromSeconds(10));
            return isDone();
        },
        "time has come");
}
