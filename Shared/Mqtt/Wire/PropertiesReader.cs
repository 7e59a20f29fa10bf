using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>Reads a property list (MQTT 5.0, 2.2.2): its length, then identifier and value of each.</summary>
internal static class PropertiesReader
{
    /// <summary>Null when the list is empty, or when the reader has failed.</summary>
    public static PacketProperties? Read(ref WireReader reader, PropertyPlace place)
    {
        var length = reader.ReadVariableByteInteger();
        if (reader.Failed || length == 0)
        {
            return null;
        }

        var list = new WireReader(reader.ReadBytes((int)length));
        var properties = new PacketProperties();
        ulong seen = 0;
        while (!reader.Failed && list.HasMore)
        {
            var number = list.ReadVariableByteInteger();
            var id = number <= byte.MaxValue ? (PropertyId)number : PropertyId.None;
            CheckPlace(ref list, id, place, ref seen);
            if (!list.Failed)
            {
                ReadValue(ref list, id, properties);
            }
        }

        if (list.Failed)
        {
            reader.Fail(list.Fault);
        }

        return properties;
    }

    private static void CheckPlace(ref WireReader list, PropertyId id, PropertyPlace place, ref ulong seen)
    {
        if ((PropertyTable.Places(id) & place) == PropertyPlace.None)
        {
            list.Fail(WireFault.Malformed("A property is unknown or not allowed in this packet (2.2.2.2)."));
            return;
        }

        var bit = 1UL << (int)id;
        if ((seen & bit) != 0 && !PropertyTable.MayRepeat(id, place))
        {
            list.Fail(WireFault.Protocol("A property occurs more than once (2.2.2.2)."));
        }

        seen |= bit;
    }

    private static void ReadValue(ref WireReader list, PropertyId id, PacketProperties into)
    {
        switch (id)
        {
            case PropertyId.PayloadFormatIndicator: into.PayloadFormatIndicator = ReadBit(ref list); break;
            case PropertyId.MessageExpiryInterval: into.MessageExpiryInterval = list.ReadUInt32(); break;
            case PropertyId.ContentType: into.ContentType = list.ReadString(); break;
            case PropertyId.ResponseTopic: into.ResponseTopic = list.ReadString(); break;
            case PropertyId.CorrelationData: into.CorrelationData = list.ReadBinary().ToArray(); break;
            case PropertyId.SubscriptionIdentifier: AddSubscriptionIdentifier(ref list, into); break;
            case PropertyId.SessionExpiryInterval: into.SessionExpiryInterval = list.ReadUInt32(); break;
            case PropertyId.AssignedClientIdentifier: into.AssignedClientIdentifier = list.ReadString(); break;
            case PropertyId.ServerKeepAlive: into.ServerKeepAlive = list.ReadUInt16(); break;
            case PropertyId.AuthenticationMethod: into.AuthenticationMethod = list.ReadString(); break;
            case PropertyId.AuthenticationData: into.AuthenticationData = list.ReadBinary().ToArray(); break;
            case PropertyId.RequestProblemInformation: into.RequestProblemInformation = ReadBit(ref list) == 1; break;
            case PropertyId.WillDelayInterval: into.WillDelayInterval = list.ReadUInt32(); break;
            case PropertyId.RequestResponseInformation: into.RequestResponseInformation = ReadBit(ref list) == 1; break;
            case PropertyId.ResponseInformation: into.ResponseInformation = list.ReadString(); break;
            case PropertyId.ServerReference: into.ServerReference = list.ReadString(); break;
            case PropertyId.ReasonString: into.ReasonString = list.ReadString(); break;
            case PropertyId.ReceiveMaximum: into.ReceiveMaximum = (ushort)NotZero(ref list, list.ReadUInt16()); break;
            case PropertyId.TopicAliasMaximum: into.TopicAliasMaximum = list.ReadUInt16(); break;
            case PropertyId.TopicAlias: into.TopicAlias = list.ReadUInt16(); break;
            case PropertyId.MaximumQoS: into.MaximumQoS = ReadBit(ref list); break;
            case PropertyId.RetainAvailable: into.RetainAvailable = ReadBit(ref list) == 1; break;
            case PropertyId.UserProperty: AddUserProperty(ref list, into); break;
            case PropertyId.MaximumPacketSize: into.MaximumPacketSize = NotZero(ref list, list.ReadUInt32()); break;
            case PropertyId.WildcardSubscriptionAvailable: into.WildcardSubscriptionAvailable = ReadBit(ref list) == 1; break;
            case PropertyId.SubscriptionIdentifierAvailable: into.SubscriptionIdentifierAvailable = ReadBit(ref list) == 1; break;
            case PropertyId.SharedSubscriptionAvailable: into.SharedSubscriptionAvailable = ReadBit(ref list) == 1; break;
            default: throw new InvalidOperationException($"Property {id} has a place but no reader.");
        }
    }

    private static byte ReadBit(ref WireReader list)
    {
        var value = list.ReadByte();
        if (value > 1)
        {
            list.Fail(WireFault.Protocol("A property that is 0 or 1 has another value."));
        }

        return value;
    }

    private static uint NotZero(ref WireReader list, uint value)
    {
        if (value == 0 && !list.Failed)
        {
            list.Fail(WireFault.Protocol("A property that must not be 0 is 0."));
        }

        return value;
    }

    private static void AddSubscriptionIdentifier(ref WireReader list, PacketProperties into)
    {
        into.SubscriptionIdentifiers ??= [];
        into.SubscriptionIdentifiers.Add(NotZero(ref list, list.ReadVariableByteInteger()));
        CheckCount(ref list, into.SubscriptionIdentifiers.Count);
    }

    private static void AddUserProperty(ref WireReader list, PacketProperties into)
    {
        into.UserProperties ??= [];
        into.UserProperties.Add(new MqttUserProperty(list.ReadString(), list.ReadString()));
        CheckCount(ref list, into.UserProperties.Count);
    }

    private static void CheckCount(ref WireReader list, int count)
    {
        if (count > WireLimits.RepeatedPropertiesMax)
        {
            list.Fail(new WireFault(MqttReasonCode.QuotaExceeded, "A packet carries more repeated properties than this side accepts."));
        }
    }
}
