using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Broker;

/// <summary>Where the broker listens.</summary>
/// <param name="Address">The local address.</param>
/// <param name="Port">The TCP port; 0 takes a free one, see <see cref="MqttBroker.Endpoints"/>.</param>
public sealed record MqttListener(IPAddress Address, int Port)
{
    /// <summary>The server's certificate with its private key; null for plain TCP. Not disposed by the broker.</summary>
    public X509Certificate2? Certificate { get; init; }
}

/// <summary>Everything that a <see cref="MqttBroker"/> needs to know. All bounds together bound its memory.</summary>
public sealed class MqttBrokerOptions
{
    /// <summary>At least one.</summary>
    public required IReadOnlyList<MqttListener> Listeners { get; init; }

    /// <summary>Lets clients in without user name. Without it, <see cref="Users"/> or a <see cref="Verifier"/> is needed.</summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>User names and their <see cref="MqttPasswordHash"/>.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    /// <summary>Decides on each login instead of <see cref="Users"/> and <see cref="AllowAnonymous"/>. Quick, thread-safe, must not throw.</summary>
    public Func<MqttLogin, bool>? Verifier { get; init; }

    /// <summary>Decides what a client may publish and subscribe; null allows everything. Quick, thread-safe, must not throw.</summary>
    public Func<MqttAccess, bool>? Authorize { get; init; }

    /// <summary>Connections at once, those in the handshake included; one more is closed at once.</summary>
    public int MaxConnections { get; init; } = 500;

    /// <summary>Sessions, connected or not; a client that needs one more is refused.</summary>
    public int MaxSessions { get; init; } = 1_000;

    /// <summary>How long the session of a client that has left is kept at most, whatever it asks for; a 5.0 client is told.</summary>
    public TimeSpan MaxSessionExpiry { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The largest packet accepted, in bytes, header included; a 5.0 client is told.</summary>
    public int MaxPacketSize { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// QoS 1 publications of one client that are not acknowledged, at most. A 5.0 client is told and breaks the protocol by exceeding it; a
    /// 3.1.1 client is not read from meanwhile.
    /// </summary>
    public int ReceiveMaximum { get; init; } = 128;

    /// <summary>Bytes of unacknowledged publications of one client; beyond, it is not read from.</summary>
    public long MaxHeldBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>QoS 1 messages sent to one client and not acknowledged, at most; a 5.0 client may lower it.</summary>
    public int MaxInFlight { get; init; } = 128;

    /// <summary>Messages queued for one client. What happens beyond is told at <see cref="MqttBroker"/>.</summary>
    public int MaxQueuedMessages { get; init; } = 2_000;

    /// <summary>Bytes queued or unacknowledged for one client.</summary>
    public long MaxQueuedBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Bytes queued for all clients together. While exceeded, each session's bound is its equal share of it.</summary>
    public long MaxTotalQueuedBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>Retained messages, at most; one more is refused.</summary>
    public int MaxRetainedMessages { get; init; } = 10_000;

    /// <summary>Bytes of retained messages, topics included.</summary>
    public long MaxRetainedBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Subscriptions of one session.</summary>
    public int MaxSubscriptionsPerSession { get; init; } = 500;

    /// <summary>Subscriptions of all sessions.</summary>
    public int MaxSubscriptions { get; init; } = 50_000;

    /// <summary>The longest topic name or filter, in characters.</summary>
    public int MaxTopicLength { get; init; } = 1_024;

    /// <summary>The largest payload of a will, in bytes; it stays in memory as long as its client is connected.</summary>
    public int MaxWillBytes { get; init; } = 64 * 1024;

    /// <summary>Time for TLS and CONNECT.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A client that takes nothing for so long, neither acknowledging nor reading, is disconnected if messages wait for it that hold up their
    /// publishers, or if the socket is blocked.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for saying good-bye in order.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where to log.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    internal void Check()
    {
        Require(Listeners.Count > 0, "At least one listener is needed.");
        Require(Listeners.All(l => l.Port is >= 0 and <= 65_535), "A port is from 0 to 65,535.");
        Require(Listeners.All(l => l.Certificate is null or { HasPrivateKey: true }), "A listener's certificate needs its private key.");
        Require(AllowAnonymous || Users.Count > 0 || Verifier is not null, "Say who may connect: users, a verifier, or anonymous clients on purpose.");
        Require(Users.Values.All(MqttPasswordHash.IsValid), "A user's password is not a hash made by MqttPasswordHash.");
        Require(MaxPacketSize is >= 256 and <= WireLimits.RemainingLengthMax, "The packet size is from 256 bytes to 256 MiB.");
        Require(ReceiveMaximum is > 0 and <= ushort.MaxValue && MaxInFlight is > 0 and <= 32_767, "A window has at least one place.");
        Require(
            MaxConnections > 0 && MaxSessions > 0 && MaxQueuedMessages > 0 && MaxQueuedBytes > 0 && MaxTotalQueuedBytes > 0 && MaxHeldBytes > 0,
            "A bound is at least one.");
        Require(
            MaxRetainedMessages >= 0 && MaxRetainedBytes >= 0 && MaxSubscriptionsPerSession > 0 && MaxSubscriptions > 0 && MaxWillBytes >= 0,
            "A bound is not negative.");
        Require(MaxTopicLength is > 0 and <= WireLimits.FieldLengthMax, "A topic has at most 65,535 characters.");
        Require(
            HandshakeTimeout > TimeSpan.Zero && StallTimeout > TimeSpan.Zero && CloseTimeout > TimeSpan.Zero && MaxSessionExpiry >= TimeSpan.Zero
                && MaxSessionExpiry.TotalSeconds < uint.MaxValue,
            "A time limit is out of range.");
    }

    private static void Require(bool condition, string message, string parameter = "options")
    {
        if (!condition)
        {
            throw new ArgumentException(message, parameter);
        }
    }
}
