using System.Text.Json.Nodes;
using ZfRepl.Core.Blocks;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Replicator.Tests;

/// <summary>What the replicator makes of its collector's answers, over a real socket.</summary>
public sealed class CollectorBlocksTests
{
    private static readonly BlockHash Hash = new(new byte[32]);

    [Fact]
    public async Task Blocks_that_are_ready_are_listed_and_the_open_one_is_left_alone()
    {
        await using var collector = await FakeCollector.StartAsync();
        collector.Listed = RpcResult.Json(new JsonArray(Block("mbb_5"), Block("mbb_6")));
        using var client = new RpcClient(collector.SocketPath);
        var ready = await Blocks(client).ReadyAsync("centre", rotate: true, CancellationToken.None);
        Assert.Equal(SourceStatus.Ok, ready.Status);
        Assert.Equal(["mbb_5", "mbb_6"], ready.Value!.Select(b => b.Name));
        Assert.Equal((3UL, 10UL, 20UL, 10UL, 500L), (
            ready.Value![0].Identity.Index, ready.Value[0].FirstSequence, ready.Value[0].NextSequence, ready.Value[0].EventCount, ready.Value[0].LengthBytes));
        Assert.Equal(["mailbox.list_blocks"], collector.Calls);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_when_nothing_is_ready_and_the_target_asks_for_it_the_open_block_is_closed(bool rotate)
    {
        await using var collector = await FakeCollector.StartAsync();
        collector.Next = RpcResult.Json(Block("mbb_7"));
        using var client = new RpcClient(collector.SocketPath);
        var ready = await Blocks(client).ReadyAsync("centre", rotate, CancellationToken.None);
        Assert.Equal(rotate ? ["mbb_7"] : [], ready.Value!.Select(b => b.Name));
        Assert.Equal(rotate, collector.Calls.Contains("mailbox.get_block"));
    }

    [Fact]
    public async Task The_open_block_is_closed_by_the_method_that_leaves_the_others_alone()
    {
        await using var collector = await FakeCollector.StartAsync();
        using var client = new RpcClient(collector.SocketPath);
        Assert.Equal(SourceStatus.Ok, (await Blocks(client).SealAsync("centre", CancellationToken.None)).Status);
        Assert.Equal(["mailbox.seal"], collector.Calls);
    }

    [Fact]
    public async Task An_empty_mailbox_has_nothing_to_give()
    {
        await using var collector = await FakeCollector.StartAsync();
        using var client = new RpcClient(collector.SocketPath);
        var ready = await Blocks(client).ReadyAsync("centre", rotate: true, CancellationToken.None);
        Assert.Equal(SourceStatus.Ok, ready.Status);
        Assert.Empty(ready.Value!);
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
        collector.Listed = RpcResult.Json(new JsonArray(block));
        using var client = new RpcClient(collector.SocketPath);
        var ready = await Blocks(client).ReadyAsync("centre", rotate: true, CancellationToken.None);
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
        var gone = await Blocks(client).ReadyAsync("centre", rotate: true, CancellationToken.None);
        Assert.Equal(SourceStatus.Unavailable, gone.Status);
        Assert.Contains("start it", gone.Detail, StringComparison.Ordinal);
    }

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
