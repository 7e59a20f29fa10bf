using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Tests.Wire;
using ZfRepl.Mqtt.Wire;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Mqtt.Tests.Fuzzing;

/// <summary>Streams of packets, made wrong: every packet is read or refused with a fault, and what is accepted can be said again.</summary>
public sealed class FuzzTests
{
    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V5)]
    public void Wrong_packets_are_refused_and_nothing_worse(MqttProtocolVersion version) => Fuzzer.Run(
        new FuzzTarget(
            $"mqtt-{version.ToString().ToLowerInvariant()}",
            [.. GoldenPackets.All.Where(p => p.Version == version).Select(p => Hex.Bytes(p.Hex)), Stream(version)],
            input => Read(input, version)),
        rounds: 50_000);

    private static byte[] Stream(MqttProtocolVersion version) =>
        [.. GoldenPackets.All.Where(p => p.Version == version).SelectMany(p => Hex.Bytes(p.Hex))];

    private static void Read(byte[] input, MqttProtocolVersion version)
    {
        for (var at = 0; at < input.Length;)
        {
            if (!FixedHeader.TryRead(input.AsSpan(at), WireLimits.RemainingLengthMax, out var header, out _) || input.Length - at < header.Size + header.BodyLength)
            {
                return;
            }

            var bytes = input[at..(at + header.Size + header.BodyLength)];
            if (AnyPacket.Decode(bytes, version, out _) is { } packet)
            {
                var said = packet is ConnectPacket connect ? connect.Version : version;
                var written = AnyPacket.Encode(packet, said);
                var again = AnyPacket.Decode(written, said, out var fault);
                Assert.True(again is not null, $"{packet} was written as {Hex.Text(written)}: {fault}");
                Assert.Equal(written, AnyPacket.Encode(again, said));
            }

            at += bytes.Length;
        }
    }
}
