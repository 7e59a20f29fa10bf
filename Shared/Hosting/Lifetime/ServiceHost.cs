using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Hosting.Lifetime;

/// <summary>Runs services in one process until they are stopped or one of them fails.</summary>
/// <remarks>
/// All sockets are taken before any service starts, so a service that runs already is noticed before anything is touched. A service
/// stops by its <c>stop</c> method alone, all of them by a signal or the token; the host ends when none is left. The first service
/// that fails stops all others and gives the exit code. When all are ready, <c>ready ID...</c> is printed and the supervisor is told.
/// </remarks>
public sealed class ServiceHost
{
    private readonly ServiceHostOptions _options;
    private readonly ILogger _logger;
    private readonly SupervisorNotifier _notifier;

    /// <summary>Makes a host; nothing runs.</summary>
    public ServiceHost(ServiceHostOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _logger = options.Loggers.CreateLogger("host");
        _notifier = new SupervisorNotifier(options.NotifySocket, _logger);
    }

    /// <summary>Runs the services to their end.</summary>
    /// <param name="services">At least one.</param>
    /// <param name="stop">Stops all services, as a signal does.</param>
    /// <returns>
    /// The process's exit code, one of <see cref="ExitCode"/>; what it means is in the log. After a stop that took too long or a second
    /// signal, services may still run: the process must end then.
    /// </returns>
    public async Task<int> RunAsync(IReadOnlyList<HostedService> services, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentOutOfRangeException.ThrowIfZero(services.Count, nameof(services));
        using var signals = StopSignals.Listen(_options.HandleSignals, stop);
        ServiceRunner[] runners = [.. services.Select(service => new ServiceRunner(service, _options))];
        for (var index = 0; index < runners.Length; index++)
        {
            if (await runners[index].OpenAsync() is { } failure)
            {
                HostingLog.ServiceFailed(runners[index].Context.Logger, failure.ToString(), failure.ExitCode);
                await Task.WhenAll(runners[..index].Select(r => r.CloseAsync()));
                return failure.ExitCode;
            }
        }

        return await RunAsync(runners, signals);
    }

    private async Task<int> RunAsync(ServiceRunner[] runners, StopSignals signals)
    {
        using var stopAll = new CancellationTokenSource();
        var firstFailure = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var all = Task.WhenAll(runners.Select(runner => RunOneAsync(runner, firstFailure, stopAll.Token)));
        var ready = Task.WhenAll(runners.Select(runner => runner.Context.WhenReady));
        var end = Task.WhenAny(all, signals.Asked, firstFailure.Task);
        if (await Task.WhenAny(ready, end) == ready)
        {
            await AnnounceReadyAsync(runners);
        }

        await end;
        await stopAll.CancelAsync();
        await _notifier.SendAsync("STOPPING=1");
        var isInTime = await EndsInTimeAsync(runners, all, signals);
        return firstFailure.Task.IsCompleted ? await firstFailure.Task : isInTime ? ExitCode.Ok : ExitCode.Failed;
    }

    private static async Task RunOneAsync(ServiceRunner runner, TaskCompletionSource<int> firstFailure, CancellationToken stopAll)
    {
        if (await runner.RunAsync(stopAll) is { } failure)
        {
            firstFailure.TrySetResult(failure.ExitCode);
        }
    }

    private async Task AnnounceReadyAsync(ServiceRunner[] runners)
    {
        await _options.Output.WriteLineAsync($"ready {string.Join(' ', runners.Select(r => r.Context.ServiceId))}");
        await _options.Output.FlushAsync();
        await _notifier.SendAsync("READY=1");
    }

    private async Task<bool> EndsInTimeAsync(ServiceRunner[] runners, Task all, StopSignals signals)
    {
        using var ended = new CancellationTokenSource();
        var limit = Task.Delay(_options.StopLimit, _options.Time, ended.Token);
        var first = await Task.WhenAny(all, signals.AskedTwice, limit);
        await ended.CancelAsync();
        if (first == all)
        {
            await all;
            return true;
        }

        if (first == signals.AskedTwice)
        {
            HostingLog.SecondSignal(_logger);
        }

        foreach (var runner in runners.Where(r => first == limit && !r.HasEnded))
        {
            HostingLog.StopTookTooLong(runner.Context.Logger, _options.StopLimit.TotalSeconds);
        }

        return false;
    }
}
