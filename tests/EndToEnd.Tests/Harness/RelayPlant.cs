using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.EndToEnd.Tests.Proof;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>
/// Three levels of the real program: an edge, a site in the middle that passes on what the edge collected, and a centre; a broker below the site and
/// one above it. All of their files are in one temporary folder.
/// </summary>
internal sealed class RelayPlant : IAsyncDisposable
{
    public const string EdgeCollectorId = "edge.collector";
    public const string SiteCollectorId = "site.collector";
    public const string CentreId = "centre.replicator";

    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(15);

    private readonly TempFolder _folder = new();

    /// <summary>Writes the configuration; nothing runs yet.</summary>
    /// <param name="lowerPort">The broker between edge and site.</param>
    /// <param name="upperPort">The broker between site and centre.</param>
    /// <param name="siteMailbox">More settings of the site's mailbox for the centre.</param>
    public RelayPlant(int lowerPort, int upperPort, string siteMailbox = "replicate_remote: true")
    {
        Directory.CreateDirectory(_folder["run"]);
        File.WriteAllText(_folder["default.key"], Key + "\n");
        File.SetUnixFileMode(_folder["default.key"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Write("edge-collector.yml", "edge1", EdgeCollectorId, """
              collector:
                path: edge-spool
                pki: edge-pki
                mailboxes:
                  site: { block_ttl_sec: 1, max_block_size: 4KiB }
                sources:
                  beat1: { kind: generator, oid: "sensor:edge1/beat1", interval: 10ms, value: counter }
                  beat2: { kind: generator, oid: "sensor:edge1/beat2", interval: 10ms, value: counter }
            """);
        Write("edge-replicator.yml", "edge1", "edge.replicator", $$"""
              replicator:
                pubsub: { {{PubSub(lowerPort)}} }
                keys: { default: "file:default.key" }
                server:
                  collector_svc: {{EdgeCollectorId}}
                  mailboxes: { site: {} }
            """);
        Write("site-collector.yml", "site", SiteCollectorId, $$"""
              collector:
                path: site-spool
                pki: site-pki
                mailboxes:
                  centre: { block_ttl_sec: 1, {{siteMailbox}} }
                sources:
                  own: { kind: generator, oid: "sensor:site/own", interval: 20ms, value: counter }
            """);
        Write("site-down.yml", "site", "site.down", $$"""
              replicator:
                pubsub: { {{PubSub(lowerPort)}} }
                keys: { default: "file:default.key" }
                client:
                  path: site-target
                  archive: null
                  collector_svc: {{SiteCollectorId}}
                  mailboxes:
                    edge1: { interval: 200ms, timeout: 6, relay_to: [centre] }
            """);
        Write("site-up.yml", "site", "site.up", $$"""
              replicator:
                pubsub: { {{PubSub(upperPort)}} }
                keys: { default: "file:default.key" }
                server:
                  collector_svc: {{SiteCollectorId}}
                  mailboxes: { centre: {} }
            """);
        Write("centre.yml", "centre", CentreId, $$"""
              replicator:
                pubsub: { {{PubSub(upperPort)}} }
                keys: { default: "file:default.key" }
                client:
                  path: centre-target
                  archive: null
                  mailboxes:
                    site: { interval: 200ms, timeout: 6, accept_relayed: true }
            """);
        Edge = new ZfReplProcess("edge", _folder.Path, "edge-collector.yml", "edge-replicator.yml");
        SiteCollector = new ZfReplProcess("site collector", _folder.Path, "site-collector.yml");
        SiteReplicators = new ZfReplProcess("site replicators", _folder.Path, "site-down.yml", "site-up.yml");
        Centre = new ZfReplProcess("centre", _folder.Path, "centre.yml");
    }

    public string Key { get; } = ApiKey.Generate();

    public ZfReplProcess Edge { get; }

    public ZfReplProcess SiteCollector { get; }

    public ZfReplProcess SiteReplicators { get; }

    public ZfReplProcess Centre { get; }

    public string EdgeMailbox => _folder["edge-spool", "site"];

    public string CentreDatabasePath => _folder["centre-target", "history.db"];

    public string SiteDatabasePath => _folder["site-target", "history.db"];

    public string Outputs => string.Join("\n\n", new[] { Edge, SiteCollector, SiteReplicators, Centre }.Select(p => $"== {p.Name}\n{p.Output}"));

    /// <summary>Starts what does not run.</summary>
    public async Task StartAsync()
    {
        ZfReplProcess[] stopped = [.. new[] { Edge, SiteCollector, SiteReplicators, Centre }.Where(p => !p.IsRunning)];
        foreach (var process in stopped)
        {
            process.Launch();
        }

        await Task.WhenAll(stopped.Select(p => p.ReadyAsync()));
    }

    /// <summary>Replaces a text in one of the service files; it is read when that service starts.</summary>
    public void Edit(string file, string old, string now)
    {
        var text = File.ReadAllText(_folder[file]);
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(_folder[file], text.Replace(old, now, StringComparison.Ordinal));
    }

    /// <summary>Calls a method; null when the service does not answer at present.</summary>
    public async Task<JsonElement?> TryCallAsync(string service, string method, JsonObject? parameters = null)
    {
        Assert.True(ServiceSockets.TryPathOf(_folder["run"], service, out var socket, out var reason), reason);
        using var client = new RpcClient(socket);
        return await client.CallAsync(method, parameters, CallLimit) is RpcReply.Value value ? value.Result : null;
    }

    /// <summary>The accounts of a collector's one mailbox.</summary>
    public async Task<MailboxBooks> BooksAsync(string collector) => MailboxBooks.Read(await MailboxAsync(collector));

    /// <summary>The accounts of blocks of other nodes in the site's mailbox.</summary>
    public async Task<MailboxBooks> RelayBooksAsync()
    {
        var mailbox = await MailboxAsync(SiteCollectorId);
        var relay = JsonNode.Parse(mailbox.GetProperty("relay").GetRawText())!;
        relay["trouble"] = mailbox.GetProperty("trouble").GetString();
        return MailboxBooks.Read(JsonSerializer.SerializeToElement(relay));
    }

    /// <summary>Stops the sources, waits until everything has gone all the way, and judges what the edge collected by what is at the centre.</summary>
    public async Task<ProofResult> ProveAsync(IEnumerable<TelemetryEvent> seenOnDisk)
    {
        await DrainAsync(EdgeCollectorId, "site");
        await DrainAsync(SiteCollectorId, "centre");
        var edge = await BooksAsync(EdgeCollectorId);
        Assert.True(edge.Balance, edge.ToString());
        var centre = await CentreDatabase.ReadAsync(CentreDatabasePath);
        return CounterProof.Check(centre.Where(IsOfEdge), seenOnDisk, edge.Accepted);
    }

    public static bool IsOfEdge(TelemetryEvent e) => e.Oid.Text.StartsWith("sensor:edge1/", StringComparison.Ordinal);

    /// <summary>The books of a node's stream at the centre.</summary>
    public async Task<StreamAccount> StreamAsync(string node)
    {
        await using var history = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = CentreDatabasePath, IsReadOnly = true })).Value;
        return Assert.Single((await history.ReadStreamsAsync(only: null, 10, CancellationToken.None)).Value, s => s.Facts.Node == node);
    }

    public async ValueTask DisposeAsync()
    {
        await Centre.DisposeAsync();
        await SiteReplicators.DisposeAsync();
        await SiteCollector.DisposeAsync();
        await Edge.DisposeAsync();
        _folder.Dispose();
    }

    private static string PubSub(int port) =>
        string.Create(CultureInfo.InvariantCulture, $"host: \"127.0.0.1:{port}\", reconnect_max: 1s, ping_interval: 2s");

    private void Write(string file, string node, string id, string config) =>
        File.WriteAllText(_folder[file], $"system_name: {node}\nid: {id}\nbus: {{ path: run/bus.ipc }}\nconfig:\n{config}\n");

    private async Task<JsonElement> MailboxAsync(string collector) =>
        (await TryCallAsync(collector, "status") ?? throw new InvalidOperationException($"{collector} does not answer.\n{Outputs}")).GetProperty("mailboxes")[0];

    private async Task DrainAsync(string collector, string mailbox)
    {
        Assert.NotNull(await TryCallAsync(collector, "mailbox.disable", new JsonObject { ["i"] = mailbox }));
        var calm = 0;
        MailboxBooks? books = null;
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    var now = await BooksAsync(collector);
                    var relayed = collector == SiteCollectorId ? (await RelayBooksAsync()).Backlog : 0;
                    calm = now.Backlog + relayed == 0 && now.Accepted == books?.Accepted ? calm + 1 : 0;
                    books = now;
                    return calm >= 3;
                },
                $"the mailbox of {collector} is empty",
                TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}: {books}\n{Outputs}", e);
        }
    }
}
