using System.Text;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Transport;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Client;

/// <summary>CONNECT and the answer to it, over a transport that is open (3.1, 3.2).</summary>
internal static class ClientHandshake
{
    /// <summary>The packet that the options describe, under their client identifier or the one that the server assigned earlier.</summary>
    public static ConnectPacket Describe(MqttClientOptions options, string clientId)
    {
        var isV5 = options.ProtocolVersion == MqttProtocolVersion.V5;
        return new ConnectPacket
        {
            Version = options.ProtocolVersion,
            ClientId = clientId,
            CleanStart = options.CleanStart,
            KeepAliveSeconds = (ushort)options.KeepAlive.TotalSeconds,
            UserName = options.UserName,
            Password = options.Password is { } password ? (ReadOnlyMemory<byte>?)Encoding.UTF8.GetBytes(password) : null,
            Will = options.Will is { } will ? Describe(will, isV5) : null,
            Properties = isV5 ? new PacketProperties
            {
                SessionExpiryInterval = options.SessionExpiry > TimeSpan.Zero ? (uint)options.SessionExpiry.TotalSeconds : null,
                ReceiveMaximum = (ushort)options.ReceiveMaximum,
                MaximumPacketSize = (uint)options.MaxPacketSize,
            } : null,
        };
    }

    /// <summary>Sends CONNECT and waits for CONNACK; the sender must be running. Null means accepted.</summary>
    public static async Task<(ConnAckPacket? Accepted, LinkEnd End)> RunAsync(PacketConnection connection, ConnectPacket connect)
    {
        connection.Version = connect.Version;
        connection.Send(connect);
        while (true)
        {
            if (connection.Reader.TryNext(out var header, out var body, out var fault))
            {
                return Read(header, body, connect);
            }

            if (fault.IsFault)
            {
                return (null, LinkEnd.Violation(fault));
            }

            switch (await connection.Reader.FillAsync())
            {
                case FillOutcome.EndOfStream:
                    return (null, LinkEnd.Lost("The server closed the connection instead of answering CONNECT."));
                case FillOutcome.Failed:
                    return (null, LinkEnd.Lost(connection.Reader.Error));
                default:
                    continue;
            }
        }
    }

    private static (ConnAckPacket? Accepted, LinkEnd End) Read(FixedHeader header, ReadOnlyMemory<byte> body, ConnectPacket connect)
    {
        if (header.Type != PacketType.ConnAck)
        {
            return (null, LinkEnd.Violation(WireFault.Protocol("The first packet of the server is not CONNACK [MQTT-3.2.0-1].")));
        }

        if (!ConnAckCodec.TryReadBody(header.Flags, body, connect.Version, out var packet, out var fault))
        {
            return (null, LinkEnd.Violation(fault));
        }

        if (packet.ReasonCode != MqttReasonCode.Success)
        {
            return (null, LinkEnd.Refused(packet));
        }

        return packet.SessionPresent && connect.CleanStart
            ? (null, LinkEnd.Violation(WireFault.Protocol("The server continues a session that was to start clean [MQTT-3.2.2-2].")))
            : (packet, default);
    }

    private static WillMessage Describe(MqttWill will, bool isV5)
    {
        var properties = isV5 && will.Delay > TimeSpan.Zero ? new PacketProperties { WillDelayInterval = (uint)will.Delay.TotalSeconds } : null;
        return new WillMessage(will.Topic, will.Payload, will.QoS, will.Retain, properties);
    }
}
