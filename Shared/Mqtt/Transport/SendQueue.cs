using System.Buffers;
using System.Runtime.InteropServices;
using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Transport;

/// <summary>
/// The only way to the socket. Packets are encoded under a lock into pooled memory, one behind the other, and a single loop writes whatever has
/// gathered; so packets never interleave, small ones share a write, and a sender never waits for the network. Callers bound what they append by
/// looking at <see cref="PendingBytes"/>. After a failed write everything is dropped: the connection is over.
/// </summary>
internal sealed class SendQueue(TimeProvider time)
{
    private const int SegmentBytes = 32 * 1024;

    /// <summary>Payloads from this size on are worth a write of their own, if the owner lets them be sent from where they lie.</summary>
    private const int ReferBytesMin = 8 * 1024;

    /// <summary>Large packets are written in pieces, so that progress on a slow link can be seen.</summary>
    private const int PieceBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly AsyncSignal _wake = new();
    private List<Segment> _filling = [];
    private List<Segment> _writing = [];
    private bool _isCompleted;
    private bool _isBroken;
    private long _appended;
    private long _written;
    private long _lastSent = time.GetTimestamp();
    private long _stuckSince = long.MaxValue;

    /// <summary>Called by the writing loop after each write, outside of all locks.</summary>
    public Action? Written { get; set; }

    /// <summary>The reason for which writing failed.</summary>
    public string Error { get; private set; } = "";

    /// <summary>Bytes appended so far, written or not; the position of a packet is the value after its append.</summary>
    public long AppendedBytes => Volatile.Read(ref _appended);

    public long WrittenBytes => Volatile.Read(ref _written);

    /// <summary>Bytes that the socket has not taken yet.</summary>
    public long PendingBytes => Math.Max(0, AppendedBytes - WrittenBytes);

    /// <summary>Timestamp of the last completed write.</summary>
    public long LastSent => Volatile.Read(ref _lastSent);

    /// <summary>Timestamp at which the write under way began; far in the future when none is.</summary>
    public long StuckSince => Volatile.Read(ref _stuckSince);

    /// <summary>Appends one packet; false when the connection is over, and the packet is dropped.</summary>
    public bool Append<TCodec, TPacket>(in TPacket packet, MqttProtocolVersion version)
        where TCodec : IPacketCodec<TPacket>
    {
        var bodySize = PacketEncoder.MeasureBody<TCodec, TPacket>(packet, version);
        var size = PacketEncoder.PacketSize(bodySize);
        lock (_gate)
        {
            if (_isCompleted || _isBroken)
            {
                return false;
            }

            PacketEncoder.Write<TCodec, TPacket>(Reserve(size), packet, bodySize, version);
            Volatile.Write(ref _appended, _appended + size);
        }

        _wake.Set();
        return true;
    }

    /// <summary>As <see cref="Append"/>, but a large payload is not copied. It must never change.</summary>
    public bool AppendReferring(in PublishPacket packet, MqttProtocolVersion version)
    {
        if (packet.Payload.Length < ReferBytesMin)
        {
            return Append<PublishCodec, PublishPacket>(packet, version);
        }

        var counter = WireWriter.Counter();
        PublishCodec.WriteHead(ref counter, packet, version);
        var bodySize = counter.Position + packet.Payload.Length;
        var size = PacketEncoder.PacketSize(bodySize);
        lock (_gate)
        {
            if (_isCompleted || _isBroken)
            {
                return false;
            }

            var writer = new WireWriter(Reserve(size - packet.Payload.Length));
            writer.WriteByte(PacketEncoder.FirstByte<PublishCodec, PublishPacket>(packet));
            writer.WriteVariableByteInteger(bodySize);
            PublishCodec.WriteHead(ref writer, packet, version);
            _filling.Add(new Segment(null, packet.Payload, packet.Payload.Length));
            Volatile.Write(ref _appended, _appended + size);
        }

        _wake.Set();
        return true;
    }

    /// <summary>No more packets: the loop writes what is there and ends.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _isCompleted = true;
        }

        _wake.Set();
    }

    /// <summary>Writes until <see cref="Complete"/> (true) or until writing fails (false, see <see cref="Error"/>). Runs once.</summary>
    public async Task<bool> RunAsync(Stream stream)
    {
        try
        {
            while (await NextBatchAsync() is { } batch)
            {
                for (var i = 0; i < batch.Count; i++)
                {
                    await WriteAsync(stream, batch[i].Filled);
                    Release(batch[i]);
                    batch[i] = default;
                }
            }

            return true;
        }
        catch (Exception e) when (ConnectionFailure.Is(e))
        {
            Error = ConnectionFailure.Describe(e);
            return false;
        }
        finally
        {
            Abandon();
        }
    }

    private async ValueTask<List<Segment>?> NextBatchAsync()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_filling.Count > 0)
                {
                    _writing.Clear();
                    (_filling, _writing) = (_writing, _filling);
                    return _writing;
                }

                if (_isCompleted)
                {
                    return null;
                }
            }

            await _wake.WaitAsync();
        }
    }

    private async ValueTask WriteAsync(Stream stream, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(bytes.Length, PieceBytes)];
            Volatile.Write(ref _stuckSince, time.GetTimestamp());
            await stream.WriteAsync(piece);
            Volatile.Write(ref _stuckSince, long.MaxValue);
            Volatile.Write(ref _lastSent, time.GetTimestamp());
            Volatile.Write(ref _written, _written + piece.Length);
            Written?.Invoke();
            bytes = bytes[piece.Length..];
        }
    }

    /// <summary>Room for one packet, contiguous, at the end of what is being filled.</summary>
    private Span<byte> Reserve(int size)
    {
        if (_filling.Count > 0)
        {
            ref var last = ref CollectionsMarshal.AsSpan(_filling)[^1];
            if (last.Rented is { } array && array.Length - last.Count >= size)
            {
                var room = array.AsSpan(last.Count, size);
                last = last with { Count = last.Count + size };
                return room;
            }
        }

        var rented = ArrayPool<byte>.Shared.Rent(Math.Max(size, SegmentBytes));
        _filling.Add(new Segment(rented, rented, size));
        return rented.AsSpan(0, size);
    }

    /// <summary>Gives back what will not be written any more.</summary>
    private void Abandon()
    {
        lock (_gate)
        {
            _isBroken = true;
            foreach (var segment in _writing.Concat(_filling))
            {
                Release(segment);
            }

            _writing.Clear();
            _filling.Clear();
        }
    }

    private static void Release(in Segment segment)
    {
        if (segment.Rented is { } rented)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private readonly record struct Segment(byte[]? Rented, ReadOnlyMemory<byte> Memory, int Count)
    {
        public ReadOnlyMemory<byte> Filled => Memory[..Count];
    }
}
