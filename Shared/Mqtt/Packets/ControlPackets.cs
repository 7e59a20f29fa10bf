namespace ZfRepl.Mqtt.Packets;

/// <summary>PINGREQ (3.12).</summary>
internal readonly record struct PingReqPacket;

/// <summary>PINGRESP (3.13).</summary>
internal readonly record struct PingRespPacket;

/// <summary>DISCONNECT (3.14). In 3.1.1 it has no content.</summary>
internal sealed record DisconnectPacket(MqttReasonCode ReasonCode = MqttReasonCode.Success, PacketProperties? Properties = null);
