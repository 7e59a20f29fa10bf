using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Sources.OpcUa;
using ZfRepl.Collector.Tests.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Sources;

/// <summary>Notifications in mailboxes: once each, also when they come again after a restart, and with their losses in the ledger.</summary>
public sealed class SubscriptionIntakeTests
{
    private const ulong Incarnation = 77;
    private const uint Overflow = 0x480;
    private static readonly string[] Keys = ["sensor:plant/a", "sensor:plant/b"];
    private static readonly OpcUaSourceOptions Options = new()
    {
        Name = "plant",
        EndpointUrl = "opc.tcp://localhost:4840/plant",
        Policy = SecurityPolicy.None,
        Mode = MessageSecurityMode.None,
    };

    private readonly SimulatedStorage _storage = new();

    [Fact]
    public async Task A_notification_that_comes_again_is_taken_once()
    {
        await using var rig = await MailboxRig.StartAsync(_storage);
        var intake = Intake(rig, boot: 1);
        Assert.True(await TakeAsync(intake, 1, 10, 11));
        Assert.True(await TakeAsync(intake, 2, 12));
        Assert.True(await TakeAsync(intake, 2, 12));
        Assert.True(await TakeAsync(intake, 1, 10, 11));
        Assert.Equal([10, 11, 12], await rig.ValuesAsync());
        Assert.Equal((2u, 2u), intake.LastDurable(Incarnation));
    }

    [Fact]
    public async Task After_a_restart_the_server_may_send_everything_again()
    {
        await using (var rig = await MailboxRig.StartAsync(_storage))
        {
            var intake = Intake(rig, boot: 1);
            Assert.Null(intake.LastDurable(Incarnation));
            await TakeAsync(intake, 1, 10);
            await TakeAsync(intake, 2, 11);
        }

        await using (var rig = await MailboxRig.StartAsync(_storage))
        {
            var intake = Intake(rig, boot: 2);
            Assert.Equal((2u, 2u), intake.LastDurable(Incarnation));
            Assert.Null(intake.LastDurable(Incarnation + 1));
            await TakeAsync(intake, 1, 10);
            await TakeAsync(intake, 2, 11);
            await TakeAsync(intake, 3, 12);
            Assert.Equal([10, 11, 12], await rig.ValuesAsync());
        }
    }

    [Fact]
    public async Task The_server_is_asked_from_where_the_mailbox_stands_that_is_furthest_behind()
    {
        await using var ahead = await MailboxRig.StartAsync(_storage);
        await using var behind = await MailboxRig.StartAsync(new SimulatedStorage());
        var both = Intake([ahead.Mailbox, behind.Mailbox], boot: 1, ahead.Time);
        await TakeAsync(both, 1, 10);
        await TakeAsync(both, 2, 11);

        // As if the process had died when one of them had made the third notification durable and the other had not.
        await TakeAsync(Intake(ahead, boot: 1), 3, 12);
        Assert.Equal((2u, 3u), both.LastDurable(Incarnation));
        await TakeAsync(both, 3, 12);
        Assert.Equal((3u, 3u), both.LastDurable(Incarnation));
        Assert.Equal([10, 11, 12], await ahead.ValuesAsync());
        Assert.Equal([10, 11, 12], await behind.ValuesAsync());
    }

