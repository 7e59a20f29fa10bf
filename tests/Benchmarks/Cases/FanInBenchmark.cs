using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Collector;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;
using ZfRepl.Replicator.Bus;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// A hundred source nodes with 1,000 events/s each, all of them in this process with the product's classes and a connection to the embedded
/// broker each; one centre, a process of the real program, with SQLite. The nodes' spools are in memory where the machine has a file system for
/// that: one disk can't stand for a hundred. How long the oldest event of a node waits is looked at all the time. What a node costs at the centre is
/// the difference to a centre with one node.
/// </summary>
internal static class FanInBenchmark
{
    private const int Nodes = 100;
    private const int EventsPerSecond = 1000;
    private const int BatchesPerSecond = 2;
    private const double Megabyte = 1e6;
    private const double LongestWait = 5;
    private const string MemoryFolder = "/dev/shm";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var seconds = Math.Max(bench.Events / (Nodes * EventsPerSecond), bench.IsSmoke ? 1 : 5);
        var nodes = bench.IsSmoke ? 10 : Nodes;
        var one = await RunAsync(bench, 1, Math.Min(seconds, 5));
        var all = await RunAsync(bench, nodes, seconds);
        var perNode = (all.ResidentBytes - one.ResidentBytes) / (nodes - 1) / Megabyte;
        var isKept = all.EventsPerSecond >= 0.95 * nodes * EventsPerSecond;
        var isOk = nodes == Nodes && isKept && all.OldestSeconds <= LongestWait && perNode <= 1;
        return
        [
            new("fanin_100_nodes_ok", isOk ? 1 : 0, "1: keeps up, memory and waiting within bounds"),
            new("fanin_nodes", nodes, "nodes"),
            new("fanin_events_per_s", all.EventsPerSecond, "events/s confirmed at the end of the load"),
            new("fanin_oldest_unsent_s", all.OldestSeconds, "s, the worst of any node"),
            new("fanin_node_resident_mb", perNode, "MB at the centre for each node"),
            new("fanin_centre_resident_mb", all.ResidentBytes / Megabyte, "MB, the centre"),
            new("fanin_centre_core_share", all.CoreShare, "of one core, the centre"),
        ];
    }

    private static async Task<Load> RunAsync(Bench bench, int count, int seconds)
    {
        using var memory = Directory.Exists(MemoryFolder) ? new BenchFolder(MemoryFolder) : null;
        var folder = Directory.CreateDirectory(bench.Folder.New("fanin")).FullName;
        var text = ApiKey.Generate();
        await using var broker = Broker.Start();
        var services = new Services(folder, text, broker.Port);
        var nodes = new List<Node>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                nodes.Add(await Node.StartAsync(
                    $"edge{i:D3}", Path.Combine((memory ?? bench.Folder).Path, $"{count}-{i}"), broker.Port, Edge.NewKey(text, "default"), (ulong)i));
            }

            await using var centre = ServiceProcess.Run(services.Service("replicator", Spool.Target, CentreConfig(services, folder, nodes)));
            return await WatchAsync(nodes, centre, seconds);
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }

    private static async Task<Load> WatchAsync(IReadOnlyList<Node> nodes, ServiceProcess centre, int seconds)
    {
        // The first events say that every node is fetched from; a centre that starts is no centre that is behind.
        await Task.WhenAll(nodes.Select(n => n.TakeAsync()));
        while ((await Task.WhenAll(nodes.Select(n => n.DeliveredAsync()))).Any(d => d == 0))
        {
            await Task.Delay(Look, TimeProvider.System);
        }

        var (begun, before, cpu) = (TimeProvider.System.GetTimestamp(), await SumAsync(nodes), centre.CpuSeconds);
        using var end = new CancellationTokenSource();
        var feeding = nodes.Select(n => n.FeedAsync(end.Token)).ToArray();
        var (oldest, resident) = (0.0, 0L);
        while (TimeProvider.System.GetElapsedTime(begun).TotalSeconds < seconds)
        {
            await Task.Delay(Look, TimeProvider.System);
            oldest = Math.Max(oldest, (await Task.WhenAll(nodes.Select(n => n.OldestSecondsAsync()))).Max());
            resident = Math.Max(resident, (await centre.ResidentAsync()).Total);
        }

        var elapsed = TimeProvider.System.GetElapsedTime(begun).TotalSeconds;
        // A second of events is on its way at any time: the centre asks once a second.
        var rate = (await SumAsync(nodes) - before + nodes.Count * EventsPerSecond) / (elapsed + 1);
        var share = (centre.CpuSeconds - cpu) / elapsed;
        await end.CancelAsync();
        await Task.WhenAll(feeding);
        return new Load(rate, oldest, resident, share);
    }

    private static async Task<long> SumAsync(IReadOnlyList<Node> nodes) => (await Task.WhenAll(nodes.Select(n => n.DeliveredAsync()))).Sum();

    private static string CentreConfig(Services services, string folder, IReadOnlyList<Node> nodes)
    {
        var mailboxes = new StringBuilder();
        foreach (var node in nodes)
        {
            mailboxes.Append(CultureInfo.InvariantCulture, $"        {node.Name}: {{ interval: 1 }}\n");
        }

        return $"""
            {services.Broker()}
                client:
                  path: {Path.Combine(folder, "target")}
                  archive: null
                  mailboxes:
            {mailboxes}
            """;
    }

    private readonly record struct Load(double EventsPerSecond, double OldestSeconds, long ResidentBytes, double CoreShare);

    /// <summary>One source node: mailbox, server, connection.</summary>
    private sealed class Node : IAsyncDisposable
    {
        private const int Sensors = 10;

        private readonly CancellationTokenSource _end = new();
        private readonly Mailbox _mailbox;
        private readonly MqttBus _bus;
        private readonly Intake _intake;
        private readonly EventBatch _batch;
        private readonly SeededNumbers _numbers;
        private readonly int[] _items;
        private Task _running = Task.CompletedTask;
        private ulong _counter;

        private Node(string name, string folder, int port, ulong seed)
        {
            Name = name;
            var aside = Quarantine.Open(DiskStorage.Instance, Path.Combine(folder, "quarantine"), TimeProvider.System).Value;
            var options = new MailboxOptions { Name = Spool.Target, Node = name, Folder = Path.Combine(folder, Spool.Target) };
            _mailbox = new Mailbox(DiskStorage.Instance, aside, TimeProvider.System, options, NullLogger.Instance);
            _intake = new Intake([_mailbox], boot: 1, new OidTable());
            _batch = new EventBatch(_intake.Oids, EventsPerSecond);
            _items = [.. Enumerable.Range(0, Sensors).Select(i => _intake.Oids.GetOrAdd(Oid.Parse($"sensor:{name}/s{i}")))];
            _numbers = new SeededNumbers(seed);
            _bus = Broker.Connect(port, name);
        }

        public string Name { get; }

        public static async Task<Node> StartAsync(string name, string folder, int port, ApiKey key, ulong seed)
        {
            var node = new Node(name, folder, port, seed);
            if (await node._mailbox.OpenAsync(CancellationToken.None) is { } error)
            {
                throw new InvalidOperationException(error.ToString());
            }

            var server = new BlockServer(
                node._bus, new MailboxBlocks(node._mailbox), DiskStorage.Instance, TimeProvider.System,
                new BlockServerOptions { Node = name, Mailboxes = [new ServedMailbox(Spool.Target, key)] }, NullLogger.Instance,
                new CauseLog(NullLogger.Instance, TimeProvider.System));
            node._running = Task.WhenAll(
                Broker.KeepAsync(node._bus, node._end.Token), server.RunAsync(node._end.Token), node._mailbox.RunAsync(node._end.Token));
            return node;
        }

        public async Task FeedAsync(CancellationToken cancellationToken)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / BatchesPerSecond), TimeProvider.System);
            try
            {
                while (await timer.WaitForNextTickAsync(cancellationToken))
                {
                    await TakeAsync();
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // The orderly end.
            }
        }

        /// <summary>Makes a part of a second's events durable.</summary>
        public async Task TakeAsync()
        {
            const int Events = EventsPerSecond / BatchesPerSecond;
            var now = UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
            _batch.Clear();
            for (var i = 0; i < Events; i++)
            {
                var bits = BitConverter.DoubleToUInt64Bits(_numbers.Below(100_000) / 100.0);
                _batch.Add(
                    _items[i % Sensors], now - (Events - i) * 1_000_000L, 1, 0, ValueKind.Double, bits, null, new Ieid(1, ++_counter), EventFlags.None);
            }

            if (!await await _intake.TakeAsync(_batch, position: null, CancellationToken.None))
            {
                throw new InvalidOperationException("The mailbox did not take what it was given.");
            }
        }

        public async Task<long> DeliveredAsync() => (long)(await _mailbox.StatusAsync(CancellationToken.None)).DeliveredEvents;

        public async Task<double> OldestSecondsAsync() =>
            (await _mailbox.StatusAsync(CancellationToken.None)).OldestBlockNs is { } oldest
                ? (UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow()) - oldest) / 1e9
                : 0;

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _running;
            await _bus.DisposeAsync();
            await _mailbox.DisposeAsync();
            _end.Dispose();
        }
    }
}
