namespace ZfRepl.Replicator.Sinks;

/// <summary>
/// Lets so many events pass in a second and makes the others wait, in the order in which they come. A tenth of a second's worth passes at once,
/// so that the clock's timers are not asked for each event. Thread-safe.
/// </summary>
/// <param name="eventsPerSecond">From 1.</param>
/// <param name="time">The clock.</param>
internal sealed class EventPacer(int eventsPerSecond, TimeProvider time)
{
    private const double BurstSeconds = 0.1;

    private readonly Lock _gate = new();
    private readonly double _burst = Math.Max(1, eventsPerSecond * BurstSeconds);
    private double _tokens = Math.Max(1, eventsPerSecond * BurstSeconds);
    private long _filledAt = time.GetTimestamp();

    /// <summary>Ends when the next event may pass. Without allocation unless it has to wait.</summary>
    public ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _tokens = Math.Min(_burst, _tokens + (time.GetElapsedTime(_filledAt, now).TotalSeconds * eventsPerSecond)) - 1;
            _filledAt = now;

            // Longer than for one event: those behind it then pass without waiting, at the same rate.
            wait = _tokens < 0 ? TimeSpan.FromSeconds((_burst - 1 - _tokens) / eventsPerSecond) : TimeSpan.Zero;
        }

        return wait > TimeSpan.Zero ? new ValueTask(Task.Delay(wait, time, cancellationToken)) : ValueTask.CompletedTask;
    }
}
