using System.Net;
using System.Security.Cryptography;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Transport;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Broker;

/// <summary>A client that was let in.</summary>
internal sealed record Admission(ConnectPacket Connect, Session Session, BrokerMessage? Will, ConnAckPacket Answer);

/// <summary>From the first byte to CONNACK (3.1, 3.2): who is it, may it come in, which session is its.</summary>
internal static class BrokerHandshake
{
    private const int ClientIdLengthMax = 256;
    private const int ConnectPacketMax = 256 * 1024;

    /// <summary>Null when the client is not let in; then it has been told as far as the protocol allows, and <c>Why</c> says it for the log.</summary>
    public static async Task<(Admission? Admission, string Why)> RunAsync(PacketConnection connection, BrokerCore core, IPEndPoint? remote)
    {
        connection.Reader.PacketSizeMax = Math.Min(ConnectPacketMax, core.Options.MaxPacketSize);
        var (connect, fault) = await ReadConnectAsync(connection);
        if (connect is null)
        {
            Interlocked.Increment(ref core.Counters.ProtocolErrors);
            AnswerUnsupportedVersion(connection, fault);
            return (null, fault.What);
        }

        connection.Version = connect.Version;
        connection.Reader.PacketSizeMax = core.Options.MaxPacketSize;
        if (CheckConnect(connect, core.Options) is { IsFault: true } refusal)
        {
            return Refuse(connection, refusal.Reason, refusal.What);
        }

        var login = await core.Logins.DecideAsync(new MqttLogin(connect.ClientId, connect.UserName, connect.Password ?? default, remote));
        if (!login.IsAllowed)
        {
            Interlocked.Increment(ref core.Counters.LoginsRefused);
            return Refuse(connection, MqttReasonCode.BadUserNameOrPassword, "User name or password are wrong.");
        }

        return OpenSession(connection, core, connect, login.UserName);
    }

    private static async Task<(ConnectPacket? Connect, WireFault Fault)> ReadConnectAsync(PacketConnection connection)
    {
        while (true)
        {
            if (connection.Reader.TryNext(out var header, out var body, out var fault))
            {
                if (header.Type != PacketType.Connect)
                {
                    return (null, WireFault.Protocol("The first packet of the client is not CONNECT [MQTT-3.1.0-1]."));
                }

                ConnectCodec.TryReadBody(header.Flags, body, connection.Version, out var packet, out fault);
                return (packet, fault);
            }

            if (fault.IsFault)
            {
                return (null, fault);
            }

            if (await connection.Reader.FillAsync() != FillOutcome.Data)
            {
                return (null, WireFault.Protocol("The connection ended, or the time was over, before CONNECT."));
            }
        }
    }

    /// <summary>The one answer that is possible before the version is known; a newer client than 5.0 gets that of 5.0.</summary>
    private static void AnswerUnsupportedVersion(PacketConnection connection, WireFault fault)
    {
        if (fault.Reason == MqttReasonCode.UnsupportedProtocolVersion)
        {
            connection.Send(new ConnAckPacket(SessionPresent: false, MqttReasonCode.UnsupportedProtocolVersion));
        }
    }

    private static WireFault CheckConnect(ConnectPacket connect, MqttBrokerOptions options)
    {
        if (connect.Properties?.AuthenticationMethod is not null)
        {
            return new WireFault(MqttReasonCode.BadAuthenticationMethod, "Enhanced authentication is not supported.");
        }

        if ((connect.ClientId.Length == 0 && connect.Version == MqttProtocolVersion.V311 && !connect.CleanStart)
            || connect.ClientId.Length > ClientIdLengthMax)
        {
            return new WireFault(MqttReasonCode.ClientIdentifierNotValid, "The client identifier is missing or too long [MQTT-3.1.3-8].");
        }

        if (connect.Will?.QoS == MqttQoS.ExactlyOnce)
        {
            return new WireFault(MqttReasonCode.QoSNotSupported, "A will with QoS 2 [MQTT-3.2.2-12].");
        }

        return connect.Will is { } will && (will.Payload.Length > options.MaxWillBytes || will.Topic.Length > options.MaxTopicLength)
            ? new WireFault(MqttReasonCode.PacketTooLarge, "The will is larger than this broker accepts.")
            : WireFault.None;
    }

