using ZfRepl.Core.Storage;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.History;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Replicator.Bus;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Replicator;

/// <summary>The replicator as a service: one connection to the broker, and over it the serving side, the fetching side, or both.</summary>
public sealed class ReplicatorService(ReplicatorOptions options, IStorage storage) : IService
{
    private static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public string Id => options.Id;

    /// <inheritdoc/>
    public string Description => $"replicates on node {options.Node}: "
        + $"serves {options.Server?.Blocks.Mailboxes.Count ?? 0} and fetches {options.Client?.Mailboxes.Count ?? 0} mailboxes";

    /// <inheritdoc/>
    public async Task<ServiceFailure?> RunAsync(ServiceContext context, CancellationToken stop)
    {
        await using var bus = new MqttBus(options.Bus, $"zfrepl-{options.Node}", context.Time, context.Loggers.CreateLogger("mqtt"));
        var loops = new List<Func<CancellationToken, Task>> { bus.RunAsync };
        await using var fetching = new FetchingSide(options, storage, context, HistoryDatabases.OpenAsync);
        if (options.Client is not null && await fetching.OpenAsync(bus, stop) is { } failure)
        {
            return failure;
        }

        using var serving = options.Server is { } server ? MakeServer(server, bus, context) : null;
        loops.AddRange(fetching.Loops);
        if (serving is not null)
        {
            loops.Add(serving.Server.RunAsync);
            loops.Add(serving.News.RunAsync);
        }

        if (options.Keys is { } keys)
        {
            loops.Add(token => keys.RunAsync(context.Time, token));
        }

        var api = new ReplicatorApi(options, bus, serving?.Server, fetching, context.Time);
        api.Register(context.Methods);
        loops.Add(token => ReportHealthAsync(context, bus, fetching, api, token));
        context.SignalReady();
        await Supervisor.RunAsync(stop, [.. loops]);
        return null;
    }

    private async Task ReportHealthAsync(
        ServiceContext context, MqttBus bus, FetchingSide fetching, ReplicatorApi api, CancellationToken cancellationToken)
    {
        while (true)
        {
            // A moment late: what is only just starting is not yet in trouble.
            await Task.Delay(HealthInterval, context.Time, cancellationToken);
            context.Health.Set("broker", bus.IsConnected ? HealthState.Ok : HealthState.Degraded, bus.State);
            // Somebody meant it, and may have forgotten it since.
            context.Health.Set(
                "replication",
                api.IsEnabled ? HealthState.Ok : HealthState.Degraded,
                api.IsEnabled ? "enabled" : "disabled by a call: nothing is fetched or served until `enable` or a restart");
            ReportKeys(context);
            if (fetching.Leftovers is { State: var left })
            {
                context.Health.Set("inbox", left.Trouble is null ? HealthState.Ok : HealthState.Degraded, left.Trouble ?? "nothing is in the way");
            }

            foreach (var repair in fetching.Repairs)
            {
                var trouble = repair.Trouble ?? fetching.RepairTrouble;
                context.Health.Set($"repair {repair.Node}", trouble is null ? HealthState.Ok : HealthState.Degraded, trouble ?? "nothing is in the way");
            }

            if (fetching.Digests is { Trouble: var unbooked })
            {
                context.Health.Set("digests", unbooked is null ? HealthState.Ok : HealthState.Degraded, unbooked ?? "up to date");
            }

            if (fetching.Watch is { Trouble: var down })
            {
                context.Health.Set("watched services", down is null ? HealthState.Ok : HealthState.Degraded, down ?? "all of them answer");
            }

            if (fetching.Quarantine is { } quarantine)
            {
                ReportQuarantine(context, quarantine.Measure());
            }

            foreach (var client in fetching.Clients)
            {
                var state = client.State;
                context.Health.Set(
                    $"source {state.Source}", state.Trouble is null ? HealthState.Ok : HealthState.Degraded, state.Trouble ?? "nothing is in the way");
            }
        }
    }

    private void ReportKeys(ServiceContext context)
    {
        var served = options.Server?.Blocks.Mailboxes.Select(m => (Name: m.Target, m.Live)) ?? [];
        var fetched = options.Client?.Mailboxes.Select(m => (Name: m.Link.Source, m.Link.Live)) ?? [];
        var unusable = served.Concat(fetched).FirstOrDefault(m => m.Live?.Trouble is not null);
        var trouble = options.Keys?.Trouble ?? (unusable.Live?.Trouble is { } why ? $"mailbox {unusable.Name}: {why}" : null);
        context.Health.Set("keys", trouble is null ? HealthState.Ok : HealthState.Degraded, trouble ?? "as in the store of keys");
    }

    /// <summary>What is kept aside waits for a person, so it stays in sight until one has dealt with it.</summary>
    private static void ReportQuarantine(ServiceContext context, StorageResult<(int Files, long Bytes)> size)
    {
        var trouble = !size.IsOk ? size.Error.ToString()
            : size.Value.Files == 0 ? null
            : $"{size.Value.Files} file{(size.Value.Files == 1 ? " is" : "s are")} kept aside; see zfrepl quarantine ls";
        context.Health.Set("quarantine", trouble is null ? HealthState.Ok : HealthState.Degraded, trouble ?? "nothing is kept aside");
    }

    private ServingSide MakeServer(ServerOptions server, IMessageBus bus, ServiceContext context)
    {
        // The path is checked when the configuration is bound; a collector that is not there yet is waited for.
        if (!ServiceSockets.TryPathOf(options.SocketFolder, server.CollectorService, out var socket, out var reason))
        {
            throw new InvalidOperationException(reason);
        }

        return new ServingSide(server, new RpcClient(socket, context.Time), bus, storage, context);
    }

    /// <summary>The serving side with its line to the collector.</summary>
    private sealed class ServingSide : IDisposable
    {
        private readonly RpcClient _collector;

        public ServingSide(ServerOptions options, RpcClient collector, IMessageBus bus, IStorage storage, ServiceContext context)
        {
            _collector = collector;
            var blocks = new CollectorBlocks(collector, options.CollectorService);
            Server = new BlockServer(bus, blocks, storage, context.Time, options.Blocks, context.Loggers.CreateLogger("serve"), context.Causes)
            {
                Fills = blocks,
                Proofs = blocks,
            };
            News = new ReadyNews(blocks, Server, [.. options.Blocks.Mailboxes.Select(m => m.Target)], context.Time);
        }

        public BlockServer Server { get; }

        /// <summary>Has the targets told of what becomes ready.</summary>
        public ReadyNews News { get; }

        public void Dispose() => _collector.Dispose();
    }
}
