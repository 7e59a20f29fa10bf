namespace ZfRepl.Hosting.Progress;

/// <summary>How much of long work is done.</summary>
/// <param name="Events">Events so far.</param>
/// <param name="Bytes">Bytes so far.</param>
/// <param name="Share">From 0 to 1, or null where nobody knows how much there is.</param>
public readonly record struct WorkDone(long Events, long Bytes, double? Share = null);

/// <summary>How fast long work goes on at present.</summary>
/// <param name="Elapsed">Since it began, or since the service did.</param>
/// <param name="EventsPerSecond">Over the last ten to twenty seconds.</param>
/// <param name="BytesPerSecond">Over the last ten to twenty seconds.</param>
/// <param name="Remaining">About how long it still takes, or null where that can't be said.</param>
public readonly record struct WorkRate(TimeSpan Elapsed, double EventsPerSecond, double BytesPerSecond, TimeSpan? Remaining);

/// <summary>
/// Measures long work: is told after each piece (a block, a file, a stretch of time) how much is done, and says how fast it goes on. A pause
/// shows: the rate falls. Thread-safe.
/// </summary>
public sealed class WorkPace
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _begun;
    private Mark _older;
    private Mark _newer;
    private WorkDone _done;

    /// <summary>Work that begins now.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="done">What was done before.</param>
    public WorkPace(TimeProvider time, WorkDone done = default)
    {
        ArgumentNullException.ThrowIfNull(time);
        _time = time;
        _begun = time.GetTimestamp();
        _done = done;
        _older = _newer = new Mark(_begun, done);
    }

    /// <summary>Another piece is done.</summary>
    /// <param name="done">All that is done by now.</param>
    public void Note(in WorkDone done)
    {
        lock (_gate)
        {
            _done = done;
            Shift();
        }
    }

    /// <summary>How fast it goes on.</summary>
    public WorkRate Now()
    {
        lock (_gate)
        {
            Shift();
            var seconds = _time.GetElapsedTime(_older.At).TotalSeconds;
            var elapsed = _time.GetElapsedTime(_begun);
            if (seconds <= 0)
            {
                return new WorkRate(elapsed, 0, 0, null);
            }

            var events = (_done.Events - _older.Done.Events) / seconds;
            var bytes = (_done.Bytes - _older.Done.Bytes) / seconds;
            return new WorkRate(elapsed, Math.Max(0, events), Math.Max(0, bytes), Remaining(seconds));
        }
    }

    /// <summary>How long so much takes at a rate; null where that can't be said.</summary>
    /// <param name="left">What is left to do.</param>
    /// <param name="perSecond">How much is done in a second.</param>
    public static TimeSpan? TimeFor(double left, double perSecond) =>
        left <= 0 ? TimeSpan.Zero
        : perSecond > 0 && left / perSecond < Longest.TotalSeconds ? TimeSpan.FromSeconds(left / perSecond)
        : null;

    private TimeSpan? Remaining(double seconds) =>
        _done.Share is { } share && _older.Done.Share is { } before ? TimeFor(1 - share, (share - before) / seconds) : null;

    private void Shift()
    {
        if (_time.GetElapsedTime(_newer.At) >= Window)
        {
            _older = _newer;
            _newer = new Mark(_time.GetTimestamp(), _done);
        }
    }

    private readonly record struct Mark(long At, WorkDone Done);
}
