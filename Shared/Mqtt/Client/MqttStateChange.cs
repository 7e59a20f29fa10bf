namespace ZfRepl.Mqtt.Client;

/// <summary>What the client is doing.</summary>
public enum MqttClientState
{
    /// <summary>Not running.</summary>
    Stopped = 0,

    /// <summary>Trying a host.</summary>
    Connecting,

    /// <summary>Connected, and the remembered subscriptions are made.</summary>
    Connected,

    /// <summary>Waiting before the next attempt.</summary>
    Waiting,

    /// <summary>As <see cref="Waiting"/>, but the server said that this client may not connect: it goes on, slowly, and needs a person.</summary>
    Refused,
}

/// <summary>One change of a client's state.</summary>
/// <param name="State">The state from now on.</param>
/// <param name="Reason">Why the last connection or attempt ended; <see cref="MqttDisconnectReason.None"/> while connected or connecting.</param>
/// <param name="Detail">One line for a person.</param>
public sealed record MqttStateChange(MqttClientState State, MqttDisconnectReason Reason, string Detail)
{
    /// <summary>The code that the server gave with CONNACK or DISCONNECT, if it did.</summary>
    public MqttReasonCode? ReasonCode { get; init; }

    /// <summary>The host in question, if any.</summary>
    public MqttHost? Host { get; init; }

    /// <summary>When connected: the server continued an earlier session, with its subscriptions and undelivered messages.</summary>
    public bool SessionPresent { get; init; }

    /// <summary>When connected: remembered filters that the server refused this time. They are asked for again at the next connection.</summary>
    public IReadOnlyList<string> RefusedFilters { get; init; } = [];

    /// <summary>When waiting: the time until the next attempt.</summary>
    public TimeSpan RetryIn { get; init; }
}
