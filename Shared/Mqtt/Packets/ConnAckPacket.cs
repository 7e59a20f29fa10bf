namespace ZfRepl.Mqtt.Packets;

/// <summary>CONNACK (3.2). The return codes of 3.1.1 appear as reason codes.</summary>
internal sealed record ConnAckPacket(bool SessionPresent, MqttReasonCode ReasonCode, PacketProperties? Properties = null);
