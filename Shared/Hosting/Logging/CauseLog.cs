using Microsoft.Extensions.Logging;

namespace ZfRepl.Hosting.Logging;

/// <summary>Logs what may happen very often once per cause, counts the rest, and says now and then how much there was. Thread-safe.</summary>
/// <remarks>
/// A cause that stays quiet for one interval is forgotten, and its next occurrence is logged in full again. At most 1000 causes
/// are told apart at a time; what comes beyond is counted together, so that nobody can fill the log by making up causes.
/// </remarks>
public sealed class CauseLog
{
    private const int CausesMax = 1000;

    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _repeats = [];
    private long _beyond;
    private long _total;

    /// <summary>Makes the log; summaries are written while <see cref="RunAsync"/> runs.</summary>
    /// <param name="logger">Where lines go.</param>
    /// <param name="time">The clock of the interval.</param>
    /// <param name="interval">Time between summaries; 10 minutes by default.</param>
    public CauseLog(ILogger logger, TimeProvider time, TimeSpan? interval = null)
    {
        _logger = logger;
        _time = time;
        _interval = interval ?? TimeSpan.FromMinutes(10);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_interval, TimeSpan.Zero, nameof(interval));
    }

    /// <summary>All occurrences of all causes since the start.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>Counts an occurrence; the first one of a cause is logged by <paramref name="logFirst"/>, with its remedy.</summary>
    /// <param name="cause">What makes occurrences the same, readable by people, such as <c>unknown key id plant7</c>; no secrets.</param>
    /// <param name="logFirst">Logs the occurrence in full; called outside of any lock.</param>
    /// <returns>Whether it was logged.</returns>
    public bool Report(string cause, Action<ILogger> logFirst)
    {
        ArgumentException.ThrowIfNullOrEmpty(cause);
        ArgumentNullException.ThrowIfNull(logFirst);
        Interlocked.Increment(ref _total);
        lock (_gate)
        {
            if (_repeats.TryGetValue(cause, out var repeats))
            {
                _repeats[cause] = repeats + 1;
                return false;
            }

            if (_repeats.Count >= CausesMax)
            {
                _beyond++;
                return false;
            }

            _repeats[cause] = 0;
        }

        logFirst(_logger);
        return true;
    }

    /// <summary>Writes a summary after every interval and a last one at the end. To be awaited by the owner.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(_interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                Summarize();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Summarize();
        }
    }

    /// <summary>Writes what was counted since the last time and forgets quiet causes.</summary>
    internal void Summarize()
    {
        KeyValuePair<string, long>[] repeated;
        long beyond;
        lock (_gate)
        {
            repeated = [.. _repeats.Where(r => r.Value > 0).OrderBy(r => r.Key, StringComparer.Ordinal)];
            foreach (var quiet in _repeats.Where(r => r.Value == 0).Select(r => r.Key).ToArray())
            {
                _repeats.Remove(quiet);
            }

            foreach (var (cause, _) in repeated)
            {
                _repeats[cause] = 0;
            }

            (beyond, _beyond) = (_beyond, 0);
        }

        foreach (var (cause, count) in repeated)
        {
            HostingLog.CauseRepeated(_logger, count, _interval.TotalMinutes, cause);
        }

        if (beyond > 0)
        {
            HostingLog.CausesBeyond(_logger, beyond, _interval.TotalMinutes, CausesMax);
        }
    }
}
