using System.Text;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Files that hold whole frames of other blocks, as a disk leaves old content behind, or that are lost: each event is in one account, and one only.</summary>
public sealed class MixedUpFilesTests
{
    private const int EventsOfABlock = 5;

    public static TheoryData<string> Mixtures => ["the next block behind it", "the trailer of the next block", "the block before in its place", "the next block in its middle"];

    [Theory]
    [MemberData(nameof(Mixtures))]
    public async Task Frames_of_other_blocks_in_a_file_are_damage_and_counted_nowhere_twice(string mixture)
    {
        var (storage, blocks) = await ThreeBlocksAsync();
        byte[][] bytes = [.. blocks.Select(b => storage.Snapshot()[b])];
        var cut = bytes[1].Length - Core.Blocks.BlockTrailer.FrameBytes;
        storage.Overwrite(blocks[1], mixture switch
        {
            "the next block behind it" => [.. bytes[1], .. bytes[2]],
            "the trailer of the next block" => [.. bytes[1][..cut], .. bytes[2][^Core.Blocks.BlockTrailer.FrameBytes..]],
            "the block before in its place" => [.. bytes[1][..10], .. bytes[0][10..]],
            _ => [.. bytes[1][..cut], .. bytes[2], .. bytes[1][cut..]],
        });
        for (var start = 0; start < 2; start++)
        {
            await using var rig = await MailboxRig.StartAsync(storage);
            foreach (var ready in await rig.Mailbox.ListAsync(CancellationToken.None))
            {
                Assert.True((await rig.Mailbox.RepairAsync(ready.Block.Name, CancellationToken.None)).IsOk);
            }

            var status = await rig.AssertAccountsAsync();
            Assert.Equal(3UL * EventsOfABlock, status.AcceptedEvents);
            var isReplaced = mixture == "the block before in its place";
            Assert.Equal(isReplaced ? (ulong)EventsOfABlock : 0, status.LostEvents + status.QuarantinedEvents);
            Assert.Equal(
                Enumerable.Range(0, 3 * EventsOfABlock).Where(v => !isReplaced || v / EventsOfABlock != 1),
                (await rig.Mailbox.ListAsync(CancellationToken.None)).SelectMany(b => MailboxRig.ReadValues(storage, b.Path)));
            await rig.StopAsync();
            storage.KillProcess();
        }
    }

    [Theory]
    [InlineData("a copy of an older block")]
    [InlineData("a copy of itself")]
    [InlineData("a block of another mailbox")]
    [InlineData("a link to nowhere")]
    public async Task What_only_has_a_later_name_does_not_keep_a_damaged_block_from_being_salvaged(string follower)
    {
        var (storage, blocks) = await ThreeBlocksAsync();
        var (foreign, foreignBlocks) = await ThreeBlocksAsync();
        byte[][] bytes = [.. blocks.Select(b => storage.Snapshot()[b])];
        storage.Overwrite(blocks[2], [.. bytes[2][..^20], .. new byte[20]]);
        var behind = $"{MailboxRig.Folder}/mbb_4000000000";
        if (follower == "a link to nowhere")
        {
            storage.Fault = (_, operation, path) => path == behind && operation == StorageOperation.Open ? Errno.TooManyLinks : null;
        }

        storage.Overwrite(behind, follower switch
        {
            "a copy of itself" => bytes[2],
            "a block of another mailbox" => foreign.Snapshot()[foreignBlocks[0]],
            _ => bytes[0],
        });
        await using var rig = await MailboxRig.StartAsync(storage);
        var status = await rig.AssertAccountsAsync();
        Assert.Equal((3UL * EventsOfABlock, 0UL), (status.BacklogEvents, status.LostEvents + status.QuarantinedEvents));
        Assert.Equal(
            Enumerable.Range(0, 3 * EventsOfABlock),
            (await rig.Mailbox.ListAsync(CancellationToken.None)).SelectMany(b => MailboxRig.ReadValues(storage, b.Path)));
    }

