using System.Diagnostics.CodeAnalysis;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Mqtt.Wire;

/// <summary>SUBSCRIBE (3.8).</summary>
internal sealed class SubscribeCodec : IPacketCodec<SubscribePacket>
{
    private const byte ReservedOptionBits = 0xC0;
    private const byte ReservedOptionBitsV311 = 0xFC;

    public static PacketType Type => PacketType.Subscribe;

    public static byte Flags(in SubscribePacket packet) => 0x02;

    public static void WriteBody(ref WireWriter writer, in SubscribePacket packet, MqttProtocolVersion version)
    {
        writer.WriteUInt16(packet.PacketIdentifier);
        if (version == MqttProtocolVersion.V5)
        {
            PropertiesWriter.Write(ref writer, packet.Properties);
        }

        foreach (var subscription in packet.Subscriptions)
        {
            writer.WriteString(subscription.Filter);
            writer.WriteByte(Options(subscription, version));
        }
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, [NotNullWhen(true)] out SubscribePacket? packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        var identifier = PacketIdentifierField.Read(ref reader);
        var properties = version == MqttProtocolVersion.V5 ? PropertiesReader.Read(ref reader, PropertyPlace.Subscribe) : null;
        var subscriptions = new List<MqttSubscription>();
        while (reader.HasMore)
        {
            subscriptions.Add(ReadSubscription(ref reader, version));
            FilterField.CheckCount(ref reader, subscriptions.Count);
        }

        FilterField.CheckNotEmpty(ref reader, subscriptions.Count);
        packet = reader.Finish() ? new SubscribePacket(identifier, subscriptions, properties) : null;
        fault = reader.Fault;
        return packet is not null;
    }

    private static byte Options(in MqttSubscription subscription, MqttProtocolVersion version)
    {
        var options = (int)subscription.MaximumQoS;
        if (version == MqttProtocolVersion.V5)
        {
            options |= subscription.NoLocal ? 0x04 : 0;
            options |= subscription.RetainAsPublished ? 0x08 : 0;
            options |= (int)subscription.RetainHandling << 4;
        }

        return (byte)options;
    }

    private static MqttSubscription ReadSubscription(ref WireReader reader, MqttProtocolVersion version)
    {
        var filter = FilterField.Read(ref reader);
        var options = reader.ReadByte();
        var qos = (MqttQoS)(options & 0x03);
        var reserved = version == MqttProtocolVersion.V5 ? ReservedOptionBits : ReservedOptionBitsV311;
        if ((options & reserved) != 0 || qos > MqttQoS.ExactlyOnce)
        {
            reader.Fail(WireFault.Malformed("Reserved bits of the subscription options are set [MQTT-3.8.3-5]."));
        }

        var handling = (options >> 4) & 0x03;
        if (handling > (int)MqttRetainHandling.DoNotSend)
        {
            reader.Fail(WireFault.Protocol("Retain handling 3 does not exist (3.8.3.1)."));
            handling = 0;
        }

        return new MqttSubscription(filter, qos)
        {
            NoLocal = (options & 0x04) != 0,
            RetainAsPublished = (options & 0x08) != 0,
            RetainHandling = (MqttRetainHandling)handling,
        };
    }
}

/// <summary>UNSUBSCRIBE (3.10).</summary>
internal sealed class UnsubscribeCodec : IPacketCodec<UnsubscribePacket>
{
    public static PacketType Type => PacketType.Unsubscribe;

    public static byte Flags(in UnsubscribePacket packet) => 0x02;

    public static void WriteBody(ref WireWriter writer, in UnsubscribePacket packet, MqttProtocolVersion version)
    {
        writer.WriteUInt16(packet.PacketIdentifier);
        if (version == MqttProtocolVersion.V5)
        {
            PropertiesWriter.Write(ref writer, packet.Properties);
        }

        foreach (var filter in packet.Filters)
        {
            writer.WriteString(filter);
        }
    }

    public static bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, [NotNullWhen(true)] out UnsubscribePacket? packet, out WireFault fault)
    {
        var reader = new WireReader(body.Span);
        var identifier = PacketIdentifierField.Read(ref reader);
        var properties = version == MqttProtocolVersion.V5 ? PropertiesReader.Read(ref reader, PropertyPlace.Unsubscribe) : null;
        var filters = new List<string>();
        while (reader.HasMore)
        {
            filters.Add(FilterField.Read(ref reader));
            FilterField.CheckCount(ref reader, filters.Count);
        }

        FilterField.CheckNotEmpty(ref reader, filters.Count);
        packet = reader.Finish() ? new UnsubscribePacket(identifier, filters, properties) : null;
        fault = reader.Fault;
        return packet is not null;
    }
}

/// <summary>What SUBSCRIBE and UNSUBSCRIBE have in common.</summary>
internal static class FilterField
{
    public static string Read(ref WireReader reader)
    {
        var filter = reader.ReadString();
        if (!reader.Failed && !MqttTopic.IsValidFilter(filter))
        {
            reader.Fail(WireFault.Malformed("A topic filter is not valid (4.7.1)."));
        }

        return filter;
    }

    public static void CheckCount(ref WireReader reader, int count)
    {
        if (count > WireLimits.FiltersPerPacketMax)
        {
            reader.Fail(new WireFault(MqttReasonCode.QuotaExceeded, "A packet carries more topic filters than this side accepts."));
        }
    }

    public static void CheckNotEmpty(ref WireReader reader, int count)
    {
        if (count == 0)
        {
            reader.Fail(WireFault.Protocol("A packet that must carry topic filters carries none [MQTT-3.8.3-2, MQTT-3.10.3-2]."));
        }
    }
}
