using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Client;

/// <summary>A received message. It owns its payload and may be kept.</summary>
public sealed class MqttIncomingMessage
{
    private readonly ClientLink _link;
    private readonly long _ticket;
    private readonly PacketProperties? _properties;

    internal MqttIncomingMessage(ClientLink link, long ticket, in PublishPacket packet, byte[] payload)
    {
        _link = link;
        _ticket = ticket;
        _properties = packet.Properties;
        Topic = packet.Topic;
        Payload = payload;
        QoS = packet.QoS;
        IsRetained = packet.Retain;
        IsDuplicate = packet.Duplicate;
    }

    /// <summary>The topic name.</summary>
    public string Topic { get; }

    /// <summary>The payload; empty is possible.</summary>
    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>0 or 1. Only QoS 1 is acknowledged.</summary>
    public MqttQoS QoS { get; }

    /// <summary>The broker had kept this message from before the subscription.</summary>
    public bool IsRetained { get; }

    /// <summary>The broker may have delivered this message before.</summary>
    public bool IsDuplicate { get; }

    /// <summary>MQTT 5.0: what the publisher added; empty otherwise.</summary>
    public IReadOnlyList<MqttUserProperty> UserProperties => _properties?.UserProperties ?? [];

    /// <summary>MQTT 5.0: where the publisher wants the answer; null otherwise.</summary>
    public string? ResponseTopic => _properties?.ResponseTopic;

    /// <summary>MQTT 5.0: what an answer has to carry; empty otherwise.</summary>
    public ReadOnlyMemory<byte> CorrelationData => _properties?.CorrelationData;

    /// <summary>MQTT 5.0: the kind of payload; null otherwise.</summary>
    public string? ContentType => _properties?.ContentType;

    /// <summary>
    /// Tells the broker that it may forget this QoS 1 message. Thread-safe, at any time, repeatable; does nothing for QoS 0 and when the
    /// connection of the message is over. Acknowledgments leave in the order in which the messages came [MQTT-4.6.0-2]: one that is made early
    /// waits for those before it, and a message that is never acknowledged stops the stream at <see cref="MqttClientOptions.ReceiveMaximum"/>.
    /// </summary>
    public void Acknowledge()
    {
        if (QoS == MqttQoS.AtLeastOnce)
        {
            _link.Acknowledge(_ticket);
        }
    }
}
