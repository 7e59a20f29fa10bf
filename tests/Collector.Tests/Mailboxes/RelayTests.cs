using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Blocks of other nodes in a mailbox: as they were, once, in accounts of their own, and never in a circle.</summary>
public sealed class RelayTests
{
    [Fact]
    public async Task A_block_of_another_node_is_offered_as_it_was_sealed_with_its_way_and_leaves_when_it_is_confirmed()
    {
        var block = (await RelayRig.CollectAsync(1))[0];
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: RelayRig.Options);
        Assert.Equal(RelayOutcome.Durable, (await rig.HandOverAsync(block)).Outcome);

        var ready = Assert.Single(await rig.RelayedAsync());
        Assert.Equal(["edge1", "site"], ready.Way!.Nodes);
        Assert.Equal(block.Content, rig.Storage.Snapshot()[ready.Path]);
        Assert.Equal((block.Key.Stream, block.Key.Index, 10UL), (ready.Block.Header.Stream, ready.Block.Header.Index, (await rig.RelayBooksAsync()).BacklogEvents));

        var other = new BlockHash(new byte[BlockHash.SizeBytes]);
        Assert.Equal(RemoveResult.WrongHash, (await rig.Mailbox.ConfirmRelayedAsync(ready.Id, other, CancellationToken.None)).Value);
        Assert.Equal(RemoveResult.Removed, (await rig.Mailbox.ConfirmRelayedAsync(ready.Id, block.Key.Hash, CancellationToken.None)).Value);
        Assert.Equal(RemoveResult.NotFound, (await rig.Mailbox.ConfirmRelayedAsync(ready.Id, block.Key.Hash, CancellationToken.None)).Value);
        var books = await rig.RelayBooksAsync();
        Assert.Equal((10UL, 10UL, 0UL, 1UL), (books.AcceptedEvents, books.DeliveredEvents, books.BacklogEvents, books.DeliveredBlocks));
        Assert.DoesNotContain(rig.Storage.Snapshot().Keys, k => k.StartsWith("/spool/centre/relay/", StringComparison.Ordinal) && !k.EndsWith(".state", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_same_block_twice_is_recognised_while_it_waits_after_it_was_delivered_and_after_a_restart()
    {
        var blocks = await RelayRig.CollectAsync(2);
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options))
        {
            foreach (var block in blocks)
            {
                Assert.Equal(RelayOutcome.Durable, (await rig.HandOverAsync(block)).Outcome);
                Assert.Equal(RelayOutcome.Known, (await rig.HandOverAsync(block)).Outcome);
            }

            await rig.Mailbox.ConfirmRelayedAsync(RelayedBlock.IdOf(blocks[0].Key.Hash), blocks[0].Key.Hash, CancellationToken.None);
            Assert.Equal(RelayOutcome.Known, (await rig.HandOverAsync(blocks[0])).Outcome);
        }

        await using var again = await MailboxRig.StartAsync(storage, options: RelayRig.Options);
        await Assert.AllAsync(blocks, async b => Assert.Equal(RelayOutcome.Known, (await again.HandOverAsync(b)).Outcome));
        Assert.Equal(["edge1", "site"], Assert.Single(await again.RelayedAsync()).Way!.Nodes);
        var books = await again.RelayBooksAsync();
        Assert.Equal((20UL, 10UL, 10UL), (books.AcceptedEvents, books.DeliveredEvents, books.BacklogEvents));
    }

