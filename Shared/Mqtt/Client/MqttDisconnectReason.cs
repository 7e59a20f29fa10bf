namespace ZfRepl.Mqtt.Client;

/// <summary>Why there is no connection, sorted by what somebody can do about it.</summary>
public enum MqttDisconnectReason
{
    /// <summary>There is a connection, or none was tried yet.</summary>
    None = 0,

    /// <summary>The owner stopped the client.</summary>
    Stopped,

    /// <summary>The host name has no address.</summary>
    NameNotResolved,

    /// <summary>Nothing accepts TCP connections there, or there is no way.</summary>
    Unreachable,

    /// <summary>TCP, TLS or the answer to CONNECT took longer than allowed.</summary>
    ConnectTimedOut,

    /// <summary>A certificate or key file of this side cannot be used.</summary>
    TlsFilesUnusable,

    /// <summary>The TLS handshake failed: usually an authority that is not trusted, or a name that does not match.</summary>
    TlsFailed,

    /// <summary>The server does not accept user name and password, or not this client.</summary>
    NotAuthorized,

    /// <summary>The server refused the connection for another reason; the reason code tells.</summary>
    RefusedByServer,

    /// <summary>The server answered something that is not MQTT, or is not allowed.</summary>
    ProtocolViolation,

    /// <summary>The connection broke.</summary>
    ConnectionLost,

    /// <summary>The server went silent: no answer to a ping in time.</summary>
    KeepAliveTimedOut,

    /// <summary>The server answers pings, but does not acknowledge.</summary>
    AcknowledgmentTimedOut,

    /// <summary>The server sent DISCONNECT; the reason code tells why.</summary>
    DisconnectedByServer,

    /// <summary>Another client uses the same client identifier.</summary>
    SessionTakenOver,
}
