using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Mqtt.Broker;

/// <summary>The last retained message of each topic (3.3.1.3), bounded in number and bytes. Not thread-safe.</summary>
internal sealed class RetainedMessages(MqttBrokerOptions options)
{
    private readonly Dictionary<string, BrokerMessage> _byTopic = new(StringComparer.Ordinal);

    public int Count => _byTopic.Count;

    public long Bytes { get; private set; }

    /// <summary>Keeps, replaces, or, for an empty payload, removes. False when a bound would be passed; then nothing changes.</summary>
    public bool Store(BrokerMessage message)
    {
        var previous = _byTopic.GetValueOrDefault(message.Topic);
        var bytes = Bytes - (previous?.Size ?? 0);
        if (message.Payload.IsEmpty)
        {
            _byTopic.Remove(message.Topic);
            Bytes = bytes;
            return true;
        }

        var count = Count + (previous is null ? 1 : 0);
        if (count > options.MaxRetainedMessages || bytes + message.Size > options.MaxRetainedBytes)
        {
            return false;
        }

        _byTopic[message.Topic] = message;
        Bytes = bytes + message.Size;
        return true;
    }

    /// <summary>Those that match a filter; expired ones are removed on the way.</summary>
    public List<BrokerMessage> Match(string filter, long now)
    {
        if (filter.IndexOfAny(['+', '#']) < 0)
        {
            return _byTopic.TryGetValue(filter, out var exact) && !Forget(exact, now) ? [exact] : [];
        }

        return [.. _byTopic.Values.Where(m => MqttTopic.Matches(filter, m.Topic)).ToList().Where(m => !Forget(m, now))];
    }

    private bool Forget(BrokerMessage message, long now)
    {
        if (!message.IsExpired(now))
        {
            return false;
        }

        _byTopic.Remove(message.Topic);
        Bytes -= message.Size;
        return true;
    }
}