    [Fact]
    public async Task Without_replicate_remote_it_is_refused_and_what_is_there_already_is_still_offered()
    {
        var blocks = await RelayRig.CollectAsync(2);
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options))
        {
            await rig.HandOverAsync(blocks[0]);
        }

        await using var off = await MailboxRig.StartAsync(storage, options: RelayRig.Options with { ReplicatesRemote = false });
        var answer = await off.HandOverAsync(blocks[1]);
        Assert.Equal(RelayOutcome.NotAllowed, answer.Outcome);
        Assert.Contains("replicate_remote", answer.Reason, StringComparison.Ordinal);
        Assert.Single(await off.RelayedAsync());
    }

    [Fact]
    public async Task A_note_of_the_way_that_is_damaged_is_named_and_the_block_is_still_offered()
    {
        var block = (await RelayRig.CollectAsync(1))[0];
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options))
        {
            await rig.HandOverAsync(block);
        }

        var note = storage.Snapshot().Keys.Single(k => k.EndsWith(".way", StringComparison.Ordinal));
        storage.Overwrite(note, [.. storage.Snapshot()[note].Select((b, i) => i == 10 ? (byte)'x' : b)]);
        await using var again = await MailboxRig.StartAsync(storage, options: RelayRig.Options);
        Assert.Equal(["edge1", "site"], Assert.Single(await again.RelayedAsync()).Way!.Nodes);
        Assert.Contains(again.Log.Lines, l => l.Text.Contains("which says the way that it has come, is damaged: its checksum does not match", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_goes_in_a_circle_is_refused_and_counted()
    {
        var block = (await RelayRig.CollectAsync(1))[0];
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: RelayRig.Options);
        Assert.True(BlockWay.TryCreate(["edge1", "site", "far"], out var own, out _));
        Assert.True(BlockWay.TryCreate(["edge1", "centre"], out var target, out _));
        Assert.True(BlockWay.TryCreate(["edge1", "b", "c", "d", "e", "f", "g", "h"], out var longest, out _));
        RelayAnswer[] answers =
        [
            await rig.HandOverAsync(block, own),
            await rig.HandOverAsync(block, target),
            await rig.HandOverAsync(block, longest),
            await rig.HandOverAsync(block, RelayRig.FromEdge, block.Key.Stream),
        ];
        Assert.All(answers, a => Assert.Equal(RelayOutcome.Loop, a.Outcome));
        Assert.Contains("has passed node site already (edge1 > site > far)", answers[0].Reason, StringComparison.Ordinal);
        Assert.Empty(await rig.RelayedAsync());
        Assert.Equal((4L, 0UL), ((await rig.RelayBooksAsync()).RefusedLoops, (await rig.RelayBooksAsync()).AcceptedEvents));
    }

    [Fact]
    public async Task What_is_not_what_it_is_said_to_be_is_refused()
    {
        var blocks = await RelayRig.CollectAsync(2);
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: RelayRig.Options);
        byte[] changed = [.. blocks[0].Content];
        changed[200] ^= 1;
        RelayAnswer[] answers =
        [
            await rig.HandOverAsync(blocks[0] with { Content = changed }),
            await rig.HandOverAsync(blocks[0] with { Content = blocks[1].Content }),
            await rig.HandOverAsync(blocks[0] with { Content = blocks[0].Content[..^10] }),
            await rig.HandOverAsync(blocks[0], BlockWay.From("edge2")),
        ];
        Assert.All(answers, a => Assert.Equal(RelayOutcome.Invalid, a.Outcome));
        Assert.Equal((4L, 0UL), ((await rig.RelayBooksAsync()).RefusedInvalid, (await rig.RelayBooksAsync()).AcceptedEvents));
    }

    [Fact]
    public async Task What_nobody_fetches_in_time_is_given_up_and_the_ledger_names_it_without_numbers_of_the_other_stream()
    {
        var blocks = await RelayRig.CollectAsync(1);
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(
            new SimulatedStorage(), time, RelayRig.Options with { Keep = TimeSpan.FromSeconds(60), BlockTtl = TimeSpan.FromHours(1) });
        await rig.HandOverAsync(blocks[0]);
        await Eventually.TrueAsync(
            async () =>
            {
                time.Advance(TimeSpan.FromSeconds(5));
                return (await rig.RelayBooksAsync()).LostEvents == 10;
            },
            "the block expires");
        Assert.Empty(await rig.RelayedAsync());
        var loss = Assert.Single((await rig.DrainAsync()).Losses);
        Assert.Equal((LossReason.Expired, 0UL, 0UL, 10UL), (loss.Reason, loss.FirstSequence, loss.LastSequence, loss.Count));
        Assert.Equal("block 1 of node edge1", loss.Source);
        Assert.Contains("sequence numbers 1 to 10 of stream", loss.Detail, StringComparison.Ordinal);

        // Its source still had it after all: it is taken again, and that is another ten events.
        Assert.Equal(RelayOutcome.Durable, (await rig.HandOverAsync(blocks[0])).Outcome);
        Assert.Equal((20UL, 10UL), ((await rig.RelayBooksAsync()).AcceptedEvents, (await rig.RelayBooksAsync()).BacklogEvents));
    }

    [Fact]
    public async Task A_block_that_is_damaged_here_is_kept_aside_and_one_that_vanished_is_lost_and_the_ledger_names_both()
    {
        var blocks = await RelayRig.CollectAsync(3);
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options))
        {
            foreach (var block in blocks)
            {
                await rig.HandOverAsync(block);
            }

            var ready = await rig.RelayedAsync();
            byte[] changed = [.. blocks[0].Content];
            changed[200] ^= 1;
            storage.Overwrite(ready[0].Path, changed);
            Assert.Null((await rig.Mailbox.RepairRelayedAsync(ready[0].Id, CancellationToken.None)).Value);
            Assert.NotNull((await rig.Mailbox.RepairRelayedAsync(ready[1].Id, CancellationToken.None)).Value);
            Assert.Equal((10UL, 20UL), ((await rig.RelayBooksAsync()).QuarantinedEvents, (await rig.RelayBooksAsync()).BacklogEvents));
            Assert.True(storage.Delete(ready[1].Path).IsOk);
        }

        await using var again = await MailboxRig.StartAsync(storage, options: RelayRig.Options);
        var books = await again.RelayBooksAsync();
        Assert.Equal((30UL, 10UL, 10UL, 10UL), (books.AcceptedEvents, books.QuarantinedEvents, books.LostEvents, books.BacklogEvents));
        Assert.Contains("10 events", (await again.Mailbox.StatusAsync(CancellationToken.None)).Trouble, StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => (await again.Mailbox.ListLossesAsync(10, CancellationToken.None)).Value.Count == 2, "both are in the ledger");
    }

    [Theory]
    [InlineData(1, 0UL)]
    [InlineData(int.MaxValue, 10UL)]
    public async Task A_block_that_the_disk_does_not_give_keeps_no_mailbox_from_starting(int times, ulong kept)
    {
        var blocks = await RelayRig.CollectAsync(2);
        var storage = new SimulatedStorage();
        string bad;
        await using (var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options))
        {
            await rig.HandOverAsync(blocks[0]);
            await rig.HandOverAsync(blocks[1]);
            bad = (await rig.RelayedAsync())[0].Path;
        }

        var failures = 0;
        storage.Fault = (_, operation, path) => operation == StorageOperation.Read && path == bad && failures < times && ++failures > 0 ? Errno.InputOutput : null;
        await using var again = await MailboxRig.StartAsync(storage, options: RelayRig.Options);
        var books = await again.RelayBooksAsync();
        Assert.Equal((20UL, kept, 20 - kept), (books.AcceptedEvents, books.QuarantinedEvents, books.BacklogEvents));
        Assert.Contains("read once more", again.Log.ToString(), StringComparison.Ordinal);
        Assert.Equal(kept > 0, (await again.Mailbox.StatusAsync(CancellationToken.None)).Trouble is not null);
        Assert.Equal(kept > 0, storage.Paths().Any(p => p.StartsWith("/spool/quarantine/", StringComparison.Ordinal)));
        await again.AppendAsync(0, 1);
        Assert.Equal(kept > 0 ? [kept] : [], (await again.Mailbox.ListLossesAsync(10, CancellationToken.None)).Value.Select(l => l.Record.Count));
    }

    [Fact]
    public async Task A_block_that_the_disk_does_not_give_any_more_is_kept_aside_when_it_is_looked_at()
    {
        var blocks = await RelayRig.CollectAsync(2);
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: RelayRig.Options);
        await rig.HandOverAsync(blocks[0]);
        await rig.HandOverAsync(blocks[1]);
        var ready = await rig.RelayedAsync();
        var failures = 0;
        rig.Storage.Fault = (_, operation, path) =>
            operation == StorageOperation.Read && (path == ready[0].Path || (path == ready[1].Path && failures++ == 0)) ? Errno.InputOutput : null;
        Assert.Null((await rig.Mailbox.RepairRelayedAsync(ready[0].Id, CancellationToken.None)).Value);
        Assert.NotNull((await rig.Mailbox.RepairRelayedAsync(ready[1].Id, CancellationToken.None)).Value);
        rig.Storage.Fault = null;
        var books = await rig.RelayBooksAsync();
        Assert.Equal((10UL, 10UL, 0UL), (books.QuarantinedEvents, books.BacklogEvents, books.LostEvents));
        Assert.Equal(10UL, Assert.Single((await rig.Mailbox.ListLossesAsync(10, CancellationToken.None)).Value).Record.Count);
    }

    [Theory]
    [InlineData("repair")]
    [InlineData("expiry")]
    public async Task A_confirmation_in_the_midst_of_giving_a_block_up_leaves_books_and_ledger_at_one(string why)
    {
        var blocks = await RelayRig.CollectAsync(1);
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(
            new SimulatedStorage(), time, RelayRig.Options with { Keep = TimeSpan.FromSeconds(60), BlockTtl = TimeSpan.FromHours(1) });
        await rig.HandOverAsync(blocks[0]);
        var ready = Assert.Single(await rig.RelayedAsync());
        Task<StorageResult<RemoveResult>>? confirmed = null;
        rig.Storage.Fault = (_, operation, path) =>
        {
            if (confirmed is null && operation == StorageOperation.Open && path == ready.Path)
            {
                // On the thread that gives it up: whatever is free goes through at once.
                confirmed = rig.Mailbox.ConfirmRelayedAsync(ready.Id, ready.Block.Trailer.Hash, CancellationToken.None);
            }

            return null;
        };
        if (why == "repair")
        {
            byte[] changed = [.. blocks[0].Content];
            changed[200] ^= 1;
            rig.Storage.Overwrite(ready.Path, changed);
            Assert.Null((await rig.Mailbox.RepairRelayedAsync(ready.Id, CancellationToken.None)).Value);
        }

        await Eventually.TrueAsync(
            () =>
            {
                // With a timer the housekeeping is at rest.
                time.Advance(TimeSpan.FromSeconds(5));
                return confirmed?.IsCompleted == true && time.PendingTimers > 0;
            },
            "it is given up");
        Assert.NotEqual(RemoveResult.WrongHash, (await confirmed!).Value);
        Assert.Empty(await rig.RelayedAsync());
        var books = await rig.RelayBooksAsync();
        var named = (await rig.DrainAsync()).Losses.Aggregate(0UL, (sum, l) => sum + l.Count);
        Assert.Equal((10 - books.DeliveredEvents, named), (books.LostEvents + books.QuarantinedEvents, 10 - books.DeliveredEvents));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_block_that_is_being_kept_aside_is_no_lost_one_for_who_looks_at_it_or_deletes_it_meanwhile(bool isDeleted)
    {
        var blocks = await RelayRig.CollectAsync(1);
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: RelayRig.Options);
        await rig.HandOverAsync(blocks[0]);
        var ready = Assert.Single(await rig.RelayedAsync());
        byte[] changed = [.. blocks[0].Content];
        changed[200] ^= 1;
        rig.Storage.Overwrite(ready.Path, changed);

        // The entry in the ledger waits for the disk, and who asked first gives up waiting.
        rig.Storage.Fault = (_, operation, path) =>
            operation == StorageOperation.Open && path.EndsWith(".open", StringComparison.Ordinal) ? Errno.NoSpace : null;
        using var patience = new CancellationTokenSource();
        var first = rig.Mailbox.RepairRelayedAsync(ready.Id, patience.Token);
        await Eventually.TrueAsync(() => rig.Storage.Paths().All(p => p != ready.Path), "it is moved aside");
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Task second = isDeleted ? rig.Mailbox.DeleteRelayedAsync(ready.Id, CancellationToken.None) : rig.Mailbox.RepairRelayedAsync(ready.Id, CancellationToken.None);
        rig.Storage.Fault = null;
        await Eventually.TrueAsync(
            () =>
            {
                // Less than the housekeeping waits.
                rig.Time.Advance(TimeSpan.FromMilliseconds(1));
                return second.IsCompleted;
            },
            "it is given up");
        await second;
        var books = await rig.RelayBooksAsync();
        Assert.Equal((10UL, 0UL, 0UL), (books.QuarantinedEvents, books.LostEvents, books.BacklogEvents));
        Assert.Single((await rig.DrainAsync()).Losses);
    }

    [Fact]
    public async Task A_mailbox_that_is_closed_writes_no_blocks_of_other_nodes_any_more()
    {
        var blocks = await RelayRig.CollectAsync(2);
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: RelayRig.Options);
        await rig.HandOverAsync(blocks[0]);
        var ready = Assert.Single(await rig.RelayedAsync());
        await rig.StopAsync();
        var path = RelayRig.Put(rig.Storage, blocks[1]);
        var files = rig.Storage.Paths();
        var answer = await rig.Mailbox.RelayAsync(path, blocks[1].Key, RelayRig.FromEdge, new HashSet<StreamId>(), CancellationToken.None);
        Assert.Equal((RelayOutcome.Failed, "the mailbox is closing"), (answer.Outcome, answer.Reason));
        Assert.False((await rig.Mailbox.ConfirmRelayedAsync(ready.Id, ready.Block.Trailer.Hash, CancellationToken.None)).IsOk);
        Assert.Equal(files, rig.Storage.Paths());
    }

    [Fact]
    public async Task The_last_files_of_a_disk_are_kept_for_delivering_what_is_there()
    {
        var blocks = await RelayRig.CollectAsync(1);
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage { FreeInodes = 16 }, options: RelayRig.Options);
        var answer = await rig.HandOverAsync(blocks[0]);
        Assert.Equal(RelayOutcome.Failed, answer.Outcome);
        Assert.Contains("inodes", answer.Reason, StringComparison.Ordinal);
        rig.Storage.FreeInodes = 17;
        Assert.Equal(RelayOutcome.Durable, (await rig.HandOverAsync(blocks[0])).Outcome);
    }

    [Fact]
    public async Task The_ledger_in_a_block_that_is_damaged_here_goes_on_all_the_same()
    {
        var edge = new SimulatedStorage();
        byte[] content;
        BlockKey key;
        await using (var at = await MailboxRig.StartAsync(edge, options: MailboxRig.Options with { Name = "site", Folder = "/edge/site" }))
        {
            await at.Mailbox.AppendLossAsync(new LossRecord(LossReason.SourceOverflow, 0, 0, 7, IsExact: true, 1, 2, 3, "plc", "its queue"));
            await at.AppendAsync(0, 10);
            var block = (await at.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value!;
            (key, content) = (new BlockKey(block.Block.Header.Stream, block.Block.Header.Index, block.Block.Trailer.Hash), edge.Snapshot()[block.Path]);
        }

        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: RelayRig.Options);
        await rig.HandOverAsync(new RelayRig.EdgeBlock(key, content));
        var ready = Assert.Single(await rig.RelayedAsync());
        rig.Storage.Overwrite(ready.Path, [.. content[..^(BlockTrailer.FrameBytes + 10)], 0, .. content[^(BlockTrailer.FrameBytes + 9)..]]);
        Assert.Null((await rig.Mailbox.RepairRelayedAsync(ready.Id, CancellationToken.None)).Value);
        var losses = (await rig.DrainAsync()).Losses;
        Assert.Equal([("edge1: plc", 7UL), ("block 1 of node edge1", 10UL)], losses.Select(l => (l.Source, l.Count)));
        Assert.DoesNotContain("can't be read", losses[^1].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blocks_of_other_nodes_stand_behind_the_own_ones_that_were_there_and_what_is_behind_one_is_told()
    {
        var blocks = await RelayRig.CollectAsync(3);
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage(), options: RelayRig.Options);
        await SealOwnAsync(rig, 1);
        await rig.HandOverAsync(blocks[0]);
        await rig.HandOverAsync(blocks[1]);
        await SealOwnAsync(rig, 2);
        await rig.HandOverAsync(blocks[2]);
        var page = (await rig.Mailbox.ReadyAsync(after: null, 10, rotate: false, CancellationToken.None)).Value;
        Assert.Equal((5, 32UL), (page.TotalBlocks, page.TotalEvents));
        Assert.Equal(["own 1", "edge1 1", "edge1 2", "own 2", "edge1 3"], page.Blocks.Select(NameOf));
        Assert.Equal([false, false, false, false, true], page.Blocks.Select(b => b.IsLast));
        for (var i = 0; i < page.Blocks.Count; i++)
        {
            var after = (page.Blocks[i].Block.Header.Stream, page.Blocks[i].Block.Header.Index);
            var behind = (await rig.Mailbox.ReadyAsync(after, 2, rotate: false, CancellationToken.None)).Value;
            Assert.Equal(page.Blocks.Skip(i + 1).Take(2).Select(NameOf), behind.Blocks.Select(NameOf));
        }

        // Also behind one that has left meanwhile.
        await rig.Mailbox.ConfirmRelayedAsync(page.Blocks[2].Id, blocks[1].Key.Hash, CancellationToken.None);
        var left = (await rig.Mailbox.ReadyAsync((blocks[1].Key.Stream, 2), 10, rotate: false, CancellationToken.None)).Value;
        Assert.Equal(["own 2", "edge1 3"], left.Blocks.Select(NameOf));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task What_was_called_safe_is_there_once_wherever_the_process_is_killed_or_the_power_goes(int? seed)
    {
        var blocks = await RelayRig.CollectAsync(2);
        for (var operation = 1; ; operation++)
        {
            var storage = new SimulatedStorage();
            var paths = blocks.ConvertAll(b => RelayRig.Put(storage, b));
            var (safe, confirming, confirmed, isOver) = await LiveAsync(storage, blocks, paths, storage.Operations + operation);
            storage.CrashAt = null;
            if (seed is { } chance)
            {
                storage.Crash(new Random((chance * 1000) + operation));
            }
            else
            {
                storage.KillProcess();
            }

            await using var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options);
            var here = (await rig.RelayedAsync()).ConvertAll(b => b.Block.Header.Index);
            var books = await rig.RelayBooksAsync();
            Assert.Equal((0UL, 0UL), (books.LostEvents, books.QuarantinedEvents));
            Assert.All(safe.Except(confirming), i => Assert.Contains(i, here));
            Assert.DoesNotContain(here, confirmed.Contains);

            // Both come again, as they do when nobody was told, and then everything is accounted for once.
            foreach (var block in blocks)
            {
                Assert.True((await rig.HandOverAsync(block)).IsSafe);
            }

            books = await rig.RelayBooksAsync();
            Assert.Equal((20UL, 20UL), (books.AcceptedEvents, books.DeliveredEvents + books.BacklogEvents));
            if (isOver)
            {
                Assert.InRange(operation, 20, 1000);
                return;
            }
        }
    }

    private static async Task<(List<ulong> Safe, List<ulong> Confirming, List<ulong> Confirmed, bool IsOver)> LiveAsync(
        SimulatedStorage storage, List<RelayRig.EdgeBlock> blocks, List<string> paths, int crashAt)
    {
        var (safe, confirming, confirmed) = (new List<ulong>(), new List<ulong>(), new List<ulong>());
        try
        {
            await using var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options);
            storage.CrashAt = crashAt;
            for (var i = 0; i < blocks.Count; i++)
            {
                var answer = await rig.Mailbox.RelayAsync(paths[i], blocks[i].Key, RelayRig.FromEdge, new HashSet<StreamId>(), CancellationToken.None);
                safe.AddRange(answer.IsSafe ? [blocks[i].Key.Index] : []);
            }

            confirming.Add(blocks[0].Key.Index);
            var id = RelayedBlock.IdOf(blocks[0].Key.Hash);
            var removed = await rig.Mailbox.ConfirmRelayedAsync(id, blocks[0].Key.Hash, CancellationToken.None);
            confirmed.AddRange(removed is { IsOk: true, Value: RemoveResult.Removed } ? [blocks[0].Key.Index] : []);
            storage.CrashAt = null;
            return (safe, confirming, confirmed, true);
        }
        catch (SimulatedCrashException)
        {
            return (safe, confirming, confirmed, false);
        }
    }

    private static async Task SealOwnAsync(MailboxRig rig, int number)
    {
        await rig.AppendAsync(number, 1);
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
    }

    private static string NameOf(ReadyBlock block) => $"{block.Way?.Origin ?? "own"} {block.Block.Header.Index}";
}
