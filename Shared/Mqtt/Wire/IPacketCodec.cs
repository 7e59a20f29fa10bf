using System.Diagnostics.CodeAnalysis;
using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>Bytes of one packet type, in both protocol versions. Fixed header and remaining length are done around it.</summary>
internal interface IPacketCodec<TPacket>
{
    static abstract PacketType Type { get; }

    /// <summary>The lower four bits of the first byte (2.1.3).</summary>
    static abstract byte Flags(in TPacket packet);

    static abstract void WriteBody(ref WireWriter writer, in TPacket packet, MqttProtocolVersion version);

    /// <summary>Decodes a body. The packet's memory fields point into <paramref name="body"/>.</summary>
    static abstract bool TryReadBody(
        byte flags, ReadOnlyMemory<byte> body, MqttProtocolVersion version, [NotNullWhen(true)] out TPacket? packet, out WireFault fault);
}
