using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>
/// An edge collector, an edge replicator and a centre with its database as three processes of the real program, over a broker that the
/// test started. All of their files are in one temporary folder.
/// </summary>
internal sealed class Site : IAsyncDisposable
{
    public const string CollectorId = "edge.collector";
    public const string EdgeId = "edge.replicator";
    public const string CentreId = "centre.replicator";
    public const string Source = "edge1";
    public const string Target = "centre";

    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(15);

    private readonly TempFolder _folder = new();
    private readonly SiteOptions _options;

    /// <summary>Writes the configuration; nothing runs yet.</summary>
    public Site(SiteOptions options, int brokerPort)
    {
        _options = options;
        Key = ApiKey.Generate();
        DatabasePath = _folder["target", "history.db"];
        Directory.CreateDirectory(_folder["run"]);
        WriteKey("edge", Key);
        WriteKey("centre", Key);
        File.WriteAllText(_folder["collector.yml"], CollectorFile());
        File.WriteAllText(_folder["edge.yml"], EdgeFile(brokerPort));
        File.WriteAllText(_folder["centre.yml"], CentreFile(brokerPort));
        Collector = new ZfReplProcess("collector", _folder.Path, "collector.yml");
        Edge = new ZfReplProcess("edge replicator", _folder.Path, "edge.yml");
        Centre = new ZfReplProcess("centre", _folder.Path, "centre.yml");
    }

    public ZfReplProcess Collector { get; }

    public ZfReplProcess Edge { get; }

    public ZfReplProcess Centre { get; }

    /// <summary>The key's text that both sides start with.</summary>
    public string Key { get; }

    public string Folder => _folder.Path;

    /// <summary>The database of the edge's local history, where the collector's options name <c>local.db</c> so.</summary>
    public string LocalHistoryPath => _folder["local.db"];

    /// <summary>The centre's database.</summary>
    public string DatabasePath { get; set; }

    /// <summary>The folder of the one mailbox.</summary>
    public string MailboxPath => Path.Combine(_folder.Path, _options.Spool, Target);

    public string Outputs => string.Join("\n\n", new[] { Collector, Edge, Centre }.Select(p => $"== {p.Name}\n{p.Output}"));

    public async Task StartAsync()
    {
        Collector.Launch();
        Edge.Launch();
        Centre.Launch();
        await Task.WhenAll(Collector.ReadyAsync(), Edge.ReadyAsync(), Centre.ReadyAsync());
    }

