using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Encoding;

/// <summary>Writes OPC UA Binary (OPC 10000-6, 5.2) into a pooled buffer that grows up to a limit.</summary>
/// <remarks>
/// When the limit is reached, <see cref="Overflowed"/> sticks and everything written from then on is dropped, so encoders need no
/// checks; who sends the bytes asks once at the end. Not thread-safe. <see cref="Dispose"/> gives the buffer back: nobody may hold
/// a span of it after that.
/// </remarks>
internal sealed partial class UaWriter : IDisposable
{
    /// <summary>Enough for every message that we build ourselves, unless told otherwise.</summary>
    public const int DefaultBytesMax = 64 << 20;

    /// <summary>No fixed-size item is longer, so that after an overflow there is always room to write into nothing.</summary>
    private const int BufferBytesMin = 256;

    private readonly int _bytesMax;
    private byte[] _buffer;
    private int _length;

    public UaWriter(int bytesMax = DefaultBytesMax, int initialBytes = 1024)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytesMax, BufferBytesMin);
        _bytesMax = bytesMax;
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Clamp(initialBytes, BufferBytesMin, bytesMax));
    }

    /// <summary>True when the limit was exceeded: what was written is incomplete and must not be sent.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>Bytes written so far.</summary>
    public int Length => _length;

    public ReadOnlySpan<byte> WrittenSpan => _buffer.AsSpan(0, _length);

    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, _length);

    /// <summary>The written bytes for changing them in place, as encryption does.</summary>
    public Span<byte> WrittenBytes => _buffer.AsSpan(0, _length);

    /// <summary>Forgets what was written and keeps the buffer.</summary>
    public void Clear()
    {
        _length = 0;
        Overflowed = false;
    }

    /// <summary>Forgets everything from <paramref name="length"/> on.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _length);
        _length = length;
    }

    public void Dispose()
    {
        var buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        _length = 0;
    }

    public void WriteBoolean(bool value) => WriteByte(value ? (byte)1 : (byte)0);

    public void WriteByte(byte value) => Reserve(1)[0] = value;

    public void WriteSByte(sbyte value) => WriteByte(unchecked((byte)value));

    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Reserve(sizeof(ushort)), value);

    public void WriteInt16(short value) => BinaryPrimitives.WriteInt16LittleEndian(Reserve(sizeof(short)), value);

    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(sizeof(uint)), value);

    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Reserve(sizeof(int)), value);

    public void WriteUInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Reserve(sizeof(ulong)), value);

    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Reserve(sizeof(long)), value);

    public void WriteFloat(float value) => WriteUInt32(BitConverter.SingleToUInt32Bits(value));

    public void WriteDouble(double value) => WriteUInt64(BitConverter.DoubleToUInt64Bits(value));

    public void WriteDateTime(UaDateTime value) => WriteInt64(value.Ticks);

    public void WriteStatusCode(StatusCode value) => WriteUInt32(value.Value);

    public void WriteGuid(Guid value) => value.TryWriteBytes(Reserve(16));

    public void WriteString(string? value)
    {
        if (value is null)
        {
            WriteInt32(-1);
            return;
        }

        var length = System.Text.Encoding.UTF8.GetByteCount(value);
        WriteInt32(length);
        if (TryReserve(length, out var span))
        {
            System.Text.Encoding.UTF8.GetBytes(value, span);
        }
    }

    /// <summary>A byte string; null travels as -1.</summary>
    public void WriteByteString(byte[]? value)
    {
        if (value is null)
        {
            WriteInt32(-1);
            return;
        }

        WriteByteString(value.AsSpan());
    }

    public void WriteByteString(ReadOnlySpan<byte> value)
    {
        WriteInt32(value.Length);
        WriteRaw(value);
    }

    /// <summary>Bytes without a length before them.</summary>
    public void WriteRaw(ReadOnlySpan<byte> value)
    {
        if (TryReserve(value.Length, out var span))
        {
            value.CopyTo(span);
        }
    }

    /// <summary>A list of structures.</summary>
    public void WriteArray<T>(ReadOnlySpan<T> items)
        where T : IEncodable
    {
        WriteInt32(items.Length);
        foreach (var item in items)
        {
            item.Encode(this);
        }
    }

    /// <summary>Leaves room for a 32-bit number that is known later; give the result to <see cref="PatchInt32"/>.</summary>
    public int ReserveInt32()
    {
        WriteInt32(0);
        return _length - sizeof(int);
    }

    /// <summary>Fills in what <see cref="ReserveInt32"/> left open.</summary>
    public void PatchInt32(int offset, int value)
    {
        if (!Overflowed)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(offset, sizeof(int)), value);
        }
    }

    /// <summary>Room for <paramref name="count"/> bytes that the caller fills; false when the limit is exceeded.</summary>
    public bool TryReserve(int count, out Span<byte> span)
    {
        if (Overflowed || count > _bytesMax - _length)
        {
            Overflowed = true;
            span = default;
            return false;
        }

        Grow(count);
        span = _buffer.AsSpan(_length, count);
        _length += count;
        return true;
    }

    /// <summary>Elements whose encoding equals their layout in memory.</summary>
    private void WritePrimitives<T>(ReadOnlySpan<T> items)
        where T : unmanaged
    {
        WriteInt32(items.Length);
        WriteRaw(MemoryMarshal.AsBytes(items));
    }

    private Span<byte> Reserve(int count)
    {
        if (!Overflowed && count <= _buffer.Length - _length && count <= _bytesMax - _length)
        {
            var span = _buffer.AsSpan(_length, count);
            _length += count;
            return span;
        }

        return TryReserve(count, out var grown) ? grown : _buffer.AsSpan(0, count);
    }

    private void Grow(int count)
    {
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        var needed = _length + count;
        if (needed <= _buffer.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(needed, 2L * _buffer.Length), Math.Max(needed, _bytesMax)));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
