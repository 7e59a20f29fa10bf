using Microsoft.Extensions.Logging;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;
using ZfRepl.Replicator.Serve;
using ZfRepl.Simulation.Checks;
using ZfRepl.Simulation.Plant;

namespace ZfRepl.Simulation;

/// <summary>An edge: a machine with a collector and a replicator, which are started again whenever they end, and the plant before it.</summary>
internal sealed class Edge
{
    private readonly SimLoop _loop;
    private readonly Plan _plan;
    private readonly Controls _controls;
    private readonly SimBus _bus;
    private readonly Truth _truth;
    private readonly ApiKey _key;
    private readonly ILoggerFactory _loggers;
    private readonly IReadOnlyList<string> _centres;
    private readonly Random _random;
    private SimProcess? _replicator;
    private BlockServer? _server;

    public Edge(
        SimLoop loop, Plan plan, Controls controls, SimBus bus, Truth truth, ApiKey key, ILoggerFactory loggers, int number, IReadOnlyList<string> centres)
    {
        (_loop, _plan, _controls, _bus, _truth, _key, _loggers, _centres) = (loop, plan, controls, bus, truth, key, loggers, centres);
        Number = number;
        Name = $"edge{number + 1}";
        _random = new Random(HashCodeOf(plan.Seed, number));
        Machine = new SimMachine(loop, Name, _random.Next());
        Machine.Storage.NamesInAnyOrder = plan.NamesInAnyOrder;
        Machine.AfterPowerCut = Survey;
        Plant = new PlantServer(number);
        foreach (var centre in centres)
        {
            GiveIdentity(centre);
        }
    }

    public int Number { get; }

    public string Name { get; }

    public SimMachine Machine { get; }

    public PlantServer Plant { get; }

    /// <summary>The collector that runs, or null.</summary>
    public EdgeCollector? Collector { get; private set; }

    public SimProcess? CollectorProcess => Collector?.Process;

    public SimProcess? ReplicatorProcess => _replicator;

    public static string FolderOf(string centre) => $"{EdgeCollector.Spool}/{centre}";

    public void Start()
    {
        StartCollector();
        StartReplicator();
    }

    /// <summary>A confirmation of a content that the block does not have, as a target gives that was copied, or set back in time.</summary>
    public async Task ConfirmWronglyAsync()
    {
        if (Collector is not { IsOpen: true } collector || _replicator is not { } replicator)
        {
            return;
        }

        foreach (var mailbox in collector.Mailboxes)
        {
            var ready = await mailbox.ListAsync(CancellationToken.None);
            if (ready.Count > 0)
            {
                var hash = new byte[32];
                _random.NextBytes(hash);
                var calls = new CollectorCalls(_loop, replicator, () => Collector, _controls, _random);
                _ = await calls.ConfirmAsync(mailbox.Name, ready[^1].Block.Name.ToString(), new Core.Blocks.BlockHash(hash), CancellationToken.None);
            }
        }
    }

    /// <summary>Looks whether everything that was acknowledged is still there.</summary>
    private void Survey()
    {
        for (var centre = 0; centre < _centres.Count; centre++)
        {
            _truth.Survey(Machine, Number, centre, FolderOf(_centres[centre]));
        }
    }

    private static int HashCodeOf(int seed, int number) => unchecked((seed * 397) ^ (number * 7919));

    /// <summary>A mailbox draws a random identity; here it follows from the seed, or sizes would differ from run to run.</summary>
    private void GiveIdentity(string centre)
    {
        Span<byte> bytes = stackalloc byte[StreamId.SizeBytes];
        _random.NextBytes(bytes);
        var stream = StreamId.Read(bytes);
        _truth.Has(Number, _centres.ToList().IndexOf(centre), stream);
        var written = MailboxStateFile.Write(Machine.Storage, FolderOf(centre), new MailboxState { Stream = stream.ToString() });
        if (!written.IsOk)
        {
            throw new InvalidOperationException(written.Error.ToString());
        }
    }

    private void StartCollector()
    {
        if (_controls.IsOff(Control.Salvage))
        {
            foreach (var path in Machine.Storage.Paths().Where(p => p.EndsWith(Core.Blocks.BlockName.OpenSuffix, StringComparison.Ordinal)))
            {
                _ = Machine.Storage.Delete(path);
            }
        }

        var process = new SimProcess(_loop, Machine, $"{Name}.collector");
        var storage = new ProcessStorage(_loop, process, _controls, Deleting);
        var source = new SimSource(Plant, process, new Random(_random.Next()), _controls.IsOff(Control.AckAfterSync), _truth.Acknowledged);
        var collector = new EdgeCollector(process, storage, [.. _centres.Select(Options)], source, _loggers.CreateLogger(process.Name))
        {
            BecameReady = mailbox => _loop.After(TimeSpan.FromMilliseconds(_random.Next(1, 20)), () => _server?.Announce(mailbox)),
        };
        Collector = collector;
        process.OnDeath = () =>
        {
            Collector = null;
            _loop.After(TimeSpan.FromSeconds(5 * _random.NextDouble()), StartCollector);
        };
        Supervision.Run(_loop, process, collector.RunAsync);
    }

    private void StartReplicator()
    {
        var process = new SimProcess(_loop, Machine, $"{Name}.replicator");
        _replicator = process;
        process.OnDeath = () =>
        {
            (_replicator, _server) = (null, null);
            _loop.After(TimeSpan.FromSeconds(5 * _random.NextDouble()), StartReplicator);
        };
        Supervision.Run(_loop, process, async () =>
        {
            var logger = _loggers.CreateLogger(process.Name);
            var server = new BlockServer(
                _bus.Connect(process),
                new CollectorCalls(_loop, process, () => Collector, _controls, new Random(_random.Next())),
                new ProcessStorage(_loop, process, _controls, null),
                process.Time,
                new BlockServerOptions
                {
                    Node = Name,
                    Mailboxes = [.. _centres.Select(c => new ServedMailbox(c, _key, _plan.Travel))],
                    ChunkBytes = _plan.ChunkBytes,
                },
                logger,
                new CauseLog(logger, process.Time));
            _server = server;
            await server.RunAsync(process.Stop.Token);
            return null;
        });
    }

    private void Deleting(string path)
    {
        var centre = _centres.ToList().FindIndex(c => Path.GetDirectoryName(path) == FolderOf(c));
        if (centre >= 0 && Path.GetFileName(path).StartsWith("mbb_", StringComparison.Ordinal))
        {
            _truth.Deleting(Machine, Number, centre, path);
        }
    }

    private MailboxOptions Options(string centre) => new()
    {
        Name = centre,
        Node = Name,
        Folder = FolderOf(centre),
        MaxBlockBytes = _plan.MaxBlockBytes,
        BlockTtl = _plan.BlockTtl,
        MaxDelay = _plan.MaxDelay,
        Keep = _plan.Keep,
        CommitDelay = _plan.CommitDelay,
        Coding = _plan.Coding,
        MaxPendingAppends = _plan.MaxPendingAppends,
    };
}
