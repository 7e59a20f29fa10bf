using ZfRepl.Mqtt.Transport;

namespace ZfRepl.Mqtt.Client;

/// <summary>
/// Keep alive (3.1.2.10) and dead peer detection of one connection; the caller asks at short intervals. Silence in either direction makes a
/// ping. The peer is dead when it stays silent for the ping's time limit after the ping reached the socket, while this side was reading; or
/// when the socket takes nothing for the whole keep alive time and the ping's on top. Data on its way in either direction is a sign of life, so
/// that a slow link is not mistaken for a dead one.
/// </summary>
internal sealed class LinkWatch(PacketConnection connection, TimeSpan keepAlive, TimeSpan pingTimeout, TimeProvider time)
{
    private bool _isPingOpen;
    private long _pingPosition;
    private long _pingWrittenAt;

    /// <summary>How often to ask.</summary>
    public static TimeSpan IntervalFor(MqttClientOptions options)
    {
        var shortest = new[] { options.KeepAlive, options.PingTimeout, options.AckTimeout }.Min();
        return TimeSpan.FromMilliseconds(Math.Clamp(shortest.TotalMilliseconds / 8, 10, 500));
    }

    /// <summary>PINGRESP came.</summary>
    public void Answered() => Volatile.Write(ref _isPingOpen, false);

    /// <summary>Pings if it is time; a sentence when the peer is dead.</summary>
    public string? Check()
    {
        var now = time.GetTimestamp();
        if (IsSocketStuck(now))
        {
            return "The server takes no more data.";
        }

        if (Volatile.Read(ref _isPingOpen))
        {
            return IsPingOverdue(now) ? "The server did not answer a ping." : null;
        }

        if (keepAlive > TimeSpan.Zero && (Silence(connection.Sender.LastSent, now) >= keepAlive || Silence(connection.Reader.LastHeard, now) >= keepAlive))
        {
            Ping();
        }

        return null;
    }

    private void Ping()
    {
        _pingWrittenAt = 0;
        Volatile.Write(ref _isPingOpen, true);
        connection.SendPingReq();
        _pingPosition = connection.Sender.AppendedBytes;
    }

    private bool IsPingOverdue(long now)
    {
        if (connection.Sender.WrittenBytes < _pingPosition)
        {
            return false;
        }

        _pingWrittenAt = _pingWrittenAt == 0 ? now : _pingWrittenAt;
        var sign = Math.Max(_pingWrittenAt, connection.Reader.LastHeard);
        return connection.Reader.IsWaiting && Silence(sign, now) > pingTimeout;
    }

    private bool IsSocketStuck(long now)
    {
        var since = connection.Sender.StuckSince;
        return since < now && Silence(since, now) > keepAlive + pingTimeout;
    }

    private TimeSpan Silence(long since, long now) => now <= since ? TimeSpan.Zero : time.GetElapsedTime(since, now);
}
