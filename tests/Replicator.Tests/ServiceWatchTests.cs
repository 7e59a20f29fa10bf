using ZfRepl.Replicator.Fetch;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>While a watched service is down, clients neither fetch nor import; when it answers, they go on by themselves.</summary>
public sealed class ServiceWatchTests
{
    private readonly ListLogger _log = new();

    [Fact]
    public async Task A_service_that_answers_is_no_trouble_and_one_that_is_gone_is()
    {
        var service = await FakeCollector.StartAsync();
        using var end = new CancellationTokenSource();
        var watch = new ServiceWatch([new WatchedService(FakeCollector.ServiceId, service.SocketPath)], TimeProvider.System, _log);
        Assert.NotNull(watch.Trouble);
        var run = watch.RunAsync(end.Token);
        await Eventually.TrueAsync(() => watch.Trouble is null, "the service answers");
        await service.DisposeAsync();
        await Eventually.TrueAsync(() => watch.Trouble is not null, "the service is missed");
        Assert.Contains($"the watched service {FakeCollector.ServiceId} is down", watch.Trouble, StringComparison.Ordinal);
        Assert.Contains("watch_svcs", watch.Trouble, StringComparison.Ordinal);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public async Task A_service_that_nobody_knows_is_explained()
    {
        using var folder = new TempFolder();
        using var end = new CancellationTokenSource();
        var watch = new ServiceWatch([new WatchedService("eva.nobody", folder["eva.nobody.sock"])], TimeProvider.System, _log);
        var run = watch.RunAsync(end.Token);
        await Eventually.TrueAsync(() => watch.Trouble?.Contains("eva.nobody is down", StringComparison.Ordinal) == true, "it is explained");
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public void Nothing_to_watch_is_no_trouble() => Assert.Null(new ServiceWatch([], TimeProvider.System, _log).Trouble);

    [Fact]
    public async Task While_it_is_suspended_a_client_leaves_everything_at_the_source()
    {
        await using var transfer = new TransferRig(new LoopbackBus());
        transfer.AddBlock(10);
        var reason = "the watched service eva.x is down";
        await using var rig = await FetchRig.StartAsync(transfer, tune: o => o with { Suspended = () => Volatile.Read(ref reason!) });
        await Eventually.TrueAsync(() => rig.Client.State.Trouble == reason, "the client says why it waits");
        Assert.Single(transfer.Blocks.All);
        Assert.Equal(0, await rig.CountAsync());
        Volatile.Write(ref reason!, null);
        await rig.DrainedAsync();
        Assert.Equal(10, await rig.CountAsync());
        await Eventually.TrueAsync(() => rig.Client.State.Trouble is null, "nothing is in the way");
    }
}
