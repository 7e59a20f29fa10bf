namespace ZfRepl.Mqtt.Packets;

/// <summary>SUBSCRIBE (3.8).</summary>
internal sealed record SubscribePacket(
    ushort PacketIdentifier, IReadOnlyList<MqttSubscription> Subscriptions, PacketProperties? Properties = null);

/// <summary>SUBACK (3.9): one code for each filter, in order.</summary>
internal sealed record SubAckPacket(ushort PacketIdentifier, IReadOnlyList<MqttReasonCode> ReasonCodes, PacketProperties? Properties = null);

/// <summary>UNSUBSCRIBE (3.10).</summary>
internal sealed record UnsubscribePacket(ushort PacketIdentifier, IReadOnlyList<string> Filters, PacketProperties? Properties = null);

/// <summary>UNSUBACK (3.11): one code for each filter in 5.0; none in 3.1.1, where the list is empty.</summary>
internal sealed record UnsubAckPacket(
    ushort PacketIdentifier, IReadOnlyList<MqttReasonCode> ReasonCodes, PacketProperties? Properties = null);
