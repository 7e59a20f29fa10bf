using System.Diagnostics.CodeAnalysis;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Mqtt.Wire;

/// <summary>CONNECT (3.1). The version comes out of the packet itself, so the version argument is not used.</summary>
internal sealed class ConnectCodec : IPacketCodec<ConnectPacket>
{
    private const string ProtocolName = "MQTT";
    private const byte CleanStartFlag = 0x02;
    private const byte WillFlag = 0x04;
    private const byte WillRetainFlag = 0x20;
    private const byte PasswordFlag = 0x40;
    private const byte UserNameFlag = 0x80;

    public static PacketType Type => PacketType.Connect;

    public static byte Flags(in ConnectPacket packet) => 0;

    public static void WriteBody(ref WireWriter writer, in ConnectPacket packet, MqttProtocolVersion version)
    {
        writer.WriteString(ProtocolName);
        writer.WriteByte((byte)packet.Version);
        writer.WriteByte(ConnectFlags(packet));
        writer.WriteUInt16(packet.KeepAliveSeconds);
        if (packet.Version == MqttProtocolVersion.V5)
        {
            PropertiesWriter.Write(ref writer, packet.Properties);
        }

        writer.WriteString(packet.ClientId);
        if (packet.Will is { } will)
        {
            if (packet.Version == MqttProtocolVersion.V5)
            {
                PropertiesWriter.Write(ref writer, will.Properties);
            }

            writer.WriteString(will.Topic);
            writer.WriteBinary(will.Payload.Span);
        }

        if (packet.UserName is { } userName)
        {
            writer.WriteString(userName);
        }

        if (packet.Password is { } password)
        {
            writer.WriteBinary(password.Span);
        }
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, [NotNullWhen(true)] out ConnectPacket? packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        packet = ReadHead(ref reader, out var connectFlags) is { } head ? Read(ref reader, head, connectFlags) : null;
        fault = reader.Fault;
        return !fault.IsFault && packet is not null;
    }

    private static byte ConnectFlags(ConnectPacket packet)
    {
        var flags = packet.CleanStart ? CleanStartFlag : 0;
        if (packet.Will is { } will)
        {
            flags |= WillFlag | ((int)will.QoS << 3) | (will.Retain ? WillRetainFlag : 0);
        }

        flags |= packet.UserName is null ? 0 : UserNameFlag;
        flags |= packet.Password is null ? 0 : PasswordFlag;
        return (byte)flags;
    }

    private static MqttProtocolVersion? ReadHead(ref WireReader reader, out byte connectFlags)
    {
        connectFlags = 0;
        var name = reader.ReadString();
        var level = reader.ReadByte();
        if (reader.Failed)
        {
            return null;
        }

        if (name != ProtocolName || (MqttProtocolVersion)level is not (MqttProtocolVersion.V311 or MqttProtocolVersion.V5))
        {
            reader.Fail(new WireFault(MqttReasonCode.UnsupportedProtocolVersion, "Neither MQTT 3.1.1 nor 5.0 [MQTT-3.1.2-1, MQTT-3.1.2-2]."));
            return null;
        }

        connectFlags = reader.ReadByte();
        return (MqttProtocolVersion)level;
    }

    private static ConnectPacket? Read(ref WireReader reader, MqttProtocolVersion version, byte flags)
    {
        CheckFlags(ref reader, version, flags);
        var keepAlive = reader.ReadUInt16();
        var properties = version == MqttProtocolVersion.V5 ? PropertiesReader.Read(ref reader, PropertyPlace.Connect) : null;
        var clientId = reader.ReadString();
        var will = (flags & WillFlag) != 0 ? ReadWill(ref reader, version, flags) : null;
        var userName = (flags & UserNameFlag) != 0 ? reader.ReadString() : null;
        ReadOnlyMemory<byte>? password = (flags & PasswordFlag) != 0 ? (ReadOnlyMemory<byte>?)reader.ReadBinary().ToArray() : null;
        if (!reader.Finish())
        {
            return null;
        }

        return new ConnectPacket
        {
            Version = version,
            ClientId = clientId,
            CleanStart = (flags & CleanStartFlag) != 0,
            KeepAliveSeconds = keepAlive,
            UserName = userName,
            Password = password,
            Will = will,
            Properties = properties,
        };
    }

    private static void CheckFlags(ref WireReader reader, MqttProtocolVersion version, byte flags)
    {
        if ((flags & 0x01) != 0)
        {
            reader.Fail(WireFault.Malformed("The reserved connect flag is set [MQTT-3.1.2-3]."));
        }

        var willQoS = (flags >> 3) & 0x03;
        var hasWill = (flags & WillFlag) != 0;
        if (willQoS == 3 || (!hasWill && (willQoS != 0 || (flags & WillRetainFlag) != 0)))
        {
            reader.Fail(WireFault.Malformed("The will flags contradict each other (3.1.2.5 to 3.1.2.7)."));
        }

        if (version == MqttProtocolVersion.V311 && (flags & PasswordFlag) != 0 && (flags & UserNameFlag) == 0)
        {
            reader.Fail(WireFault.Malformed("A password without a user name [MQTT-3.1.2-22]."));
        }
    }

    private static WillMessage ReadWill(ref WireReader reader, MqttProtocolVersion version, byte flags)
    {
        var properties = version == MqttProtocolVersion.V5 ? PropertiesReader.Read(ref reader, PropertyPlace.Will) : null;
        var topic = reader.ReadString();
        var payload = reader.ReadBinary().ToArray();
        if (!reader.Failed && !MqttTopic.IsValidName(topic))
        {
            reader.Fail(new WireFault(MqttReasonCode.TopicNameInvalid, "The will's topic is not a topic name."));
        }

        return new WillMessage(topic, payload, (MqttQoS)((flags >> 3) & 0x03), (flags & WillRetainFlag) != 0, properties);
    }
}
