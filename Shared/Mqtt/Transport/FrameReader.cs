using System.Buffers;
using ZfRepl.Mqtt.Wire;

namespace ZfRepl.Mqtt.Transport;

/// <summary>What came of waiting for bytes.</summary>
internal enum FillOutcome
{
    /// <summary>More bytes are in the buffer.</summary>
    Data,

    /// <summary>The peer closed its side in order.</summary>
    EndOfStream,

    /// <summary>The connection broke, or was aborted from this side; <see cref="FrameReader.Error"/> says how.</summary>
    Failed,
}

/// <summary>
/// Cuts a byte stream into packets. The buffer is pooled. It grows only towards a length that has been checked, and beyond
/// <see cref="EagerBytesMax"/> only as fast as bytes really arrive, so that a peer cannot make this side allocate by announcing.
/// One loop reads; the counters may be read from any thread.
/// </summary>
internal sealed class FrameReader(Stream stream, int packetSizeMax, TimeProvider time) : IDisposable
{
    private const int SmallBufferBytes = 16 * 1024;
    private const int EagerBytesMax = 64 * 1024;

    /// <summary>A large buffer goes back to the pool after this many packets in a row that a small one would have held.</summary>
    private const int SmallPacketsBeforeShrinking = 64;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(SmallBufferBytes);
    private int _start;
    private int _end;
    private int _packetSize;
    private int _smallPackets;
    private long _bytesReceived;
    private long _lastReceived = time.GetTimestamp();
    private bool _isWaiting;

    /// <summary>The bound for a whole packet, header included, in bytes.</summary>
    public int PacketSizeMax { get; set; } = packetSizeMax;

    /// <summary>The reason of the last <see cref="FillOutcome.Failed"/>.</summary>
    public string Error { get; private set; } = "";

    /// <summary>The memory that is held at the moment.</summary>
    public int BufferBytes => _buffer.Length;

    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    /// <summary>Timestamp of the last bytes that arrived, or of the moment in which waiting for some began, if that is later.</summary>
    public long LastHeard => Volatile.Read(ref _lastReceived);

    /// <summary>False while this side does not read; silence of the peer means nothing then.</summary>
    public bool IsWaiting => Volatile.Read(ref _isWaiting);

    /// <summary>The next complete packet, if there is one. Its body is valid until the next call of this method or of <see cref="FillAsync"/>.</summary>
    public bool TryNext(out FixedHeader header, out ReadOnlyMemory<byte> body, out WireFault fault)
    {
        body = default;
        if (!FixedHeader.TryRead(_buffer.AsSpan(_start, _end - _start), PacketSizeMax, out header, out fault))
        {
            _packetSize = 0;
            return false;
        }

        _packetSize = header.Size + header.BodyLength;
        if (_end - _start < _packetSize)
        {
            return false;
        }

        body = _buffer.AsMemory(_start + header.Size, header.BodyLength);
        _start += _packetSize;
        _smallPackets = _packetSize <= SmallBufferBytes ? _smallPackets + 1 : 0;
        _packetSize = 0;
        return true;
    }

    /// <summary>Waits until more bytes arrive.</summary>
    public async ValueTask<FillOutcome> FillAsync()
    {
        MakeRoom();
        try
        {
            Volatile.Write(ref _lastReceived, time.GetTimestamp());
            Volatile.Write(ref _isWaiting, true);
            var count = await stream.ReadAsync(_buffer.AsMemory(_end));
            Volatile.Write(ref _isWaiting, false);
            Volatile.Write(ref _lastReceived, time.GetTimestamp());
            _end += count;
            Volatile.Write(ref _bytesReceived, _bytesReceived + count);
            return count == 0 ? FillOutcome.EndOfStream : FillOutcome.Data;
        }
        catch (Exception e) when (ConnectionFailure.Is(e))
        {
            Volatile.Write(ref _isWaiting, false);
            Error = ConnectionFailure.Describe(e);
            return FillOutcome.Failed;
        }
    }

    /// <summary>Throws away what arrives until the peer closes or the connection is aborted.</summary>
    public async Task DrainAsync()
    {
        do
        {
            _start = _end = 0;
            _packetSize = 0;
        }
        while (await FillAsync() == FillOutcome.Data);
    }

    /// <summary>Gives the buffer back, unless a read is under way that may still write into it.</summary>
    public void Dispose()
    {
        if (!IsWaiting && _buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = [];
        _start = _end = 0;
    }

    private void MakeRoom()
    {
        var pending = _end - _start;
        if (pending == 0)
        {
            _start = _end = 0;
        }

        if (pending == 0 && _buffer.Length > EagerBytesMax && _smallPackets >= SmallPacketsBeforeShrinking)
        {
            Resize(SmallBufferBytes);
            return;
        }

        var wanted = _packetSize == 0 ? pending + 1 : Math.Min(_packetSize, Math.Max((long)pending * 2, EagerBytesMax));
        if (_buffer.Length - _start >= wanted && _end < _buffer.Length)
        {
            return;
        }

        if (_buffer.Length >= wanted && pending < _buffer.Length)
        {
            _buffer.AsSpan(_start, pending).CopyTo(_buffer);
            (_start, _end) = (0, pending);
        }
        else
        {
            Resize((int)Math.Max(wanted, pending + 1));
        }
    }

    private void Resize(int size)
    {
        var pending = _end - _start;
        var next = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(_start, pending).CopyTo(next);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = next;
        (_start, _end) = (0, pending);
    }
}