    /// <summary>Writes one side's key; it is read when that side starts.</summary>
    public void WriteKey(string side, string text)
    {
        var path = _folder[$"{side}.key"];
        File.WriteAllText(path, text + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Replaces a text in one of the service files; it is read when that service starts.</summary>
    public void Edit(string file, string old, string now)
    {
        var text = File.ReadAllText(_folder[file]);
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(_folder[file], text.Replace(old, now, StringComparison.Ordinal));
    }

    /// <summary>Calls a method; null when the service does not answer at present.</summary>
    public async Task<JsonElement?> TryCallAsync(string service, string method, JsonObject? parameters = null) =>
        await AskAsync(service, method, parameters) is RpcReply.Value value ? value.Result : null;

    /// <summary>Calls a method that has to work.</summary>
    public async Task<JsonElement> CallAsync(string service, string method, JsonObject? parameters = null) =>
        await AskAsync(service, method, parameters) switch
        {
            RpcReply.Value value => value.Result,
            var other => throw new InvalidOperationException($"{service} {method}: {other}\n{Outputs}"),
        };

    public async Task<RpcReply> AskAsync(string service, string method, JsonObject? parameters = null)
    {
        Assert.True(ServiceSockets.TryPathOf(_folder["run"], service, out var socket, out var reason), reason);
        using var client = new RpcClient(socket);
        return await client.CallAsync(method, parameters, CallLimit);
    }

    /// <summary>The accounts of the mailbox; null while the collector does not answer.</summary>
    public async Task<MailboxBooks?> TryBooksAsync() =>
        await TryCallAsync(CollectorId, "status") is { } status ? MailboxBooks.Read(status.GetProperty("mailboxes")[0]) : null;

    /// <summary>The accounts of the mailbox. That they match is asserted with each reading (<see cref="MailboxBooks.Read"/>): a test that proves something reads them at its end.</summary>
    public async Task<MailboxBooks> BooksAsync() =>
        await TryBooksAsync() ?? throw new InvalidOperationException($"The collector does not answer.\n{Outputs}");

    /// <summary>What the centre says of its one source.</summary>
    public async Task<JsonElement> ClientAsync() => (await CallAsync(CentreId, "status")).GetProperty("clients")[0];

    /// <summary>What the edge refused, by cause.</summary>
    public async Task<IReadOnlyDictionary<string, long>> RefusedAsync() =>
        (await CallAsync(EdgeId, "status")).GetProperty("server").GetProperty("refused").EnumerateObject()
            .ToDictionary(p => p.Name, p => p.Value.GetInt64(), StringComparer.Ordinal);

    /// <summary>Every event in the centre's database, OID by OID in the order of their times.</summary>
    public async Task<IReadOnlyList<TelemetryEvent>> ReadHistoryAsync()
    {
        if (_options.OpenHistory is not { } open)
        {
            return await CentreDatabase.ReadAsync(DatabasePath);
        }

        await using var history = await open();
        return await CentreDatabase.ReadAsync(history);
    }

    /// <summary>Stops the intake and waits until all that was accepted has been delivered, or is in the loss ledger.</summary>
    public async Task<MailboxBooks> DrainAsync(TimeSpan? limit = null)
    {
        await CallAsync(CollectorId, "mailbox.disable", new JsonObject { ["i"] = Target });
        MailboxBooks? books = null;
        var calm = 0;
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    // What was offered just before the intake was stopped may still be on its way to the disk.
                    var now = await BooksAsync();
                    calm = now.Backlog == 0 && now.Accepted == books?.Accepted ? calm + 1 : 0;
                    books = now;
                    return calm >= 3;
                },
                "the mailbox is empty",
                limit ?? TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"{e.Message}: {books}\n{Outputs}"), e);
        }

        return books!;
    }

    public async ValueTask DisposeAsync()
    {
        await Centre.DisposeAsync();
        await Edge.DisposeAsync();
        await Collector.DisposeAsync();
        _folder.Dispose();
    }

    private static string Indent(IEnumerable<string> lines, int columns) =>
        string.Join("\n", lines.Select(l => new string(' ', columns) + l));

    private string CollectorFile() => $$"""
        system_name: {{Source}}
        id: {{CollectorId}}
        bus: { path: run/bus.ipc }
        config:
          collector:
            path: {{_options.Spool}}
            pki: pki
            mailboxes:
              {{Target}}: { {{_options.Mailbox}} }
            sources:
        {{Indent(_options.Sources, 6)}}
        {{Indent(_options.Collector, 4)}}
        """;

    private string EdgeFile(int port) => $$"""
        system_name: {{Source}}
        id: {{EdgeId}}
        bus: { path: run/bus.ipc }
        config:
          replicator:
            pubsub: { {{PubSub(port)}} }
            keys: { default: "file:edge.key" }
        {{Indent(_options.Replicator, 4)}}
            server:
              collector_svc: {{CollectorId}}
              mailboxes:
                {{Target}}: { key_id: default, {{_options.Served}} }
        """;

    private string History => _options.History is { } history ? $"history: {history}" : "# a file";

    private string CentreFile(int port) => $$"""
        system_name: {{Target}}
        id: {{CentreId}}
        bus: { path: run/bus.ipc }
        config:
          replicator:
            pubsub: { {{PubSub(port)}} }
            keys: { default: "file:centre.key" }
        {{Indent(_options.Replicator, 4)}}
            client:
              path: target
              {{History}}
              archive: {{_options.Archive}}
        {{Indent(_options.Client, 6)}}
              mailboxes:
                {{Source}}: { key_id: default, {{_options.Fetch}} }
        """;

    private string PubSub(int port)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"host: \"{_options.BrokerAddress}:{_options.BrokerPort ?? port}\", reconnect_max: 1s, ping_interval: 2s");
        text += _options.Authority is { } authority ? $", ca_certs: {authority.CaFile}" : "";
        return text + (_options.Account is { } account ? $", username: {account.User}, password: {account.Password}" : "");
    }
}
