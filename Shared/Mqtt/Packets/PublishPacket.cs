namespace ZfRepl.Mqtt.Packets;

/// <summary>
/// PUBLISH (3.3). A decoded packet's payload points into the receive buffer and is valid until the next read only. The packet identifier
/// is 1 to 65,535 for QoS 1; 0, meaning absent, for QoS 0.
/// </summary>
internal readonly record struct PublishPacket(
    string Topic,
    ReadOnlyMemory<byte> Payload,
    MqttQoS QoS,
    ushort PacketIdentifier,
    bool Retain = false,
    bool Duplicate = false,
    PacketProperties? Properties = null);
