using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>The first two to five bytes of every packet (2.1).</summary>
/// <param name="First">Packet type and flags.</param>
/// <param name="Size">The number of bytes that this header has on the wire.</param>
/// <param name="BodyLength">The remaining length.</param>
internal readonly record struct FixedHeader(byte First, int Size, int BodyLength)
{
    public PacketType Type => (PacketType)(First >> 4);

    public byte Flags => (byte)(First & 0x0F);

    /// <summary>
    /// Reads a header from the start of <paramref name="bytes"/>. False without a fault means that more bytes are needed. The remaining length
    /// is compared with the bound here, before anybody allocates for it. Its longer spellings are accepted: 3.1.1 does not forbid them.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, int packetSizeMax, out FixedHeader header, out WireFault fault)
    {
        header = default;
        fault = WireFault.None;
        if (bytes.IsEmpty)
        {
            return false;
        }

        fault = CheckFirstByte(bytes[0]);
        var length = 0;
        for (var i = 1; i <= 4 && !fault.IsFault; i++)
        {
            if (i == bytes.Length)
            {
                return false;
            }

            length |= (bytes[i] & 0x7F) << (7 * (i - 1));
            if ((bytes[i] & 0x80) == 0)
            {
                header = new FixedHeader(bytes[0], i + 1, length);
                fault = header.Size + length > packetSizeMax
                    ? new WireFault(MqttReasonCode.PacketTooLarge, "A packet is larger than this side accepts.")
                    : WireFault.None;
                return !fault.IsFault;
            }
        }

        fault = fault.IsFault ? fault : WireFault.Malformed("The remaining length has more than four bytes (2.1.4).");
        return false;
    }

    private static WireFault CheckFirstByte(byte first)
    {
        var flags = first & 0x0F;
        switch ((PacketType)(first >> 4))
        {
            case PacketType.Publish:
                return WireFault.None;
            case PacketType.Subscribe or PacketType.Unsubscribe or PacketType.PubRel:
                return flags == 0x02 ? WireFault.None : WireFault.Malformed("Reserved flags of the fixed header are wrong [MQTT-2.1.3-1].");
            case PacketType.Reserved:
                return WireFault.Malformed("Packet type 0 is reserved (2.1.2).");
            default:
                return flags == 0 ? WireFault.None : WireFault.Malformed("Reserved flags of the fixed header are wrong [MQTT-2.1.3-1].");
        }
    }
}
