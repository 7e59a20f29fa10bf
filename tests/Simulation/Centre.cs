using Microsoft.Extensions.Logging;
using ZfRepl.Core.History;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Replicator;
using ZfRepl.Replicator.Bus;
using ZfRepl.Replicator.Fetch;

namespace ZfRepl.Simulation;

/// <summary>A centre: a machine with a replicator that fetches, which is started again whenever it ends, and a history database.</summary>
internal sealed class Centre
{
    public const string LinesPath = "/lines/events.jsonl";
    public const string InboxFolder = "/inbox";

    private readonly SimLoop _loop;
    private readonly Plan _plan;
    private readonly Controls _controls;
    private readonly SimBus _bus;
    private readonly ApiKey _key;
    private readonly ILoggerFactory _loggers;
    private readonly IReadOnlyList<string> _edges;
    private readonly Random _random;
    private FetchingSide? _fetching;

    public Centre(
        SimLoop loop, Plan plan, Controls controls, SimBus bus, ApiKey key, ILoggerFactory loggers, HistoryStore store, int number,
        IReadOnlyList<string> edges)
    {
        (_loop, _plan, _controls, _bus, _key, _loggers, _edges) = (loop, plan, controls, bus, key, loggers, edges);
        Name = store.Name;
        Store = store;
        _random = new Random(unchecked((plan.Seed * 31) + 17 + number));
        Machine = new SimMachine(loop, Name, _random.Next());
        Machine.Storage.NamesInAnyOrder = plan.NamesInAnyOrder;
        Faults = new HistoryFaults { Fail = plan.DatabaseFails, LoseAnswer = plan.DatabaseLosesAnswers, Slowness = plan.DatabaseSlowness };
    }

    public string Name { get; }

    public HistoryStore Store { get; }

    public HistoryFaults Faults { get; }

    public SimMachine Machine { get; }

    /// <summary>The replicator that runs, or null.</summary>
    public SimProcess? Process { get; private set; }

    /// <summary>What its clients say that stands in the way.</summary>
    public IEnumerable<string> Troubles => _fetching is null
        ? ["it does not run"]
        : _fetching.Clients.Select(c => $"{c.State.Source}: {(c.State.IsActive ? "active" : "waits to start")}, {c.State.Trouble ?? "no trouble"}")
            .Append($"inbox: {_fetching.Leftovers?.State.Trouble ?? "no trouble"}");

    public void Start()
    {
        var process = new SimProcess(_loop, Machine, $"{Name}.replicator");
        Process = process;
        process.OnDeath = () =>
        {
            (Process, _fetching) = (null, null);
            _loop.After(TimeSpan.FromSeconds(5 * _random.NextDouble()), Start);
        };
        Supervision.Run(_loop, process, () => RunAsync(process));
    }

    private async Task<string?> RunAsync(SimProcess process)
    {
        var history = new SimHistory(_loop, process, Store, Faults, _controls, _plan.IsDatabaseServer, new Random(_random.Next()));
        var storage = new ProcessStorage(_loop, process, _controls, null);
        var context = new ServiceContext(process.Name, _loggers, process.Time);
        await using var fetching = new FetchingSide(
            Options(), storage, context, (_, _) => ValueTask.FromResult(HistoryResult.Of<IHistoryDatabase>(history)));
        if (await fetching.OpenAsync(_bus.Connect(process), process.Stop.Token) is { } failure)
        {
            return failure.ToString();
        }

        _fetching = fetching;
        await Supervisor.RunAsync(process.Stop.Token, [.. fetching.Loops]);
        return null;
    }

    private ReplicatorOptions Options()
    {
        if (!CronSchedule.TryParse("0 * * * * *", out var schedule, out var error))
        {
            throw new InvalidOperationException(error.ToString());
        }

        return new ReplicatorOptions
        {
            Id = Name,
            Node = Name,
            SocketFolder = "/run",
            Bus = new MqttBusOptions { Hosts = [] },
            Client = new ClientOptions
            {
                StatePath = "/",
                RepairPath = "/repair",
                InboxPath = InboxFolder,
                QuarantinePath = "/quarantine",
                History = new SimHistoryOptions(),
                EventsPerTransaction = _plan.EventsPerTransaction,
                JsonLinesPath = _plan.HasJsonLines && !_controls.IsOff(Control.JsonLines) ? LinesPath : null,
                Mailboxes =
                [
                    .. _edges.Select(edge => (
                        new FetchOptions
                        {
                            Source = edge,
                            Target = Name,
                            Schedule = schedule,
                            Interval = _plan.FetchInterval,
                            Duration = _plan.FetchDuration,
                            BlocksInFlight = _plan.BlocksInFlight,
                        },
                        new SourceLinkOptions
                        {
                            Source = edge,
                            Target = Name,
                            Key = _key,
                            MaxChunkBytes = _plan.ChunkBytes,
                            Window = 4,
                        })),
                ],
            },
        };
    }
}
