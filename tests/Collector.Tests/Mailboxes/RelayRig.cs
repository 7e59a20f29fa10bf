using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Blocks that node edge1 collected for node site, and how they are handed over to a mailbox of node site for the centre.</summary>
internal static class RelayRig
{
    public static readonly BlockWay FromEdge = BlockWay.From("edge1");

    public static MailboxOptions Options { get; } = MailboxRig.Options with { Node = "site", ReplicatesRemote = true };

    /// <summary>Sealed blocks of a mailbox at the edge.</summary>
    public static async Task<List<EdgeBlock>> CollectAsync(int blocks, int eventsEach = 10)
    {
        var storage = new SimulatedStorage();
        await using var edge = await MailboxRig.StartAsync(storage, options: MailboxRig.Options with { Name = "site", Folder = "/edge/site" });
        for (var i = 0; i < blocks; i++)
        {
            Assert.Equal(AppendResult.Accepted, await edge.AppendAsync(i * eventsEach, eventsEach));
            Assert.True((await edge.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        }

        return
        [
            .. (await edge.Mailbox.ListAsync(CancellationToken.None)).Select(b => new EdgeBlock(
                new BlockKey(b.Block.Header.Stream, b.Block.Header.Index, b.Block.Trailer.Hash), storage.Snapshot()[b.Path])),
        ];
    }

    /// <summary>Puts a block into the inbox next door and hands it over.</summary>
    public static async Task<RelayAnswer> HandOverAsync(this MailboxRig rig, EdgeBlock block, BlockWay? way = null, params StreamId[] ownStreams) =>
        await rig.Mailbox.RelayAsync(Put(rig.Storage, block), block.Key, way ?? FromEdge, ownStreams.ToHashSet(), CancellationToken.None);

    public static string Put(SimulatedStorage storage, EdgeBlock block)
    {
        var path = $"/inbox/{block.Key.Index}";
        Assert.True(storage.CreateFolder("/inbox").IsOk);
        Assert.True(StorageFiles.WriteDurably(storage, path, block.Content).IsOk);
        return path;
    }

    /// <summary>The accounts, which have to balance.</summary>
    public static async Task<RelayStatus> RelayBooksAsync(this MailboxRig rig)
    {
        var relay = (await rig.AssertAccountsAsync()).Relay!;
        Assert.Equal(relay.AcceptedEvents, relay.DeliveredEvents + relay.BacklogEvents + relay.LostEvents + relay.QuarantinedEvents);
        return relay;
    }

    public static async Task<List<ReadyBlock>> RelayedAsync(this MailboxRig rig) =>
        [.. (await rig.Mailbox.ListAsync(CancellationToken.None)).Where(b => b.Way is not null)];

    internal sealed record EdgeBlock(BlockKey Key, byte[] Content);
}
