using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

public sealed class MailboxTests
{
    [Fact]
    public async Task What_was_accepted_is_in_the_blocks_in_order()
    {
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(AppendResult.Accepted, await rig.AppendAsync(i * 5, 5));
        }

        Assert.Equal(Enumerable.Range(0, 50), await rig.ValuesAsync());
        var status = await rig.AssertAccountsAsync();
        Assert.Equal((50UL, 50UL), (status.AcceptedEvents, status.BacklogEvents));
    }

    [Fact]
    public async Task Appends_that_wait_together_share_one_sync()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(storage, time, MailboxRig.Options with { Durability = Durability.Group });
        var syncsBefore = storage.FileSyncs;
        var appends = Enumerable.Range(0, 50).Select(i => rig.AppendAsync(i, 1)).ToArray();
        Assert.DoesNotContain(appends, a => a.IsCompleted);
        await Eventually.TrueAsync(() => time.PendingTimers >= 2, "the committer waits for company");
        time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.All(await Task.WhenAll(appends), r => Assert.Equal(AppendResult.Accepted, r));
        Assert.Equal(1, storage.FileSyncs - syncsBefore);
    }

    [Fact]
    public async Task A_block_is_closed_by_size_and_by_age()
    {
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(
            new SimulatedStorage(), time, MailboxRig.Options with { MaxBlockBytes = 2000, BlockTtl = TimeSpan.FromSeconds(60), Coding = BlockCoding.Rows });
        for (var i = 0; i < 40; i++)
        {
            await rig.AppendAsync(i * 20, 20);
        }

        var bySize = await rig.Mailbox.ListAsync(CancellationToken.None);
        Assert.InRange(bySize.Count, 2, 10);
        Assert.All(bySize, b => Assert.InRange(b.Block.LengthBytes, 2000, 3000));
        for (var second = 0; second < 61; second++)
        {
            await Eventually.TrueAsync(() => time.PendingTimers > 0, "housekeeping waits");
            time.Advance(TimeSpan.FromSeconds(1));
        }

        await Eventually.TrueAsync(
            async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).BacklogBlocks
                == (await rig.Mailbox.ListAsync(CancellationToken.None)).Count,
            "the open block is closed by age");
        var blocks = await rig.Mailbox.ListAsync(CancellationToken.None);
        Assert.Equal(bySize.Count + 1, blocks.Count);
        Assert.Equal(Enumerable.Range(1, blocks.Count).Select(i => (ulong)i), blocks.Select(b => b.Block.Header.Index));
        Assert.Equal(blocks.Select(b => b.Block.Name.UnixSeconds).Distinct().Order(), blocks.Select(b => b.Block.Name.UnixSeconds));
    }

    [Fact]
    public async Task A_block_leaves_only_with_the_hash_of_its_content()
    {
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        await rig.AppendAsync(0, 3);
        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        Assert.True(ready.IsLast);
        var name = ready.Block.Name;
        Assert.Equal(RemoveResult.WrongHash, (await rig.Mailbox.ConfirmAsync(name, new BlockHash(new byte[32]), CancellationToken.None)).Value);
        Assert.Single(await rig.Mailbox.ListAsync(CancellationToken.None));
        Assert.Equal(RemoveResult.Removed, (await rig.Mailbox.ConfirmAsync(name, ready.Block.Trailer.Hash, CancellationToken.None)).Value);
        Assert.Equal(RemoveResult.NotFound, (await rig.Mailbox.ConfirmAsync(name, ready.Block.Trailer.Hash, CancellationToken.None)).Value);
        Assert.DoesNotContain(rig.Storage.Snapshot().Keys, k => k.Contains("mbb_", StringComparison.Ordinal));
        Assert.Equal(3UL, (await rig.AssertAccountsAsync()).DeliveredEvents);
    }

    [Fact]
    public async Task Numbers_go_on_after_everything_was_delivered_and_the_service_restarted()
    {
        var storage = new SimulatedStorage();
        string stream;
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 4);
            await rig.DrainAsync();
            stream = (await rig.AssertAccountsAsync()).Stream;
            await rig.StopAsync();
        }

        storage.KillProcess();
        await using var again = await MailboxRig.StartAsync(storage);
        await again.AppendAsync(4, 2);
        var ready = (await again.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        Assert.Equal((2UL, 5UL), (ready.Block.Header.Index, ready.Block.Header.FirstSequence));
        Assert.Equal(stream, ready.Block.Header.Stream.ToString());
        Assert.Equal(6UL, (await again.AssertAccountsAsync()).AcceptedEvents);
    }

    [Fact]
    public async Task A_notification_that_the_source_sends_again_is_not_accepted_twice()
    {
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            Assert.Equal(AppendResult.Accepted, await rig.AppendAsync(0, 3, new SourcePosition("plc", 77, 1)));
            Assert.Equal(AppendResult.Accepted, await rig.AppendAsync(3, 3, new SourcePosition("plc", 77, 2)));
            Assert.Equal(AppendResult.Accepted, await rig.AppendAsync(3, 3, new SourcePosition("plc", 77, 2)));
            storage.KillProcess();
        }

        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            // The same after a crash, also when everything was delivered in between, and once more after that.
            await rig.AppendAsync(3, 3, new SourcePosition("plc", 77, 2));
            Assert.Equal(Enumerable.Range(0, 6), (await rig.DrainAsync()).Values);
            storage.KillProcess();
        }

        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(3, 3, new SourcePosition("plc", 77, 2));
            await rig.AppendAsync(6, 1, new SourcePosition("plc", 77, 3));
            // Another subscription counts anew.
            await rig.AppendAsync(7, 1, new SourcePosition("plc", 78, 1));
            Assert.Equal([6, 7], (await rig.DrainAsync()).Values);
            await rig.AssertAccountsAsync();
        }
    }

    [Fact]
    public async Task A_block_that_nobody_fetched_in_time_goes_with_an_entry_in_the_ledger()
    {
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(
            new SimulatedStorage(), time, MailboxRig.Options with { Keep = TimeSpan.FromSeconds(100) });
        await rig.AppendAsync(0, 3);
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        await rig.AppendAsync(3, 2);
        await AdvanceUntilAsync(time, async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).LostEvents == 3);
        var status = await rig.AssertAccountsAsync();
        Assert.Equal((5UL, 2UL), (status.AcceptedEvents, status.BacklogEvents));
        var (values, losses) = await rig.DrainAsync();
        Assert.Equal([3, 4], values);
        var loss = Assert.Single(losses);
        Assert.Equal((LossReason.Expired, 1UL, 3UL, 3UL, true), (loss.Reason, loss.FirstSequence, loss.LastSequence, loss.Count, loss.IsExact));
    }

    [Fact]
    public async Task An_operator_who_deletes_a_block_leaves_an_entry_in_the_ledger()
    {
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        await rig.AppendAsync(0, 3);
        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        Assert.Equal(RemoveResult.Removed, (await rig.Mailbox.DeleteAsync(ready.Block.Name, CancellationToken.None)).Value);
        Assert.Equal(3UL, (await rig.AssertAccountsAsync()).LostEvents);
        await rig.AppendAsync(3, 1);
        var (values, losses) = await rig.DrainAsync();
        Assert.Equal([3], values);
        Assert.Equal(LossReason.Deleted, Assert.Single(losses).Reason);
    }

    [Fact]
    public async Task Entries_of_the_ledger_in_a_block_that_is_given_up_are_carried_over()
    {
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        for (var i = 0; i < 3; i++)
        {
            await rig.AppendAsync(i, 1);
            var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
            Assert.Equal(RemoveResult.Removed, (await rig.Mailbox.DeleteAsync(ready.Block.Name, CancellationToken.None)).Value);
        }

        // The last block holds no event, only the entries of all three: it is fetched like any other.
        var (values, losses) = await rig.DrainAsync();
        Assert.Empty(values);
        Assert.Equal([1UL, 2UL, 3UL], losses.Select(l => l.FirstSequence));
        Assert.Equal(3UL, (await rig.AssertAccountsAsync()).LossesByReason[nameof(LossReason.Deleted)]);
    }

    [Fact]
    public async Task A_full_disk_holds_the_source_and_space_lets_it_go_on()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(storage, time);
        await rig.AppendAsync(0, 3);
        storage.Fault = (_, operation, _) => operation is StorageOperation.Write or StorageOperation.Open ? Errno.NoSpace : null;
        var append = rig.AppendAsync(3, 3);
        await Eventually.TrueAsync(
            async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble is { } t && t.Contains("free space", StringComparison.Ordinal),
            "the mailbox says that the disk is full");
        Assert.False(append.IsCompleted);
        Assert.Equal(3UL, (await rig.AssertAccountsAsync()).AcceptedEvents);
        storage.Fault = null;
        await AdvanceUntilAsync(time, () => Task.FromResult(append.IsCompleted));
        Assert.Equal(AppendResult.Accepted, await append);
        Assert.Null((await rig.AssertAccountsAsync()).Trouble);
        Assert.Equal(Enumerable.Range(0, 6), await rig.ValuesAsync());
    }

    [Fact]
    public async Task The_last_of_the_disk_is_kept_free_so_that_delivered_blocks_can_be_booked_out()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(storage, time);
        await rig.AppendAsync(0, 3);
        storage.Free = MailboxRig.Options.MaxBlockBytes;
        var append = rig.AppendAsync(3, 3);
        await Eventually.TrueAsync(
            async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble is { } t && t.Contains("free space", StringComparison.Ordinal),
            "the mailbox says that the disk is full");
        Assert.False(append.IsCompleted);
        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        Assert.Equal(RemoveResult.Removed, (await rig.Mailbox.ConfirmAsync(ready.Block.Name, ready.Block.Trailer.Hash, CancellationToken.None)).Value);
        storage.Free = long.MaxValue;
        await AdvanceUntilAsync(time, () => Task.FromResult(append.IsCompleted));
        Assert.Equal(AppendResult.Accepted, await append);
        Assert.Equal([3, 4, 5], await rig.ValuesAsync());
    }

    [Fact]
    public async Task Too_much_waiting_for_the_disk_makes_the_source_wait()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(storage, time, MailboxRig.Options with { MaxPendingBytes = 2000 });
        storage.Fault = (_, operation, _) => operation is StorageOperation.Write or StorageOperation.Open ? Errno.NoSpace : null;
        var enqueued = 0;
        var feeding = FeedAsync();
        await Eventually.TrueAsync(() => time.PendingTimers >= 2 && Volatile.Read(ref enqueued) > 0, "the committer waits to try again");
        Assert.InRange(Volatile.Read(ref enqueued), 1, 50);
        Assert.False(feeding.IsCompleted);
        storage.Fault = null;
        await AdvanceUntilAsync(time, () => Task.FromResult(feeding.IsCompleted));
        await feeding;
        Assert.Equal(Enumerable.Range(0, 1000), await rig.ValuesAsync());

        async Task FeedAsync()
        {
            var all = new List<Task<AppendResult>>();
            for (var i = 0; i < 100; i++)
            {
                all.Add(await rig.Mailbox.EnqueueAsync(rig.Batch(i * 10, 10), null, CancellationToken.None));
                Interlocked.Increment(ref enqueued);
            }

            Assert.All(await Task.WhenAll(all), r => Assert.Equal(AppendResult.Accepted, r));
        }
    }

    [Fact]
    public async Task After_a_failed_sync_the_file_is_never_written_again_and_nothing_is_lost()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(storage, time);
        await rig.AppendAsync(0, 3);
        var failed = 0;
        string? dead = null;
        storage.Fault = (_, operation, path) =>
        {
            if (operation == StorageOperation.Sync && failed++ == 0)
            {
                dead = path;
                return Errno.InputOutput;
            }

            Assert.False(operation == StorageOperation.Write && path == dead, "the dead file was written to");
            return null;
        };
        var append = rig.AppendAsync(3, 3);
        await AdvanceUntilAsync(time, () => Task.FromResult(append.IsCompleted));
        await AdvanceUntilAsync(time, async () => (await rig.Mailbox.ListAsync(CancellationToken.None)).Count == 1);
        storage.Fault = null;
        Assert.Equal(Enumerable.Range(0, 6), await rig.ValuesAsync());
        await rig.AssertAccountsAsync();

        // Power goes: the re-written data is really on disk.
        await rig.StopAsync();
        storage.Crash(new Random(5));
        await using var again = await MailboxRig.StartAsync(storage);
        Assert.Equal(Enumerable.Range(0, 6), await again.ValuesAsync());
    }

    [Fact]
    public async Task A_clock_that_is_set_after_the_start_makes_no_block_too_old()
    {
        var storage = new SimulatedStorage();
        var options = MailboxRig.Options with { Keep = TimeSpan.FromSeconds(100) };
        var time = new ManualTime(DateTimeOffset.UnixEpoch.AddSeconds(50));
        await using (var rig = await MailboxRig.StartAsync(storage, time, options))
        {
            await rig.AppendAsync(0, 3);
            Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            await Eventually.TrueAsync(() => time.PendingTimers > 0, "housekeeping waits");
            time.StepWallClock(TimeSpan.FromDays(20_000));
            time.Advance(TimeSpan.FromSeconds(1));
            await Eventually.TrueAsync(() => time.PendingTimers > 0, "housekeeping has looked");
            Assert.Equal(0UL, (await rig.AssertAccountsAsync()).LostEvents);
            await rig.StopAsync();
        }

        storage.KillProcess();
        await using var again = await MailboxRig.StartAsync(storage, time, options);
        await Eventually.TrueAsync(() => time.PendingTimers > 0, "housekeeping waits");
        time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.TrueAsync(() => time.PendingTimers > 0, "housekeeping has looked");
        Assert.Equal(0UL, (await again.AssertAccountsAsync()).LostEvents);
        Assert.Equal([0, 1, 2], await again.ValuesAsync());

        // Kept for a time by the clock that does not step, all the same.
        await AdvanceUntilAsync(time, async () => (await again.AssertAccountsAsync()).LostEvents == 3);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_clock_that_is_far_ahead_at_the_start_makes_no_block_too_old_when_it_is_set_in_time(bool isSet)
    {
        var storage = new SimulatedStorage();
        var options = RelayRig.Options with { Keep = TimeSpan.FromDays(1) };
        var time = new ManualTime();
        await using (var rig = await MailboxRig.StartAsync(storage, time, options))
        {
            await rig.HandOverAsync((await RelayRig.CollectAsync(1))[0]);
            await rig.AppendAsync(0, 3);
            await rig.StopAsync();
        }

        storage.KillProcess();
        time.StepWallClock(TimeSpan.FromDays(4000));
        await using var again = await MailboxRig.StartAsync(storage, time, options);
        await LookAsync(TimeSpan.FromMinutes(9));
        Assert.Equal((0UL, 0UL), ((await again.AssertAccountsAsync()).LostEvents, (await again.RelayBooksAsync()).LostEvents));
        time.StepWallClock(isSet ? TimeSpan.FromDays(-4000) : TimeSpan.Zero);
        await LookAsync(TimeSpan.FromMinutes(2));
        if (isSet)
        {
            Assert.Equal((0UL, 0UL), ((await again.AssertAccountsAsync()).LostEvents, (await again.RelayBooksAsync()).LostEvents));
            time.Advance(TimeSpan.FromDays(1));
        }

        await AdvanceUntilAsync(
            time, async () => (await again.AssertAccountsAsync()).LostEvents == 3 && (await again.RelayBooksAsync()).LostEvents == 10);

        async Task LookAsync(TimeSpan later)
        {
            for (var i = 0; i < 2; i++)
            {
                await Eventually.TrueAsync(() => time.PendingTimers > 0, "housekeeping waits");
                time.Advance(later / 2);
            }

            await Eventually.TrueAsync(() => time.PendingTimers > 0, "housekeeping has looked");
        }
    }

    [Fact]
    public async Task A_second_opener_is_refused_while_the_first_lives()
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        await using var second = new Mailbox(
            storage, new MailboxRig.KeepAside(storage), rig.Time, MailboxRig.Options, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var error = await second.OpenAsync(CancellationToken.None);
        Assert.Equal(Errno.WouldBlock, error!.Errno);
    }

    [Fact]
    public async Task A_block_damaged_on_disk_is_repaired_when_asked_for_and_its_hole_is_accounted_for()
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        for (var i = 0; i < 5; i++)
        {
            await rig.AppendAsync(i * 2, 2);
        }

        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        var bytes = storage.Snapshot()[ready.Path];
        bytes[bytes.Length / 2] ^= 0xFF;
        storage.Overwrite(ready.Path, bytes);
        var repaired = (await rig.Mailbox.RepairAsync(ready.Block.Name, CancellationToken.None)).Value!;
        Assert.Equal(8UL, repaired.Block.Trailer.EventCount);
        var status = await rig.AssertAccountsAsync();
        Assert.Equal((10UL, 2UL), (status.AcceptedEvents, status.QuarantinedEvents));
        Assert.Contains("damaged", status.Trouble, StringComparison.Ordinal);
        Assert.Contains(storage.Snapshot().Keys, k => k.StartsWith("/spool/quarantine/", StringComparison.Ordinal));
        var (values, losses) = await rig.DrainAsync();
        Assert.Equal(8, values.Count);
        Assert.Equal((LossReason.Damaged, 2UL), (Assert.Single(losses).Reason, losses[0].Count));
        Assert.Equal(2UL, (await rig.AssertAccountsAsync()).QuarantinedEvents);
    }

    [Fact]
    public async Task A_block_whose_file_vanished_is_entered_into_the_ledger_at_the_next_start()
    {
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            for (var i = 0; i < 3; i++)
            {
                await rig.AppendAsync(i * 2, 2);
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            }

            var second = (await rig.Mailbox.ListAsync(CancellationToken.None))[1];
            await rig.StopAsync();
            Assert.True(storage.Delete(second.Path).IsOk);
            storage.KillProcess();
        }

        await using var again = await MailboxRig.StartAsync(storage);
        await again.AppendAsync(6, 1);
        var (values, losses) = await again.DrainAsync();
        Assert.Equal([0, 1, 4, 5, 6], values);
        Assert.Equal((3UL, 4UL), (Assert.Single(losses).FirstSequence, losses[0].LastSequence));
        Assert.Equal(2UL, (await again.AssertAccountsAsync()).LostEvents);
    }

    [Fact]
    public async Task A_disabled_mailbox_takes_nothing_and_says_so()
    {
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: MailboxRig.Options with { AutoEnabled = false });
        Assert.Equal(AppendResult.Disabled, await rig.AppendAsync(0, 3));
        rig.Mailbox.Enabled = true;
        Assert.Equal(AppendResult.Accepted, await rig.AppendAsync(3, 3));
        Assert.Equal([3, 4, 5], await rig.ValuesAsync());
    }

    private static async Task AdvanceUntilAsync(ManualTime time, Func<Task<bool>> condition)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                if (await condition())
                {
                    return true;
                }

                time.Advance(TimeSpan.FromSeconds(1));
                return false;
            },
            "the condition holds while time passes");
    }
}
