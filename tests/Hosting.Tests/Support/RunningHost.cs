using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Logging;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Support;

/// <summary>A host inside the test's process, with its sockets in a folder of its own and its output kept.</summary>
internal sealed class RunningHost : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource _stop = new();
    private readonly TempFolder _folder = new();
    private readonly ILoggerFactory _loggers;
    private readonly StringWriter _log = new();

    public RunningHost(params ScriptedService[] services)
        : this(null, services)
    {
    }

    public RunningHost(Func<ServiceHostOptions, ServiceHostOptions>? adapt, params ScriptedService[] services)
    {
        _loggers = ServiceLogging.Create(LogLevel.Debug, output: TextWriter.Synchronized(_log));
        var options = new ServiceHostOptions { Loggers = _loggers, Output = TextWriter.Synchronized(Output), HandleSignals = false, NotifySocket = null };
        var host = new ServiceHost(adapt?.Invoke(options) ?? options);
        Exit = host.RunAsync([.. services.Select(s => new HostedService(s, Folder))], _stop.Token);
    }

    public StringWriter Output { get; } = new();

    public Task<int> Exit { get; }

    public string Folder => _folder.Path;

    public string Log => _log.ToString();

    public string SocketOf(string id) => Path.Combine(Folder, id + ".sock");

    public Task StopAsync() => _stop.CancelAsync();

    public Task WaitReadyAsync() => Eventually.TrueAsync(() => Output.ToString().StartsWith("ready ", StringComparison.Ordinal) || Exit.IsCompleted, "the host is ready");

    public async Task<RpcReply> CallAsync(string id, string method, JsonObject? parameters = null, TimeSpan? timeout = null)
    {
        using var client = new RpcClient(SocketOf(id));
        return await client.CallAsync(method, parameters, timeout ?? Patience);
    }

    public async Task<JsonElement> ValueAsync(string id, string method, JsonObject? parameters = null)
    {
        var reply = await CallAsync(id, method, parameters);
        return Assert.IsType<RpcReply.Value>(reply).Result;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Exit.WaitAsync(Patience);
        _stop.Dispose();
        _loggers.Dispose();
        _folder.Dispose();
    }
}