    [Fact]
    public async Task A_mailbox_whose_filter_takes_nothing_does_not_have_everything_asked_for_again()
    {
        Assert.True(OidMask.TryParse("sensor:other/#", out var mask, out _));
        var filter = new OidFilter([mask], []);
        await using var taking = await MailboxRig.StartAsync(_storage);
        await using var idle = await MailboxRig.StartAsync(new SimulatedStorage(), options: MailboxRig.Options with { Filter = filter });
        var both = Intake([taking.Mailbox, idle.Mailbox], boot: 1, taking.Time);
        for (var number = 1u; number <= 100; number++)
        {
            await TakeAsync(both, number, (int)number);
        }

        // The process dies: what the idle one has seen without taking was on no disk.
        await taking.StopAsync();
        _storage.KillProcess();
        await using var takingAgain = await MailboxRig.StartAsync(_storage);
        await using var idleAgain = await MailboxRig.StartAsync(new SimulatedStorage(), options: MailboxRig.Options with { Filter = filter });
        both = Intake([takingAgain.Mailbox, idleAgain.Mailbox], boot: 2, takingAgain.Time);
        Assert.Equal((36u, 100u), both.LastDurable(Incarnation));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Notifications_of_which_a_filter_takes_nothing_are_no_gap_for_the_next_process(bool isOrderly)
    {
        Assert.True(OidMask.TryParse("sensor:plant/a", out var mask, out _));
        var options = MailboxRig.Options with { Filter = new OidFilter([mask], []) };
        await using (var rig = await MailboxRig.StartAsync(_storage, options: options))
        {
            var intake = Intake(rig, boot: 1);
            await TakeAsync(intake, 1, 10);
            for (var number = 2u; number <= 500; number++)
            {
                Assert.True(await TakeAsync(intake, number, [(1, (int)number, 0u)]));
            }

            // A repeat of one of which nothing was taken has nothing to wait for.
            Assert.True(await TakeAsync(intake, 300, [(1, 300, 0u)]));
            if (!isOrderly)
            {
                // Any commit brings the position along, as that of a heartbeat.
                var loss = new NotificationLoss(NotificationLossKind.Gap, Incarnation, 1, 1, UaDateTime.Null, UaDateTime.Null, "any");
                Assert.True(await intake.RecordLossAsync(loss, CancellationToken.None));
                _storage.KillProcess();
                await using var early = await MailboxRig.StartAsync(_storage, options: options);
                Assert.Equal((500u, 500u), Intake(early, boot: 2).LastDurable(Incarnation));
                return;
            }

            await rig.StopAsync();
        }

        _storage.KillProcess();
        await using var again = await MailboxRig.StartAsync(_storage, options: options);
        Assert.Equal((500u, 500u), Intake(again, boot: 2).LastDurable(Incarnation));
    }

    [Fact]
    public async Task A_subscription_that_nobody_remembers_any_more_is_a_hole_in_the_ledger()
    {
        await using (var rig = await MailboxRig.StartAsync(_storage))
        {
            var first = Intake(rig, boot: 1);
            Assert.Null(await first.LoadStateAsync(CancellationToken.None));
            Assert.True(await first.SaveStateAsync(new byte[] { 1 }, CancellationToken.None));
            await TakeAsync(first, 1, 10);
            Assert.Empty((await rig.DrainAsync()).Losses);

            // Remembered: no hole.
            var second = Intake(rig, boot: 2);
            Assert.NotNull(second.LastDurable(Incarnation));
            Assert.True(await second.SaveStateAsync(new byte[] { 2 }, CancellationToken.None));
            Assert.Empty((await rig.DrainAsync()).Losses);
            await rig.StopAsync();
        }

        _storage.KillProcess();
        await using var again = await MailboxRig.StartAsync(_storage);
        var third = Intake(again, boot: 3);
        Assert.True(await third.SaveStateAsync(new byte[] { 3 }, CancellationToken.None));
        Assert.True(await third.SaveStateAsync(new byte[] { 4 }, CancellationToken.None));
        var loss = Assert.Single((await again.DrainAsync()).Losses);
        Assert.Equal((LossReason.SubscriptionLost, "plant"), (loss.Reason, loss.Source));
    }

    [Fact]
    public async Task A_loss_that_the_disk_does_not_take_does_not_keep_the_source_from_ending()
    {
        await using var rig = await MailboxRig.StartAsync(_storage);
        _storage.Fault = (_, operation, _) => operation is StorageOperation.Write or StorageOperation.Open ? Errno.NoSpace : null;
        using var end = new CancellationTokenSource();
        var recording = Intake(rig, boot: 1).RecordLossAsync(
            new NotificationLoss(NotificationLossKind.Gap, Incarnation, 1, 1, UaDateTime.Null, UaDateTime.Null, "gone"), end.Token);
        Assert.False(recording.IsCompleted);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => recording);
    }

    [Fact]
    public async Task Numbers_that_start_again_with_1_are_not_taken_for_old_ones()
    {
        await using var rig = await MailboxRig.StartAsync(_storage);
        var intake = Intake(rig, boot: 1);
        await TakeAsync(intake, uint.MaxValue - 1, 10);
        await TakeAsync(intake, uint.MaxValue, 11);
        await TakeAsync(intake, 1, 12);
        Assert.Equal((1u, 1u), intake.LastDurable(Incarnation));
        await TakeAsync(intake, uint.MaxValue, 11);
        await TakeAsync(intake, 2, 13);
        await TakeAsync(intake, 2, 13);
        Assert.Equal([10, 11, 12, 13], await rig.ValuesAsync());
        Assert.Equal((2u, 2u), intake.LastDurable(Incarnation));
    }

    [Fact]
    public async Task An_overflow_at_the_server_is_in_the_ledger_once_before_the_notification_may_be_acknowledged()
    {
        await using var rig = await MailboxRig.StartAsync(_storage);
        var intake = Intake(rig, boot: 1);
        Assert.True(await TakeAsync(intake, 1, [(0, 10, Overflow), (1, 11, 0u), (0, 12, Overflow)]));
        Assert.True(await TakeAsync(intake, 1, [(0, 10, Overflow), (1, 11, 0u), (0, 12, Overflow)]));
        var (values, losses) = await rig.DrainAsync();
        Assert.Equal([10, 11, 12], values);
        var loss = Assert.Single(losses);
        Assert.Equal((LossReason.SourceOverflow, 2UL, false, "plant"), (loss.Reason, loss.Count, loss.IsExact, loss.Source));
        Assert.Contains("sensor:plant/a", loss.Detail, StringComparison.Ordinal);
        Assert.Contains("queue_size", loss.Detail, StringComparison.Ordinal);
        Assert.Equal(2, intake.Overflows);
    }

