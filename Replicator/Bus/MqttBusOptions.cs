using ZfRepl.Mqtt;
using ZfRepl.Mqtt.Client;

namespace ZfRepl.Replicator.Bus;

/// <summary>Which broker to use, and how.</summary>
public sealed record MqttBusOptions
{
    /// <summary>The brokers, tried in order.</summary>
    public required IReadOnlyList<MqttHost> Hosts { get; init; }

    /// <summary>True to try them in a random order.</summary>
    public bool RandomizeHosts { get; init; }

    /// <summary>The protocol version.</summary>
    public MqttProtocolVersion Version { get; init; } = MqttProtocolVersion.V5;

    /// <summary>The account, or null.</summary>
    public string? UserName { get; init; }

    /// <summary>Its password, or null.</summary>
    public string? Password { get; init; }

    /// <summary>The file with the certificates of the authorities that may vouch for the broker; turns TLS on.</summary>
    public string? CaFile { get; init; }

    /// <summary>The quality of service, 0 or 1.</summary>
    public MqttQoS QoS { get; init; } = MqttQoS.AtLeastOnce;

    /// <summary>How often the connection is tried out while nothing else is sent.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The most messages that wait to be sent.</summary>
    public int QueueSize { get; init; } = 1024;

    /// <summary>The longest time between two attempts to connect.</summary>
    public TimeSpan ReconnectDelayMax { get; init; } = TimeSpan.FromSeconds(30);
}
