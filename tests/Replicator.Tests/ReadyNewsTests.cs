using System.Text.Json.Nodes;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>What a target in a session is told of what the collector has ready, without asking.</summary>
public sealed class ReadyNewsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task What_became_ready_before_the_collector_answered_first_is_announced_and_after_its_restart_too()
    {
        await using var collector = await FakeCollector.StartAsync();
        collector.News = News(1000);
        await using var rig = new TransferRig(new LoopbackBus());
        await OpenAsync(rig);
        using var client = new RpcClient(collector.SocketPath);
        using var end = new CancellationTokenSource();
        var running = new ReadyNews(
            new CollectorBlocks(client, FakeCollector.ServiceId), rig.Server, [TransferRig.Target], TimeProvider.System).RunAsync(end.Token);
        await AnnouncedAsync(rig);

        // The same again is no news.
        var again = rig.Link.AnnouncedAsync(CancellationToken.None).AsTask();
        await Task.WhenAny(again, running, Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System));
        Assert.False(again.IsCompleted || running.IsCompleted);

        // A collector that begins anew while the clock was set back has lower numbers.
        collector.News = News(500);
        await again.WaitAsync(Patience);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task What_became_ready_while_serving_was_disabled_is_announced_when_it_is_enabled()
    {
        await using var rig = new TransferRig(new LoopbackBus());
        await OpenAsync(rig);
        rig.Server.Enabled = false;
        rig.AddBlock(10);
        rig.Server.Enabled = true;
        await AnnouncedAsync(rig);
    }

    /// <summary>Opens a session, and takes note of the source's start.</summary>
    private static async Task OpenAsync(TransferRig rig)
    {
        await AnnouncedAsync(rig);
        Assert.True((await rig.Link.EnsureSessionAsync(CancellationToken.None)).IsOk);
    }

    private static Task<bool> AnnouncedAsync(TransferRig rig) => rig.Link.AnnouncedAsync(CancellationToken.None).AsTask().WaitAsync(Patience);

    private static RpcResult News(long version) => RpcResult.Json(
        new JsonObject { ["version"] = version, ["mailboxes"] = new JsonObject { [TransferRig.Target] = version } });
}
