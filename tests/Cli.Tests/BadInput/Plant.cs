using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Logging;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.BadInput;

/// <summary>
/// One service of each role inside the test's process, with something in them that a wrong call could harm: blocks of two mailboxes, a carried block,
/// a file in quarantine. Nothing moves by itself once it is ready.
/// </summary>
public sealed class Plant : IAsyncLifetime, IAsyncDisposable
{
    public const string Collector = "t.collector";
    public const string Replicator = "t.replicator";
    public const string Standalone = "t.standalone";
    public const string Broker = "t.broker";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TempFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly StringWriter _log = new();
    private readonly Dictionary<string, RpcClient> _clients = new(StringComparer.Ordinal);
    private ILoggerFactory? _loggers;
    private Task<int> _host = Task.FromResult(0);

    /// <summary>What a call may name.</summary>
    public IReadOnlyDictionary<string, string> Names { get; private set; } = new Dictionary<string, string>();

    public string Log => _log.ToString();

    public async Task InitializeAsync()
    {
        var port = FreePort.Next();
        Write("collector.yml", Collector, "edge1", """
            collector:
              path: spool
              history: {}
              mailboxes: {centre: {}, second: {}}
              sources: {beat: {kind: generator, oid: "sensor:edge1/heartbeat", interval: 20ms, value: counter}}
            """);
        Write("broker.yml", Broker, "edge1", $$"""broker: {listen: ["127.0.0.1:{{port}}"], anonymous: true}""");
        Write("replicator.yml", Replicator, "centre", $$"""
            replicator:
              pubsub: {host: ["127.0.0.1:{{port}}"]}
              keys: {default: "{{ApiKey.Generate()}}"}
              client:
                path: target
                archive: null
                mailboxes: {edge1: {schedule: null} }
            """);
        Write("standalone.yml", Standalone, "centre", "standalone: {path: alone}");
        _loggers = ServiceLogging.Create(LogLevel.Warning, output: TextWriter.Synchronized(_log));
        var loaded = ServiceFiles.LoadAll(new[] { "collector.yml", "broker.yml", "replicator.yml", "standalone.yml" }.Select(f => _folder[f]), null);
        Assert.All(loaded, l => Assert.True(l.Service is not null, string.Join("\n", l.Document.Errors)));
        using var output = new StringWriter();
        var host = new ServiceHost(new ServiceHostOptions { Loggers = _loggers, Output = TextWriter.Synchronized(output), HandleSignals = false, NotifySocket = null });
        _host = host.RunAsync([.. loaded.Select(l => l.Service!)], _stop.Token);
        foreach (var id in new[] { Collector, Replicator, Standalone, Broker })
        {
            _clients.Add(id, new RpcClient(_folder["var", $"{id}.sock"]));
        }

        await Eventually.TrueAsync(
            async () => (await Task.WhenAll(_clients.Values.Select(c => c.CallAsync("test", null, Patience)))).All(r => r is RpcReply.Value),
            "all services are ready");
        await FurnishAsync();
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _host.WaitAsync(Patience);
        _clients.Values.ToList().ForEach(c => c.Dispose());
        _loggers?.Dispose();
        _stop.Dispose();
        await _log.DisposeAsync();
        _folder.Dispose();
    }

    public Task<RpcReply> CallAsync(string service, string method, JsonObject? parameters = null) => _clients[service].CallAsync(method, parameters, Patience);

    public async Task<JsonElement> AskAsync(string service, string method, JsonObject? parameters = null) =>
        Assert.IsType<RpcReply.Value>(await CallAsync(service, method, parameters)).Result;

    /// <summary>All that a call could change, as text: the services' own accounts, and every file with its content.</summary>
    public async Task<string> StateAsync()
    {
        var parts = new List<string>();
        var collector = await AskAsync(Collector, "status");
        parts.Add($"{collector.GetProperty("mailboxes")} {collector.GetProperty("fills")}");
        var replicator = await AskAsync(Replicator, "status");
        parts.Add($"{replicator.GetProperty("enabled")} {replicator.GetProperty("active_clients")} {replicator.GetProperty("streams")} {replicator.GetProperty("repairs")}");
        parts.Add($"{(await AskAsync(Standalone, "status")).GetProperty("streams")}");
        parts.Add($"{await AskAsync(Replicator, "gap.list")} {await AskAsync(Collector, "loss.list")}");
        foreach (var file in Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Where(IsState))
        {
            await using var content = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            parts.Add($"{file} {Convert.ToHexString(await SHA256.HashDataAsync(content))}");
        }

        return string.Join('\n', parts);
    }

    /// <summary>Databases have files of their own that come and go, and the local history goes on collecting.</summary>
    private bool IsState(string file) =>
        !file.Contains("history.db", StringComparison.Ordinal) && !file.Contains("/history.begin", StringComparison.Ordinal) && !file.Contains("/.history/", StringComparison.Ordinal)
        && !file.StartsWith(_folder["var"], StringComparison.Ordinal) && !file.EndsWith("/boot", StringComparison.Ordinal)
        && !file.EndsWith(".lock", StringComparison.Ordinal);

    private void Write(string file, string id, string node, string section) => File.WriteAllText(
        _folder[file], $"id: {id}\nsystem_name: {node}\nconfig:\n{string.Join('\n', section.Split('\n').Select(l => "  " + l))}\n");

    private async Task FurnishAsync()
    {
        await Eventually.TrueAsync(
            async () => (await AskAsync(Collector, "status")).GetProperty("mailboxes").EnumerateArray().All(m => m.GetProperty("accepted_events").GetInt64() > 5),
            "both mailboxes have readings");
        await AskAsync(Collector, "mailbox.disable", new JsonObject { ["i"] = "*" });
        var first = await AskAsync(Collector, "mailbox.get_block", new JsonObject { ["i"] = "centre" });
        var second = await AskAsync(Collector, "mailbox.get_block", new JsonObject { ["i"] = "second" });
        Directory.CreateDirectory(_folder["stick"]);
        Directory.CreateDirectory(_folder["empty"]);
        Directory.CreateDirectory(_folder["foreign"]);
        var carried = _folder["stick", "mbb_1"];
        File.Copy(first.GetProperty("path").GetString()!, carried);
        await File.WriteAllTextAsync(_folder["foreign", "notes.txt"], "of somebody");
        await File.WriteAllTextAsync(_folder["foreign", "holiday.jpg"], new string('x', 5000));
        await File.WriteAllTextAsync(_folder["file"], "no folder");
        await File.WriteAllTextAsync(_folder["nothing"], "");
        foreach (var place in new[] { _folder["spool", ".quarantine"], _folder["target", "quarantine"], _folder["alone", "quarantine"] })
        {
            Directory.CreateDirectory(place);
            await File.WriteAllTextAsync(Path.Combine(place, "kept"), "damaged");
        }

        Names = new Dictionary<string, string>
        {
            ["{block}"] = first.GetProperty("block_id").GetString()!,
            ["{block2}"] = second.GetProperty("block_id").GetString() + "9",
            ["{stick}"] = _folder["stick"],
            ["{empty}"] = _folder["empty"],
            ["{foreign}"] = _folder["foreign"],
            ["{file}"] = _folder["file"],
            ["{nothing}"] = _folder["nothing"],
            ["{dir}"] = _folder.Path,
            ["{long}"] = new string('x', 5000),
            ["{huge}"] = new string('x', 70_000),
            ["{nul}"] = "a\0b",
        };
        var before = "";
        await Eventually.TrueAsync(
            async () =>
            {
                var now = await StateAsync();
                (before, now) = (now, before);
                return now == before;
            },
            "nothing moves any more");
    }
}
