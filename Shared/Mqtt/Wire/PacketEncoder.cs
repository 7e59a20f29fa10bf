namespace ZfRepl.Mqtt.Wire;

/// <summary>Puts the fixed header (2.1) in front of what a codec writes.</summary>
internal static class PacketEncoder
{
    public static int MeasureBody<TCodec, TPacket>(in TPacket packet, MqttProtocolVersion version)
        where TCodec : IPacketCodec<TPacket>
    {
        var counter = WireWriter.Counter();
        TCodec.WriteBody(ref counter, packet, version);
        return counter.Position;
    }

    /// <summary>The size of the whole packet, which is what Maximum Packet Size bounds (3.1.2.11.4).</summary>
    public static int PacketSize(int bodySize) => 1 + WireWriter.SizeOfVariableByteInteger(bodySize) + bodySize;

    /// <summary>Writes the packet into exactly <see cref="PacketSize"/> bytes.</summary>
    public static void Write<TCodec, TPacket>(Span<byte> target, in TPacket packet, int bodySize, MqttProtocolVersion version)
        where TCodec : IPacketCodec<TPacket>
    {
        var writer = new WireWriter(target);
        writer.WriteByte(FirstByte<TCodec, TPacket>(packet));
        writer.WriteVariableByteInteger(bodySize);
        TCodec.WriteBody(ref writer, packet, version);
    }

    public static byte FirstByte<TCodec, TPacket>(in TPacket packet)
        where TCodec : IPacketCodec<TPacket> => (byte)(((byte)TCodec.Type << 4) | TCodec.Flags(packet));

    /// <summary>A packet as an array of its own; for rare packets and tests.</summary>
    public static byte[] ToArray<TCodec, TPacket>(in TPacket packet, MqttProtocolVersion version)
        where TCodec : IPacketCodec<TPacket>
    {
        var bodySize = MeasureBody<TCodec, TPacket>(packet, version);
        var bytes = new byte[PacketSize(bodySize)];
        Write<TCodec, TPacket>(bytes, packet, bodySize, version);
        return bytes;
    }
}
