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

    /// <summary>What <c>mailbox.list_blocks</c> says.</summary>
    public RpcResult Listed { get; set; } = RpcResult.Json(new JsonArray());

    /// <summary>What <c>mailbox.get_block</c> says.</summary>
    public RpcResult Next { get; set; } = RpcResult.Empty;

    /// <summary>What <c>mailbox.delete_block</c> says.</summary>
    public RpcResult Deleted { get; set; } = RpcResult.Empty;

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
        Add("mailbox.list_blocks", [Mailbox], _ => Listed);
        Add("mailbox.get_block", [Mailbox], _ => Next);
        Add("mailbox.seal", [Mailbox], _ => RpcResult.Empty);
        Add("mailbox.delete_block", [Mailbox, Block, new RpcParameter("hash", RpcType.String, "SHA-256")], _ => Deleted);
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
