using System.Text;
using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Tests.Wire;

/// <summary>Packets and their bytes, worked out by hand from the standards.</summary>
internal static class GoldenPackets
{
    private const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    private const MqttProtocolVersion V5 = MqttProtocolVersion.V5;

    private static readonly List<(string Name, MqttProtocolVersion Version, string Hex, object Packet)> Entries =
    [
        ("CONNECT least", V311, "10 0D 0004 4D515454 04 02 000A 0001 61", Connect(V311, "a") with { CleanStart = true }),
        ("CONNECT all", V311, "10 1A 0004 4D515454 04 CE 000A 0002 7A66 0001 77 0001 78 0001 75 0001 70", ConnectWithAll(V311)),
        ("CONNECT least", V5, "10 0E 0004 4D515454 05 00 000A 00 0001 61", Connect(V5, "a")),
        (
            "CONNECT all",
            V5,
            "10 26 0004 4D515454 05 CE 000A 05 11 0000000A 0002 7A66 05 18 00000005 0001 77 0001 78 0001 75 0001 70",
            ConnectWithAll(V5)),
        ("CONNACK accepted", V311, "20 02 00 00", new ConnAckPacket(false, MqttReasonCode.Success)),
        ("CONNACK session present", V311, "20 02 01 00", new ConnAckPacket(true, MqttReasonCode.Success)),
        ("CONNACK bad password", V311, "20 02 00 04", new ConnAckPacket(false, MqttReasonCode.BadUserNameOrPassword)),
        ("CONNACK not authorized", V311, "20 02 00 05", new ConnAckPacket(false, MqttReasonCode.NotAuthorized)),
        ("CONNACK accepted", V5, "20 03 00 00 00", new ConnAckPacket(false, MqttReasonCode.Success)),
        (
            "CONNACK limits",
            V5,
            "20 0B 01 00 08 21 0014 27 00001000",
            new ConnAckPacket(true, MqttReasonCode.Success, new PacketProperties { ReceiveMaximum = 20, MaximumPacketSize = 4096 })),
        (
            "CONNACK refused with reason",
            V5,
            "20 08 00 87 05 1F 0002 6E6F",
            new ConnAckPacket(false, MqttReasonCode.NotAuthorized, new PacketProperties { ReasonString = "no" })),
        ("PUBLISH QoS 0", V311, "30 07 0003 612F62 6869", new PublishPacket("a/b", "hi"u8.ToArray(), MqttQoS.AtMostOnce, 0)),
        (
            "PUBLISH QoS 1, duplicate, retained",
            V311,
            "3B 09 0003 612F62 000A 6869",
            new PublishPacket("a/b", "hi"u8.ToArray(), MqttQoS.AtLeastOnce, 10, Retain: true, Duplicate: true)),
        ("PUBLISH empty payload", V311, "31 05 0003 612F62", new PublishPacket("a/b", default, MqttQoS.AtMostOnce, 0, Retain: true)),
        ("PUBLISH QoS 1", V5, "32 0A 0003 612F62 000A 00 6869", new PublishPacket("a/b", "hi"u8.ToArray(), MqttQoS.AtLeastOnce, 10)),
        (
            "PUBLISH with expiry and user property",
            V5,
            "30 14 0003 612F62 0C 02 0000003C 26 0001 6B 0001 76 6869",
            new PublishPacket("a/b", "hi"u8.ToArray(), MqttQoS.AtMostOnce, 0, Properties: new PacketProperties
            {
                MessageExpiryInterval = 60,
                UserProperties = [new MqttUserProperty("k", "v")],
            })),
        ("PUBLISH topic outside ASCII", V311, "30 04 0002 C3B6", new PublishPacket("ö", default, MqttQoS.AtMostOnce, 0)),
        ("PUBACK", V311, "40 02 000A", new PubAckPacket(10)),
        ("PUBACK success", V5, "40 02 000A", new PubAckPacket(10)),
        ("PUBACK nobody there", V5, "40 03 000A 10", new PubAckPacket(10, MqttReasonCode.NoMatchingSubscribers)),
        (
            "PUBACK refused with reason",
            V5,
            "40 09 000A 87 05 1F 0002 6E6F",
            new PubAckPacket(10, MqttReasonCode.NotAuthorized, new PacketProperties { ReasonString = "no" })),
        (
            "SUBSCRIBE two",
            V311,
            "82 0E 000A 0003 612F62 01 0003 632F64 02",
            new SubscribePacket(10, [new MqttSubscription("a/b"), new MqttSubscription("c/d", MqttQoS.ExactlyOnce)])),
        (
            "SUBSCRIBE with options",
            V5,
            "82 09 000A 00 0003 612F62 2D",
            new SubscribePacket(10, [new MqttSubscription("a/b") { NoLocal = true, RetainAsPublished = true, RetainHandling = MqttRetainHandling.DoNotSend }])),
        ("SUBACK", V311, "90 04 000A 01 80", new SubAckPacket(10, [MqttReasonCode.GrantedQoS1, MqttReasonCode.UnspecifiedError])),
        ("SUBACK", V5, "90 05 000A 00 01 87", new SubAckPacket(10, [MqttReasonCode.GrantedQoS1, MqttReasonCode.NotAuthorized])),
        ("UNSUBSCRIBE", V311, "A2 07 000A 0003 612F62", new UnsubscribePacket(10, ["a/b"])),
        ("UNSUBSCRIBE", V5, "A2 08 000A 00 0003 612F62", new UnsubscribePacket(10, ["a/b"])),
        ("UNSUBACK", V311, "B0 02 000A", new UnsubAckPacket(10, [])),
        ("UNSUBACK", V5, "B0 05 000A 00 00 11", new UnsubAckPacket(10, [MqttReasonCode.Success, MqttReasonCode.NoSubscriptionExisted])),
        ("PINGREQ", V311, "C0 00", default(PingReqPacket)),
        ("PINGRESP", V311, "D0 00", default(PingRespPacket)),
        ("DISCONNECT", V311, "E0 00", new DisconnectPacket()),
        ("DISCONNECT normal", V5, "E0 00", new DisconnectPacket()),
        ("DISCONNECT taken over", V5, "E0 01 8E", new DisconnectPacket(MqttReasonCode.SessionTakenOver)),
        (
            "DISCONNECT with will and session end",
            V5,
            "E0 07 04 05 11 00000000",
            new DisconnectPacket(MqttReasonCode.DisconnectWithWillMessage, new PacketProperties { SessionExpiryInterval = 0 })),
    ];

    public static IReadOnlyList<(string Name, MqttProtocolVersion Version, string Hex, object Packet)> All => Entries;

    private static ConnectPacket Connect(MqttProtocolVersion version, string clientId) => new()
    {
        Version = version,
        ClientId = clientId,
        KeepAliveSeconds = 10,
    };

    private static ConnectPacket ConnectWithAll(MqttProtocolVersion version)
    {
        var isV5 = version == V5;
        return Connect(version, "zf") with
        {
            CleanStart = true,
            UserName = "u",
            Password = Encoding.UTF8.GetBytes("p"),
            Will = new WillMessage(
                "w", "x"u8.ToArray(), MqttQoS.AtLeastOnce, Retain: false, isV5 ? new PacketProperties { WillDelayInterval = 5 } : null),
            Properties = isV5 ? new PacketProperties { SessionExpiryInterval = 10 } : null,
        };
    }
}
