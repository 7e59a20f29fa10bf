using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>With <c>queue_full: drop</c>, what finds no room is given up, and every bit of it is in the ledger.</summary>
public sealed class QueueFullTests
{
    private const int Batches = 100;
    private const int BatchEvents = 10;

    [Fact]
    public async Task What_is_dropped_is_in_the_ledger_to_the_last_event()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(
            storage, time, MailboxRig.Options with { MaxPendingAppends = 5, DropsWhenFull = true });
        storage.Fault = (_, operation, _) => operation is StorageOperation.Write or StorageOperation.Open ? Errno.NoSpace : null;
        var all = new List<Task<AppendResult>>();
        for (var i = 0; i < Batches; i++)
        {
            // Never waits for the disk; a source is told only when the entry is durable.
            all.Add(await rig.Mailbox.EnqueueAsync(rig.Batch(i * BatchEvents, BatchEvents), new SourcePosition("s", 1, (ulong)i + 1), CancellationToken.None));
        }

        Assert.DoesNotContain(all, t => t.IsCompleted);
        storage.Fault = null;
        while (!all.TrueForAll(t => t.IsCompleted))
        {
            await Eventually.TrueAsync(() => time.PendingTimers > 0 || all.TrueForAll(t => t.IsCompleted), "the committer goes on");
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.All(await Task.WhenAll(all), r => Assert.Equal(AppendResult.Accepted, r));
        Assert.Equal((ulong)Batches, rig.Mailbox.LastTaken("s", 1));
        var status = await rig.Mailbox.StatusAsync(CancellationToken.None);
        var dropped = status.LossesByReason[nameof(LossReason.QueueFull)];
        Assert.InRange(dropped, 1UL, (ulong)((Batches - 1) * BatchEvents));
        var listed = (await rig.Mailbox.ListLossesAsync(100, CancellationToken.None)).Value;
        Assert.Equal(dropped, listed.Aggregate(0UL, (sum, l) => sum + l.Record.Count));
        Assert.All(listed, l => Assert.True(l.Record.IsExact));

        var (values, losses) = await rig.DrainAsync();
        Assert.Equal(Batches * BatchEvents, values.Count + (int)losses.Aggregate(0UL, (sum, l) => sum + l.Count));
        Assert.Equal(dropped, losses.Where(l => l.Reason == LossReason.QueueFull).Aggregate(0UL, (sum, l) => sum + l.Count));
    }

    [Fact]
    public async Task A_batch_that_is_sent_again_is_not_counted_as_dropped_twice()
    {
        var storage = new SimulatedStorage();
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(
            storage, time, MailboxRig.Options with { MaxPendingAppends = 1, DropsWhenFull = true });
        storage.Fault = (_, operation, _) => operation is StorageOperation.Write or StorageOperation.Open ? Errno.NoSpace : null;
        var position = new SourcePosition("s", 1, 2);
        var first = await rig.Mailbox.EnqueueAsync(rig.Batch(0, 10), new SourcePosition("s", 1, 1), CancellationToken.None);
        var second = await rig.Mailbox.EnqueueAsync(rig.Batch(10, 10), position, CancellationToken.None);
        var again = await rig.Mailbox.EnqueueAsync(rig.Batch(10, 10), position, CancellationToken.None);
        storage.Fault = null;
        var all = Task.WhenAll(first, second, again);
        while (!all.IsCompleted)
        {
            await Eventually.TrueAsync(() => time.PendingTimers > 0 || all.IsCompleted, "the committer goes on");
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        var (values, losses) = await rig.DrainAsync();
        Assert.Equal((10, 10UL), (values.Count, losses.Aggregate(0UL, (sum, l) => sum + l.Count)));
    }
}
