using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

public sealed class ReadyBlocksTests
{
    [Fact]
    public async Task A_backlog_is_given_in_pages_with_its_sums()
    {
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        var accepted = 0;
        for (var i = 0; i < 10; i++)
        {
            await rig.AppendAsync(accepted, 3);
            accepted += 3;
            Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        }

        var first = (await rig.Mailbox.ReadyAsync(after: null, 4, rotate: false, CancellationToken.None)).Value;
        Assert.Equal([1UL, 2, 3, 4], first.Blocks.Select(b => b.Block.Header.Index));
        Assert.Equal((10, (ulong)accepted), (first.TotalBlocks, first.TotalEvents));
        var stream = first.Blocks[0].Block.Header.Stream;
        Assert.Equal([5UL, 6, 7, 8], await IndexesAsync((stream, 4), 4));
        Assert.Equal([9UL, 10], await IndexesAsync((stream, 8), 4));
        Assert.Empty(await IndexesAsync((stream, 10), 4));
        Assert.Empty(await IndexesAsync((stream, ulong.MaxValue), 4));

        // A mailbox that was made anew has other blocks under the same numbers.
        Assert.Equal([1UL, 2, 3, 4], await IndexesAsync((new StreamId(1, 2), 8), 4));

        // What is gone, and even the block that is named, does not matter.
        Assert.Equal(RemoveResult.Removed, (await rig.Mailbox.ConfirmAsync(first.Blocks[2].Block.Name, first.Blocks[2].Block.Trailer.Hash, CancellationToken.None)).Value);
        Assert.Equal([4UL, 5], await IndexesAsync((stream, 3), 2));
        Assert.Equal([4UL, 5], await IndexesAsync((stream, 2), 2));
        var left = (await rig.Mailbox.ReadyAsync(after: null, 1, rotate: false, CancellationToken.None)).Value;
        Assert.Equal((9, (ulong)accepted - 3), (left.TotalBlocks, left.TotalEvents));

        async Task<ulong[]> IndexesAsync((StreamId, ulong)? after, int limit) =>
            [.. (await rig.Mailbox.ReadyAsync(after, limit, rotate: false, CancellationToken.None)).Value.Blocks.Select(b => b.Block.Header.Index)];
    }

    [Fact]
    public async Task The_open_block_is_closed_only_where_nothing_else_is_left_to_give()
    {
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        await rig.AppendAsync(0, 3);
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        await rig.AppendAsync(3, 3);
        var ready = (await rig.Mailbox.ReadyAsync(after: null, 4, rotate: true, CancellationToken.None)).Value;
        Assert.Equal([1UL], ready.Blocks.Select(b => b.Block.Header.Index));
        var behind = (await rig.Mailbox.ReadyAsync((ready.Blocks[0].Block.Header.Stream, 1), 4, rotate: true, CancellationToken.None)).Value;
        Assert.Equal([2UL], behind.Blocks.Select(b => b.Block.Header.Index));
    }

    [Fact]
    public async Task A_block_is_closed_and_told_of_when_its_first_readings_have_waited_as_long_as_they_may()
    {
        await using var rig = await MailboxRig.StartAsync(
            new SimulatedStorage(), options: MailboxRig.Options with { MaxDelay = TimeSpan.FromMilliseconds(100), BlockTtl = TimeSpan.FromHours(1) });
        var told = 0;
        rig.Mailbox.BecameReady += () => Interlocked.Increment(ref told);
        await rig.AppendAsync(0, 3);
        Assert.Empty(await rig.Mailbox.ListAsync(CancellationToken.None));
        await Eventually.TrueAsync(
            async () =>
            {
                rig.Time.Advance(TimeSpan.FromMilliseconds(10));
                return (await rig.Mailbox.ListAsync(CancellationToken.None)).Count == 1;
            },
            "the block is closed");
        Assert.Equal(1, told);

        // Where nothing comes nothing is closed.
        for (var i = 0; i < 50; i++)
        {
            rig.Time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Single(await rig.Mailbox.ListAsync(CancellationToken.None));
        Assert.Equal(1, told);
    }
}
