using ZfRepl.Collector.Tests.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests;

/// <summary>Mailbox keys <c>interval</c>, <c>skip_disconnected</c> and <c>ignore_events</c>.</summary>
public sealed class SnapshotTests
{
    private static readonly Oid A = Oid.Parse("sensor:plant/a");
    private static readonly Oid B = Oid.Parse("sensor:plant/b");
    private static readonly Oid Other = Oid.Parse("sensor:other/c");

    private readonly OidTable _oids = new();

    [Fact]
    public void A_snapshot_has_the_last_state_of_each_item_at_one_time()
    {
        var states = new LastStates(_oids);
        states.Update(Batch((A, 1), (B, 2), (A, 3)), "plc");
        states.Update(Batch((Other, 4)), source: null);
        Assert.Equal([(A, 3L), (B, 2), (Other, 4)], Take(states, _ => true, _ => true));
        Assert.Equal([(A, 3L), (B, 2)], Take(states, item => !_oids[item].Equals(Other), _ => true));
    }

    [Fact]
    public void Items_of_a_source_without_connection_are_left_out_when_that_is_asked_for()
    {
        var states = new LastStates(_oids);
        states.Update(Batch((A, 1)), "plc1");
        states.Update(Batch((B, 2)), "plc2");
        states.Update(Batch((Other, 3)), source: null);
        Assert.Equal([(B, 2L), (Other, 3)], Take(states, _ => true, source => source != "plc1"));
    }

    [Fact]
    public void Before_anything_was_read_there_is_nothing_to_show() => Assert.Empty(Take(new LastStates(_oids), _ => true, _ => true));

    [Fact]
    public async Task Ticks_are_on_the_multiples_of_the_interval_and_stamp_all_items()
    {
        var time = new ManualTime(DateTimeOffset.FromUnixTimeSeconds(1_700_000_003));

        // The loop alone has this clock: while it has no timer it is at work, and no tick may pass.
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        var options = MailboxRig.Options with { SnapshotInterval = TimeSpan.FromSeconds(10.7), IgnoresEvents = true };
        var intake = new Intake([], boot: 7, _oids, keepsStates: true);
        using var end = new CancellationTokenSource();
        var run = new SnapshotLoop(rig.Mailbox, options, intake, _ => true, time).RunAsync(end.Token);
        await await intake.TakeAsync(Batch((A, 1), (B, 2)), position: null, CancellationToken.None);
        await AdvanceAsync(time, rig, events: 2);
        await await intake.TakeAsync(Batch((A, 5)), position: null, CancellationToken.None);
        await AdvanceAsync(time, rig, events: 4);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);

        var events = await EventsAsync(rig);
        Assert.Equal(
            [(A, 1_700_000_010L, 1L), (B, 1_700_000_010, 2), (A, 1_700_000_020, 5), (B, 1_700_000_020, 2)],
            events.OrderBy(e => e.TimeNs).ThenBy(e => e.Oid.Text, StringComparer.Ordinal).Select(e => (e.Oid, e.TimeNs / 1_000_000_000, e.Value.AsInt64)));
        Assert.Equal(4, events.Select(e => e.Ieid).Distinct().Count());
    }

    [Fact]
    public async Task A_full_disk_does_not_keep_the_loop_from_its_end()
    {
        var time = new ManualTime();
        await using var rig = await MailboxRig.StartAsync(new SimulatedStorage());
        var intake = new Intake([], boot: 7, _oids, keepsStates: true);
        using var end = new CancellationTokenSource();
        rig.Storage.Fault = (_, operation, _) => operation is StorageOperation.Write or StorageOperation.Open ? Errno.NoSpace : null;
        var options = MailboxRig.Options with { SnapshotInterval = TimeSpan.FromSeconds(1), IgnoresEvents = true };
        await await intake.TakeAsync(Batch((A, 1)), position: null, CancellationToken.None);
        var run = new SnapshotLoop(rig.Mailbox, options, intake, _ => true, time).RunAsync(end.Token);
        await Eventually.TrueAsync(() => time.PendingTimers > 0, "the loop waits for its tick");
        time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.TrueAsync(
            async () => (await rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble is not null, "the disk does not take the snapshot");
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(TimeSpan.FromSeconds(10)));
        rig.Storage.Fault = null;
    }

    [Fact]
    public async Task A_mailbox_that_ignores_events_takes_none_and_does_not_hold_up_its_sources()
    {
        await using var takes = await MailboxRig.StartAsync(new SimulatedStorage());
        await using var ignores = await MailboxRig.StartAsync(new SimulatedStorage());

        // The service gives the intake those mailboxes alone that take events.
        var intake = new Intake([takes.Mailbox], boot: 7, takes.Oids);
        var batch = takes.Batch(0, 3);
        Assert.True(await await intake.TakeAsync(batch, new SourcePosition("s", 1, 1), CancellationToken.None));
        Assert.Equal(1UL, intake.LastTakenByAll("s", 1));
        Assert.Equal(3UL, (await takes.Mailbox.StatusAsync(CancellationToken.None)).AcceptedEvents);
        Assert.Equal(0UL, (await ignores.Mailbox.StatusAsync(CancellationToken.None)).AcceptedEvents);
    }

    private static async Task AdvanceAsync(ManualTime time, MailboxRig rig, ulong events)
    {
        while ((await rig.Mailbox.StatusAsync(CancellationToken.None)).AcceptedEvents < events)
        {
            await Eventually.TrueAsync(() => time.PendingTimers > 0, "the loop waits for its tick");
            time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    private static async Task<List<TelemetryEvent>> EventsAsync(MailboxRig rig)
    {
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var events = new List<TelemetryEvent>();
        foreach (var ready in await rig.Mailbox.ListAsync(CancellationToken.None))
        {
            events.AddRange(MailboxRig.ReadEvents(rig.Storage, ready.Path));
        }

        return events;
    }

    private static List<(Oid Oid, long Value)> Take(LastStates states, Func<int, bool> isTaken, Func<string, bool> isConnected)
    {
        var target = new EventBatch(states.Oids);
        states.Snapshot(target, 5, isTaken, isConnected, _ => new Ieid(1, 10));
        Assert.All(Enumerable.Range(0, target.Count), i => Assert.Equal((5L, new Ieid(1, 10 + (ulong)i)), (target[i].TimeNs, target[i].Ieid)));
        return [.. Enumerable.Range(0, target.Count).Select(i => (target[i].Oid, target[i].Value.AsInt64))];
    }

    private EventBatch Batch(params (Oid Oid, long Value)[] events)
    {
        var batch = new EventBatch(_oids);
        foreach (var (oid, value) in events)
        {
            batch.Add(new TelemetryEvent(oid, 1, 1, 0, TelemetryValue.From(value), new Ieid(1, 1)));
        }

        return batch;
    }
}
