namespace ZfRepl.Mqtt.Broker;

/// <summary>What is counted, as fields that any thread adds to with <see cref="Interlocked"/>.</summary>
internal sealed class BrokerCounters
{
    public long Clients;
    public long QueuedMessages;
    public long QueuedBytes;
    public long HeldPublications;
    public long ConnectionsAccepted;
    public long ConnectionsOverLimit;
    public long LoginsRefused;
    public long ProtocolErrors;
    public long KeepAliveTimeouts;
    public long MessagesReceived;
    public long MessagesSent;
    public long BytesReceived;
    public long BytesSent;
    public long DroppedQueueFull;
    public long DroppedOffline;
    public long DroppedExpired;
    public long DroppedTooLarge;
    public long DroppedNotAuthorized;
    public long DroppedOverLimit;
    public long SessionsDiscarded;
    public long MessagesDiscarded;

    public MqttBrokerStatistics Snapshot(long sessions, long subscriptions, long retainedMessages, long retainedBytes) => new()
    {
        Clients = Interlocked.Read(ref Clients),
        Sessions = sessions,
        Subscriptions = subscriptions,
        RetainedMessages = retainedMessages,
        RetainedBytes = retainedBytes,
        QueuedMessages = Interlocked.Read(ref QueuedMessages),
        QueuedBytes = Interlocked.Read(ref QueuedBytes),
        HeldPublications = Interlocked.Read(ref HeldPublications),
        ConnectionsAccepted = Interlocked.Read(ref ConnectionsAccepted),
        ConnectionsOverLimit = Interlocked.Read(ref ConnectionsOverLimit),
        LoginsRefused = Interlocked.Read(ref LoginsRefused),
        ProtocolErrors = Interlocked.Read(ref ProtocolErrors),
        KeepAliveTimeouts = Interlocked.Read(ref KeepAliveTimeouts),
        MessagesReceived = Interlocked.Read(ref MessagesReceived),
        MessagesSent = Interlocked.Read(ref MessagesSent),
        BytesReceived = Interlocked.Read(ref BytesReceived),
        BytesSent = Interlocked.Read(ref BytesSent),
        DroppedQueueFull = Interlocked.Read(ref DroppedQueueFull),
        DroppedOffline = Interlocked.Read(ref DroppedOffline),
        DroppedExpired = Interlocked.Read(ref DroppedExpired),
        DroppedTooLarge = Interlocked.Read(ref DroppedTooLarge),
        DroppedNotAuthorized = Interlocked.Read(ref DroppedNotAuthorized),
        DroppedOverLimit = Interlocked.Read(ref DroppedOverLimit),
        SessionsDiscarded = Interlocked.Read(ref SessionsDiscarded),
        MessagesDiscarded = Interlocked.Read(ref MessagesDiscarded),
    };
}
