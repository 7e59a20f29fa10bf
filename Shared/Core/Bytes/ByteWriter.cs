using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace ZfRepl.Core.Bytes;

/// <summary>A growing little-endian byte buffer that is reused. Not thread-safe.</summary>
public sealed class ByteWriter(int capacity = 4096)
{
    private byte[] _buffer = new byte[capacity];

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>The room that it takes, in bytes.</summary>
    public int Capacity => _buffer.Length;

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, Length);

    /// <summary>Forgets what was written and keeps the room.</summary>
    public void Clear() => Length = 0;

    /// <summary>Takes back everything from an earlier length on.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length, nameof(length));
        Length = length;
    }

    /// <summary>Room for exactly <paramref name="count"/> bytes, counted as written, for the caller to fill.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Take(int count)
    {
        if (_buffer.Length - Length < count)
        {
            Grow(count);
        }

        var span = _buffer.AsSpan(Length, count);
        Length += count;
        return span;
    }

    /// <summary>Bytes that were written before, to be patched.</summary>
    public Span<byte> Patch(int offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + count, Length, nameof(count));
        return _buffer.AsSpan(offset, count);
    }

    /// <summary>Raw bytes.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>One byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteByte(byte value) => Take(1)[0] = value;

    /// <summary>16 bits.</summary>
    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), value);

    /// <summary>32 bits.</summary>
    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

    /// <summary>64 bits.</summary>
    public void WriteUInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);

    /// <summary>64 bits, signed.</summary>
    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    /// <summary>Seven bits a byte, least significant first, the top bit says that more follows; at most 10 bytes.</summary>
    public void WriteVarint(ulong value)
    {
        if (_buffer.Length - Length < 10)
        {
            Grow(10);
        }

        var position = Length;
        while (value >= 0x80)
        {
            _buffer[position++] = unchecked((byte)(value | 0x80));
            value >>= 7;
        }

        _buffer[position++] = (byte)value;
        Length = position;
    }

    /// <summary>A signed number as a varint, small magnitudes short: 0, -1, 1, -2 become 0, 1, 2, 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteZigzag(long value) => WriteVarint(unchecked((ulong)((value << 1) ^ (value >> 63))));

    /// <summary>Length as a varint, then the UTF-8 bytes. Half surrogate pairs become U+FFFD.</summary>
    public void WriteText(string text)
    {
        var count = Encoding.UTF8.GetByteCount(text);
        WriteVarint((ulong)count);
        Encoding.UTF8.GetBytes(text, Take(count));
    }

    private void Grow(int count)
    {
        var needed = checked(Length + count);
        Array.Resize(ref _buffer, Math.Max(needed, (int)Math.Min(_buffer.Length * 2L, Array.MaxLength)));
    }
}
