namespace ZfRepl.Mqtt.Transport;

/// <summary>Hands out packet identifiers, 1 to 65,535, round and round, and never one that is still in use [MQTT-2.2.1-2]. Thread-safe.</summary>
internal sealed class PacketIdentifiers
{
    private readonly Lock _gate = new();
    private readonly HashSet<ushort> _used = [];
    private ushort _last;

    /// <summary>An identifier for the caller, who bounds how many he takes; throws when all are taken.</summary>
    public ushort Take()
    {
        lock (_gate)
        {
            if (_used.Count == ushort.MaxValue)
            {
                throw new InvalidOperationException("All packet identifiers are in use.");
            }

            do
            {
                _last = _last == ushort.MaxValue ? (ushort)1 : (ushort)(_last + 1);
            }
            while (!_used.Add(_last));
            return _last;
        }
    }

    public void Release(ushort identifier)
    {
        lock (_gate)
        {
            _used.Remove(identifier);
        }
    }
}
