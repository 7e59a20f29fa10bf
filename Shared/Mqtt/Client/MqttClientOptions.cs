using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Mqtt.Topics;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Client;

/// <summary>Everything that a <see cref="MqttClient"/> needs to know. Checked by its constructor.</summary>
public sealed class MqttClientOptions
{
    /// <summary>The brokers, at least one. They are tried in this order; a lost connection that was stable starts again at the first.</summary>
    public required IReadOnlyList<MqttHost> Hosts { get; init; }

    /// <summary>Tries the hosts in random order instead, so that many clients spread over a cluster.</summary>
    public bool RandomizeHosts { get; init; }

    /// <summary>The protocol version; there is no negotiation in MQTT.</summary>
    public MqttProtocolVersion ProtocolVersion { get; init; } = MqttProtocolVersion.V5;

    /// <summary>Unique per broker. Empty: the broker makes one up, which needs <see cref="CleanStart"/>.</summary>
    public string ClientId { get; init; } = "";

    /// <summary>
    /// True: each connection starts without a past. False: the broker keeps subscriptions and undelivered QoS 1 messages between connections
    /// (for <see cref="SessionExpiry"/> in 5.0, for as long as the broker likes in 3.1.1), and delivers messages again that were not acknowledged.
    /// </summary>
    public bool CleanStart { get; init; } = true;

    /// <summary>MQTT 5.0: how long the broker keeps the session after a disconnect, in whole seconds; zero ends it with the connection.</summary>
    public TimeSpan SessionExpiry { get; init; }

    /// <summary>User name, or null.</summary>
    public string? UserName { get; init; }

    /// <summary>Password, or null. Needs <see cref="UserName"/>.</summary>
    public string? Password { get; init; }

    /// <summary>Null: plain TCP, for a trusted network only.</summary>
    public MqttTlsOptions? Tls { get; init; }

    /// <summary>What the broker publishes when this client vanishes; null for nothing.</summary>
    public MqttWill? Will { get; init; }

    /// <summary>Silence in either direction after which the client pings; 1 s to 18 h, in whole seconds. A 5.0 broker may ask for less.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Time for the answer to a ping; when it passes in silence the connection is dead.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for name look-up, TCP, TLS and CONNACK together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Time for a publish or subscribe, waiting in the queue included. After twice that time without an acknowledgment the connection is
    /// given up, because its packet identifiers would never come back.
    /// </summary>
    public TimeSpan AckTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time to say good-bye in order.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The largest packet accepted from the broker, in bytes, header included. A 5.0 broker is told.</summary>
    public int MaxPacketSize { get; init; } = 4 * 1024 * 1024;

    /// <summary>QoS 1 messages sent and not acknowledged, at most; a 5.0 broker may lower it by its Receive Maximum.</summary>
    public int MaxInFlight { get; init; } = 64;

    /// <summary>Messages that wait for their turn, at most; one more gives <see cref="MqttPublishStatus.QueueFull"/>.</summary>
    public int MaxQueuedMessages { get; init; } = 1_000;

    /// <summary>Bytes that wait for their turn or for the socket, at most. A single message is accepted whatever its size when nothing waits.</summary>
    public long MaxQueuedBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>
    /// Received QoS 1 messages not yet acknowledged, at most. A 5.0 broker is told (Receive Maximum); a broker that goes one beyond, as one of
    /// 3.1.1 may, is not read from until some are acknowledged.
    /// </summary>
    public int ReceiveMaximum { get; init; } = 64;

    /// <summary>Bytes of received messages that wait for the handler; at this bound the client stops reading.</summary>
    public long MaxIncomingBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Received messages, of any QoS, that wait for the handler; at this bound the client stops reading.</summary>
    public int MaxIncomingMessages { get; init; } = 256;

    /// <summary>
    /// Takes the received messages, one after the other, in the order of their arrival. The next one waits until the returned task ends, and
    /// with full buffers the broker does. The handler must not throw for bad data: an exception ends <see cref="MqttClient.RunAsync"/>. It
    /// acknowledges by <see cref="MqttIncomingMessage.Acknowledge"/>, then or later. Null when nothing is subscribed.
    /// </summary>
    public Func<MqttIncomingMessage, CancellationToken, ValueTask>? MessageHandler { get; init; }

