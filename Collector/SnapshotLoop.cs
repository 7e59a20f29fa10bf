using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector;

/// <summary>
/// Puts the last state of all items of a mailbox into it at a fixed interval, stamped with the tick. From one second on, ticks are on the wall clock's
/// multiples of the interval, so that the snapshots of several nodes are of the same moments.
/// </summary>
/// <param name="mailbox">Where they go.</param>
/// <param name="options">The mailbox's settings.</param>
/// <param name="intake">Knows the states and gives identities.</param>
/// <param name="isConnected">Whether a source has its connection.</param>
/// <param name="time">The clock.</param>
internal sealed class SnapshotLoop(Mailbox mailbox, MailboxOptions options, Intake intake, Func<string, bool> isConnected, TimeProvider time)
{
    private static readonly TimeSpan Aligned = TimeSpan.FromSeconds(1);

    private readonly EventBatch _batch = new(intake.Oids);
    private readonly ItemMatches _matches = new(intake.Oids, options.Filter);

    /// <summary>Takes snapshots until it is cancelled. One that can't be written in time makes the next one wait; none is caught up.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var interval = options.SnapshotInterval ?? throw new InvalidOperationException($"Mailbox {options.Name} takes no snapshots.");
        if (interval < Aligned)
        {
            using var timer = new PeriodicTimer(interval, time);
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                await TakeAsync(time.GetUtcNow(), cancellationToken);
            }
        }

        var seconds = (long)interval.TotalSeconds;
        while (true)
        {
            var tick = NextTick(time.GetUtcNow(), seconds);

            // A timer may fire a moment early, and the clock may be set meanwhile.
            while (tick - time.GetUtcNow() is var left && left > TimeSpan.Zero)
            {
                await Task.Delay(left < Aligned ? left : Aligned, time, cancellationToken);
                tick = tick > NextTick(time.GetUtcNow(), seconds) ? NextTick(time.GetUtcNow(), seconds) : tick;
            }

            await TakeAsync(tick, cancellationToken);
        }
    }

    private static DateTimeOffset NextTick(DateTimeOffset now, long seconds) =>
        DateTimeOffset.FromUnixTimeSeconds((now.ToUnixTimeSeconds() / seconds + 1) * seconds);

    private async Task TakeAsync(DateTimeOffset tick, CancellationToken cancellationToken)
    {
        intake.States.Snapshot(
            _batch,
            UnixTime.FromDateTimeOffset(tick),
            _matches.Check,
            source => !options.SkipsDisconnected || isConnected(source),
            intake.NextIeids);
        if (_batch.Count > 0)
        {
            // The batch is not needed any more: at the end nobody has to wait for a disk that is full.
            var durable = await mailbox.EnqueueAsync(_batch, position: null, cancellationToken);
            await durable.WaitAsync(cancellationToken);
        }
    }
}
