using ZfRepl.Hosting.Progress;

namespace ZfRepl.Replicator.Fetch;

/// <summary>Measures one client session. Used under its client's lock.</summary>
/// <param name="begun">How things stood when it began.</param>
/// <param name="duration">How long it may take.</param>
/// <param name="time">The clock.</param>
internal sealed class SessionProgress(FetchState begun, TimeSpan duration, TimeProvider time)
{
    private readonly WorkPace _pace = new(time);
    private bool _isInTouch;

    /// <summary>The source has said what waits there.</summary>
    public void InTouch() => _isInTouch = true;

    /// <summary>A block more is in.</summary>
    public void Note(FetchState now) => _pace.Note(new WorkDone(now.Events - begun.Events, now.ReceivedBytes - begun.ReceivedBytes));

    /// <summary>How far it is.</summary>
    public FetchSession Of(FetchState now)
    {
        var rate = _pace.Now();
        var left = duration - rate.Elapsed;
        return new FetchSession
        {
            IsInTouch = _isInTouch,
            Blocks = now.Blocks - begun.Blocks,
            Events = now.Events - begun.Events,
            ReceivedBytes = now.ReceivedBytes - begun.ReceivedBytes,
            Rate = rate with { Remaining = _isInTouch ? WorkPace.TimeFor(now.BacklogEvents, rate.EventsPerSecond) : null },
            EndsIn = left > TimeSpan.Zero ? left : TimeSpan.Zero,
        };
    }
}
