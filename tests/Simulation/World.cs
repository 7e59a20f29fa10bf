using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Simulation.Checks;
using ZfRepl.Simulation.Plant;

namespace ZfRepl.Simulation;

/// <summary>What became of a seed.</summary>
internal sealed record SeedResult
{
    public required Plan Plan { get; init; }

    /// <summary>What is wrong, or null.</summary>
    public string? Violation { get; init; }

    /// <summary>The hash of everything that happened, in its order.</summary>
    public required ulong TraceHash { get; init; }

    public required long Steps { get; init; }

    public required int Readings { get; init; }

    public required int GivenUp { get; init; }

    public required int Faults { get; init; }

    public required long Messages { get; init; }

    /// <summary>Virtual time from the last fault until everything was where it belongs.</summary>
    public required TimeSpan Recovery { get; init; }

    /// <summary>The last lines of the trace.</summary>
    public required IReadOnlyList<string> LastLines { get; init; }
}

/// <summary>One seed: edges, a broker, centres, from an empty disk through all faults until everything is where it belongs.</summary>
internal sealed class World
{
    private const int ItemsPerEdge = 6;
    private static readonly TimeSpan ShortestPatience = TimeSpan.FromMinutes(20);

    // Small blocks over a bus that loses every tenth message take their time; what counts then is that it goes on.
    private static readonly TimeSpan LongestStandstill = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestPatience = TimeSpan.FromHours(6);

    private readonly Plan _plan;
    private readonly SimLoop _loop;
    private readonly SimBus _bus;
    private readonly Truth _truth;
    private readonly List<Edge> _edges = [];
    private readonly List<Centre> _centres = [];
    private readonly FaultInjector _injector;
    private readonly Ledger _ledger;
    private readonly Random _random;
    private bool _isEmitting = true;

    public World(Plan plan, Controls controls, Action<string>? output = null, ILoggerFactory? loggers = null)
    {
        _plan = plan;
        _random = new Random(unchecked(plan.Seed + 7));
        _loop = new SimLoop(plan.Seed) { Output = output };
        _bus = new SimBus(_loop, unchecked(plan.Seed + 3));
        var stores = Enumerable.Range(0, plan.Centres).Select(i => new HistoryStore($"centre{i + 1}", !controls.IsOff(Control.UniqueKey))).ToList();
        _truth = new Truth(_loop, plan, stores);
        for (var i = 0; i < stores.Count; i++)
        {
            var centre = i;
            stores[i].Inserted = e => _truth.Inserted(centre, e);
        }

        if (!ApiKey.TryCreate("default", "zs-simulation-0123456789-abcdefghijklmnopqrstuvwxyz", out var key, out var error))
        {
            throw new InvalidOperationException(error);
        }

        var (edges, centres) = (Enumerable.Range(1, plan.Edges).Select(i => $"edge{i}").ToList(), stores.Select(s => s.Name).ToList());
        loggers ??= NullLoggerFactory.Instance;
        _edges.AddRange(edges.Select((_, i) => new Edge(_loop, plan, controls, _bus, _truth, key, loggers, i, centres)));
        _centres.AddRange(stores.Select((s, i) => new Centre(_loop, plan, controls, _bus, key, loggers, s, i, edges)));
        _truth.Machines = [.. _edges.Select(e => e.Machine)];
        _injector = new FaultInjector(_loop, plan, _bus, _edges, _centres);
        _ledger = new Ledger(_loop, plan, _truth, _edges, _centres);
    }

    /// <summary>Runs the seed. On the pool's worker.</summary>
    public async Task<SeedResult> RunAsync()
    {
        _edges.ForEach(e => e.Start());
        _centres.ForEach(c => c.Start());
        _edges.ForEach(Emit);
        _injector.Start();
        await RunUntilAsync(_plan.Duration, () => false);
        _isEmitting = false;
        _injector.End();
        var recovered = _plan.Duration;
        if (_loop.Violation is null)
        {
            await RecoverAsync();
            recovered = _loop.Now;
            if (_loop.Violation is null)
            {
                _ledger.CheckEnd(recovered - _plan.Duration);
            }
        }

        return new SeedResult
        {
            Plan = _plan,
            Violation = _loop.Violation,
            TraceHash = _loop.TraceHash,
            Steps = _loop.Steps,
            Readings = _truth.Total,
            GivenUp = _truth.GivenUp,
            Faults = _injector.Count,
            Messages = _bus.Messages,
            Recovery = recovered - _plan.Duration,
            LastLines = [.. _loop.LastLines],
        };
    }

    /// <summary>Runs on until everything is where it belongs, or for too long without that anything gets there.</summary>
    private async Task RecoverAsync()
    {
        var end = _plan.Duration + (_plan.Duration * 10 > ShortestPatience ? _plan.Duration * 10 : ShortestPatience);
        await RunUntilAsync(end, _ledger.IsAllWhereItBelongs);
        var left = _ledger.Missing();
        while (_loop.Violation is null && left.Exists(m => m > 0) && end < _plan.Duration + LongestPatience)
        {
            end += LongestStandstill;
            await RunUntilAsync(end, _ledger.IsAllWhereItBelongs);
            var now = _ledger.Missing();
            if (now.Zip(left).Any(m => m.First > 0 && m.First >= m.Second))
            {
                return;
            }

            left = now;
        }
    }

    private async Task RunUntilAsync(TimeSpan end, Func<bool> isDone)
    {
        var nextLook = _loop.Now;
        do
        {
            await _loop.SettleAsync();
            _ledger.CheckStep();
            if (_loop.Now >= nextLook)
            {
                nextLook = _loop.Now + TimeSpan.FromSeconds(1);
                if (isDone())
                {
                    return;
                }
            }
        }
        while (_loop.Violation is null && _loop.Step(end));
    }

    /// <summary>The plant makes readings, now and then several at one instant, or of the past.</summary>
    private void Emit(Edge edge)
    {
        if (!_isEmitting)
        {
            return;
        }

        var nowNs = UnixTime.FromDateTimeOffset(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero) + _loop.Now);
        var readings = new List<Reading>();
        for (var i = _random.Next(1, _plan.ReadingsAtOnce + 1); i > 0; i--)
        {
            var oid = Oid.Parse($"sensor:{edge.Name}/t{_random.Next(ItemsPerEdge)}");
            var timeNs = nowNs - (_random.Next(4) == 0 ? _random.Next(2_000_000_000) : 0);
            readings.Add(_truth.Make(edge.Number, oid, _random.Next(3) == 0 ? timeNs / 1_000_000_000 * 1_000_000_000 : timeNs));
        }

        var notification = edge.Plant.Publish(readings);
        _loop.Trace($"{edge.Name}: notification {notification.Sequence} with {readings.Count} readings");
        _loop.After(_plan.EmitEvery * (2 * _random.NextDouble()), () => Emit(edge));
    }
}
