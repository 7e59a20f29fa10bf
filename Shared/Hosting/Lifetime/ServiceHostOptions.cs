using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ZfRepl.Hosting.Lifetime;

/// <summary>How a host runs its services.</summary>
public sealed record ServiceHostOptions
{
    /// <summary>Where logs go; nowhere by default.</summary>
    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    /// <summary>The clock of the host and all services.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the line <c>ready ID...</c> goes when all services are ready; stdout by default.</summary>
    public TextWriter Output { get; init; } = Console.Out;

    /// <summary>Longest time for a stop, from the request to the end of the last service; 30 s by default.</summary>
    public TimeSpan StopLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether SIGTERM and SIGINT stop the services, and a second one ends at once. Off where several hosts share a process.</summary>
    public bool HandleSignals { get; init; } = true;

    /// <summary>The supervisor's notification socket (sd_notify); from NOTIFY_SOCKET by default, null for none.</summary>
    public string? NotifySocket { get; init; } = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
}

/// <summary>A service and the folder of its socket. Immutable.</summary>
/// <param name="Service">The service.</param>
/// <param name="SocketFolder">The folder, from <see cref="Rpc.ServiceSockets.FolderOf"/>.</param>
public sealed record HostedService(IService Service, string SocketFolder);
