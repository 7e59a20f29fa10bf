using System.Text.Json.Nodes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Replicator.Tests;

/// <summary>What the replicator makes of its collector's answers, over a real socket.</summary>
public sealed class CollectorBlocksTests
{
    private static readonly BlockHash Hash = new(new byte[32]);

    [Fact]
    public async Task Blocks_that_are_ready_are_asked_for_in_pages_with_their_sums()
    {
        await using var collector = await FakeCollector.StartAsync();
        collector.Ready = RpcResult.Json(Page(new JsonArray(Block("mbb_5"), Block("mbb_6")), 20_000, 7_000_000));
        using var client = new RpcClient(collector.SocketPath);
        var after = new BlockKey(new StreamId(1, 2), 41, Hash);
        var ready = await Blocks(client).ReadyAsync("centre", new ReadyQuery(2, after, Rotate: true), CancellationToken.None);
        Assert.Equal(SourceStatus.Ok, ready.Status);
        Assert.Equal(["mbb_5", "mbb_6"], ready.Value!.Blocks.Select(b => b.Name));
        Assert.Equal((20_000UL, 7_000_000UL), (ready.Value.TotalBlocks, ready.Value.TotalEvents));
        var first = ready.Value.Blocks[0];
        Assert.Equal((3UL, 10UL, 20UL, 10UL, 500L), (
            first.Identity.Index, first.FirstSequence, first.NextSequence, first.EventCount, first.LengthBytes));
        Assert.Equal([$"mailbox.ready limit=2 stream={after.Stream} after=41 rotate=True"], collector.Calls);
    }

    [Fact]
    public async Task News_of_blocks_are_waited_for_from_the_version_that_was_seen_last()
    {
        await using var collector = await FakeCollector.StartAsync();
        collector.News = RpcResult.Json(new JsonObject { ["version"] = 12, ["mailboxes"] = new JsonObject { ["centre"] = 12, ["other"] = 3 } });
        using var client = new RpcClient(collector.SocketPath);
        var news = await Blocks(client).WaitAsync(seen: 11, CancellationToken.None);
        Assert.Equal(SourceStatus.Ok, news.Status);
        Assert.Equal((12, 3), (news.Value.Version, news.Value.Mailboxes["other"]));
        Assert.Equal(["mailbox.wait after=11"], collector.Calls);
        collector.News = RpcResult.Json(new JsonArray());
        Assert.Equal(SourceStatus.Unavailable, (await Blocks(client).WaitAsync(seen: null, CancellationToken.None)).Status);
    }

    [Fact]
    public async Task An_empty_mailbox_has_nothing_to_give()
    {
        await using var collector = await FakeCollector.StartAsync();
        using var client = new RpcClient(collector.SocketPath);
        var ready = await Blocks(client).ReadyAsync("centre", Any, CancellationToken.None);
        Assert.Equal(SourceStatus.Ok, ready.Status);
        Assert.Empty(ready.Value!.Blocks);
    }

    [Theory]
    [InlineData("block_id", "../../etc/passwd")]
    [InlineData("stream", "xyz")]
    [InlineData("hash", "abc")]
    [InlineData("index", "-1")]
    public async Task A_description_that_nobody_understands_is_no_block(string key, string value)
    {
        await using var collector = await FakeCollector.StartAsync();
        var block = Block("mbb_5");
        block[key] = long.TryParse(value, out var number) ? number : value;
        collector.Ready = RpcResult.Json(Page(new JsonArray(block), 1, 10));
        using var client = new RpcClient(collector.SocketPath);
        var ready = await Blocks(client).ReadyAsync("centre", Any, CancellationToken.None);
        Assert.Equal(SourceStatus.Unavailable, ready.Status);
        Assert.Contains("does not understand", ready.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RpcErrorCode.NotFound, SourceStatus.NotFound)]
    [InlineData(RpcErrorCode.InvalidData, SourceStatus.WrongHash)]
    [InlineData(RpcErrorCode.Io, SourceStatus.Unavailable)]
    public async Task Refusals_of_a_confirmation_keep_their_meaning(int code, SourceStatus status)
    {
        await using var collector = await FakeCollector.StartAsync();
        collector.Deleted = RpcResult.Error(code, "because of this");
        using var client = new RpcClient(collector.SocketPath);
        var confirmed = await Blocks(client).ConfirmAsync("centre", "mbb_5", Hash, CancellationToken.None);
        Assert.Equal(status, confirmed.Status);
        Assert.Contains("because of this", confirmed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_collector_that_is_not_there_is_said_with_a_remedy()
    {
        var collector = await FakeCollector.StartAsync();
        using var client = new RpcClient(collector.SocketPath);
        await collector.DisposeAsync();
        var gone = await Blocks(client).ReadyAsync("centre", Any, CancellationToken.None);
        Assert.Equal(SourceStatus.Unavailable, gone.Status);
        Assert.Contains("start it", gone.Detail, StringComparison.Ordinal);
    }

    private static ReadyQuery Any => new(128, Rotate: true);

    private static JsonObject Page(JsonArray blocks, int total, int events) =>
        new() { ["blocks"] = blocks, ["total_blocks"] = total, ["total_events"] = events };

    private static CollectorBlocks Blocks(RpcClient client) => new(client, FakeCollector.ServiceId);

    private static JsonObject Block(string name) => new()
    {
        ["block_id"] = name,
        ["path"] = $"/spool/centre/{name}",
        ["size"] = 500,
        ["stream"] = new string('a', 32),
        ["index"] = 3,
        ["first_sequence"] = 10,
        ["next_sequence"] = 20,
        ["events"] = 10,
        ["hash"] = new string('0', 64),
    };
}
