using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Broker;

/// <summary>A message inside the broker: immutable, shared by all queues it is in, freed by the garbage collector when it is in none.</summary>
internal sealed class BrokerMessage
{
    /// <summary>What a message costs beside its bytes: objects, queue entries.</summary>
    private const int OverheadBytes = 160;

    public BrokerMessage(
        string topic, ReadOnlyMemory<byte> payload, MqttQoS qos, bool retain, PacketProperties? properties, string publisher, TimeProvider time)
    {
        Topic = topic;
        Payload = payload;
        QoS = qos;
        Retain = retain;
        Publisher = publisher;
        Properties = properties is null ? null : properties with { MessageExpiryInterval = null, WillDelayInterval = null };
        ExpiresAt = properties?.MessageExpiryInterval is { } seconds ? Transport.Timestamps.TimestampAfter(time, TimeSpan.FromSeconds(seconds)) : null;
        Size = OverheadBytes + payload.Length + (topic.Length * 2) + PropertiesSize(properties);
    }

    public string Topic { get; }

    public ReadOnlyMemory<byte> Payload { get; }

    public MqttQoS QoS { get; }

    public bool Retain { get; }

    /// <summary>What the publisher added, to be passed on unchanged; the expiry is kept apart, because it runs down.</summary>
    public PacketProperties? Properties { get; }

    /// <summary>The client identifier of the publisher, for "no local".</summary>
    public string Publisher { get; }

    /// <summary>Timestamp after which nobody wants it; null for never.</summary>
    public long? ExpiresAt { get; }

    /// <summary>Bytes of memory, about.</summary>
    public int Size { get; }

    public bool IsExpired(long now) => ExpiresAt <= now;

    /// <summary>The properties with what is left of the expiry interval (3.3.2.3.3).</summary>
    public PacketProperties? PropertiesAt(TimeProvider time)
    {
        if (ExpiresAt is not { } expiresAt)
        {
            return Properties;
        }

        var left = time.GetElapsedTime(time.GetTimestamp(), expiresAt);
        return (Properties ?? new PacketProperties()) with { MessageExpiryInterval = (uint)Math.Max(1, left.TotalSeconds) };
    }

    private static int PropertiesSize(PacketProperties? p)
    {
        if (p is null)
        {
            return 0;
        }

        var text = (p.ContentType?.Length ?? 0) + (p.ResponseTopic?.Length ?? 0) + (p.UserProperties?.Sum(u => u.Name.Length + u.Value.Length) ?? 0);
        return 300 + (text * 2) + (p.CorrelationData?.Length ?? 0);
    }
}

/// <summary>A message on its way to one session, in the quality that the session subscribed to.</summary>
internal readonly record struct Delivery(BrokerMessage Message, MqttQoS QoS, bool Retain);
