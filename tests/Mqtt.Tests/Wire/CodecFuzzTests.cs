using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Tests.Support;

namespace ZfRepl.Mqtt.Tests.Wire;

/// <summary>Bytes that nobody meant: the decoders give a packet or a fault, never an exception, and what they accept they can say again.</summary>
public sealed class CodecFuzzTests
{
    [Fact]
    public void A_packet_cut_at_any_byte_is_incomplete_or_refused()
    {
        foreach (var (name, version, hex, _) in GoldenPackets.All)
        {
            var whole = Hex.Bytes(hex);
            for (var length = 0; length < whole.Length; length++)
            {
                // Cut on the wire: the rest has not come yet.
                Assert.True(AnyPacket.Decode(whole[..length], version, out var fault) is null && !fault.IsFault, $"{name} cut at {length}: {fault}");

                // Cut inside: the header says that this is all.
                if (length >= 2)
                {
                    var inside = whole[..length];
                    inside[1] = (byte)(length - 2);
                    Check(inside, version, name);
                }
            }
        }
    }

    [Fact]
    public void A_packet_with_any_byte_replaced_by_any_other_is_read_or_refused()
    {
        foreach (var (name, version, hex, _) in GoldenPackets.All)
        {
            var bytes = Hex.Bytes(hex);
            for (var i = 0; i < bytes.Length; i++)
            {
                var original = bytes[i];
                for (var value = 0; value < 256; value++)
                {
                    bytes[i] = (byte)value;
                    Check(bytes, version, name);
                }

                bytes[i] = original;
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_bytes_behind_any_header_are_read_or_refused(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = new byte[2 + random.Next(60)];
            random.NextBytes(bytes);
            bytes[1] = (byte)(bytes.Length - 2);
            Check(bytes, random.Next(2) == 0 ? MqttProtocolVersion.V311 : MqttProtocolVersion.V5, $"seed {seed}, round {i}");
        }
    }

    [Fact]
    public void A_PUBLISH_of_any_shape_survives_the_way_through_bytes()
    {
        const int seed = 7;
        var random = new Random(seed);
        for (var i = 0; i < 2_000; i++)
        {
            var payload = new byte[random.Next(i % 10 == 0 ? 70_000 : 300)];
            random.NextBytes(payload);
            var qos = (MqttQoS)random.Next(3);
            var topic = new string('x', random.Next(1, 200)) + "/ö\U0001F600";
            var packet = new PublishPacket(
                topic, payload, qos, qos == MqttQoS.AtMostOnce ? (ushort)0 : (ushort)random.Next(1, 65_536), random.Next(2) == 0, qos != MqttQoS.AtMostOnce && random.Next(2) == 0);
            var version = random.Next(2) == 0 ? MqttProtocolVersion.V311 : MqttProtocolVersion.V5;
            var read = (PublishPacket)AnyPacket.Decode(AnyPacket.Encode(packet, version), version, out _)!;
            Assert.True(payload.AsSpan().SequenceEqual(read.Payload.Span), $"seed {seed}, round {i}");
            Assert.Equal(packet with { Payload = default }, read with { Payload = default });
        }
    }

    /// <summary>Does not throw; and a packet that is accepted is accepted again, unchanged, after it was written.</summary>
    private static void Check(byte[] bytes, MqttProtocolVersion version, string what)
    {
        var packet = AnyPacket.Decode(bytes, version, out _);
        if (packet is null)
        {
            return;
        }

        var written = AnyPacket.Encode(packet, packet is ConnectPacket connect ? connect.Version : version);
        var again = AnyPacket.Decode(written, version, out var fault);
        Assert.True(again is not null, $"{what}: {Hex.Text(bytes)} was read as {packet}, and written as {Hex.Text(written)}: {fault}");
        Assert.True(written.AsSpan().SequenceEqual(AnyPacket.Encode(again, version)), $"{what}: {Hex.Text(bytes)}");
    }
}
