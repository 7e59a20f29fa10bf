namespace ZfRepl.TestKit;

/// <summary>A clock that moves only when a test says so; timers fire inside <see cref="Advance"/>, in order of their due time.</summary>
/// <remarks>Thread-safe. Callbacks run on the thread that advances, outside the lock.</remarks>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now;
    private long _timestamp;

    public ManualTime(DateTimeOffset? start = null) => _now = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>The number of timers that wait; lets a test see that the code under test has reached its delay.</summary>
    public int PendingTimers
    {
        get
        {
            lock (_gate)
            {
                return _timers.Count;
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            return _now;
        }
    }

    public override long GetTimestamp()
    {
        lock (_gate)
        {
            return _timestamp;
        }
    }

    /// <summary>Moves both clocks forward and fires what is due on the way.</summary>
    public void Advance(TimeSpan span)
    {
        long target;
        lock (_gate)
        {
            target = _timestamp + span.Ticks;
        }

        while (true)
        {
            ManualTimer? due;
            lock (_gate)
            {
                due = _timers.Where(t => t.DueAt <= target).MinBy(t => t.DueAt);

                // Another thread that advances may have been further already; the clock never goes back.
                MoveTo(Math.Max(due?.DueAt ?? target, _timestamp));
                if (due is null)
                {
                    return;
                }

                due.Fired(_timers);
            }

            due.Invoke();
        }
    }

    /// <summary>Steps the wall clock alone, as an operator or NTP does; timers and timestamps do not notice.</summary>
    public void StepWallClock(TimeSpan span)
    {
        lock (_gate)
        {
            _now += span;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private void MoveTo(long timestamp)
    {
        _now = _now.AddTicks(timestamp - _timestamp);
        _timestamp = timestamp;
    }

    private sealed class ManualTimer(ManualTime owner, TimerCallback callback, object? state) : ITimer
    {
        private long _periodTicks = -1;

        public long DueAt { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._gate)
            {
                owner._timers.Remove(this);
                _periodTicks = period > TimeSpan.Zero ? period.Ticks : -1;
                if (dueTime >= TimeSpan.Zero)
                {
                    DueAt = owner._timestamp + dueTime.Ticks;
                    owner._timers.Add(this);
                }
            }

            return true;
        }

        public void Fired(List<ManualTimer> timers)
        {
            if (_periodTicks < 0)
            {
                timers.Remove(this);
            }
            else
            {
                DueAt += _periodTicks;
            }
        }

        public void Invoke() => callback(state);

        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
