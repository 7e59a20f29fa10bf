using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Wire;

/// <summary>Property identifiers (MQTT 5.0, table 2-4).</summary>
internal enum PropertyId : byte
{
    None = 0,
    PayloadFormatIndicator = 0x01,
    MessageExpiryInterval = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiryInterval = 0x11,
    AssignedClientIdentifier = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelayInterval = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQoS = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptionAvailable = 0x28,
    SubscriptionIdentifierAvailable = 0x29,
    SharedSubscriptionAvailable = 0x2A,
}

/// <summary>Where a list of properties stands: in a packet, or with the will inside a CONNECT.</summary>
[Flags]
internal enum PropertyPlace
{
    None = 0,
    Connect = 1 << PacketType.Connect,
    ConnAck = 1 << PacketType.ConnAck,
    Publish = 1 << PacketType.Publish,
    PubAck = 1 << PacketType.PubAck,
    Subscribe = 1 << PacketType.Subscribe,
    SubAck = 1 << PacketType.SubAck,
    Unsubscribe = 1 << PacketType.Unsubscribe,
    UnsubAck = 1 << PacketType.UnsubAck,
    Disconnect = 1 << PacketType.Disconnect,
    Will = 1 << 16,
    All = Connect | ConnAck | Publish | PubAck | Subscribe | SubAck | Unsubscribe | UnsubAck | Disconnect | Will,
}

/// <summary>Which property may stand where (MQTT 5.0, table 2-4), for the packets that this library speaks.</summary>
internal static class PropertyTable
{
    private const PropertyPlace Answers = PropertyPlace.PubAck | PropertyPlace.SubAck | PropertyPlace.UnsubAck;

    /// <summary>The places that the standard allows; none for an identifier it does not know.</summary>
    public static PropertyPlace Places(PropertyId id) => id switch
    {
        PropertyId.PayloadFormatIndicator or PropertyId.MessageExpiryInterval or PropertyId.ContentType
            or PropertyId.ResponseTopic or PropertyId.CorrelationData => PropertyPlace.Publish | PropertyPlace.Will,
        PropertyId.SubscriptionIdentifier => PropertyPlace.Publish | PropertyPlace.Subscribe,
        PropertyId.SessionExpiryInterval => PropertyPlace.Connect | PropertyPlace.ConnAck | PropertyPlace.Disconnect,
        PropertyId.AuthenticationMethod or PropertyId.AuthenticationData => PropertyPlace.Connect | PropertyPlace.ConnAck,
        PropertyId.RequestProblemInformation or PropertyId.RequestResponseInformation => PropertyPlace.Connect,
        PropertyId.WillDelayInterval => PropertyPlace.Will,
        PropertyId.ServerReference => PropertyPlace.ConnAck | PropertyPlace.Disconnect,
        PropertyId.ReasonString => PropertyPlace.ConnAck | PropertyPlace.Disconnect | Answers,
        PropertyId.ReceiveMaximum or PropertyId.TopicAliasMaximum or PropertyId.MaximumPacketSize
            => PropertyPlace.Connect | PropertyPlace.ConnAck,
        PropertyId.TopicAlias => PropertyPlace.Publish,
        PropertyId.AssignedClientIdentifier or PropertyId.ServerKeepAlive or PropertyId.ResponseInformation or PropertyId.MaximumQoS
            or PropertyId.RetainAvailable or PropertyId.WildcardSubscriptionAvailable or PropertyId.SubscriptionIdentifierAvailable
            or PropertyId.SharedSubscriptionAvailable => PropertyPlace.ConnAck,
        PropertyId.UserProperty => PropertyPlace.All,
        _ => PropertyPlace.None,
    };

    /// <summary>User properties may repeat everywhere; subscription identifiers only in a PUBLISH (3.3.2.3.8, 3.8.2.1.2).</summary>
    public static bool MayRepeat(PropertyId id, PropertyPlace place) =>
        id == PropertyId.UserProperty || (id == PropertyId.SubscriptionIdentifier && place == PropertyPlace.Publish);
}
