using ZfRepl.Hosting.Logging;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Lifetime;

/// <summary>One service in a host, from taking its socket to giving it back.</summary>
internal sealed class ServiceRunner
{
    /// <summary>Longest wait for calls in progress when a service stops; their handlers are cancelled at once.</summary>
    private static readonly TimeSpan CallsLimit = TimeSpan.FromSeconds(5);

    private readonly HostedService _hosted;
    private readonly ServiceHostOptions _options;
    private readonly ServiceContext _context;
    private readonly TaskCompletionSource<string> _stopAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RpcServer? _server;

    public ServiceRunner(HostedService hosted, ServiceHostOptions options)
    {
        _hosted = hosted;
        _options = options;
        _context = new ServiceContext(hosted.Service.Id, options.Loggers, options.Time);
    }

    public ServiceContext Context => _context;

    /// <summary>Whether the service ended and its socket was given back.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Takes the socket; from then on calls are answered, most of them with "not ready".</summary>
    public async Task<ServiceFailure?> OpenAsync()
    {
        var surface = BuiltInMethods.Around(_hosted.Service, _context, () => _stopAsked.TrySetResult("the method stop"));
        var (server, failure) = await RpcServer.StartAsync(
            _hosted.SocketFolder, _context.ServiceId, surface, _options.Time, _options.Loggers, CancellationToken.None);
        _server = server;
        if (server is not null)
        {
            HostingLog.Listening(_context.Logger, server.SocketPath);
        }

        return failure;
    }

    /// <summary>Runs the service to its end, then gives the socket back. Never throws for what the service does.</summary>
    public async Task<ServiceFailure?> RunAsync(CancellationToken stopAll)
    {
        using var stop = new CancellationTokenSource();
        await using var all = stopAll.Register(() => _stopAsked.TrySetResult("the host"));

        // On the pool, so that a service which blocks before its first await does not hold up the others.
        var work = Task.Run(() => _hosted.Service.RunAsync(_context, stop.Token), CancellationToken.None);
        var summaries = _context.Causes.RunAsync(stop.Token);
        await Task.WhenAny(work, _stopAsked.Task);
        if (_stopAsked.Task.IsCompleted)
        {
            HostingLog.Stopping(_context.Logger, await _stopAsked.Task);
        }

        await CloseCallsAsync();
        await stop.CancelAsync();
        var failure = await OutcomeAsync(work);
        await summaries;
        await CloseAsync();
        HasEnded = true;
        return failure;
    }

    /// <summary>Gives the socket back.</summary>
    public async Task CloseAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    private async Task CloseCallsAsync()
    {
        using var limit = new CancellationTokenSource(CallsLimit, _options.Time);
        await _server!.StopAsync(limit.Token);
        if (limit.IsCancellationRequested)
        {
            HostingLog.CallsCut(_context.Logger);
        }
    }

    private async Task<ServiceFailure?> OutcomeAsync(Task<ServiceFailure?> work)
    {
        var wasAsked = _stopAsked.Task.IsCompleted;
        ServiceFailure? failure;
        try
        {
            failure = await work;
            failure ??= wasAsked
                ? null
                : new ServiceFailure(ExitCode.Failed, "the service ended without being asked to", "look at the lines above");
        }
        catch (OperationCanceledException) when (wasAsked)
        {
            failure = null;
        }
        catch (Exception e)
        {
            // The service's owner: whatever escapes from it is a defect, and the process must not go on without it.
            HostingLog.ServiceDefect(_context.Logger, e);
            return new ServiceFailure(ExitCode.Failed, $"{e.GetType().Name}: {e.Message}", "");
        }

        if (failure is null)
        {
            HostingLog.Stopped(_context.Logger);
        }
        else
        {
            HostingLog.ServiceFailed(_context.Logger, failure.ToString(), failure.ExitCode);
        }

        return failure;
    }
}
