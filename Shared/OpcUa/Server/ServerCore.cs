using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Encoding;

namespace ZfRepl.OpcUa.Server;

/// <summary>What all parts of a server share.</summary>
/// <remarks>
/// One lock, <see cref="Gate"/>, guards sessions, subscriptions and continuation points. Nothing waits under it: no network, no file, no RSA.
/// The order of locks is gate, variable, queues; setting a variable takes the last two only.
/// </remarks>
internal sealed class ServerCore : IDisposable
{
    private readonly TaskCompletionSource _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServerCore(UaServerOptions options, ILogger logger, TimeProvider time)
    {
        Options = options;
        Logger = logger;
        Time = time;
        QueueBudget = new QueueBudget(options.QueuedValuesMax);
        AddressSpace = StandardNodes.Create(options, time);
        Users = new UserAuthenticator(options);
        Endpoints = new ServerEndpoints(options, Users);
        Sessions = new SessionTable(this);
        Subscriptions = new SubscriptionTable(this);
        Sampling = new SamplingGroups(this);
    }

    public Lock Gate { get; } = new();

    public UaServerOptions Options { get; }

    public ILogger Logger { get; }

    public TimeProvider Time { get; }

    public QueueBudget QueueBudget { get; }

    public AddressSpace AddressSpace { get; }

    public UserAuthenticator Users { get; }

    public ServerEndpoints Endpoints { get; }

    public SessionTable Sessions { get; }

    public SubscriptionTable Subscriptions { get; }

    public SamplingGroups Sampling { get; }

    /// <summary>For the notification that is being made; empty in between. Guarded by the gate.</summary>
    public DataChangeBatch Batch { get; } = new();

    /// <summary>Faults when something has failed that has no caller; never ends otherwise.</summary>
    public Task Failure => _failure.Task;

    /// <summary>Ends the server because of a defect.</summary>
    public void Fail(Exception defect) => _failure.TrySetException(defect);

    public void Dispose()
    {
        lock (Gate)
        {
            Sampling.Dispose();
            Subscriptions.Dispose();
            Batch.Dispose();
        }
    }
}
