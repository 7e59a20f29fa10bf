using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Logging;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Lifetime;

/// <summary>What a host gives to one service. A test that runs a service without a host makes one itself.</summary>
public sealed class ServiceContext
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Makes a context; nothing runs.</summary>
    /// <param name="serviceId">The service's id, which all of its log lines carry.</param>
    /// <param name="loggers">Where logs go.</param>
    /// <param name="time">The clock of everything in the service.</param>
    public ServiceContext(string serviceId, ILoggerFactory loggers, TimeProvider time)
    {
        ServiceId = serviceId;
        Time = time;
        Loggers = new ServiceLoggerFactory(loggers, serviceId);
        Logger = loggers.CreateLogger(serviceId);
        Health = new HealthRegistry(time, Logger);
        Causes = new CauseLog(Logger, time);
    }

    /// <summary>The service's id.</summary>
    public string ServiceId { get; }

    /// <summary>The clock; the only one that a service may use.</summary>
    public TimeProvider Time { get; }

    /// <summary>The logger of the service as a whole.</summary>
    public ILogger Logger { get; }

    /// <summary>Makes loggers for the service's parts; their lines carry the service's id as well. Disposing it does nothing.</summary>
    public ILoggerFactory Loggers { get; }

    /// <summary>The service's methods; to be filled before <see cref="SignalReady"/>.</summary>
    public RpcMethods Methods { get; } = new();

    /// <summary>The service's health.</summary>
    public HealthRegistry Health { get; }

    /// <summary>Logs what may happen often once per cause; the host writes its summaries.</summary>
    public CauseLog Causes { get; }

    /// <summary>Completes when the service is ready.</summary>
    public Task WhenReady => _ready.Task;

    /// <summary>Says that the service works: from now on its methods answer, and none can be added. A second call does nothing.</summary>
    public void SignalReady()
    {
        Methods.Freeze();
        if (_ready.TrySetResult())
        {
            HostingLog.Ready(Logger);
        }
    }
}