    private static (Admission?, string) OpenSession(PacketConnection connection, BrokerCore core, ConnectPacket connect, string? userName)
    {
        var isAssigned = connect.ClientId.Length == 0;
        var clientId = isAssigned ? "auto-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12)) : connect.ClientId;
        if (connect.Will is { } will && !IsWillAllowed(core, clientId, userName, will.Topic))
        {
            Interlocked.Increment(ref core.Counters.LoginsRefused);
            return Refuse(connection, MqttReasonCode.NotAuthorized, "The will's topic is not allowed.");
        }

        var expiry = SessionExpiry(connect, core.Options);
        var wills = new List<BrokerMessage>();
        var opened = core.Sessions.Open(clientId, userName, connect.CleanStart, expiry, wills);
        core.PublishWills(wills);
        if (opened.Session is not { } session)
        {
            return Refuse(connection, opened.Refusal, "No session: the client identifier is another user's, or there are too many sessions.");
        }

        var answer = new ConnAckPacket(opened.IsPresent, MqttReasonCode.Success, Describe(core.Options, connect, expiry, isAssigned ? clientId : null));
        return (new Admission(connect, session, WillMessage(connect, clientId, core.Options.Time), answer), "");
    }

    private static bool IsWillAllowed(BrokerCore core, string clientId, string? userName, string topic) =>
        core.Options.Authorize is not { } authorize || authorize(new MqttAccess(clientId, userName, MqttAccessKind.Publish, topic));

    /// <summary>How long the session outlives the connection. A kept session of 3.1.1 has no end of its own, so the broker's bound ends it.</summary>
    private static TimeSpan SessionExpiry(ConnectPacket connect, MqttBrokerOptions options)
    {
        if (connect.Version == MqttProtocolVersion.V311)
        {
            return connect.CleanStart ? TimeSpan.Zero : options.MaxSessionExpiry;
        }

        return Bounded(connect.Properties?.SessionExpiryInterval ?? 0, options);
    }

    public static TimeSpan Bounded(uint seconds, MqttBrokerOptions options)
    {
        var wanted = TimeSpan.FromSeconds(seconds);
        return wanted < options.MaxSessionExpiry ? wanted : options.MaxSessionExpiry;
    }

    private static PacketProperties? Describe(MqttBrokerOptions options, ConnectPacket connect, TimeSpan expiry, string? assigned)
    {
        if (connect.Version == MqttProtocolVersion.V311)
        {
            return null;
        }

        var seconds = (uint)expiry.TotalSeconds;
        return new PacketProperties
        {
            SessionExpiryInterval = seconds == (connect.Properties?.SessionExpiryInterval ?? 0) ? null : seconds,
            ReceiveMaximum = (ushort)options.ReceiveMaximum,
            MaximumQoS = 1,
            RetainAvailable = options.MaxRetainedMessages > 0 ? null : false,
            MaximumPacketSize = (uint)options.MaxPacketSize,
            AssignedClientIdentifier = assigned,
            SubscriptionIdentifierAvailable = false,
            SharedSubscriptionAvailable = false,
        };
    }

    private static BrokerMessage? WillMessage(ConnectPacket connect, string clientId, TimeProvider time) => connect.Will is { } will
        ? new BrokerMessage(will.Topic, will.Payload, will.QoS, will.Retain, will.Properties, clientId, time)
        : null;

    private static (Admission?, string) Refuse(PacketConnection connection, MqttReasonCode reason, string why)
    {
        connection.Send(new ConnAckPacket(SessionPresent: false, reason));
        return (null, $"{reason.Describe()}: {why}");
    }
}
