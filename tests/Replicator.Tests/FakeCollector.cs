using System.Text.Json.Nodes;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>Something that answers like a collector, over a real socket, with whatever a test wants it to say.</summary>
internal sealed class FakeCollector : IService, IAsyncDisposable
{
    public const string ServiceId = "test.collector";

    private static readonly RpcParameter Mailbox = new("i", RpcType.String, "mailbox name", IsRequired: true);
    private static readonly RpcParameter Block = new("block_id", RpcType.String, "block id", IsRequired: true);

    private readonly TempFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly StringWriter _output = new();
    private readonly Task<int> _run;

    private FakeCollector()
    {
        var host = new ServiceHost(new ServiceHostOptions { Output = TextWriter.Synchronized(_output), HandleSignals = false, NotifySocket = null });
        _run = host.RunAsync([new HostedService(this, _folder.Path)], _stop.Token);
    }

    public string Id => ServiceId;

    public string Description => "a collector of a test's making";

    public string SocketPath => _folder[$"{ServiceId}.sock"];

    /// <summary>What <c>mailbox.ready</c> says.</summary>
    public RpcResult Ready { get; set; } =
        RpcResult.Json(new JsonObject { ["blocks"] = new JsonArray(), ["total_blocks"] = 0, ["total_events"] = 0 });

    /// <summary>What <c>mailbox.wait</c> says.</summary>
    public RpcResult News { get; set; } = RpcResult.Empty;

    /// <summary>What <c>mailbox.delete_block</c> says.</summary>
    public RpcResult Deleted { get; set; } = RpcResult.Empty;

    /// <summary>What <c>mailbox.relay</c> says.</summary>
    public RpcResult Relayed { get; set; } = RpcResult.Empty;

    /// <summary>The calls, in order.</summary>
    public List<string> Calls { get; } = [];

    public static async Task<FakeCollector> StartAsync()
    {
        var collector = new FakeCollector();
        await Eventually.TrueAsync(() => collector._output.ToString().StartsWith("ready ", StringComparison.Ordinal), "the fake collector is ready");
        return collector;
    }

    public async Task<ServiceFailure?> RunAsync(ServiceContext context, CancellationToken stop)
    {
        Add(
            "mailbox.ready",
            [
                Mailbox, new RpcParameter("limit", RpcType.Integer, "most"), new RpcParameter("stream", RpcType.String, "stream"),
                new RpcParameter("after", RpcType.Integer, "behind"), new RpcParameter("rotate", RpcType.Bool, "close"),
            ],
            call =>
            {
                Calls[^1] += $" limit={call.Int64OrNull("limit")} stream={call.StringOrNull("stream")} after={call.Int64OrNull("after")} rotate={call.BoolOrNull("rotate")}";
                return Ready;
            });
        Add(
            "mailbox.wait",
            [new RpcParameter("after", RpcType.Integer, "version"), new RpcParameter("timeout", RpcType.Double, "seconds")],
            call =>
            {
                Calls[^1] += $" after={call.Int64OrNull("after")}";
                return News;
            });
        Add("mailbox.delete_block", [Mailbox, Block, new RpcParameter("hash", RpcType.String, "SHA-256")], _ => Deleted);
        Add(
            "mailbox.relay",
            [
                Mailbox, new RpcParameter("path", RpcType.String, "file"), new RpcParameter("stream", RpcType.String, "stream"),
                new RpcParameter("index", RpcType.Integer, "number"), new RpcParameter("hash", RpcType.String, "SHA-256"),
                new RpcParameter("way", RpcType.Strings, "nodes"),
            ],
            _ => Relayed);
        context.SignalReady();
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(end.SetResult);
        await end.Task;
        return null;

        void Add(string name, RpcParameter[] parameters, Func<RpcCall, RpcResult> answer) => context.Methods.Add(name, name, parameters, (call, _) =>
        {
            Calls.Add(name);
            return Task.FromResult(answer(call));
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
        _folder.Dispose();
    }
}