    [Theory]
    [InlineData(NotificationLossKind.Gap, 5u, 7u, LossReason.SourceGap, 3UL)]
    [InlineData(NotificationLossKind.Gap, uint.MaxValue, 1u, LossReason.SourceGap, 3UL)]
    [InlineData(NotificationLossKind.Gap, 5u, 0u, LossReason.SourceGap, 1UL)]
    [InlineData(NotificationLossKind.SubscriptionLost, 0u, 0u, LossReason.SubscriptionLost, 1UL)]
    public async Task A_hole_at_the_server_is_in_the_ledger(NotificationLossKind kind, uint first, uint last, LossReason reason, ulong count)
    {
        await using var rig = await MailboxRig.StartAsync(_storage);
        var intake = Intake(rig, boot: 1);
        var recorded = await intake.RecordLossAsync(
            new NotificationLoss(kind, Incarnation, first, last, UaDateTime.Null, new UaDateTime(133_000_000_000_000_000), "gone"), CancellationToken.None);
        Assert.True(recorded);
        var loss = Assert.Single((await rig.DrainAsync()).Losses);
        Assert.Equal((reason, count, false, "plant", "gone"), (loss.Reason, loss.Count, loss.IsExact, loss.Source, loss.Detail));
        Assert.Equal((0L, true), (loss.FromNs, loss.ToNs > 0));
    }

    [Fact]
    public async Task Changes_of_a_subscription_that_is_drained_are_no_first_values_however_they_mix_with_those_of_its_successor()
    {
        await using var rig = await MailboxRig.StartAsync(_storage);
        await TakeAsync(Intake(rig, boot: 1), 1, 10);
        var intake = Intake(rig, boot: 2);
        Assert.NotNull(intake.LastDurable(Incarnation));
        await TakeAsync(intake, 1, [(0, 99, 0u)], Incarnation + 1);
        await TakeAsync(intake, 2, [(0, 11, 0u)]);
        await TakeAsync(intake, 2, [(0, 100, 0u)], Incarnation + 1);
        await TakeAsync(intake, 3, [(0, 12, 0u)]);
        Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var refreshes = new List<long>();
        foreach (var ready in await rig.Mailbox.ListAsync(CancellationToken.None))
        {
            using var file = _storage.Open(ready.Path, write: false).Value;
            var scanner = BlockScanner.Open(file).Value;
            var batch = new EventBatch(new OidTable());
            while (scanner.Next().Value is { Kind: not ScanKind.End } item)
            {
                if (EventFrameReader.HoldsEvents(item.Header.Type))
                {
                    Assert.Null(new EventFrameReader().Read(item.Header, item.Payload.Span, batch));
                }
            }

            refreshes.AddRange(Enumerable.Range(0, batch.Count).Where(i => batch[i].Flags.HasFlag(EventFlags.Refresh)).Select(i => batch[i].Value.AsInt64));
        }

        Assert.Equal([10L, 99L], refreshes);
    }

    [Fact]
    public async Task Nothing_is_durable_in_a_mailbox_that_was_closed()
    {
        var rig = await MailboxRig.StartAsync(_storage);
        var intake = Intake(rig, boot: 1);
        await rig.StopAsync();
        Assert.False(await TakeAsync(intake, 1, 10));
        await rig.DisposeAsync();
    }

    [Fact]
    public void The_remembered_subscription_survives_a_power_cut_and_a_broken_one_is_as_none()
    {
        var file = new SubscriptionStateFile(_storage, "/spool", "line 1/ä", NullLogger.Instance);
        Assert.Null(file.Load());
        Assert.True(file.Save(new byte[] { 1, 2, 3 }));
        Assert.StartsWith("/spool/.sources/line", file.FilePath, StringComparison.Ordinal);
        Assert.Equal("/spool/.sources", Path.GetDirectoryName(file.FilePath));
        Assert.Equal(new byte[] { 1, 2, 3 }, file.Load()!.Value.ToArray());
    }

    private SubscriptionIntake Intake(MailboxRig rig, ulong boot) => Intake([rig.Mailbox], boot, rig.Time);

    private SubscriptionIntake Intake(IReadOnlyList<Mailbox> mailboxes, ulong boot, TimeProvider time) => new(
        Options,
        new Intake(mailboxes, boot, new OidTable()),
        new SubscriptionStateFile(_storage, "/spool", Options.Name, NullLogger.Instance),
        time);

    private static Task<bool> TakeAsync(SubscriptionIntake intake, uint number, params ReadOnlySpan<int> values)
    {
        var changes = new (uint Handle, int Value, uint Status)[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            changes[i] = (0, values[i], 0);
        }

        return TakeAsync(intake, number, changes);
    }

    private static async Task<bool> TakeAsync(SubscriptionIntake intake, uint number, (uint Handle, int Value, uint Status)[] changes, ulong incarnation = Incarnation)
    {
        using var batch = new DataChangeBatch();
        foreach (var (handle, value, status) in changes)
        {
            batch.Add(handle, new DataValue(new Variant(value), new StatusCode(status), new UaDateTime(133_000_000_000_000_000 + value)));
        }

        var durable = await intake.TakeAsync(
            new Notification(incarnation, number, UaDateTime.Null, IsRepublished: false, batch, Keys), CancellationToken.None);
        return await durable;
    }
}
