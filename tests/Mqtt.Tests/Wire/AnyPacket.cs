using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Tests.Wire;

/// <summary>Decoding by the type in the fixed header, and encoding again, for tests that do not care which packet it is.</summary>
internal static class AnyPacket
{
    /// <summary>The packet, or null with the fault.</summary>
    public static object? Decode(byte[] bytes, MqttProtocolVersion version, out WireFault fault)
    {
        if (!FixedHeader.TryRead(bytes, WireLimits.RemainingLengthMax, out var header, out fault) || bytes.Length < header.Size + header.BodyLength)
        {
            return null;
        }

        var body = bytes.AsMemory(header.Size, header.BodyLength);
        return header.Type switch
        {
            PacketType.Connect => Read<ConnectCodec, ConnectPacket>(header, body, version, out fault),
            PacketType.ConnAck => Read<ConnAckCodec, ConnAckPacket>(header, body, version, out fault),
            PacketType.Publish => Read<PublishCodec, PublishPacket>(header, body, version, out fault),
            PacketType.PubAck => Read<PubAckCodec, PubAckPacket>(header, body, version, out fault),
            PacketType.Subscribe => Read<SubscribeCodec, SubscribePacket>(header, body, version, out fault),
            PacketType.SubAck => Read<SubAckCodec, SubAckPacket>(header, body, version, out fault),
            PacketType.Unsubscribe => Read<UnsubscribeCodec, UnsubscribePacket>(header, body, version, out fault),
            PacketType.UnsubAck => Read<UnsubAckCodec, UnsubAckPacket>(header, body, version, out fault),
            PacketType.PingReq => Read<PingReqCodec, PingReqPacket>(header, body, version, out fault),
            PacketType.PingResp => Read<PingRespCodec, PingRespPacket>(header, body, version, out fault),
            PacketType.Disconnect => Read<DisconnectCodec, DisconnectPacket>(header, body, version, out fault),
            _ => null,
        };
    }

    public static byte[] Encode(object packet, MqttProtocolVersion version) => packet switch
    {
        ConnectPacket p => PacketEncoder.ToArray<ConnectCodec, ConnectPacket>(p, version),
        ConnAckPacket p => PacketEncoder.ToArray<ConnAckCodec, ConnAckPacket>(p, version),
        PublishPacket p => PacketEncoder.ToArray<PublishCodec, PublishPacket>(p, version),
        PubAckPacket p => PacketEncoder.ToArray<PubAckCodec, PubAckPacket>(p, version),
        SubscribePacket p => PacketEncoder.ToArray<SubscribeCodec, SubscribePacket>(p, version),
        SubAckPacket p => PacketEncoder.ToArray<SubAckCodec, SubAckPacket>(p, version),
        UnsubscribePacket p => PacketEncoder.ToArray<UnsubscribeCodec, UnsubscribePacket>(p, version),
        UnsubAckPacket p => PacketEncoder.ToArray<UnsubAckCodec, UnsubAckPacket>(p, version),
        PingReqPacket p => PacketEncoder.ToArray<PingReqCodec, PingReqPacket>(p, version),
        PingRespPacket p => PacketEncoder.ToArray<PingRespCodec, PingRespPacket>(p, version),
        DisconnectPacket p => PacketEncoder.ToArray<DisconnectCodec, DisconnectPacket>(p, version),
        _ => throw new ArgumentException($"No codec for {packet.GetType()}.", nameof(packet)),
    };

    public static T Decode<T>(string hex, MqttProtocolVersion version)
    {
        var packet = Decode(Hex.Bytes(hex), version, out var fault);
        Assert.True(packet is T, $"Not a {typeof(T).Name}: {fault}");
        return (T)packet!;
    }

    private static object? Read<TCodec, TPacket>(FixedHeader header, ReadOnlyMemory<byte> body, MqttProtocolVersion version, out WireFault fault)
        where TCodec : IPacketCodec<TPacket> =>
        TCodec.TryReadBody(header.Flags, body, version, out var packet, out fault) ? packet : null;
}
