using System.Diagnostics.CodeAnalysis;
using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>SUBACK (3.9). Code 0x80 of 3.1.1 is Unspecified error.</summary>
internal sealed class SubAckCodec : IPacketCodec<SubAckPacket>
{
    public static PacketType Type => PacketType.SubAck;

    public static byte Flags(in SubAckPacket packet) => 0;

    public static void WriteBody(ref WireWriter writer, in SubAckPacket packet, MqttProtocolVersion version)
    {
        writer.WriteUInt16(packet.PacketIdentifier);
        if (version == MqttProtocolVersion.V5)
        {
            PropertiesWriter.Write(ref writer, packet.Properties);
        }

        foreach (var code in packet.ReasonCodes)
        {
            var unspecific = version == MqttProtocolVersion.V311 && code.IsFailure();
            writer.WriteByte((byte)(unspecific ? MqttReasonCode.UnspecifiedError : code));
        }
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, [NotNullWhen(true)] out SubAckPacket? packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        var identifier = PacketIdentifierField.Read(ref reader);
        var properties = version == MqttProtocolVersion.V5 ? PropertiesReader.Read(ref reader, PropertyPlace.SubAck) : null;
        var codes = ReasonCodeList.Read(ref reader);
        foreach (var code in codes)
        {
            var known = code <= MqttReasonCode.GrantedQoS2
                || (version == MqttProtocolVersion.V5 ? code.IsFailure() : code == MqttReasonCode.UnspecifiedError);
            if (!known)
            {
                reader.Fail(WireFault.Protocol("A SUBACK holds a reserved code [MQTT-3.9.3-2]."));
            }
        }

        packet = reader.Finish() ? new SubAckPacket(identifier, codes, properties) : null;
        fault = reader.Fault;
        return packet is not null;
    }
}

/// <summary>UNSUBACK (3.11). In 3.1.1 it carries nothing but the packet identifier.</summary>
internal sealed class UnsubAckCodec : IPacketCodec<UnsubAckPacket>
{
    public static PacketType Type => PacketType.UnsubAck;

    public static byte Flags(in UnsubAckPacket packet) => 0;

    public static void WriteBody(ref WireWriter writer, in UnsubAckPacket packet, MqttProtocolVersion version)
    {
        writer.WriteUInt16(packet.PacketIdentifier);
        if (version == MqttProtocolVersion.V311)
        {
            return;
        }

        PropertiesWriter.Write(ref writer, packet.Properties);
        foreach (var code in packet.ReasonCodes)
        {
            writer.WriteByte((byte)code);
        }
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, [NotNullWhen(true)] out UnsubAckPacket? packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        var identifier = PacketIdentifierField.Read(ref reader);
        PacketProperties? properties = null;
        IReadOnlyList<MqttReasonCode> codes = [];
        if (version == MqttProtocolVersion.V5)
        {
            properties = PropertiesReader.Read(ref reader, PropertyPlace.UnsubAck);
            codes = ReasonCodeList.Read(ref reader);
        }

        packet = reader.Finish() ? new UnsubAckPacket(identifier, codes, properties) : null;
        fault = reader.Fault;
        return packet is not null;
    }
}

/// <summary>The rest of a packet as one reason code per byte.</summary>
internal static class ReasonCodeList
{
    public static MqttReasonCode[] Read(ref WireReader reader)
    {
        var bytes = reader.ReadBytes(reader.Remaining);
        if (bytes.Length is 0 or > WireLimits.FiltersPerPacketMax)
        {
            reader.Fail(WireFault.Protocol("An acknowledgment holds no reason code, or more than any request had filters."));
            return [];
        }

        var codes = new MqttReasonCode[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            codes[i] = (MqttReasonCode)bytes[i];
        }

        return codes;
    }
}
