namespace ZfRepl.Mqtt.Wire;

/// <summary>The packet identifier (2.2.1 in 5.0, 2.3.1 in 3.1.1): two bytes, never zero.</summary>
internal static class PacketIdentifierField
{
    public static ushort Read(ref WireReader reader)
    {
        var identifier = reader.ReadUInt16();
        if (identifier == 0 && !reader.Failed)
        {
            reader.Fail(WireFault.Protocol("A packet identifier is zero [MQTT-2.2.1-3]."));
        }

        return identifier;
    }
}
