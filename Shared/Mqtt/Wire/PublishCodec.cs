using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Mqtt.Wire;

/// <summary>PUBLISH (3.3).</summary>
internal sealed class PublishCodec : IPacketCodec<PublishPacket>
{
    private const byte RetainFlag = 0x01;
    private const byte DuplicateFlag = 0x08;

    public static PacketType Type => PacketType.Publish;

    public static byte Flags(in PublishPacket packet) =>
        (byte)((packet.Duplicate ? DuplicateFlag : 0) | ((int)packet.QoS << 1) | (packet.Retain ? RetainFlag : 0));

    public static void WriteBody(ref WireWriter writer, in PublishPacket packet, MqttProtocolVersion version)
    {
        WriteHead(ref writer, packet, version);
        writer.WriteBytes(packet.Payload.Span);
    }

    /// <summary>Everything in front of the payload, for a sender that hands the payload to the socket from where it lies.</summary>
    public static void WriteHead(ref WireWriter writer, in PublishPacket packet, MqttProtocolVersion version)
    {
        writer.WriteString(packet.Topic);
        if (packet.QoS != MqttQoS.AtMostOnce)
        {
            writer.WriteUInt16(packet.PacketIdentifier);
        }

        if (version == MqttProtocolVersion.V5)
        {
            PropertiesWriter.Write(ref writer, packet.Properties);
        }
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, out PublishPacket packet, out WireFault fault) =>
        TryReadBody(flags, body, version, cache: null, out packet, out fault);

    /// <summary>As the interface's, but takes the topic's string from <paramref name="cache"/> where it has been seen before.</summary>
    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, TopicCache? cache, out PublishPacket packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        var qos = (MqttQoS)((flags >> 1) & 0x03);
        CheckFlags(ref reader, flags, qos);
        var topic = ReadTopic(ref reader, cache);
        var identifier = qos == MqttQoS.AtMostOnce ? (ushort)0 : PacketIdentifierField.Read(ref reader);
        var properties = version == MqttProtocolVersion.V5 ? PropertiesReader.Read(ref reader, PropertyPlace.Publish) : null;
        if (topic.Length == 0 && properties?.TopicAlias is null)
        {
            reader.Fail(new WireFault(MqttReasonCode.TopicNameInvalid, "The topic name is empty [MQTT-4.7.3-1]."));
        }

        if (properties?.ResponseTopic is { } responseTopic && !MqttTopic.IsValidName(responseTopic))
        {
            reader.Fail(WireFault.Protocol("The response topic is not a topic name [MQTT-3.3.2-14]."));
        }

        fault = reader.Fault;
        packet = fault.IsFault ? default : new PublishPacket(
            topic, body[reader.Position..], qos, identifier, (flags & RetainFlag) != 0, (flags & DuplicateFlag) != 0, properties);
        return !fault.IsFault;
    }

    private static void CheckFlags(ref WireReader reader, byte flags, MqttQoS qos)
    {
        if (qos > MqttQoS.ExactlyOnce)
        {
            reader.Fail(WireFault.Malformed("Both QoS bits of a PUBLISH are set [MQTT-3.3.1-4]."));
        }

        if (qos == MqttQoS.AtMostOnce && (flags & DuplicateFlag) != 0)
        {
            reader.Fail(WireFault.Malformed("A QoS 0 message is marked as a duplicate [MQTT-3.3.1-2]."));
        }
    }

    private static string ReadTopic(ref WireReader reader, TopicCache? cache)
    {
        var bytes = reader.ReadBinary();
        if (bytes.IsEmpty)
        {
            return "";
        }

        if (cache is null ? TopicCache.TryDecode(bytes, out var topic) : cache.TryGet(bytes, out topic))
        {
            return topic;
        }

        reader.Fail(WireFault.Malformed("The topic is not well-formed UTF-8, or holds a wildcard or the null character [MQTT-3.3.2-1, MQTT-3.3.2-2]."));
        return "";
    }
}
