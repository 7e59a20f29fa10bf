using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Tests.Interop;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>A subscriber at work, with its host; stopping it is the orderly way.</summary>
internal sealed class RunningSubscriber : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task<UaError?> _running;
    private bool _stopped;

    public RunningSubscriber(UaClientOptions client, TestHost host, SubscriptionOptions? options = null, TimeProvider? time = null)
    {
        Host = host;
        Subscriber = new Subscriber(client, options ?? Quick, host, Log, time ?? TimeProvider.System);
        _running = Task.Run(() => Subscriber.RunAsync(_stop.Token));
    }

    public static SubscriptionOptions Quick { get; } = new()
    {
        PublishingInterval = TimeSpan.FromMilliseconds(50),
        KeepAliveInterval = TimeSpan.FromSeconds(1),
        Lifetime = TimeSpan.FromMinutes(2),
    };

    public TestHost Host { get; }

    public ListLogger Log { get; } = new();

    public Subscriber Subscriber { get; }

    public SubscriberState State => Subscriber.State;

    public Task<UaError?> Running => _running;

    /// <summary>Waits until it is receiving and the first values of all items have arrived.</summary>
    public async Task ReadyAsync(Books books, int values)
    {
        await UntilAsync(() => State.IsConnected && books.Count >= values, $"first values ({books.Count} of {values})");
    }

    public async Task UntilAsync(Func<bool> condition, string what)
    {
        try
        {
            await Eventually.TrueAsync(
                () => _running.IsCompleted && !_stopped
                    ? throw new InvalidOperationException($"{what}: it has ended\n{Log}")
                    : condition(),
                what);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{what}; {State}\n{Log}", e);
        }
    }

    /// <summary>
    /// Waits until every change of the log is in the books. A value may be there twice: this server sends the last value of each item once
    /// more when a session comes over another channel.
    /// </summary>
    public Task HasAllAsync(Books books, NodeOpcUaServer server, int skip)
    {
        var log = PlantLog.Read(server, skip);
        Assert.NotEmpty(log);
        return UntilAsync(() => books.Missing(log).Count == 0, $"all {log.Count} changes");
    }

    public async Task StopAsync()
    {
        _stopped = true;
        await _stop.CancelAsync();
        try
        {
            await _running;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopped)
        {
            await StopAsync();
        }

        _stop.Dispose();
        Assert.Empty(Host.Faults);
    }
}
