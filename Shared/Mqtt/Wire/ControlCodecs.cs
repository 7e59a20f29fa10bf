using System.Diagnostics.CodeAnalysis;
using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>PINGREQ (3.12).</summary>
internal sealed class PingReqCodec : IPacketCodec<PingReqPacket>
{
    public static PacketType Type => PacketType.PingReq;

    public static byte Flags(in PingReqPacket packet) => 0;

    public static void WriteBody(ref WireWriter writer, in PingReqPacket packet, MqttProtocolVersion version)
    {
        // A PINGREQ has no body.
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, out PingReqPacket packet, out WireFault fault)
    {
        packet = default;
        return EmptyBody.Check(body, out fault);
    }
}

/// <summary>PINGRESP (3.13).</summary>
internal sealed class PingRespCodec : IPacketCodec<PingRespPacket>
{
    public static PacketType Type => PacketType.PingResp;

    public static byte Flags(in PingRespPacket packet) => 0;

    public static void WriteBody(ref WireWriter writer, in PingRespPacket packet, MqttProtocolVersion version)
    {
        // A PINGRESP has no body.
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, out PingRespPacket packet, out WireFault fault)
    {
        packet = default;
        return EmptyBody.Check(body, out fault);
    }
}

/// <summary>DISCONNECT (3.14). In 5.0 an empty body means "Normal disconnection".</summary>
internal sealed class DisconnectCodec : IPacketCodec<DisconnectPacket>
{
    public static PacketType Type => PacketType.Disconnect;

    public static byte Flags(in DisconnectPacket packet) => 0;

    public static void WriteBody(ref WireWriter writer, in DisconnectPacket packet, MqttProtocolVersion version)
    {
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
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, [NotNullWhen(true)] out DisconnectPacket? packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        var reason = MqttReasonCode.Success;
        PacketProperties? properties = null;
        if (version == MqttProtocolVersion.V5 && reader.HasMore)
        {
            reason = (MqttReasonCode)reader.ReadByte();
            properties = reader.HasMore ? PropertiesReader.Read(ref reader, PropertyPlace.Disconnect) : null;
        }

        packet = reader.Finish() ? new DisconnectPacket(reason, properties) : null;
        fault = reader.Fault;
        return packet is not null;
    }
}

internal static class EmptyBody
{
    public static bool Check(ReadOnlyMemory<byte> body, out WireFault fault)
    {
        fault = body.IsEmpty ? WireFault.None : WireFault.Malformed("A packet that has no content has some.");
        return body.IsEmpty;
    }
}
