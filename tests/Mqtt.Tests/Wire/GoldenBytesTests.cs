using System.Text;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Tests.Support;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Tests.Wire;

public sealed class GoldenBytesTests
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V5 = MqttProtocolVersion.V5;

    public static TheoryData<int, string> Golden
    {
        get
        {
            var data = new TheoryData<int, string>();
            for (var i = 0; i < GoldenPackets.All.Count; i++)
            {
                data.Add(i, $"{GoldenPackets.All[i].Version} {GoldenPackets.All[i].Name}");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void A_packet_is_written_as_the_standard_says(int index, string name)
    {
        var (_, version, hex, packet) = GoldenPackets.All[index];
        Assert.True(Hex.Text(Hex.Bytes(hex)) == Hex.Text(AnyPacket.Encode(packet, version)), name);
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void A_packet_is_read_as_the_standard_says(int index, string name)
    {
        var (_, version, hex, packet) = GoldenPackets.All[index];
        var read = AnyPacket.Decode(Hex.Bytes(hex), version, out var fault);
        Assert.True(read is not null, $"{name}: {fault}");
        Assert.Equal(packet.GetType(), read.GetType());
        Assert.Equal(Hex.Text(Hex.Bytes(hex)), Hex.Text(AnyPacket.Encode(read, version)));
    }

    [Fact]
    public void Every_field_of_a_full_CONNECT_is_read()
    {
        var entry = GoldenPackets.All.Single(g => g.Name == "CONNECT all" && g.Version == V5);
        var packet = AnyPacket.Decode<ConnectPacket>(entry.Hex, V5);
        Assert.Equal((V5, "zf", true, (ushort)10), (packet.Version, packet.ClientId, packet.CleanStart, packet.KeepAliveSeconds));
        Assert.Equal(("u", "p"), (packet.UserName, Encoding.UTF8.GetString(packet.Password!.Value.Span)));
        Assert.Equal(10u, packet.Properties!.SessionExpiryInterval);
        Assert.Equal(("w", MqttQoS.AtLeastOnce, false), (packet.Will!.Topic, packet.Will.QoS, packet.Will.Retain));
        Assert.Equal("x", Encoding.UTF8.GetString(packet.Will.Payload.Span));
        Assert.Equal(5u, packet.Will.Properties!.WillDelayInterval);
    }

    [Fact]
    public void Absent_user_name_and_password_are_absent()
    {
        var packet = AnyPacket.Decode<ConnectPacket>("10 0D 0004 4D515454 04 02 000A 0001 61", V311);
        Assert.Null(packet.UserName);
        Assert.Null(packet.Password);
        Assert.Null(packet.Will);
    }

    [Fact]
    public void Every_field_of_a_PUBLISH_is_read()
    {
        var packet = AnyPacket.Decode<PublishPacket>("3B 09 0003 612F62 000A 6869", V311);
        Assert.Equal(("a/b", MqttQoS.AtLeastOnce, (ushort)10, true, true), (packet.Topic, packet.QoS, packet.PacketIdentifier, packet.Retain, packet.Duplicate));
        Assert.Equal("hi", Encoding.UTF8.GetString(packet.Payload.Span));
    }

    [Fact]
    public void Subscription_options_are_read()
    {
        var packet = AnyPacket.Decode<SubscribePacket>("82 09 000A 00 0003 612F62 2D", V5);
        var subscription = Assert.Single(packet.Subscriptions);
        Assert.Equal(("a/b", MqttQoS.AtLeastOnce), (subscription.Filter, subscription.MaximumQoS));
        Assert.True(subscription is { NoLocal: true, RetainAsPublished: true, RetainHandling: MqttRetainHandling.DoNotSend });
    }

    [Theory]
    [InlineData(0, "00")]
    [InlineData(127, "7F")]
    [InlineData(128, "8001")]
    [InlineData(16_383, "FF7F")]
    [InlineData(16_384, "808001")]
    [InlineData(2_097_151, "FFFF7F")]
    [InlineData(2_097_152, "80808001")]
    [InlineData(268_435_455, "FFFFFF7F")]
    public void Lengths_are_written_and_read_as_in_the_table_of_the_standard(int value, string hex)
    {
        var bytes = new byte[4];
        var writer = new WireWriter(bytes);
        writer.WriteVariableByteInteger(value);
        Assert.Equal(hex, Hex.Text(bytes.AsSpan(0, writer.Position)));
        Assert.Equal(writer.Position, WireWriter.SizeOfVariableByteInteger(value));
        var reader = new WireReader(Hex.Bytes(hex));
        Assert.Equal((uint)value, reader.ReadVariableByteInteger());
        Assert.True(reader.Finish());
    }

    [Fact]
    public void All_properties_survive_the_way_through_bytes()
    {
        var publish = new PacketProperties
        {
            PayloadFormatIndicator = 1,
            MessageExpiryInterval = uint.MaxValue,
            ContentType = "text",
            ResponseTopic = "answer/here",
            CorrelationData = [1, 2, 3],
            SubscriptionIdentifiers = [1, 268_435_455],
            TopicAlias = 7,
            UserProperties = [new MqttUserProperty("a", "1"), new MqttUserProperty("a", "2")],
        };
        var packet = Through(new PublishPacket("t", default, MqttQoS.AtMostOnce, 0, Properties: publish)).Properties!;
        Assert.Equal(publish.CorrelationData, packet.CorrelationData);
        Assert.Equal(publish.SubscriptionIdentifiers, packet.SubscriptionIdentifiers);
        Assert.Equal(publish.UserProperties, packet.UserProperties);
        Assert.Equal(
            publish with { CorrelationData = null, SubscriptionIdentifiers = null, UserProperties = null },
            packet with { CorrelationData = null, SubscriptionIdentifiers = null, UserProperties = null });

        var connAck = new PacketProperties
        {
            SessionExpiryInterval = 1,
            AssignedClientIdentifier = "id",
            ServerKeepAlive = 2,
            AuthenticationMethod = "m",
            ResponseInformation = "i",
            ServerReference = "s",
            ReasonString = "r",
            ReceiveMaximum = 3,
            TopicAliasMaximum = 4,
            MaximumQoS = 1,
            RetainAvailable = false,
            MaximumPacketSize = 5,
            WildcardSubscriptionAvailable = true,
            SubscriptionIdentifierAvailable = false,
            SharedSubscriptionAvailable = true,
        };
        Assert.Equal(connAck, Through(new ConnAckPacket(true, MqttReasonCode.Success, connAck)).Properties);

        var connect = new PacketProperties { RequestProblemInformation = true, RequestResponseInformation = false, AuthenticationMethod = "m" };
        Assert.Equal(connect, Through(new ConnectPacket { Version = V5, ClientId = "", Properties = connect }).Properties);
    }

    private static T Through<T>(T packet)
        where T : notnull
    {
        var read = AnyPacket.Decode(AnyPacket.Encode(packet, V5), V5, out var fault);
        Assert.True(read is T, fault.ToString());
        return (T)read!;
    }
}
