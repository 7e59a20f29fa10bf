namespace ZfRepl.Mqtt;

/// <summary>
/// Reason codes under the names of MQTT 5.0, table 2-6. The return codes of 3.1.1 (CONNACK 3.2.2.3, SUBACK 3.9.3) are mapped onto them, so
/// that a caller deals with one set. Values of 0x80 and above are failures. A peer may send values that have no name here.
/// </summary>
public enum MqttReasonCode : byte
{
    /// <summary>Success; also "Normal disconnection" and "Granted QoS 0".</summary>
    Success = 0x00,

    /// <summary>The subscription is granted with QoS 1 at most.</summary>
    GrantedQoS1 = 0x01,

    /// <summary>The subscription is granted with QoS 2 at most.</summary>
    GrantedQoS2 = 0x02,

    /// <summary>The client leaves and wants its will message published all the same.</summary>
    DisconnectWithWillMessage = 0x04,

    /// <summary>The message was accepted, and nobody is subscribed to its topic.</summary>
    NoMatchingSubscribers = 0x10,

    /// <summary>There was no subscription to take back.</summary>
    NoSubscriptionExisted = 0x11,

    /// <summary>Enhanced authentication goes on.</summary>
    ContinueAuthentication = 0x18,

    /// <summary>Enhanced authentication starts again.</summary>
    ReAuthenticate = 0x19,

    /// <summary>A failure whose reason the sender keeps to itself; also the only failure code of a 3.1.1 SUBACK.</summary>
    UnspecifiedError = 0x80,

    /// <summary>The packet cannot be parsed.</summary>
    MalformedPacket = 0x81,

    /// <summary>The packet is well formed, but not allowed here.</summary>
    ProtocolError = 0x82,

    /// <summary>Valid, but this implementation does not accept it.</summary>
    ImplementationSpecificError = 0x83,

    /// <summary>The server does not speak this protocol version.</summary>
    UnsupportedProtocolVersion = 0x84,

    /// <summary>The client identifier is well formed, but not allowed.</summary>
    ClientIdentifierNotValid = 0x85,

    /// <summary>User name or password are wrong.</summary>
    BadUserNameOrPassword = 0x86,

    /// <summary>The client is known, and may not do this.</summary>
    NotAuthorized = 0x87,

    /// <summary>The server is not available.</summary>
    ServerUnavailable = 0x88,

    /// <summary>The server is busy; try again later.</summary>
    ServerBusy = 0x89,

    /// <summary>The client is banned by administrative action.</summary>
    Banned = 0x8A,

    /// <summary>The server is shutting down.</summary>
    ServerShuttingDown = 0x8B,

    /// <summary>The authentication method is not supported or does not fit.</summary>
    BadAuthenticationMethod = 0x8C,

    /// <summary>Nothing was received for one and a half times the keep alive time.</summary>
    KeepAliveTimeout = 0x8D,

    /// <summary>Another connection uses the same client identifier.</summary>
    SessionTakenOver = 0x8E,

    /// <summary>The topic filter is well formed, but not accepted.</summary>
    TopicFilterInvalid = 0x8F,

    /// <summary>The topic name is well formed, but not accepted.</summary>
    TopicNameInvalid = 0x90,

    /// <summary>The packet identifier is in use already.</summary>
    PacketIdentifierInUse = 0x91,

    /// <summary>The packet identifier is not known.</summary>
    PacketIdentifierNotFound = 0x92,

    /// <summary>More unacknowledged publications arrived than Receive Maximum allows.</summary>
    ReceiveMaximumExceeded = 0x93,

    /// <summary>The topic alias is not valid.</summary>
    TopicAliasInvalid = 0x94,

    /// <summary>The packet is larger than the receiver takes.</summary>
    PacketTooLarge = 0x95,

    /// <summary>Messages arrive faster than agreed.</summary>
    MessageRateTooHigh = 0x96,

    /// <summary>A limit of the implementation or of its administrator is exceeded.</summary>
    QuotaExceeded = 0x97,

    /// <summary>The connection is closed by administrative action.</summary>
    AdministrativeAction = 0x98,

    /// <summary>The payload does not have the format that it announces.</summary>
    PayloadFormatInvalid = 0x99,

    /// <summary>The server keeps no retained messages.</summary>
    RetainNotSupported = 0x9A,

    /// <summary>The quality of service is higher than the server's Maximum QoS.</summary>
    QoSNotSupported = 0x9B,

    /// <summary>The client should use another server for now.</summary>
    UseAnotherServer = 0x9C,

    /// <summary>The client should use another server from now on.</summary>
    ServerMoved = 0x9D,

    /// <summary>The server has no shared subscriptions.</summary>
    SharedSubscriptionsNotSupported = 0x9E,

    /// <summary>The client connects too often.</summary>
    ConnectionRateExceeded = 0x9F,

    /// <summary>The time granted for this connection is over.</summary>
    MaximumConnectTime = 0xA0,

    /// <summary>The server has no subscription identifiers.</summary>
    SubscriptionIdentifiersNotSupported = 0xA1,

    /// <summary>The server has no wildcard subscriptions.</summary>
    WildcardSubscriptionsNotSupported = 0xA2,
}

internal static class MqttReasonCodes
{
    public static bool IsFailure(this MqttReasonCode code) => code >= MqttReasonCode.UnspecifiedError;

    /// <summary>The name of the standard and the number, for logs and messages: "NotAuthorized (0x87)".</summary>
    public static string Describe(this MqttReasonCode code) => $"{code} (0x{(byte)code:X2})";
}
