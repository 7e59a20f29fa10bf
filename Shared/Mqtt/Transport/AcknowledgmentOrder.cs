using ZfRepl.Mqtt.Packets;

namespace ZfRepl.Mqtt.Transport;

/// <summary>
/// Sends PUBACKs in the order in which the messages came, whatever the order in which they were dealt with [MQTT-4.6.0-2]: an early
/// acknowledgment waits for those before it. Thread-safe. The caller bounds the number that is outstanding.
/// </summary>
internal sealed class AcknowledgmentOrder(PacketConnection connection)
{
    private readonly Lock _gate = new();
    private Entry[] _ring = new Entry[16];
    private long _first;
    private int _count;
    private bool _isClosed;

    /// <summary>Messages received whose PUBACK has not been sent.</summary>
    public int Outstanding => Volatile.Read(ref _count);

    /// <summary>Notes a message; the ticket stands for it in <see cref="Complete"/>.</summary>
    public long Add(ushort packetIdentifier)
    {
        lock (_gate)
        {
            if (_count == _ring.Length)
            {
                Grow();
            }

            var ticket = _first + _count;
            _ring[ticket % _ring.Length] = new Entry(packetIdentifier, MqttReasonCode.Success, IsReady: false);
            _count++;
            return ticket;
        }
    }

    /// <summary>Marks a message as dealt with. Repetitions, and calls after <see cref="Close"/>, do nothing.</summary>
    public void Complete(long ticket, MqttReasonCode reason = MqttReasonCode.Success)
    {
        lock (_gate)
        {
            if (_isClosed || ticket < _first || ticket >= _first + _count)
            {
                return;
            }

            ref var entry = ref _ring[ticket % _ring.Length];
            if (!entry.IsReady)
            {
                entry = entry with { Reason = reason, IsReady = true };
            }

            while (_count > 0 && _ring[_first % _ring.Length] is { IsReady: true } ready)
            {
                connection.Send(new PubAckPacket(ready.PacketIdentifier, ready.Reason));
                _first++;
                _count--;
            }
        }
    }

    /// <summary>The connection is over: acknowledgments of its messages mean nothing any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }

    private void Grow()
    {
        var larger = new Entry[_ring.Length * 2];
        for (var ticket = _first; ticket < _first + _count; ticket++)
        {
            larger[ticket % larger.Length] = _ring[ticket % _ring.Length];
        }

        _ring = larger;
    }

    private readonly record struct Entry(ushort PacketIdentifier, MqttReasonCode Reason, bool IsReady);
}