    /// <summary>Told about each change of state, in order, from the client's own loop; must be quick and must not throw.</summary>
    public Action<MqttStateChange>? StateHandler { get; init; }

    /// <summary>The delay after the first failed round over all hosts; doubled up to <see cref="ReconnectDelayMax"/>, and shortened by up to half at random.</summary>
    public TimeSpan ReconnectDelayMin { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest delay, and the one after a refusal.</summary>
    public TimeSpan ReconnectDelayMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection that held for so long counts as stable: the delays start again at the shortest.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where to log.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    internal bool KeepsSession => !CleanStart || SessionExpiry > TimeSpan.Zero;

    internal void Check()
    {
        Require(Hosts.Count > 0, "At least one host is needed.");
        Require(Hosts.All(h => h.Name.Length > 0 && h.Port is > 0 and <= 65_535), "A host needs a name and a port from 1 to 65,535.");
        Require(ProtocolVersion is MqttProtocolVersion.V311 or MqttProtocolVersion.V5, "The protocol version is unknown.");
        Require(ClientId.Length == 0 || MqttTopic.IsValidText(ClientId), "The client identifier is not a valid MQTT string.");
        Require(ClientId.Length > 0 || CleanStart, "A session can be kept only under a client identifier.");
        Require(Password is null || UserName is not null, "A password needs a user name.");
        Require(UserName is null || MqttTopic.IsValidText(UserName), "The user name is not a valid MQTT string.");
        Require(Password is null || System.Text.Encoding.UTF8.GetByteCount(Password) <= WireLimits.FieldLengthMax, "The password is too long.");
        Require(Tls is null || (Tls.ClientCertificateFile is null) == (Tls.ClientKeyFile is null), "A client certificate and its key come together.");
        Require(KeepAlive >= TimeSpan.FromSeconds(1) && KeepAlive.TotalSeconds <= ushort.MaxValue, "Keep alive is from 1 s to 65,535 s.");
        Require(SessionExpiry >= TimeSpan.Zero && SessionExpiry.TotalSeconds <= uint.MaxValue, "The session expiry is out of range.");
        Require(MaxPacketSize is >= 256 and <= WireLimits.RemainingLengthMax, "The packet size is from 256 bytes to 256 MiB.");
        Require(MaxInFlight is > 0 and <= 32_767 && ReceiveMaximum is > 0 and <= ushort.MaxValue, "A window has at least one place.");
        Require(MaxQueuedMessages > 0 && MaxQueuedBytes > 0 && MaxIncomingBytes > 0 && MaxIncomingMessages > 0, "A queue has at least one place.");
        Require(ReconnectDelayMin > TimeSpan.Zero && ReconnectDelayMax >= ReconnectDelayMin, "The reconnect delays are out of order.");
        Require(
            PingTimeout > TimeSpan.Zero && ConnectTimeout > TimeSpan.Zero && AckTimeout > TimeSpan.Zero && CloseTimeout > TimeSpan.Zero,
            "A time limit is longer than zero.");
        CheckWill();
    }

    private void CheckWill()
    {
        if (Will is not { } will)
        {
            return;
        }

        Require(MqttTopic.IsValidName(will.Topic), "The will's topic is not a topic name.");
        Require(will.Payload.Length <= WireLimits.FieldLengthMax, "The will's payload has more than 65,535 bytes.");
        Require(will.QoS is MqttQoS.AtMostOnce or MqttQoS.AtLeastOnce, "The will's QoS is 0 or 1.");
        Require(will.Delay >= TimeSpan.Zero && will.Delay.TotalSeconds <= uint.MaxValue, "The will's delay is out of range.");
    }

    private static void Require(bool condition, string message, string parameter = "options")
    {
        if (!condition)
        {
            throw new ArgumentException(message, parameter);
        }
    }
}
