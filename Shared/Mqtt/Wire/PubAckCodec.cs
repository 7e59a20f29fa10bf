using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>PUBACK (3.4). In 5.0 the reason code is left out for success, and the properties when there are none.</summary>
internal sealed class PubAckCodec : IPacketCodec<PubAckPacket>
{
    public static PacketType Type => PacketType.PubAck;

    public static byte Flags(in PubAckPacket packet) => 0;

    public static void WriteBody(ref WireWriter writer, in PubAckPacket packet, MqttProtocolVersion version)
    {
        writer.WriteUInt16(packet.PacketIdentifier);
        if (version == MqttProtocolVersion.V311 || (packet.ReasonCode == MqttReasonCode.Success && packet.Properties is null))
        {
            return;
        }

        writer.WriteByte((byte)packet.ReasonCode);
        if (packet.Properties is not null)
        {
            PropertiesWriter.Write(ref writer, packet.Properties);
        }
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, out PubAckPacket packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        var identifier = PacketIdentifierField.Read(ref reader);
        var reason = MqttReasonCode.Success;
        PacketProperties? properties = null;
        if (version == MqttProtocolVersion.V5 && reader.HasMore)
        {
            reason = (MqttReasonCode)reader.ReadByte();
            properties = reader.HasMore ? PropertiesReader.Read(ref reader, PropertyPlace.PubAck) : null;
        }

        var good = reader.Finish();
        packet = good ? new PubAckPacket(identifier, reason, properties) : default;
        fault = reader.Fault;
        return good;
    }
}
