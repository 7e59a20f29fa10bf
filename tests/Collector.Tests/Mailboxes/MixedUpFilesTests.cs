using System.Text;
using ZfRepl.Core.Frames;
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
