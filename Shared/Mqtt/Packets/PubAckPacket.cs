namespace ZfRepl.Mqtt.Packets;

/// <summary>PUBACK (3.4). In 3.1.1 there is no reason code: an acknowledgment is always a success.</summary>
internal readonly record struct PubAckPacket(
    ushort PacketIdentifier, MqttReasonCode ReasonCode = MqttReasonCode.Success, PacketProperties? Properties = null);
