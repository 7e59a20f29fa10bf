using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Simulation;

/// <summary>Has things go wrong, one after the other, as the seed says.</summary>
internal sealed class FaultInjector
{
    private const int Always = int.MaxValue;

    private static readonly int[] ReadErrors = [Errno.InputOutput, Errno.InputOutput, Errno.InputOutput, Errno.AccessDenied, Errno.TooManyFiles];
    private static readonly int[] DiskErrors = [Errno.InputOutput, Errno.NoSpace, Errno.QuotaExceeded, Errno.ReadOnly];

    private readonly SimLoop _loop;
    private readonly Plan _plan;
    private readonly SimBus _bus;
    private readonly IReadOnlyList<Edge> _edges;
    private readonly IReadOnlyList<Centre> _centres;
    private readonly Random _random;
    private readonly BitRot _rot;
    private SimProcess? _victim;
    private int _countdown;
    private bool _isOver;

    public FaultInjector(SimLoop loop, Plan plan, SimBus bus, IReadOnlyList<Edge> edges, IReadOnlyList<Centre> centres, BitRot rot)
    {
        (_loop, _plan, _bus, _edges, _centres, _rot) = (loop, plan, bus, edges, centres, rot);
        _random = new Random(unchecked(plan.Seed + 101));
        loop.BetweenWork = KillBetweenWork;
    }

    /// <summary>How many faults there were, those of messages and statements apart.</summary>
    public int Count { get; private set; }

    /// <summary>Begins.</summary>
    public void Start()
    {
        _bus.Faults = new BusFaults(_plan.Drop, _plan.Repeat, _plan.Reorder, _plan.Corrupt);
        _bus.Truncate = _plan.Truncate;
        _bus.Latency = _plan.Latency;
        Next();
    }

    /// <summary>From now on everything works, and clocks are right.</summary>
    public void End()
    {
        _isOver = true;
        _victim = null;
        _loop.Trace("faults end");
        _bus.Faults = new BusFaults();
        _bus.Truncate = 0;
        _bus.Latency = TimeSpan.FromMilliseconds(5);
        if (!_bus.IsUp)
        {
            _bus.SetUp(true);
        }

        foreach (var machine in Machines())
        {
            machine.Faults.End();
            machine.ReadFaults.End();
            machine.WallOffset = TimeSpan.Zero;
        }

        foreach (var centre in _centres)
        {
            (centre.Faults.IsDown, centre.Faults.Fail, centre.Faults.LoseAnswer) = (false, 0, 0);
            centre.Faults.Slowness = TimeSpan.FromMilliseconds(1);
        }

        foreach (var process in Machines().SelectMany(m => m.Processes))
        {
            process.DieAfter(-1, byPowerCut: false);
        }
    }

    private IEnumerable<SimMachine> Machines() => _edges.Select(e => e.Machine).Concat(_centres.Select(c => c.Machine));

    private void Next()
    {
        if (_isOver)
        {
            return;
        }

        _loop.After(_plan.FaultEvery * -Math.Log(1 - _random.NextDouble()), () =>
        {
            if (!_isOver)
            {
                Count++;
                Inject();
                Next();
            }
        });
    }

    private void Inject()
    {
        var edge = _edges[_random.Next(_edges.Count)];
        var centre = _centres[_random.Next(_centres.Count)];
        var process = Pick(edge, centre);
        switch (_random.Next(23))
        {
            case 0 or 1 or 2:
                DieAfter(process, byPowerCut: false);
                break;
            case 3 or 4 or 5:
                DieAfter(process, byPowerCut: true);
                break;
            case 6:
                (_random.Next(3) == 0 ? centre.Machine : edge.Machine).CutPower();
                break;
            case 7:
                (_victim, _countdown) = (process, _random.Next(1, 100));
                break;
            case 8:
                BreakBroker();
                break;
            case 9:
                Stop(process);
                break;
            case 10 or 11:
                BreakDisk(_random.Next(3) == 0 ? centre.Machine : edge.Machine);
                break;
            case 12:
                BreakDatabase(centre);
                break;
            case 13:
                JumpClock(_random.Next(2) == 0 ? centre.Machine : edge.Machine);
                break;
            case 16 or 17:
                GoFromBadToWorse(edge);
                break;
            case 18 or 19:
                BreakReading(edge, centre);
                break;
            case 20 or 21 or 22:
                Rot(edge, centre);
                break;
            case 14:
                _ = edge.ConfirmWronglyAsync();
                break;
            default:
                _loop.Trace($"{edge.Name}: the plant numbers anew: {edge.Plant.TryRenumber()}");
                break;
        }
    }

    private SimProcess? Pick(Edge edge, Centre centre) => _random.Next(5) switch
    {
        0 or 1 => edge.CollectorProcess,
        2 => edge.ReplicatorProcess,
        _ => centre.Process,
    };

    private void DieAfter(SimProcess? process, bool byPowerCut)
    {
        var calls = 1 + (int)Math.Pow(10, 3 * _random.NextDouble());
        process?.DieAfter(calls, byPowerCut);
    }

