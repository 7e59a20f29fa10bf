namespace ZfRepl.Mqtt.Broker;

/// <summary>
/// QoS 1 messages sent to one client and not acknowledged, in the order of sending. Packet identifiers are handed out in sequence, so an
/// acknowledgment finds its entry directly, and none is used again while its message is here: the window is far smaller than 65,535. A client
/// that leaves the oldest unacknowledged gets no room by acknowledging later ones: acknowledging in order is its duty [MQTT-4.6.0-2].
/// Not thread-safe.
/// </summary>
internal sealed class InFlightWindow(int capacity)
{
    private const int IdentifierCount = ushort.MaxValue;

    private readonly Entry[] _ring = new Entry[capacity];
    private long _first;
    private long _next;
    private long _nextToResend;

    /// <summary>Places in use, from the oldest unacknowledged to the newest.</summary>
    public int Span => (int)(_next - _first);

    public bool HasRoom => Span < _ring.Length;

    /// <summary>Places in use by messages that this connection has sent.</summary>
    public int SpanOnThisConnection => (int)(_nextToResend - _first);

    public ushort Add(in Delivery delivery)
    {
        if (!HasRoom || _nextToResend != _next)
        {
            throw new InvalidOperationException("The window is full, or older messages have to be sent again first.");
        }

        var sequence = _next++;
        _nextToResend = _next;
        _ring[sequence % _ring.Length] = new Entry(delivery, IsOpen: true);
        return IdentifierOf(sequence);
    }

    /// <summary>The message that is done; null when the identifier is not in use.</summary>
    public BrokerMessage? Acknowledge(ushort identifier)
    {
        var offset = (identifier - 1 - (_first % IdentifierCount) + IdentifierCount) % IdentifierCount;
        var sequence = _first + offset;
        if (identifier == 0 || sequence >= _next || !_ring[sequence % _ring.Length].IsOpen)
        {
            return null;
        }

        var message = _ring[sequence % _ring.Length].Delivery.Message;
        _ring[sequence % _ring.Length] = default;
        while (_first < _next && !_ring[_first % _ring.Length].IsOpen)
        {
            _first++;
        }

        _nextToResend = Math.Max(_nextToResend, _first);
        return message;
    }

    /// <summary>A new connection: everything unacknowledged is to be sent again, under its old identifiers [MQTT-4.4.0-1].</summary>
    public void Rewind() => _nextToResend = _first;

    /// <summary>The next message to send again, if any.</summary>
    public bool TryResend(out Delivery delivery, out ushort identifier)
    {
        while (_nextToResend < _next)
        {
            var entry = _ring[_nextToResend % _ring.Length];
            identifier = IdentifierOf(_nextToResend++);
            if (entry.IsOpen)
            {
                delivery = entry.Delivery;
                return true;
            }
        }

        (delivery, identifier) = (default, 0);
        return false;
    }

    /// <summary>True while there is something to send again.</summary>
    public bool HasResend => _nextToResend < _next;

    /// <summary>Empties the window; returns what was in it.</summary>
    public List<Delivery> Clear()
    {
        var open = _ring.Where(e => e.IsOpen).Select(e => e.Delivery).ToList();
        Array.Clear(_ring);
        _first = _nextToResend = _next;
        return open;
    }

    private static ushort IdentifierOf(long sequence) => (ushort)((sequence % IdentifierCount) + 1);

    private readonly record struct Entry(Delivery Delivery, bool IsOpen);
}
