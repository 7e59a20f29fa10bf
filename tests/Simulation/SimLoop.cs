using System.Globalization;

namespace ZfRepl.Simulation;

/// <summary>
/// The order of everything: events in virtual time, the next one taken when nothing is left to run. Runs on the pool's only worker; whatever a
/// seed decides comes from here, and everything that happens is written into the trace.
/// </summary>
internal sealed class SimLoop(int seed)
{
    private const int KeptLines = 400;
    private const int MostRounds = 1_000_000;
    private const ulong HashStart = 14_695_981_039_346_656_037;
    private const ulong HashFactor = 1_099_511_628_211;

    private readonly PriorityQueue<Action, (long At, int Tie, long Number)> _events = new();
    private readonly Queue<(TimeSpan At, string Line)> _lines = new();
    private readonly Random _ties = new(seed);
    private long _number;

    /// <summary>Virtual time since the start, in ticks; the monotonic clock of every machine.</summary>
    public long NowTicks { get; private set; }

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan Now => TimeSpan.FromTicks(NowTicks);

    /// <summary>The hash of the trace so far.</summary>
    public ulong TraceHash { get; private set; } = HashStart;

    /// <summary>Events taken so far.</summary>
    public long Steps { get; private set; }

    /// <summary>What was found wrong first, or null.</summary>
    public string? Violation { get; private set; }

    /// <summary>Gets every line of the trace, and what is said beside it.</summary>
    public Action<string>? Output { get; set; }

    /// <summary>Called between two pieces of work, also where nobody waits for time or a message.</summary>
    public Action? BetweenWork { get; set; }

    /// <summary>The newest lines of the trace.</summary>
    public IEnumerable<string> LastLines => _lines.Select(l => Format(l.At, l.Line));

    /// <summary>Has something happen after some virtual time.</summary>
    public void After(TimeSpan delay, Action action) =>
        _events.Enqueue(action, (NowTicks + Math.Max(0, delay.Ticks), _ties.Next(), _number++));

    /// <summary>Ends after some virtual time; never, if the process has died by then.</summary>
    public Task PauseAsync(TimeSpan delay, SimProcess? process)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        After(delay, () =>
        {
            if (process is not { IsAlive: false })
            {
                done.SetResult();
            }
        });
        return done.Task;
    }

    /// <summary>Writes a line into the trace; it must say the same in every run of the seed.</summary>
    public void Trace(string line)
    {
        var hash = unchecked((TraceHash ^ (ulong)NowTicks) * HashFactor);
        foreach (var c in line)
        {
            hash = unchecked((hash ^ c) * HashFactor);
        }

        TraceHash = hash;
        Keep(line);
    }

    /// <summary>Says something that need not be the same in every run.</summary>
    public void Remark(string line) => Keep(line);

    /// <summary>A promise is broken. The first one counts.</summary>
    public void Violate(string text)
    {
        if (Violation is null)
        {
            Violation = text;
            Keep($"VIOLATION: {text}");
        }
    }

    /// <summary>Lets everything run that can run without time going on.</summary>
    public async Task SettleAsync()
    {
        var rounds = 0;
        do
        {
            await Task.Yield();
            BetweenWork?.Invoke();
            if (++rounds > MostRounds)
            {
                Violate("something works on and on without waiting for time or a message");
                return;
            }
        }
        while (ThreadPool.PendingWorkItemCount > 0);
    }

    /// <summary>Takes the next event, if it is not later than a time.</summary>
    /// <returns>False when there is none until then; time has reached it.</returns>
    public bool Step(TimeSpan until)
    {
        if (_events.TryPeek(out _, out var next) && next.At <= until.Ticks)
        {
            var action = _events.Dequeue();
            NowTicks = Math.Max(NowTicks, next.At);
            Steps++;
            action();
            return true;
        }

        NowTicks = Math.Max(NowTicks, until.Ticks);
        return false;
    }

    private static string Format(TimeSpan at, string line) => string.Create(CultureInfo.InvariantCulture, $"{at.TotalSeconds,12:0.0000}  {line}");

    private void Keep(string line)
    {
        Output?.Invoke(Format(Now, line));
        if (_lines.Count == KeptLines)
        {
            _lines.Dequeue();
        }

        _lines.Enqueue((Now, line));
    }
}
