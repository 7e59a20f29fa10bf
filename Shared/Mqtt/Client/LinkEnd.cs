using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Client;

/// <summary>Why a connection ended, and what to tell the server about it: GoodBye is the code for DISCONNECT, or null to say nothing.</summary>
internal readonly record struct LinkEnd(MqttDisconnectReason Reason, string Detail, MqttReasonCode? ReasonCode = null, MqttReasonCode? GoodBye = null)
{
    public static LinkEnd Stopped => new(MqttDisconnectReason.Stopped, "Stopped by its owner.", null, MqttReasonCode.Success);

    public static LinkEnd Lost(string detail) => new(MqttDisconnectReason.ConnectionLost, detail);

    public static LinkEnd Violation(WireFault fault) => new(MqttDisconnectReason.ProtocolViolation, fault.What, null, fault.Reason);

    public static LinkEnd NoAcknowledgment => new(
        MqttDisconnectReason.AcknowledgmentTimedOut, "The server does not acknowledge.", null, MqttReasonCode.UnspecifiedError);

    /// <summary>Nothing that is sent will arrive, so do not wait for it.</summary>
    public bool IsDead => Reason is MqttDisconnectReason.KeepAliveTimedOut or MqttDisconnectReason.ConnectionLost;

    public static LinkEnd Silence(string detail) => new(MqttDisconnectReason.KeepAliveTimedOut, detail);

    /// <summary>The server refused CONNECT (3.2.2.2).</summary>
    public static LinkEnd Refused(ConnAckPacket packet)
    {
        var isAccess = packet.ReasonCode is MqttReasonCode.BadUserNameOrPassword or MqttReasonCode.NotAuthorized or MqttReasonCode.Banned
            or MqttReasonCode.BadAuthenticationMethod;
        var reason = isAccess ? MqttDisconnectReason.NotAuthorized : MqttDisconnectReason.RefusedByServer;
        return new LinkEnd(reason, Describe("The server refused the connection", packet.ReasonCode, packet.Properties), packet.ReasonCode);
    }

    /// <summary>The server sent DISCONNECT (3.14).</summary>
    public static LinkEnd ByServer(DisconnectPacket packet)
    {
        var reason = packet.ReasonCode switch
        {
            MqttReasonCode.SessionTakenOver => MqttDisconnectReason.SessionTakenOver,
            MqttReasonCode.NotAuthorized or MqttReasonCode.Banned => MqttDisconnectReason.NotAuthorized,
            _ => MqttDisconnectReason.DisconnectedByServer,
        };
        return new LinkEnd(reason, Describe("The server closed the connection", packet.ReasonCode, packet.Properties), packet.ReasonCode);
    }

    private static string Describe(string what, MqttReasonCode code, PacketProperties? properties) =>
        properties?.ReasonString is { Length: > 0 } text ? $"{what}: {code.Describe()}, {text}" : $"{what}: {code.Describe()}";
}
