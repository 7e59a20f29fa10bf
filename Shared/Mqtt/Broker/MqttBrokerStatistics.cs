namespace ZfRepl.Mqtt.Broker;

/// <summary>The broker's counters at one moment. What is not marked "now" counts from the start of the broker. A snapshot; the parts may be a moment apart.</summary>
public sealed record MqttBrokerStatistics
{
    /// <summary>Clients connected now.</summary>
    public long Clients { get; init; }

    /// <summary>Sessions now, connected or not.</summary>
    public long Sessions { get; init; }

    /// <summary>Subscriptions now.</summary>
    public long Subscriptions { get; init; }

    /// <summary>Retained messages now.</summary>
    public long RetainedMessages { get; init; }

    /// <summary>Bytes of retained messages now, topics included.</summary>
    public long RetainedBytes { get; init; }

    /// <summary>Messages queued or unacknowledged now, over all sessions.</summary>
    public long QueuedMessages { get; init; }

    /// <summary>Their bytes; a message for several sessions counts for each.</summary>
    public long QueuedBytes { get; init; }

    /// <summary>Publications now whose acknowledgment waits for a slow consumer.</summary>
    public long HeldPublications { get; init; }

    /// <summary>TCP connections accepted.</summary>
    public long ConnectionsAccepted { get; init; }

    /// <summary>Connections closed because there were too many.</summary>
    public long ConnectionsOverLimit { get; init; }

    /// <summary>Connections refused for user name, password or access.</summary>
    public long LoginsRefused { get; init; }

    /// <summary>Connections closed because of malformed or forbidden packets, failed TLS, or no CONNECT in time.</summary>
    public long ProtocolErrors { get; init; }

    /// <summary>Clients disconnected because their keep alive time ran out.</summary>
    public long KeepAliveTimeouts { get; init; }

    /// <summary>Messages received from publishers.</summary>
    public long MessagesReceived { get; init; }

    /// <summary>Messages handed to connections of subscribers, repetitions included.</summary>
    public long MessagesSent { get; init; }

    /// <summary>Bytes received, TLS not counted.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes sent, TLS not counted.</summary>
    public long BytesSent { get; init; }

    /// <summary>QoS 0 messages not queued because the subscriber's queue was full.</summary>
    public long DroppedQueueFull { get; init; }

    /// <summary>QoS 0 messages not queued because the subscriber was not connected.</summary>
    public long DroppedOffline { get; init; }

    /// <summary>Messages not delivered because their expiry interval had passed.</summary>
    public long DroppedExpired { get; init; }

    /// <summary>Messages not delivered because they are larger than the subscriber accepts.</summary>
    public long DroppedTooLarge { get; init; }

    /// <summary>Publications refused by the access list.</summary>
    public long DroppedNotAuthorized { get; init; }

    /// <summary>Publications refused because a bound for retained messages or topics was reached.</summary>
    public long DroppedOverLimit { get; init; }

    /// <summary>Sessions ended because a consumer stalled or a queue overflowed while it was away; at its return it finds no session.</summary>
    public long SessionsDiscarded { get; init; }

    /// <summary>Messages that were queued in discarded sessions.</summary>
    public long MessagesDiscarded { get; init; }
}
