using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>Writes a property list (MQTT 5.0, 2.2.2), in ascending order of the identifiers.</summary>
internal static class PropertiesWriter
{
    public static void Write(ref WireWriter writer, PacketProperties? properties)
    {
        if (properties is null)
        {
            writer.WriteByte(0);
            return;
        }

        var counter = WireWriter.Counter();
        WriteAll(ref counter, properties);
        writer.WriteVariableByteInteger(counter.Position);
        WriteAll(ref writer, properties);
    }

    private static void WriteAll(ref WireWriter writer, PacketProperties p)
    {
        WriteByte(ref writer, PropertyId.PayloadFormatIndicator, p.PayloadFormatIndicator);
        WriteUInt32(ref writer, PropertyId.MessageExpiryInterval, p.MessageExpiryInterval);
        WriteString(ref writer, PropertyId.ContentType, p.ContentType);
        WriteString(ref writer, PropertyId.ResponseTopic, p.ResponseTopic);
        WriteBinary(ref writer, PropertyId.CorrelationData, p.CorrelationData);
        foreach (var identifier in p.SubscriptionIdentifiers ?? [])
        {
            writer.WriteByte((byte)PropertyId.SubscriptionIdentifier);
            writer.WriteVariableByteInteger((int)identifier);
        }

        WriteUInt32(ref writer, PropertyId.SessionExpiryInterval, p.SessionExpiryInterval);
        WriteString(ref writer, PropertyId.AssignedClientIdentifier, p.AssignedClientIdentifier);
        WriteUInt16(ref writer, PropertyId.ServerKeepAlive, p.ServerKeepAlive);
        WriteString(ref writer, PropertyId.AuthenticationMethod, p.AuthenticationMethod);
        WriteBinary(ref writer, PropertyId.AuthenticationData, p.AuthenticationData);
        WriteBool(ref writer, PropertyId.RequestProblemInformation, p.RequestProblemInformation);
        WriteUInt32(ref writer, PropertyId.WillDelayInterval, p.WillDelayInterval);
        WriteBool(ref writer, PropertyId.RequestResponseInformation, p.RequestResponseInformation);
        WriteString(ref writer, PropertyId.ResponseInformation, p.ResponseInformation);
        WriteString(ref writer, PropertyId.ServerReference, p.ServerReference);
        WriteString(ref writer, PropertyId.ReasonString, p.ReasonString);
        WriteUInt16(ref writer, PropertyId.ReceiveMaximum, p.ReceiveMaximum);
        WriteUInt16(ref writer, PropertyId.TopicAliasMaximum, p.TopicAliasMaximum);
        WriteUInt16(ref writer, PropertyId.TopicAlias, p.TopicAlias);
        WriteByte(ref writer, PropertyId.MaximumQoS, p.MaximumQoS);
        WriteBool(ref writer, PropertyId.RetainAvailable, p.RetainAvailable);
        foreach (var property in p.UserProperties ?? [])
        {
            writer.WriteByte((byte)PropertyId.UserProperty);
            writer.WriteString(property.Name);
            writer.WriteString(property.Value);
        }

        WriteUInt32(ref writer, PropertyId.MaximumPacketSize, p.MaximumPacketSize);
        WriteBool(ref writer, PropertyId.WildcardSubscriptionAvailable, p.WildcardSubscriptionAvailable);
        WriteBool(ref writer, PropertyId.SubscriptionIdentifierAvailable, p.SubscriptionIdentifierAvailable);
        WriteBool(ref writer, PropertyId.SharedSubscriptionAvailable, p.SharedSubscriptionAvailable);
    }

    private static void WriteByte(ref WireWriter writer, PropertyId id, byte? value)
    {
        if (value is { } present)
        {
            writer.WriteByte((byte)id);
            writer.WriteByte(present);
        }
    }

    private static void WriteBool(ref WireWriter writer, PropertyId id, bool? value) =>
        WriteByte(ref writer, id, value is { } present ? (byte)(present ? 1 : 0) : null);

    private static void WriteUInt16(ref WireWriter writer, PropertyId id, ushort? value)
    {
        if (value is { } present)
        {
            writer.WriteByte((byte)id);
            writer.WriteUInt16(present);
        }
    }

    private static void WriteUInt32(ref WireWriter writer, PropertyId id, uint? value)
    {
        if (value is { } present)
        {
            writer.WriteByte((byte)id);
            writer.WriteUInt32(present);
        }
    }

    private static void WriteString(ref WireWriter writer, PropertyId id, string? value)
    {
        if (value is not null)
        {
            writer.WriteByte((byte)id);
            writer.WriteString(value);
        }
    }

    private static void WriteBinary(ref WireWriter writer, PropertyId id, byte[]? value)
    {
        if (value is not null)
        {
            writer.WriteByte((byte)id);
            writer.WriteBinary(value);
        }
    }
}
