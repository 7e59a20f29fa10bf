using System.Diagnostics.CodeAnalysis;
using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>CONNACK (3.2). The six return codes of 3.1.1 are translated from and to reason codes.</summary>
internal sealed class ConnAckCodec : IPacketCodec<ConnAckPacket>
{
    private const byte ServerUnavailableV311 = 3;

    public static PacketType Type => PacketType.ConnAck;

    public static byte Flags(in ConnAckPacket packet) => 0;

    public static void WriteBody(ref WireWriter writer, in ConnAckPacket packet, MqttProtocolVersion version)
    {
        writer.WriteByte(packet.SessionPresent ? (byte)1 : (byte)0);
        if (version == MqttProtocolVersion.V5)
        {
            writer.WriteByte((byte)packet.ReasonCode);
            PropertiesWriter.Write(ref writer, packet.Properties);
        }
        else
        {
            writer.WriteByte(ToV311(packet.ReasonCode));
        }
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, [NotNullWhen(true)] out ConnAckPacket? packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        var acknowledgeFlags = reader.ReadByte();
        var code = reader.ReadByte();
        var reason = version == MqttProtocolVersion.V5 ? (MqttReasonCode)code : FromV311(ref reader, code);
        var properties = version == MqttProtocolVersion.V5 ? PropertiesReader.Read(ref reader, PropertyPlace.ConnAck) : null;
        if (acknowledgeFlags > 1)
        {
            reader.Fail(WireFault.Malformed("Reserved bits of the acknowledge flags are set (3.2.2.1)."));
        }

        packet = reader.Finish() ? new ConnAckPacket(acknowledgeFlags == 1, reason, properties) : null;
        fault = reader.Fault;
        return packet is not null;
    }

    private static MqttReasonCode FromV311(ref WireReader reader, byte code)
    {
        switch (code)
        {
            case 0: return MqttReasonCode.Success;
            case 1: return MqttReasonCode.UnsupportedProtocolVersion;
            case 2: return MqttReasonCode.ClientIdentifierNotValid;
            case ServerUnavailableV311: return MqttReasonCode.ServerUnavailable;
            case 4: return MqttReasonCode.BadUserNameOrPassword;
            case 5: return MqttReasonCode.NotAuthorized;
            default:
                reader.Fail(WireFault.Protocol("A connect return code that MQTT 3.1.1 reserves (3.2.2.3)."));
                return MqttReasonCode.UnspecifiedError;
        }
    }

    private static byte ToV311(MqttReasonCode reason) => reason switch
    {
        MqttReasonCode.Success => 0,
        MqttReasonCode.UnsupportedProtocolVersion => 1,
        MqttReasonCode.ClientIdentifierNotValid => 2,
        MqttReasonCode.BadUserNameOrPassword => 4,
        MqttReasonCode.NotAuthorized or MqttReasonCode.Banned => 5,
        _ => ServerUnavailableV311,
    };
}
