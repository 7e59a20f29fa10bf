using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>The accounts by hour and the chain over confirmed blocks: they survive whatever a mailbox survives.</summary>
public sealed class RemovalBookTests
{
    [Fact]
    public async Task Accounts_go_by_the_hour_in_which_a_block_was_begun_and_the_chain_by_the_blocks_numbers()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(storage, time);
        var hashes = new List<(ulong Index, BlockHash Hash)>();
        for (var hour = 0; hour < 5; hour++)
        {
            await rig.AppendAsync(hour * 10, 10);
            hashes.AddRange(await ConfirmAllAsync(rig));
            time.Advance(TimeSpan.FromHours(1));
        }

        await rig.AppendAsync(50, 7);
        var (_, accounts) = await rig.Mailbox.AccountsAsync(CancellationToken.None);
        Assert.Equal([10UL, 10UL, 10UL, 10UL, 10UL, 0UL], accounts.Hours.Select(h => h.Events.Delivered));
        Assert.Equal(new EventAccounts(7, 0, 7, 0, 0), accounts.Hours[^1].Events);
        Assert.Equal(EventAccounts.Zero, accounts.Earlier);
        Assert.Equal(Enumerable.Range(0, 6).Select(i => accounts.Hours[0].Hour + i), accounts.Hours.Select(h => h.Hour));
        var chain = hashes.Aggregate(BlockChain.Empty, (c, b) => c.Add(accounts.Stream, b.Index, b.Hash));
        Assert.Equal((chain.Value.ToString(), 5UL, 1UL), (accounts.Chain.Value, accounts.Chain.Blocks, accounts.Chain.FirstIndex));
        await rig.AssertAccountsAsync();
    }

    [Fact]
    public async Task Accounts_by_hour_that_cannot_be_written_are_a_trouble_by_that_name()
    {
        var storage = new SimulatedStorage();
        await using var rig = await MailboxRig.StartAsync(storage);
        storage.Fault = (_, operation, path) =>
            operation == StorageOperation.Open && path.Contains("mailbox.hours", StringComparison.Ordinal) ? Errno.NoSpace : null;
        for (var i = 0; i < 4; i++)
        {
            await rig.AppendAsync(i, 1);
            await ConfirmAllAsync(rig);
        }

        var trouble = (await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble;
        storage.Fault = null;
        Assert.StartsWith("writing mailbox.hours, the accounts by hour, is tried again", trouble, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blocks_confirmed_in_another_order_and_over_restarts_give_the_same_chain()
    {
        var storage = new SimulatedStorage();
        var rig = await MailboxRig.StartAsync(storage);
        var hashes = new List<(ulong Index, BlockHash Hash)>();
        for (var i = 0; i < 9; i++)
        {
            await rig.AppendAsync(i * 10, 10);
            Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        }

        foreach (var place in new[] { 3, 2, 0, 0, 4, 3, 1, 0, 0 })
        {
            var block = (await rig.Mailbox.ListAsync(CancellationToken.None))[place].Block;
            hashes.Add((block.Header.Index, block.Trailer.Hash));
            await rig.Mailbox.ConfirmAsync(block.Name, block.Trailer.Hash, CancellationToken.None);
            await rig.AssertAccountsAsync();
            await rig.StopAsync();
            await rig.DisposeAsync();
            rig = await MailboxRig.StartAsync(storage);
            await rig.AssertAccountsAsync();
        }

        var (_, accounts) = await rig.Mailbox.AccountsAsync(CancellationToken.None);
        var chain = hashes.OrderBy(h => h.Index).Aggregate(BlockChain.Empty, (c, b) => c.Add(accounts.Stream, b.Index, b.Hash));
        Assert.Equal((chain.Value.ToString(), 9UL), (accounts.Chain.Value, accounts.Chain.Blocks));
        await rig.DisposeAsync();
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("damaged")]
    [InlineData("older")]
    public async Task A_book_that_is_lost_damaged_or_old_begins_anew_and_the_sums_stay_right(string what)
    {
        var storage = new SimulatedStorage();
        byte[]? older = null;
        var path = $"{MailboxRig.Folder}/{RemovalBook.FileName}";
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            for (var i = 0; i < 12; i++)
            {
                await rig.AppendAsync(i * 10, 10);
                await ConfirmAllAsync(rig);
                older ??= storage.Snapshot().GetValueOrDefault(path);
            }

            await rig.StopAsync();
        }

        Assert.True(storage.Delete(path).IsOk);
        if (what != "gone")
        {
            using var file = storage.CreateNew(path).Value;
            file.WriteAt(0, what == "older" ? older : [1, 2, 3]);
        }

        await using var again = await MailboxRig.StartAsync(storage);
        var status = await again.AssertAccountsAsync();
        Assert.Equal(120UL, status.DeliveredEvents);
        var (_, accounts) = await again.Mailbox.AccountsAsync(CancellationToken.None);
        Assert.InRange(accounts.Earlier.Delivered, 1UL, 120UL);

        // The chain tells itself from where on it counts: from the entries that the state file still had.
        var (first, blocks) = (accounts.Chain.FirstIndex, accounts.Chain.Blocks);
        Assert.Equal((13UL, true), (first + blocks, first > 1));
        await again.AppendAsync(200, 10);
        await ConfirmAllAsync(again);
        (_, accounts) = await again.Mailbox.AccountsAsync(CancellationToken.None);
        Assert.Equal((first, blocks + 1), (accounts.Chain.FirstIndex, accounts.Chain.Blocks));
        await again.AssertAccountsAsync();
    }

    private static async Task<List<(ulong Index, BlockHash Hash)>> ConfirmAllAsync(MailboxRig rig)
    {
        var hashes = new List<(ulong, BlockHash)>();
        while ((await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value is { } ready)
        {
            hashes.Add((ready.Block.Header.Index, ready.Block.Trailer.Hash));
            await rig.Mailbox.ConfirmAsync(ready.Block.Name, ready.Block.Trailer.Hash, CancellationToken.None);
        }

        return hashes;
    }
}