    private void KillBetweenWork()
    {
        if (_victim is not null && --_countdown <= 0)
        {
            _loop.Trace($"{_victim.Name} is killed");
            _victim.Die();
            _victim = null;
        }
    }

    private void BreakBroker()
    {
        if (_bus.IsUp)
        {
            _bus.SetUp(false);
            _loop.After(TimeSpan.FromSeconds(90 * Math.Pow(_random.NextDouble(), 2)), () =>
            {
                if (!_bus.IsUp)
                {
                    _bus.SetUp(true);
                }
            });
        }
    }

    private void Stop(SimProcess? process)
    {
        if (process is { IsAlive: true, Stop.IsCancellationRequested: false })
        {
            Supervision.Stop(_loop, process);
        }
    }

    private void BreakDisk(SimMachine machine)
    {
        if (!_plan.HasDiskFaults || machine.Faults.Errno is not null)
        {
            return;
        }

        var errno = DiskErrors[_random.Next(DiskErrors.Length)];
        var share = _random.Next(3) switch { 0 => 1.0, 1 => 0.5, _ => 0.1 };
        _loop.Trace($"{machine.Name}: disk errors {errno}, share {share}");
        machine.Faults.Begin(errno, share);
        _loop.After(TimeSpan.FromSeconds(30 * _random.NextDouble()), () =>
        {
            machine.Faults.End();
            _loop.Trace($"{machine.Name}: disk well");
        });
    }

    /// <summary>What is on a disk can't be read, or not be opened; often while a program starts, which reads most.</summary>
    private void BreakReading(Edge edge, Centre centre)
    {
        var isCentre = _random.Next(3) == 0;
        var machine = isCentre ? centre.Machine : edge.Machine;
        if (!_plan.HasReadFaults || machine.ReadFaults.IsActive)
        {
            return;
        }

        var errno = ReadErrors[_random.Next(ReadErrors.Length)];
        var share = _random.Next(3) switch { 0 => 1.0, 1 => 0.5, _ => 0.1 };
        var files = _random.Next(3) switch { 0 => 1.0, 1 => 0.3, _ => 0.1 };
        var calls = _random.Next(3) == 0 ? _random.Next(1, 4) : Always;
        _loop.Trace($"{machine.Name}: read errors {errno}, share {share}, of files {files}, calls {calls}");
        machine.ReadFaults.Begin(errno, share, files, calls);
        _loop.After(TimeSpan.FromSeconds(20 * _random.NextDouble()), () =>
        {
            machine.ReadFaults.End();
            _loop.Trace($"{machine.Name}: can be read");
        });
        if (_random.Next(2) == 0)
        {
            (isCentre ? centre.Process : edge.CollectorProcess)?.Die();
        }
    }

    /// <summary>The disk fails, the collector dies of it or is killed, starts again on a disk that is well, and then the power goes.</summary>
    private void GoFromBadToWorse(Edge edge)
    {
        BreakDisk(edge.Machine);
        var kill = TimeSpan.FromSeconds(6 * Math.Pow(_random.NextDouble(), 2));
        _loop.After(kill, () =>
        {
            if (_isOver)
            {
                return;
            }

            _loop.Trace($"{edge.Name}: the collector is killed on a bad disk");
            edge.CollectorProcess?.Die();
            if (_random.Next(2) == 0)
            {
                edge.Machine.Faults.End();
            }
        });
        _loop.After(kill + TimeSpan.FromSeconds(12 * _random.NextDouble()), () =>
        {
            if (!_isOver)
            {
                edge.Machine.CutPower();
            }
        });
    }

    private void Rot(Edge edge, Centre centre)
    {
        if (!_plan.HasRot)
        {
            return;
        }

        for (var places = _random.Next(1, 4); places > 0; places--)
        {
            if (_random.Next(4) == 0)
            {
                _rot.Strike(centre);
            }
            else
            {
                _rot.Strike(edge);
            }
        }
    }

    private void BreakDatabase(Centre centre)
    {
        centre.Faults.IsDown = true;
        _loop.Trace($"{centre.Name}: database down");
        _loop.After(TimeSpan.FromSeconds(60 * Math.Pow(_random.NextDouble(), 2)), () =>
        {
            centre.Faults.IsDown = false;
            _loop.Trace($"{centre.Name}: database up");
        });
    }

    private void JumpClock(SimMachine machine)
    {
        if (!_plan.HasClockJumps)
        {
            return;
        }

        var jump = _random.Next(3) switch
        {
            0 => TimeSpan.FromSeconds(_random.Next(-30, 31)),
            1 => TimeSpan.FromHours(_random.Next(2) == 0 ? -1 : 1),
            _ => TimeSpan.FromDays(365 * _random.Next(-5, 6)),
        };
        machine.WallOffset += jump;
        _loop.Trace($"{machine.Name}: the clock jumps by {jump.TotalSeconds} s");
    }
}
