using ZfRepl.TestKit;

namespace ZfRepl.Simulation;

/// <summary>
/// One run of a program. It dies at a step that the seed chose, before or after any call to disk, bus or database, or between two pieces of work;
/// from then on nothing that it does has an effect.
/// </summary>
internal sealed class SimProcess
{
    private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<IDisposable> _locks = [];
    private int? _dieAt;
    private bool _diesByPowerCut;

    public SimProcess(SimLoop loop, SimMachine machine, string name)
    {
        Machine = machine;
        Name = name;
        Time = new SimTime(loop, this);
        machine.Processes.Add(this);
    }

    public SimMachine Machine { get; }

    public string Name { get; }

    public SimTime Time { get; }

    public bool IsAlive { get; private set; } = true;

    /// <summary>Calls to disk, bus and database so far, each counted before and after.</summary>
    public int Calls { get; private set; }

    /// <summary>The orderly end.</summary>
    public CancellationTokenSource Stop { get; } = new();

    /// <summary>Ends when it has died.</summary>
    public Task Died => _died.Task;

    /// <summary>Called once when it dies.</summary>
    public Action? OnDeath { get; set; }

    /// <summary>Lets it die after so many further calls, alone or with its machine.</summary>
    public void DieAfter(int calls, bool byPowerCut) => (_dieAt, _diesByPowerCut) = (Calls + calls, byPowerCut);

    /// <summary>Stands before and after every call that has an effect outside the process.</summary>
    public void Enter()
    {
        if (IsAlive && ++Calls == _dieAt)
        {
            if (_diesByPowerCut)
            {
                Machine.CutPower();
            }
            else
            {
                Die();
            }
        }

        if (!IsAlive)
        {
            throw new SimulatedCrashException(Calls);
        }
    }

    /// <summary>Remembers a lock that ends with the process.</summary>
    public void Holds(IDisposable handle) => _locks.Add(handle);

    public void Die()
    {
        if (!IsAlive)
        {
            return;
        }

        IsAlive = false;
        Machine.Processes.Remove(this);
        _locks.ForEach(l => l.Dispose());
        _died.SetResult();
        OnDeath?.Invoke();
    }
}

/// <summary>A machine: one disk, one wall clock, some processes.</summary>
internal sealed class SimMachine(SimLoop loop, string name, int seed)
{
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(10);

    private readonly Random _random = new(seed);

    public string Name { get; } = name;

    public SimulatedStorage Storage { get; } = new();

    public DiskFaults Faults { get; } = new(seed);

    public ReadFaults ReadFaults { get; } = new(seed);

    /// <summary>When its disk gave an error last, virtual time; null when it never did.</summary>
    public TimeSpan? LastDiskError { get; set; }

    /// <summary>Whether a program may end because of the disk: it fails, or has just failed.</summary>
    public bool IsDiskToBlame => Faults.Errno is not null || (LastDiskError is { } last && loop.Now - last < Aftermath);

    /// <summary>How far the wall clock is off.</summary>
    public TimeSpan WallOffset { get; set; }

    public List<SimProcess> Processes { get; } = [];

    /// <summary>Called after a power cut, before anything starts again.</summary>
    public Action? AfterPowerCut { get; set; }

    /// <summary>Everything on it dies, and the disk keeps what it must and perhaps some more.</summary>
    public void CutPower()
    {
        loop.Trace($"{Name}: power cut");
        foreach (var process in Processes.ToArray())
        {
            process.Die();
        }

        Storage.Crash(_random);
        AfterPowerCut?.Invoke();
    }
}
