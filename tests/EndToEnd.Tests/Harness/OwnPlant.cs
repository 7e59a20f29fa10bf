using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Rpc;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Server;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>Our own OPC UA server in the test, which decides over every single change, and a collector process that watches it.</summary>
internal sealed class OwnPlant : IAsyncDisposable
{
    private const string CollectorId = "edge.collector";
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(15);

    private readonly TempFolder _folder = new();
    private readonly UaServer _server = new(
        new UaServerOptions { Endpoints = [(SecurityPolicy.None, MessageSecurityMode.None)] }, NullLogger.Instance, TimeProvider.System);
    private int _port;
    private long _ticks = UaDateTime.From(TimeProvider.System.GetUtcNow()).Ticks;

    private OwnPlant() => Collector = new ZfReplProcess("collector", _folder.Path, "collector.yml");

    public ZfReplProcess Collector { get; }

    public AddressSpace Space => _server.AddressSpace;

    /// <summary>A file in the collector's folder.</summary>
    public string this[string name] => _folder[name];

    /// <summary>Starts the server; the collector is started when it is configured.</summary>
    public static async Task<OwnPlant> StartAsync()
    {
        var plant = new OwnPlant();
        var started = await plant._server.StartAsync(CancellationToken.None);
        Assert.True(started.IsOk, started.Error?.ToString());
        plant._port = started.Value;
        return plant;
    }

    /// <summary>Adds a variable with its first value.</summary>
    public Variable Add(NodeId folder, string name, Variant first) =>
        Space.AddVariable(folder, name, new NodeId(1, name), new DataValue(first, StatusCode.Good, NextTime()));

    /// <summary>Changes a variable; every change has a time of its own.</summary>
    public void Set(Variable variable, Variant value) => variable.Set(new DataValue(value, StatusCode.Good, NextTime()));

    /// <summary>Writes the collector's file.</summary>
    /// <param name="source">Lines of the source besides its address, without indentation.</param>
    /// <param name="collector">More lines of the collector's section, without indentation.</param>
    public void Configure(string source, string collector = "")
    {
        var text = $$"""
            id: {{CollectorId}}
            system_name: edge1
            bus: { path: run/bus }
            config:
              collector:
                path: spool
                mailboxes:
                  centre: { block_ttl_sec: 1 }
                sources:
                  plant:
                    kind: opcua
                    endpoint: opc.tcp://127.0.0.1:{{_port}}/plant
                    publishing_interval: 50ms
            """;
        File.WriteAllLines(_folder["collector.yml"], [text, .. Indented(source, 8), .. Indented(collector, 4)]);
    }

    /// <summary>Starts the collector and waits until it watches.</summary>
    public async Task StartCollectorAsync()
    {
        await Collector.StartAsync();
        await Eventually.TrueAsync(
            async () => (await StatusAsync()).GetProperty("sources")[0].GetProperty("healthy").GetBoolean(), "the collector watches the plant");
    }

    /// <summary>Waits until so many events are durable.</summary>
    public Task AcceptedAsync(int events) => Eventually.TrueAsync(
        async () => (await StatusAsync()).GetProperty("mailboxes")[0].GetProperty("accepted_events").GetInt64() >= events, $"{events} events are accepted");

    /// <summary>Stops the collector in order, and gives what is in its mailbox.</summary>
    public async Task<IReadOnlyList<TelemetryEvent>> StopAndReadAsync()
    {
        Assert.Equal(0, await Collector.TerminateAsync());
        return SpoolReader.Read(_folder["spool/centre"]);
    }

    public async ValueTask DisposeAsync()
    {
        await Collector.DisposeAsync();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    private static IEnumerable<string> Indented(string text, int spaces) =>
        text.Length == 0 ? [] : text.Split('\n').Select(line => new string(' ', spaces) + line);

    private UaDateTime NextTime() => new(++_ticks);

    private async Task<System.Text.Json.JsonElement> StatusAsync()
    {
        Assert.True(ServiceSockets.TryPathOf(_folder["run"], CollectorId, out var socket, out var reason), reason);
        using var client = new RpcClient(socket);
        return await client.CallAsync("status", null, CallLimit) is RpcReply.Value value
            ? value.Result
            : throw new InvalidOperationException($"The collector does not answer.\n{Collector.Output}");
    }
}
