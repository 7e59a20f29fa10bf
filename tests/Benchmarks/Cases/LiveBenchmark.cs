using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using SQLitePCL;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Server;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// From the change of a variable in an OPC UA server to its row in the centre's database: collector, edge replicator and centre as processes of
/// the real program, the embedded broker between them, SQLite. The centre asks by itself once in ten minutes: what arrives sooner was announced.
/// A row's latency is the time at which a reader of the database sees it, minus the time that the server gave the change. Every row is
/// accounted for. The same with other values of the one key shows its price.
/// </summary>
internal static class LiveBenchmark
{
    private const int EventsPerSecond = 1000;
    private const int Variables = 100;
    private const int ChangesAtOnce = EventsPerSecond / 100;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var usual = await RunAsync(bench, "50ms", bench.Events);
        var lazy = await RunAsync(bench, "1s", Math.Min(bench.Events, 10 * EventsPerSecond));
        return
        [
            new("live_p50_ms", usual.Percentile(0.5), "ms, change to row, max_delay: 50ms"),
            new("live_p99_ms", usual.Percentile(0.99), "ms"),
            new("live_max_ms", usual.Percentile(1), "ms"),
            new("live_wire_bytes_per_event", usual.WireBytes, "bytes/event, all of the edge's TCP"),
            new("live_1s_p50_ms", lazy.Percentile(0.5), "ms, max_delay: 1s"),
            new("live_1s_wire_bytes_per_event", lazy.WireBytes, "bytes/event, all of the edge's TCP"),
        ];
    }

    private static async Task<Seen> RunAsync(Bench bench, string maxDelay, int events)
    {
        var folder = Directory.CreateDirectory(bench.Folder.New("live")).FullName;
        await using var plant = await Plant.StartAsync();
        await using var broker = Broker.Start();
        await using var relay = new CountingRelay(broker.Port);
        var key = ApiKey.Generate();
        var near = new Services(folder, key, broker.Port);
        var far = new Services(folder, key, relay.Port);
        var processes = new List<ServiceProcess>
        {
            ServiceProcess.Run(near.Service("replicator", Spool.Target, CentreConfig(near, folder))),
            ServiceProcess.Run(near.Service("collector", Spool.Node, CollectorConfig(folder, plant.Port, maxDelay))),
            ServiceProcess.Run(far.Service("replicator", Spool.Node, EdgeConfig(far))),
        };
        try
        {
            var database = await Reader.OpenAsync(Path.Combine(folder, "target", "history.db"));
            // The first values say that the whole way stands.
            await database.SawAsync(Variables);
            var before = relay.Bytes;
            database.Latencies.Clear();
            using var end = new CancellationTokenSource();
            var reading = database.WatchAsync(Variables + events, end.Token);
            await plant.ChangeAsync(events);
            end.CancelAfter(Patience);
            await reading;
            return new Seen([.. database.Latencies.Order()], (relay.Bytes - before) / (double)events);
        }
        finally
        {
            foreach (var process in processes)
            {
                await process.DisposeAsync();
            }
        }
    }

    private static string CollectorConfig(string folder, int port, string maxDelay) => $$"""
            path: {{Path.Combine(folder, "spool")}}
            pki: {{Path.Combine(folder, "pki")}}
            mailboxes:
              {{Spool.Target}}: { max_delay: {{maxDelay}} }
            sources:
              plant:
                kind: opcua
                endpoint: opc.tcp://127.0.0.1:{{port.ToString(CultureInfo.InvariantCulture)}}/plant
                browse:
                  - { root: "ns=1;s=Plant", oid: "sensor:plant/{path}" }
        """;

    private static string EdgeConfig(Services services) => $$"""
        {{services.Broker()}}
            server:
              mailboxes:
                {{Spool.Target}}: {}
        """;

    private static string CentreConfig(Services services, string folder) => $$"""
        {{services.Broker()}}
            client:
              path: {{Path.Combine(folder, "target")}}
              archive: null
              mailboxes:
                {{Spool.Node}}: { interval: 600 }
        """;

    private sealed record Seen(double[] Milliseconds, double WireBytes)
    {
        public double Percentile(double part) => Milliseconds[(int)Math.Min(part * Milliseconds.Length, Milliseconds.Length - 1)];
    }

    /// <summary>The OPC UA server: each change bears the time at which it was made.</summary>
    private sealed class Plant : IAsyncDisposable
    {
        private readonly UaServer _server = new(
            new UaServerOptions { Endpoints = [(SecurityPolicy.None, MessageSecurityMode.None)] }, NullLogger.Instance, TimeProvider.System);

        private readonly List<Variable> _variables = [];
        private int _made;

        public int Port { get; private set; }

        public static async Task<Plant> StartAsync()
        {
            var plant = new Plant();
            var folder = plant._server.AddressSpace.AddFolder("Plant");
            for (var i = 0; i < Variables; i++)
            {
                var name = $"v{i:D3}";
                plant._variables.Add(plant._server.AddressSpace.AddVariable(folder, name, new NodeId(1, name), plant.Next()));
            }

            var started = await plant._server.StartAsync(CancellationToken.None);
            plant.Port = started.IsOk ? started.Value : throw new InvalidOperationException(started.Error!.ToString());
            return plant;
        }

        public async Task ChangeAsync(int events)
        {
            using var timer = new PeriodicTimer(Tick, TimeProvider.System);
            for (var done = 0; done < events && await timer.WaitForNextTickAsync();)
            {
                for (var i = 0; i < ChangesAtOnce && done < events; i++, done++)
                {
                    _variables[done % Variables].Set(Next());
                }
            }
        }

        public ValueTask DisposeAsync() => _server.DisposeAsync();

        private DataValue Next() => new(new Variant(++_made * 0.25), StatusCode.Good, UaDateTime.From(TimeProvider.System.GetUtcNow()));
    }

    /// <summary>Looks at the centre's database as any other reader may.</summary>
    private sealed class Reader : IDisposable
    {
        private readonly sqlite3 _database;
        private readonly sqlite3_stmt _query;
        private long _last;
        private int _seen;

        private Reader(sqlite3 database)
        {
            _database = database;
            // By the primary key: one look for each item, whatever is in the table.
            Check(raw.sqlite3_prepare_v2(_database, "SELECT e.t FROM oid o CROSS JOIN event e WHERE e.oid_id = o.id AND e.t > ?1", out _query));
        }

        public List<double> Latencies { get; } = [];

        public static async Task<Reader> OpenAsync(string path)
        {
            _ = SqliteHistory.LibraryVersion;
            for (var patience = TimeProvider.System.GetTimestamp(); ;)
            {
                if (File.Exists(path) && raw.sqlite3_open_v2(path, out var database, raw.SQLITE_OPEN_READONLY, null) == raw.SQLITE_OK)
                {
                    if (raw.sqlite3_exec(database, "SELECT 1 FROM event LIMIT 1") == raw.SQLITE_OK)
                    {
                        return new Reader(database);
                    }

                    database.Dispose();
                }

                if (TimeProvider.System.GetElapsedTime(patience) > Patience)
                {
                    throw new InvalidOperationException("The centre has made no database.");
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }

        public async Task SawAsync(int rows)
        {
            using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
            await WatchAsync(rows, patience.Token);
        }

        public async Task WatchAsync(int rows, CancellationToken cancellationToken)
        {
            while (_seen < rows)
            {
                Read();
                try
                {
                    await Task.Delay(Look, TimeProvider.System, cancellationToken);
                }
                catch (OperationCanceledException e)
                {
                    throw new InvalidOperationException($"Only {_seen} of {rows} rows are in the database.", e);
                }
            }
        }

        public void Dispose()
        {
            _query.Dispose();
            _database.Dispose();
        }

        private void Read()
        {
            Check(raw.sqlite3_bind_int64(_query, 1, _last));
            var newest = _last;
            while (raw.sqlite3_step(_query) == raw.SQLITE_ROW)
            {
                var timeNs = raw.sqlite3_column_int64(_query, 0);
                newest = Math.Max(newest, timeNs);
                _seen++;
                Latencies.Add((UnixTime.FromDateTimeOffset(TimeProvider.System.GetUtcNow()) - timeNs) / 1e6);
            }

            Check(raw.sqlite3_reset(_query));
            _last = newest;
        }

        private static void Check(int result)
        {
            if (result != raw.SQLITE_OK)
            {
                throw new InvalidOperationException($"SQLite: {result}");
            }
        }
    }
}
