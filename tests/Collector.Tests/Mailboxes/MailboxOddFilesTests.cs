using System.Text;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Whatever lies in a spool, the mailbox starts, and what it can't use is in the books.</summary>
public sealed class MailboxOddFilesTests
{
    [Theory]
    [InlineData("mbb_9223372036854775807")]
    [InlineData("mbb_99999999999")]
    [InlineData("mbb_9223372035")]
    [InlineData("mbb_9223372035.open")]
    [InlineData("mbb_1.salvage")]
    [InlineData("mbb_0")]
    public async Task A_file_with_a_wild_name_keeps_no_mailbox_from_starting_and_what_comes_after_it_survives(string name)
    {
        var storage = new SimulatedStorage();
        storage.Overwrite($"{MailboxRig.Folder}/{name}", Encoding.ASCII.GetBytes("this is no block at all, but long enough to look at"));
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 3);
            await rig.StopAsync();
        }

        storage.KillProcess();
        await using var again = await MailboxRig.StartAsync(storage);
        await again.AppendAsync(3, 3);
        Assert.Equal(Enumerable.Range(0, 6), await again.ValuesAsync());
        await again.AssertAccountsAsync();
    }

    [Theory]
    [InlineData(StorageOperation.Open, Errno.NotFound)]
    [InlineData(StorageOperation.Open, Errno.TooManyLinks)]
    [InlineData(StorageOperation.Read, Errno.InputOutput)]
    public async Task A_block_that_the_disk_does_not_give_any_more_is_set_aside_and_in_the_ledger(StorageOperation operation, int errno)
    {
        var storage = new SimulatedStorage();
        string bad;
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            for (var i = 0; i < 3; i++)
            {
                await rig.AppendAsync(i * 2, 2);
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            }

            bad = (await rig.Mailbox.ListAsync(CancellationToken.None))[1].Path;
            await rig.StopAsync();
        }

        storage.KillProcess();
        storage.Fault = (_, o, path) => o == operation && path == bad ? errno : null;
        await using var again = await MailboxRig.StartAsync(storage);
        Assert.Contains(storage.Snapshot().Keys, k => k.StartsWith("/spool/quarantine/", StringComparison.Ordinal));
        await again.AppendAsync(6, 1);
        var (values, losses) = await again.DrainAsync();
        Assert.Equal([0, 1, 4, 5, 6], values);
        Assert.Equal((LossReason.Damaged, 3UL, 4UL), (Assert.Single(losses).Reason, losses[0].FirstSequence, losses[0].LastSequence));
        Assert.NotNull((await again.AssertAccountsAsync()).Trouble);
    }

    [Fact]
    public async Task What_a_start_found_is_in_the_ledger_also_where_the_relayed_blocks_could_not_be_listed_at_once()
    {
        var storage = new SimulatedStorage();
        string bad;
        await using (var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options))
        {
            await rig.AppendAsync(0, 2);
            bad = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!.Path;
            await rig.StopAsync();
        }

        storage.KillProcess();
        var lists = 0;
        storage.Fault = (_, o, path) => path == bad && o == StorageOperation.Read ? Errno.InputOutput
            : o == StorageOperation.List && path.EndsWith("/relay", StringComparison.Ordinal) && lists++ == 0 ? Errno.NoSpace
            : null;
        await using var again = await MailboxRig.StartAsync(storage, options: RelayRig.Options, attempts: 2);
        Assert.Equal(2, lists);
        storage.Fault = null;
        await again.AppendAsync(2, 1);
        var (values, losses) = await again.DrainAsync();
        Assert.Equal([2], values);
        Assert.Equal((LossReason.Damaged, Path.GetFileName(bad)), (Assert.Single(losses, l => !l.IsExact).Reason, losses.First(l => !l.IsExact).Source));
    }

    [Fact]
    public async Task Two_files_of_one_block_that_the_disk_does_not_give_any_more_keep_no_mailbox_from_starting()
    {
        var storage = new SimulatedStorage();
        string bad;
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            for (var i = 0; i < 3; i++)
            {
                await rig.AppendAsync(i * 2, 2);
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            }

            bad = (await rig.Mailbox.ListAsync(CancellationToken.None))[1].Path;
            await rig.StopAsync();
        }

        storage.KillProcess();

        // As a crash leaves it between giving the re-coded file its name and deleting the old one.
        storage.Overwrite(bad + ".open", storage.Snapshot()[bad]);
        storage.Fault = (_, o, path) => o == StorageOperation.Read && path.StartsWith(bad, StringComparison.Ordinal) ? Errno.InputOutput : null;
        await using var again = await MailboxRig.StartAsync(storage);
        Assert.Equal(2, storage.Snapshot().Keys.Count(k => k.StartsWith("/spool/quarantine/mbb_", StringComparison.Ordinal) && !k.EndsWith(".json", StringComparison.Ordinal)));
        await again.AppendAsync(6, 1);
        var (values, losses) = await again.DrainAsync();
        Assert.Equal([0, 1, 4, 5, 6], values);
        Assert.Equal((LossReason.Damaged, 3UL, 4UL), (Assert.Single(losses).Reason, losses[0].FirstSequence, losses[0].LastSequence));
    }

    [Fact]
    public async Task The_newest_block_turned_to_garbage_is_in_the_ledger_and_its_number_is_not_given_again()
    {
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            for (var i = 0; i < 2; i++)
            {
                await rig.AppendAsync(i * 2, 2);
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            }

            var newest = (await rig.Mailbox.ListAsync(CancellationToken.None))[1];
            await rig.StopAsync();
            storage.Overwrite(newest.Path, new byte[newest.Block.LengthBytes]);
        }

        storage.KillProcess();
        await using var again = await MailboxRig.StartAsync(storage);
        Assert.NotNull((await again.AssertAccountsAsync()).Trouble);
        await again.AppendAsync(4, 1);
        Assert.True((await again.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        Assert.Equal([1UL, 3UL], (await again.Mailbox.ListAsync(CancellationToken.None)).Select(b => b.Block.Header.Index));
        var (values, losses) = await again.DrainAsync();
        Assert.Equal([0, 1, 4], values);
        Assert.Equal((LossReason.Damaged, false), (Assert.Single(losses).Reason, losses[0].IsExact));
        await again.AssertAccountsAsync();
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_newest_block_that_cannot_be_read_is_in_the_ledger_also_where_the_start_is_cut_short(bool isGarbage, bool isKilled)
    {
        var storage = new SimulatedStorage();
        string bad;
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 2);
            var first = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
            await rig.Mailbox.ConfirmAsync(first.Block.Name, first.Block.Trailer.Hash, CancellationToken.None);
            await rig.AppendAsync(2, 2);
            var newest = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
            bad = newest.Path;
            await rig.StopAsync();
            if (isGarbage)
            {
                storage.Overwrite(bad, new byte[newest.Block.LengthBytes]);
            }
        }

        storage.KillProcess();
        var failures = 0;
        storage.Fault = (_, operation, path) =>
            operation == StorageOperation.Read && path == bad && !isGarbage ? Errno.InputOutput
            : !isKilled && operation == StorageOperation.Open && path.EndsWith("mailbox.hours", StringComparison.Ordinal) && failures++ == 0 ? Errno.TooManyFiles
            : null;
        if (isKilled)
        {
            await using var cutShort = new Mailbox(storage, new MailboxRig.KeepAside(storage), new ManualTime(), MailboxRig.Options, new ListLogger());
            Assert.Null(await cutShort.OpenAsync(CancellationToken.None));
            Assert.DoesNotContain(bad, storage.Paths());
            storage.Crash(new Random(1));
        }

        await using (var again = await MailboxRig.StartAsync(storage, attempts: isKilled ? 1 : 2))
        {
            Assert.Equal(isKilled ? 0 : 1, Math.Min(failures, 1));
            storage.Fault = null;
            await again.AppendAsync(4, 1);
            var ready = (await again.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
            Assert.InRange(ready.Block.Header.Index, 3UL, ulong.MaxValue);
            var (values, losses) = await again.DrainAsync();
            Assert.Equal([4], values);
            Assert.Equal((LossReason.Damaged, false, Path.GetFileName(bad)), (Assert.Single(losses).Reason, losses[0].IsExact, losses[0].Source));
            await again.StopAsync();
        }

        // Once.
        storage.KillProcess();
        await using var last = await MailboxRig.StartAsync(storage);
        await last.AppendAsync(5, 1);
        Assert.Empty((await last.DrainAsync()).Losses);
    }

    [Fact]
    public async Task Books_longer_than_any_can_be_are_set_aside()
    {
        var storage = new SimulatedStorage();
        storage.Overwrite($"{MailboxRig.Folder}/mailbox.state", new byte[(16 * 1024 * 1024) + 1]);
        await using var rig = await MailboxRig.StartAsync(storage);
        await rig.AppendAsync(0, 1);
        Assert.Equal([0], await rig.ValuesAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    [InlineData(600)]
    public async Task A_sealed_block_that_was_cut_off_is_in_the_ledger_at_once_with_what_is_gone(int length)
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        for (var i = 0; i < 10; i++)
        {
            await rig.AppendAsync(i * 2, 2);
        }

        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        Assert.True(ready.Block.LengthBytes > 700);
        storage.Overwrite(ready.Path, storage.Snapshot()[ready.Path][..length]);
        var repaired = await rig.Mailbox.RepairAsync(ready.Block.Name, CancellationToken.None);
        Assert.True(repaired.IsOk);
        await rig.AssertAccountsAsync();
        var (values, losses) = await rig.DrainAsync();
        Assert.Equal(Enumerable.Range(0, values.Count), values);
        var loss = Assert.Single(losses);
        Assert.Equal(
            (LossReason.Damaged, (ulong)values.Count + 1, 20UL, (ulong)(20 - values.Count)),
            (loss.Reason, loss.FirstSequence, loss.LastSequence, loss.Count));
        var status = await rig.AssertAccountsAsync();
        Assert.Equal((ulong)(20 - values.Count), status.LostEvents + status.QuarantinedEvents);
        await rig.StopAsync();

        // It is booked: the next start does not find it once more.
        storage.KillProcess();
        await using var again = await MailboxRig.StartAsync(storage);
        await again.AppendAsync(20, 1);
        Assert.Empty((await again.DrainAsync()).Losses);
        var after = await again.AssertAccountsAsync();
        Assert.Equal((status.LostEvents, status.QuarantinedEvents), (after.LostEvents, after.QuarantinedEvents));
    }

    [Fact]
    public async Task A_block_that_was_cut_off_says_so_itself_and_waits_for_no_other_block()
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        for (var i = 0; i < 10; i++)
        {
            await rig.AppendAsync(i * 2, 2);
        }

        var ready = (await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
        storage.Overwrite(ready.Path, storage.Snapshot()[ready.Path][..600]);
        storage.Fault = (_, operation, path) =>
            operation == StorageOperation.Write && path.EndsWith(".open", StringComparison.Ordinal) ? Errno.NoSpace : null;
        Assert.True((await rig.Mailbox.RepairAsync(ready.Block.Name, CancellationToken.None)).IsOk);
        var lost = (await rig.AssertAccountsAsync()).QuarantinedEvents;
        Assert.InRange(lost, 1UL, 19UL);

        storage.Fault = null;
        Assert.Equal(lost, Assert.Single((await rig.DrainAsync()).Losses).Count);

        // The next start does not find it once more.
        await rig.StopAsync();
        storage.KillProcess();
        await using var again = await MailboxRig.StartAsync(storage);
        await again.AppendAsync(20, 1);
        Assert.Empty((await again.DrainAsync()).Losses);
        Assert.Equal(lost, (await again.AssertAccountsAsync()).QuarantinedEvents);
    }

    [Fact]
    public async Task A_block_that_could_not_be_begun_is_never_taken_for_the_one_that_was()
    {
        var storage = new SimulatedStorage();
        var afterCrash = new SimulatedStorage();
        var time = new ManualTime();
        await using (var rig = await MailboxRig.StartAsync(storage, time))
        {
            await rig.AppendAsync(0, 1, new SourcePosition("plant", 1, 1));
            Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);

            // The positions at the beginning of the next block reach the file, and the disk says that they did not.
            var writes = 0;
            storage.Fault = (_, operation, path) =>
                operation == StorageOperation.Write && path.EndsWith(".open", StringComparison.Ordinal) && ++writes == 2 ? Errno.NoSpace : null;
            var append = rig.AppendAsync(1, 2);
            await Eventually.TrueAsync(() => writes >= 2, "the disk was full once");
            var begun = storage.Snapshot().Single(f => f.Key.EndsWith(".open", StringComparison.Ordinal));
            var first = storage.Snapshot().Single(f => f.Key.Contains("mbb_", StringComparison.Ordinal) && f.Key != begun.Key);
            storage.Fault = null;
            await Eventually.TrueAsync(
                () =>
                {
                    time.Advance(TimeSpan.FromMilliseconds(1));
                    return Task.FromResult(append.IsCompleted);
                },
                "the append goes on");
            Assert.Equal(AppendResult.Accepted, await append);

            // The process dies now, and of what the disk refused a whole frame is there.
            Assert.True(FrameHeader.TryRead(first.Value.AsSpan(first.Value.AsSpan().IndexOf(FrameHeader.Magic)), out var header));
            var position = new ByteWriter();
            new SourcePosition("plant", 1, 1).AppendFrame(position, header.StreamTag, 2);
            FrameHeader.MarkCommitEnd(position.Patch(0, FrameHeader.SizeBytes));
            foreach (var (path, content) in storage.Snapshot())
            {
                afterCrash.Overwrite(path, content);
            }

            afterCrash.Overwrite(begun.Key, [.. begun.Value, .. position.Written]);
        }

        await using var again = await MailboxRig.StartAsync(afterCrash);
        Assert.Equal([0, 1, 2], await again.ValuesAsync());
        await again.AssertAccountsAsync();
    }

    [Fact]
    public async Task Carrying_over_a_block_goes_on_where_the_disk_failed_once_more()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(storage, time);
        await rig.AppendAsync(0, 3);
        var (syncs, folders, isCarrying) = (0, 0, false);
        storage.Fault = (_, operation, path) =>
        {
            if (operation == StorageOperation.Sync && path.EndsWith(".open", StringComparison.Ordinal) && syncs++ == 0)
            {
                return Errno.InputOutput;
            }

            // The salvaged block has its name, and the folder can't be synced just then.
            isCarrying |= operation == StorageOperation.Rename && path.Contains(".salvage", StringComparison.Ordinal);
            return isCarrying && operation == StorageOperation.SyncFolder && path == MailboxRig.Folder && folders++ == 0 ? Errno.InputOutput : null;
        };
        var append = rig.AppendAsync(3, 3);
        await Eventually.TrueAsync(
            async () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return append.IsCompleted && (await rig.Mailbox.ListAsync(CancellationToken.None)).Count == 1;
            },
            "the block is carried over");
        Assert.True(folders > 0, "the fault was met");
        storage.Fault = null;
        Assert.Equal(Enumerable.Range(0, 6), await rig.ValuesAsync());
        await rig.AssertAccountsAsync();
    }

    [Fact]
    public async Task What_a_failed_sync_left_in_memory_alone_is_written_once_more_before_it_counts()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var storage = new SimulatedStorage();
            await using (var rig = await MailboxRig.StartAsync(storage))
            {
                await rig.AppendAsync(0, 200);
                var hasFailed = false;
                storage.Fault = (_, operation, path) =>
                {
                    if (operation != StorageOperation.Sync || !path.EndsWith(".open", StringComparison.Ordinal))
                    {
                        return null;
                    }

                    storage.FailSync(path);
                    storage.CrashAt = storage.Operations;
                    hasFailed = true;
                    return Errno.InputOutput;
                };
                _ = await rig.Mailbox.EnqueueAsync(rig.Batch(200, 200), position: null, CancellationToken.None);
                await Eventually.TrueAsync(() => hasFailed, "the sync has failed");
            }

            // The process is dead and the machine goes on: its memory still has what the disk has not.
            storage.KillProcess();
            List<int> accepted;
            await using (var next = await MailboxRig.StartAsync(storage))
            {
                accepted = await next.ValuesAsync();
            }

            storage.Crash(new Random(seed));
            await using var last = await MailboxRig.StartAsync(storage);
            Assert.Equal(Enumerable.Range(0, accepted.Count), accepted);
            Assert.Equal(accepted, await last.ValuesAsync());
            await last.AssertAccountsAsync();
        }
    }

    [Fact]
    public async Task A_start_on_a_full_disk_seals_in_place_what_it_can_not_copy()
    {
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 3);
            storage.CrashAt = storage.Operations;
        }

        storage.KillProcess();
        storage.Fault = (_, operation, path) =>
            operation is StorageOperation.Write or StorageOperation.Open && path.EndsWith(".salvage", StringComparison.Ordinal) ? Errno.NoSpace : null;
        await using var next = await MailboxRig.StartAsync(storage);
        Assert.Equal([0, 1, 2], await next.ValuesAsync());
        await next.AssertAccountsAsync();
    }

    [Theory]
    [InlineData("/spool/quarantine", StorageOperation.SyncFolder)]
    [InlineData(MailboxRig.Folder, StorageOperation.SyncFolder)]
    [InlineData(".salvage", StorageOperation.Rename)]
    public async Task Carrying_over_goes_on_when_the_disk_fails_after_the_original_was_moved_aside(string place, StorageOperation failing)
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(storage, time);
        await rig.AppendAsync(0, 3);
        var (syncs, failures, isAside) = (0, 0, false);
        storage.Fault = (_, operation, path) =>
        {
            if (operation == StorageOperation.Sync && path.EndsWith(".open", StringComparison.Ordinal) && syncs++ == 0)
            {
                return Errno.InputOutput;
            }

            var fails = isAside && failures == 0 && operation == failing && path.EndsWith(place, StringComparison.Ordinal);
            isAside |= operation == StorageOperation.Rename && path.EndsWith(".open", StringComparison.Ordinal);
            failures += fails ? 1 : 0;
            return fails ? Errno.InputOutput : null;
        };
        var append = rig.AppendAsync(3, 3);
        await Eventually.TrueAsync(
            async () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return append.IsCompleted && (await rig.Mailbox.ListAsync(CancellationToken.None)).Count == 1;
            },
            "the block is carried over");
        Assert.True(failures > 0, "the fault was met");
        Assert.Equal(Enumerable.Range(0, 6), await rig.ValuesAsync());
        await rig.AssertAccountsAsync();
    }

    [Theory]
    [InlineData(512, false)]
    [InlineData(24, true)]
    public async Task What_is_left_of_a_first_commit_without_its_header_does_not_count_and_a_header_gone_bad_costs_nothing(int zeros, bool isTaken)
    {
        var storage = new SimulatedStorage();
        var position = new SourcePosition("plc", 1, 1);
        KeyValuePair<string, byte[]> open;
        byte[] state;
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            await rig.AppendAsync(0, 150, position);
            open = storage.Snapshot().Single(f => f.Key.EndsWith(".open", StringComparison.Ordinal));
            state = storage.Snapshot()[$"{MailboxRig.Folder}/mailbox.state"];
        }

        // The page with the header never reached the disk, the one with the position did.
        var after = new SimulatedStorage();
        after.Overwrite($"{MailboxRig.Folder}/mailbox.state", state);
        after.Overwrite(open.Key, [.. open.Value[..8], .. new byte[zeros], .. open.Value[(8 + zeros)..]]);
        await using var again = await MailboxRig.StartAsync(after);
        Assert.Equal(isTaken ? 1UL : null, again.Mailbox.LastTaken("plc", 1));
        Assert.Equal(AppendResult.Accepted, await again.AppendAsync(0, 150, position));
        var (values, losses) = await again.DrainAsync();
        Assert.Equal(Enumerable.Range(0, 150), values);
        Assert.Empty(losses);
        Assert.Equal(150UL, (await again.AssertAccountsAsync()).AcceptedEvents);
    }
}
