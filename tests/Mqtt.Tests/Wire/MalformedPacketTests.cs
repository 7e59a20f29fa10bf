using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Tests.Wire;

public sealed class MalformedPacketTests
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V5 = MqttProtocolVersion.V5;

    [Theory]
    [InlineData(V311, "00 00", MqttReasonCode.MalformedPacket, "reserved packet type")]
    [InlineData(V311, "11 0D 0004 4D515454 04 02 000A 0001 61", MqttReasonCode.MalformedPacket, "flags of CONNECT")]
    [InlineData(V311, "80 08 000A 0003 612F62 01", MqttReasonCode.MalformedPacket, "flags of SUBSCRIBE")]
    [InlineData(V311, "C0 80 80 80 80 01", MqttReasonCode.MalformedPacket, "remaining length of five bytes")]
    [InlineData(V311, "10 0D 0004 4D515454 04 03 000A 0001 61", MqttReasonCode.MalformedPacket, "reserved connect flag")]
    [InlineData(V311, "10 0D 0004 4D515454 04 1A 000A 0001 61", MqttReasonCode.MalformedPacket, "will QoS without will")]
    [InlineData(V311, "10 0D 0004 4D515454 04 22 000A 0001 61", MqttReasonCode.MalformedPacket, "will retain without will")]
    [InlineData(V311, "10 13 0004 4D515454 04 1E 000A 0001 61 0001 77 0001 78", MqttReasonCode.MalformedPacket, "will QoS 3")]
    [InlineData(V311, "10 10 0004 4D515454 04 42 000A 0001 61 0001 70", MqttReasonCode.MalformedPacket, "password without user name")]
    [InlineData(V311, "10 0F 0006 4D5149736470 03 02 000A 0001 61", MqttReasonCode.UnsupportedProtocolVersion, "MQTT 3.1")]
    [InlineData(V311, "10 0D 0004 4D515454 06 02 000A 0001 61", MqttReasonCode.UnsupportedProtocolVersion, "MQTT 6")]
    [InlineData(V311, "10 0E 0004 4D515454 04 02 000A 0001 61 00", MqttReasonCode.MalformedPacket, "bytes after CONNECT")]
    [InlineData(V311, "10 13 0004 4D515454 04 06 000A 0001 61 0001 23 0001 78", MqttReasonCode.TopicNameInvalid, "will topic with wildcard")]
    [InlineData(V311, "36 07 0003 612F62 000A", MqttReasonCode.MalformedPacket, "QoS 3")]
    [InlineData(V311, "38 05 0003 612F62", MqttReasonCode.MalformedPacket, "duplicate with QoS 0")]
    [InlineData(V311, "32 07 0003 612F62 0000", MqttReasonCode.ProtocolError, "packet identifier 0")]
    [InlineData(V311, "30 05 0003 612F23", MqttReasonCode.MalformedPacket, "wildcard in topic name")]
    [InlineData(V311, "30 02 0000", MqttReasonCode.TopicNameInvalid, "empty topic name")]
    [InlineData(V311, "30 05 0003 610062", MqttReasonCode.MalformedPacket, "null character")]
    [InlineData(V311, "30 04 0002 C080", MqttReasonCode.MalformedPacket, "overlong UTF-8")]
    [InlineData(V311, "30 05 0003 EDA080", MqttReasonCode.MalformedPacket, "surrogate")]
    [InlineData(V311, "30 03 0003 61", MqttReasonCode.MalformedPacket, "topic longer than the packet")]
    [InlineData(V311, "40 03 000A 00", MqttReasonCode.MalformedPacket, "reason code in a 3.1.1 PUBACK")]
    [InlineData(V311, "82 02 000A", MqttReasonCode.ProtocolError, "SUBSCRIBE without filter")]
    [InlineData(V311, "82 07 000A 0002 6123 01", MqttReasonCode.MalformedPacket, "wildcard inside a level")]
    [InlineData(V311, "82 06 000A 0001 61 05", MqttReasonCode.MalformedPacket, "5.0 options in 3.1.1")]
    [InlineData(V311, "82 06 000A 0001 61 03", MqttReasonCode.MalformedPacket, "subscription QoS 3")]
    [InlineData(V311, "90 03 000A 03", MqttReasonCode.ProtocolError, "reserved SUBACK code")]
    [InlineData(V311, "A2 02 000A", MqttReasonCode.ProtocolError, "UNSUBSCRIBE without filter")]
    [InlineData(V311, "20 02 02 00", MqttReasonCode.MalformedPacket, "reserved CONNACK flags")]
    [InlineData(V311, "20 02 00 06", MqttReasonCode.ProtocolError, "reserved return code")]
    [InlineData(V311, "C0 01 00", MqttReasonCode.MalformedPacket, "PINGREQ with content")]
    [InlineData(V311, "E0 01 00", MqttReasonCode.MalformedPacket, "3.1.1 DISCONNECT with content")]
    [InlineData(V5, "82 07 000A 00 0001 61 30", MqttReasonCode.ProtocolError, "retain handling 3")]
    [InlineData(V5, "82 07 000A 00 0001 61 41", MqttReasonCode.MalformedPacket, "reserved subscription options")]
    [InlineData(V5, "30 09 0001 61 05 7F 00000000", MqttReasonCode.MalformedPacket, "unknown property")]
    [InlineData(V5, "30 07 0001 61 03 FF01 00", MqttReasonCode.MalformedPacket, "property identifier of two bytes")]
    [InlineData(V5, "30 09 0001 61 05 11 00000000", MqttReasonCode.MalformedPacket, "session expiry in PUBLISH")]
    [InlineData(V5, "30 08 0001 61 04 01 00 01 00", MqttReasonCode.ProtocolError, "a property twice")]
    [InlineData(V5, "30 06 0001 61 02 01 02", MqttReasonCode.ProtocolError, "payload format 2")]
    [InlineData(V5, "30 05 0001 61 8000", MqttReasonCode.MalformedPacket, "property length longer than needed")]
    [InlineData(V5, "30 05 0001 61 05 01", MqttReasonCode.MalformedPacket, "properties longer than the packet")]
    [InlineData(V5, "30 08 0001 61 04 08 0001 2B", MqttReasonCode.ProtocolError, "response topic with wildcard")]
    [InlineData(V5, "20 06 00 00 03 21 0000", MqttReasonCode.ProtocolError, "receive maximum 0")]
    [InlineData(V5, "20 08 00 00 05 27 00000000", MqttReasonCode.ProtocolError, "maximum packet size 0")]
    [InlineData(V5, "20 05 00 00 02 24 02", MqttReasonCode.ProtocolError, "maximum QoS 2")]
    [InlineData(V5, "90 04 000A 00 03", MqttReasonCode.ProtocolError, "reserved SUBACK code")]
    [InlineData(V5, "90 03 000A 00", MqttReasonCode.ProtocolError, "SUBACK without code")]
    [InlineData(V5, "82 08 000A 02 0B00 0001 61 01", MqttReasonCode.ProtocolError, "subscription identifier 0")]
    public void It_is_refused_with_the_code_that_the_standard_prescribes(MqttProtocolVersion version, string hex, MqttReasonCode expected, string what)
    {
        var packet = AnyPacket.Decode(Hex.Bytes(hex), version, out var fault);
        Assert.True(packet is null && fault.Reason == expected, $"{what}: expected {expected}, got {packet} {fault}");
    }

    [Fact]
    public void A_length_beyond_the_bound_is_refused_before_the_packet_is_there()
    {
        var header = Hex.Bytes("30 80 80 04");
        Assert.False(FixedHeader.TryRead(header, 65_536, out _, out var fault));
        Assert.Equal(MqttReasonCode.PacketTooLarge, fault.Reason);
        Assert.True(FixedHeader.TryRead(header, 65_536 + 4, out var accepted, out _));
        Assert.Equal(65_536, accepted.BodyLength);
    }

    [Fact]
    public void More_filters_than_a_packet_may_have_are_refused()
    {
        var body = Enumerable.Repeat(Hex.Bytes("0001 61 00"), WireLimits.FiltersPerPacketMax + 1).SelectMany(b => b).Prepend((byte)1).Prepend((byte)0).ToArray();
        Assert.False(SubscribeCodec.TryReadBody(2, body, V311, out _, out var fault));
        Assert.Equal(MqttReasonCode.QuotaExceeded, fault.Reason);
    }

    [Fact]
    public void More_user_properties_than_a_packet_may_have_are_refused()
    {
        var properties = Enumerable.Repeat(Hex.Bytes("26 0001 6B 0001 76"), WireLimits.RepeatedPropertiesMax + 1).SelectMany(b => b).ToArray();
        var body = new byte[3 + 2 + properties.Length];
        var writer = new WireWriter(body);
        writer.WriteString("t");
        writer.WriteVariableByteInteger(properties.Length);
        writer.WriteBytes(properties);
        Assert.False(PublishCodec.TryReadBody(0, body.AsMemory(0, writer.Position), V5, out _, out var fault));
        Assert.Equal(MqttReasonCode.QuotaExceeded, fault.Reason);
    }
}
