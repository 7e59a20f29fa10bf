namespace ZfRepl.Simulation;

/// <summary>The clock of one process: timers follow virtual time, the wall clock is its machine's and may jump. Dead processes have no timers.</summary>
internal sealed class SimTime(SimLoop loop, SimProcess process) : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => Epoch + loop.Now + process.Machine.WallOffset;

    public override long GetTimestamp() => loop.NowTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(loop, process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimTimer(SimLoop loop, SimProcess process, TimerCallback callback, object? state) : ITimer
    {
        private long _setting;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _setting++;
            if (dueTime >= TimeSpan.Zero)
            {
                Arm(_setting, dueTime, period);
            }

            return true;
        }

        public void Dispose() => _setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Arm(long setting, TimeSpan dueTime, TimeSpan period) => loop.After(dueTime, () =>
        {
            if (setting != _setting || !process.IsAlive)
            {
                return;
            }

            if (period > TimeSpan.Zero)
            {
                Arm(setting, period, period);
            }

            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    if (process.IsAlive)
                    {
                        callback(state);
                    }
                },
                null);
        });
    }
}
