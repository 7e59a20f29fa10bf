namespace ZfRepl.Mqtt.Broker;

/// <summary>
/// The bound in bytes for one session's queue: the configured one, or, while all queues together are over their bound, an equal share of that.
/// So one session cannot take the memory of the others, and each can always get on. Thread-safe.
/// </summary>
internal sealed class QueueBudget(MqttBrokerOptions options, BrokerCounters counters)
{
    private int _sessions;

    public long BytesPerSession => Interlocked.Read(ref counters.QueuedBytes) <= options.MaxTotalQueuedBytes
        ? options.MaxQueuedBytes
        : Math.Min(options.MaxQueuedBytes, options.MaxTotalQueuedBytes / Math.Max(1, Volatile.Read(ref _sessions)));

    public void SessionAdded() => Interlocked.Increment(ref _sessions);

    public void SessionRemoved() => Interlocked.Decrement(ref _sessions);

    public void Add(int bytes)
    {
        Interlocked.Increment(ref counters.QueuedMessages);
        Interlocked.Add(ref counters.QueuedBytes, bytes);
    }

    public void Remove(int bytes)
    {
        Interlocked.Decrement(ref counters.QueuedMessages);
        Interlocked.Add(ref counters.QueuedBytes, -bytes);
    }
}