    [Fact]
    public async Task A_block_that_was_salvaged_is_as_whole_as_it_can_be_and_stays_as_it_is()
    {
        var (storage, blocks) = await ThreeBlocksAsync();
        await using var rig = await MailboxRig.StartAsync(storage);
        var before = (await rig.Mailbox.ListAsync(CancellationToken.None))[1];
        byte[] bytes = [.. storage.Snapshot()[blocks[1]]];
        bytes[OffsetOfEvents(storage, blocks[1]) + FrameHeader.SizeBytes] ^= 1;
        storage.Overwrite(blocks[1], bytes);
        var once = (await rig.Mailbox.RepairAsync(before.Block.Name, CancellationToken.None)).Value!;
        Assert.NotEqual(before.Block.Trailer.Hash, once.Block.Trailer.Hash);
        var files = storage.Snapshot().Count;
        var twice = (await rig.Mailbox.RepairAsync(before.Block.Name, CancellationToken.None)).Value!;
        Assert.Equal(once.Block, twice.Block);
        Assert.Equal(files, storage.Snapshot().Count);
        Assert.Single(MailboxRig.ReadFrames(storage, blocks[1]).Losses);
        await rig.AssertAccountsAsync();
    }

    [Theory]
    [InlineData(StorageOperation.Rename, ".salvage")]
    [InlineData(StorageOperation.SyncFolder, MailboxRig.Folder)]
    public async Task A_salvage_whose_last_step_failed_once_goes_on_with_what_it_had_written(StorageOperation operation, string place)
    {
        var (storage, blocks) = await ThreeBlocksAsync();
        await using var rig = await MailboxRig.StartAsync(storage);
        var before = (await rig.Mailbox.ListAsync(CancellationToken.None))[1];
        byte[] bytes = [.. storage.Snapshot()[blocks[1]]];
        bytes[OffsetOfEvents(storage, blocks[1]) + FrameHeader.SizeBytes] ^= 1;
        storage.Overwrite(blocks[1], bytes);
        var (isAside, failures) = (false, 0);
        storage.Fault = (_, o, path) =>
        {
            var fails = isAside && failures == 0 && o == operation && path.EndsWith(place, StringComparison.Ordinal);
            isAside |= o == StorageOperation.Rename && path == blocks[1];
            failures += fails ? 1 : 0;
            return fails ? Errno.InputOutput : null;
        };
        Assert.False((await rig.Mailbox.RepairAsync(before.Block.Name, CancellationToken.None)).IsOk);
        Assert.Equal(1, failures);
        Assert.NotNull((await rig.Mailbox.RepairAsync(before.Block.Name, CancellationToken.None)).Value);

        // Of the frame that went bad the block itself has the entry; nothing else is given up.
        var (values, losses) = await rig.DrainAsync();
        var loss = Assert.Single(losses);
        Assert.Equal((3UL * EventsOfABlock) - (ulong)values.Count, loss.Count);
        Assert.Equal(0UL, (await rig.AssertAccountsAsync()).LostEvents);
    }

    [Fact]
    public async Task A_mailbox_whose_books_are_lost_says_so_and_has_whole_accounts_all_the_same()
    {
        var (storage, _) = await ThreeBlocksAsync();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            var first = (await rig.Mailbox.NextAsync(rotate: false, CancellationToken.None)).Value!;
            Assert.True((await rig.Mailbox.ConfirmAsync(first.Block.Name, first.Block.Trailer.Hash, CancellationToken.None)).IsOk);
            await rig.StopAsync();
        }

        storage.KillProcess();
        storage.Overwrite($"{MailboxRig.Folder}/mailbox.state", Encoding.ASCII.GetBytes("{}\n00000000\n"));
        await using var again = await MailboxRig.StartAsync(storage);
        var status = await again.AssertAccountsAsync();
        Assert.Equal(((ulong)EventsOfABlock, 2UL * EventsOfABlock), (status.DeliveredEvents, status.BacklogEvents));
        Assert.Contains("the books of events 1 to 5 are lost", again.Log.ToString(), StringComparison.Ordinal);
        Assert.NotNull(status.Trouble);
    }

    private static long OffsetOfEvents(SimulatedStorage storage, string path)
    {
        using var file = storage.Open(path, write: false).Value;
        var scanner = Core.Blocks.BlockScanner.Open(file).Value;
        while (true)
        {
            var item = scanner.Next().Value;
            Assert.NotEqual(Core.Blocks.ScanKind.End, item.Kind);
            if (item.Kind == Core.Blocks.ScanKind.Frame && item.Header.EventCount > 0)
            {
                return item.Offset;
            }
        }
    }

    private static async Task<(SimulatedStorage Storage, string[] Blocks)> ThreeBlocksAsync()
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        for (var block = 0; block < 3; block++)
        {
            await rig.AppendAsync(block * EventsOfABlock, EventsOfABlock, new SourcePosition("plc", 1, (ulong)block));
            Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        }

        string[] blocks = [.. (await rig.Mailbox.ListAsync(CancellationToken.None)).Select(b => b.Path)];
        await rig.StopAsync();
        storage.KillProcess();
        return (storage, blocks);
    }
}
