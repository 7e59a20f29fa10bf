using System.Collections.Concurrent;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>A node in the middle hands on before it confirms; a node above it takes blocks of other nodes only where it is told to.</summary>
public sealed class RelayTests
{
    private const string Origin = "far";

    private static readonly Func<FetchOptions, FetchOptions> HandsOn = o => o with { RelayTo = ["up"] };

    [Fact]
    public async Task A_block_is_confirmed_only_when_the_mailbox_that_it_is_handed_on_to_has_it()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        var block = transfer.AddBlock(100);
        var relay = new FakeRelay { Answer = new HandedOn("the collector is away") };
        await using var rig = await FetchRig.StartAsync(transfer, tune: HandsOn, relay: relay);
        await Eventually.TrueAsync(() => rig.Client.State.Trouble is { } t && t.Contains("the collector is away", StringComparison.Ordinal), "it says so");
        Assert.Single(transfer.Blocks.All);
        Assert.Equal(0, transfer.Server.Counters.ConfirmedBlocks);
        relay.Answer = default;
        await rig.DrainedAsync();
        Assert.Equal(100, await rig.CountAsync());
        Assert.Equal((block.Identity, "edge1", "up"), relay.Taken.Last());
        await Eventually.TrueAsync(() => rig.Inbox.List().Value.Count == 0, "the inbox is empty");
    }

    [Fact]
    public async Task What_the_mailbox_refuses_for_good_stays_at_the_source_is_not_imported_and_keeps_nothing_waiting()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        var refused = transfer.AddBlock(100, 1);
        transfer.AddBlock(100, 2);
        var relay = new FakeRelay { Refuses = refused.Identity };
        await using var rig = await FetchRig.StartAsync(transfer, tune: HandsOn, relay: relay);
        await Eventually.TrueAsync(() => rig.Client.State.Blocks == 1, "the other one is through");
        Assert.Equal(refused, Assert.Single(transfer.Blocks.All));
        Assert.Contains("is refused: a loop", rig.Log.ToString(), StringComparison.Ordinal);
        await using var history = await OpenAsync(rig.DatabasePath);
        Assert.Null((await history.FindAppliedAsync(refused.Identity, CancellationToken.None)).Value);
    }

    [Fact]
    public async Task That_somebody_has_imported_it_already_does_not_keep_it_from_being_handed_on()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        var block = transfer.AddBlock(100);
        using var folder = new TempFolder();
        await using (var history = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = folder["history.db"] })).Value)
        {
            using var importer = new BlockImporter(DiskStorage.Instance, history, [], TimeProvider.System);
            Assert.IsType<ImportOutcome.Applied>(await importer.ImportAsync(block.Path, BlockExpectation.Anything, CancellationToken.None));
        }

        var relay = new FakeRelay();
        await using var rig = await FetchRig.StartAsync(transfer, folder, HandsOn, relay: relay);
        await rig.DrainedAsync();
        Assert.Equal(block.Identity, Assert.Single(relay.Taken).Block);
        Assert.Equal(100, await rig.CountAsync());
    }

    [Fact]
    public async Task A_block_of_another_node_is_imported_in_that_nodes_name_where_the_target_is_told_to_take_it()
    {
        await using var transfer = new TransferRig(new LoopbackBus(), tune: o => o with { AcceptsRelayed = true });
        AddRelayed(transfer);
        await using var rig = await FetchRig.StartAsync(transfer, tune: o => o with { AcceptsRelayed = true });
        await rig.DrainedAsync();
        var stream = Assert.Single((await rig.History.ReadStreamsAsync(only: null, 10, CancellationToken.None)).Value);
        Assert.Equal((Origin, TransferRig.Source, 100UL), (stream.Facts.Node, stream.Facts.Mailbox, stream.Received));
    }

    [Fact]
    public async Task Without_being_told_it_is_not_offered_and_what_lies_behind_it_comes_all_the_same()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        var relayed = AddRelayed(transfer);
        transfer.AddBlock(100, 2);
        await using var rig = await FetchRig.StartAsync(transfer);
        await Eventually.TrueAsync(() => rig.Client.State.Blocks == 1, "the source's own block is through");
        Assert.Equal(relayed, Assert.Single(transfer.Blocks.All));
        Assert.InRange(transfer.Server.Counters.Refused["relayed"], 1, long.MaxValue);
    }

    [Theory]
    [InlineData("a loop", Origin, "centre", "edge1")]
    [InlineData("does not end at edge1", Origin, "other")]
    [InlineData("collected by 'far', expected is 'another'", "another", "edge1")]
    [InlineData("the block is for 'edge1', expected is 'middle'", Origin, "middle", "edge1")]
    public async Task A_way_that_can_not_be_is_refused(string reason, params string[] way)
    {
        await using var transfer = new TransferRig(new LoopbackBus(), tune: o => o with { AcceptsRelayed = true });
        AddRelayed(transfer, way);
        await using var rig = await FetchRig.StartAsync(transfer, tune: o => o with { AcceptsRelayed = true });
        await Eventually.TrueAsync(() => rig.Client.State.Trouble is { } t && t.Contains(reason, StringComparison.Ordinal), "it says why");
        Assert.Equal(0, await rig.CountAsync());
        Assert.Single(transfer.Blocks.All);
    }

    [Fact]
    public async Task What_lies_in_the_inbox_is_handed_on_with_its_way_before_it_is_removed()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        var block = AddRelayed(transfer);
        using var folder = new TempFolder();
        await using var history = await OpenAsync(folder["history.db"], isReadOnly: false);
        using var importer = new BlockImporter(DiskStorage.Instance, history, [], TimeProvider.System);
        var inbox = Inbox.Open(DiskStorage.Instance, folder["inbox"]).Value;
        Assert.True(inbox.Put(block.Identity, await File.ReadAllBytesAsync(block.Path), new InboxNote { Way = block.Way!.Nodes }).IsOk);
        // Imported already: that is only half of it.
        Assert.IsType<ImportOutcome.Applied>(await importer.ImportAsync(block.Path, BlockExpectation.Anything, CancellationToken.None));
        var fetch = new FetchOptions { Source = TransferRig.Source, Target = TransferRig.Target, AcceptsRelayed = true, RelayTo = ["up"] };
        var relay = new FakeRelay { Answer = new HandedOn("the collector is away") };
        var leftovers = new InboxLeftovers(
            inbox, DiskStorage.Instance, importer, history, TransferRig.Target,
            new Dictionary<string, FetchOptions>(StringComparer.Ordinal) { [fetch.Source] = fetch }, () => null, TimeProvider.System, new ListLogger(), relay);
        using var end = new CancellationTokenSource();
        var run = leftovers.RunAsync(end.Token);
        await leftovers.FirstPass.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Single(inbox.List().Value);
        relay.Answer = default;
        await Eventually.TrueAsync(() => leftovers.State.IsDone, "it is tried again");
        Assert.Equal((block.Identity, "far > edge1", "up"), relay.Taken.Last());
        Assert.Empty(Directory.GetFiles(inbox.Folder));
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public async Task The_collectors_answers_tell_a_refusal_for_good_from_what_may_pass()
    {
        await using var collector = await FakeCollector.StartAsync();
        using var relay = new CollectorRelay(new RpcClient(collector.SocketPath), FakeCollector.ServiceId);
        var key = new BlockKey(new Core.Frames.StreamId(1, 2), 3, new BlockHash(new byte[BlockHash.SizeBytes]));
        async Task<HandedOn> AskAsync() => await relay.HandOnAsync("/x", key, BlockWay.From("edge1"), ["up"], CancellationToken.None);
        Assert.Null((await AskAsync()).Trouble);
        collector.Relayed = RpcResult.Error(RpcErrorCode.InvalidData, "a loop");
        Assert.True((await AskAsync()).IsRefused);
        collector.Relayed = RpcResult.Error(RpcErrorCode.AccessDenied, "set replicate_remote");
        var denied = await AskAsync();
        Assert.False(denied.IsRefused);
        Assert.Contains("replicate_remote", denied.Trouble, StringComparison.Ordinal);
    }

    private static SourceBlock AddRelayed(TransferRig transfer, params string[] way)
    {
        Assert.True(BlockWay.TryCreate(way.Length == 0 ? [Origin, TransferRig.Source] : way, out var parsed, out var error), error);
        return transfer.AddBlock(100, node: Origin, mailbox: TransferRig.Source, way: parsed);
    }

    private static async Task<SqliteHistory> OpenAsync(string path, bool isReadOnly = true) =>
        (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = path, IsReadOnly = isReadOnly })).Value;

    /// <summary>Mailboxes of a test's making.</summary>
    private sealed class FakeRelay : IBlockRelay
    {
        public HandedOn Answer { get; set; }

        public BlockKey? Refuses { get; init; }

        public ConcurrentQueue<(BlockKey Block, string Way, string Mailboxes)> Taken { get; } = new();

        public Task<HandedOn> HandOnAsync(
            string path, BlockKey block, BlockWay way, IReadOnlyList<string> mailboxes, CancellationToken cancellationToken)
        {
            Assert.True(File.Exists(path));
            if (block == Refuses)
            {
                return Task.FromResult(new HandedOn("a loop", IsRefused: true));
            }

            if (Answer.Trouble is null)
            {
                Taken.Enqueue((block, way.ToString(), string.Join(',', mailboxes)));
            }

            return Task.FromResult(Answer);
        }
    }
}
