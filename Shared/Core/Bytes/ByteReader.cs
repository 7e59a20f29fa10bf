using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;

namespace ZfRepl.Core.Bytes;

/// <summary>
/// Reads what <see cref="ByteWriter"/> wrote, out of bytes that may be hostile. Never throws and never reads past the end: the first
/// failure sticks in <see cref="Error"/>, and everything after it reads as zero.
/// </summary>
public ref struct ByteReader
{
    private readonly ReadOnlySpan<byte> _bytes;

    /// <summary>A reader from the first byte.</summary>
    public ByteReader(ReadOnlySpan<byte> bytes)
    {
        _bytes = bytes;
        Position = 0;
        Error = null;
    }

    /// <summary>The offset of the next byte; after a failure the offset where it happened.</summary>
    public int Position { get; private set; }

    /// <summary>What is wrong, or null.</summary>
    public string? Error { get; private set; }

    /// <summary>True as long as nothing was wrong.</summary>
    public readonly bool IsOk => Error is null;

    /// <summary>Bytes left.</summary>
    public readonly int Remaining => _bytes.Length - Position;

    /// <summary>Records a failure; the first one counts.</summary>
    public void Fail(string error) => Error ??= error;

    /// <summary>Raw bytes; empty after a failure.</summary>
    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if (Error is not null || (uint)count > (uint)Remaining)
        {
            Fail($"{count} bytes are announced, {Remaining} are left");
            return default;
        }

        var span = _bytes.Slice(Position, count);
        Position += count;
        return span;
    }

    /// <summary>One byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte ReadByte()
    {
        if (Error is null && Position < _bytes.Length)
        {
            return _bytes[Position++];
        }

        Fail("the bytes end early");
        return 0;
    }

    /// <summary>16 bits.</summary>
    public ushort ReadUInt16()
    {
        var span = ReadBytes(2);
        return span.Length == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(span) : (ushort)0;
    }

    /// <summary>32 bits.</summary>
    public uint ReadUInt32()
    {
        var span = ReadBytes(4);
        return span.Length == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(span) : 0;
    }

    /// <summary>64 bits.</summary>
    public ulong ReadUInt64()
    {
        var span = ReadBytes(8);
        return span.Length == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(span) : 0;
    }

    /// <summary>64 bits, signed.</summary>
    public long ReadInt64() => unchecked((long)ReadUInt64());

    /// <summary>A varint of at most 10 bytes and 64 bits.</summary>
    public ulong ReadVarint()
    {
        var first = ReadByte();
        return first < 0x80 ? first : ReadLongVarint(first);
    }

    /// <summary>A zigzag varint.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long ReadZigzag()
    {
        var raw = ReadVarint();
        return unchecked((long)(raw >> 1) ^ -(long)(raw & 1));
    }

    /// <summary>A count of things that take at least <paramref name="minBytesEach"/> bytes, so that it can be trusted for allocation.</summary>
    public int ReadCount(int minBytesEach, int max)
    {
        var count = ReadVarint();
        if (count > (ulong)max)
        {
            Fail($"a count of {count} is more than the {max} allowed");
            return 0;
        }

        if (count * (ulong)minBytesEach > (ulong)Remaining)
        {
            Fail($"a count of {count} does not fit into the {Remaining} bytes left");
            return 0;
        }

        return (int)count;
    }

    /// <summary>Length and UTF-8 bytes as text.</summary>
    public string ReadText(int maxBytes)
    {
        var bytes = ReadBytes(ReadCount(1, maxBytes));
        if (!Utf8.IsValid(bytes))
        {
            Fail("a text is not valid UTF-8");
            return "";
        }

        return Encoding.UTF8.GetString(bytes);
    }

    private ulong ReadLongVarint(byte first)
    {
        ulong value = first & 0x7Fu;
        for (var shift = 7; shift < 64; shift += 7)
        {
            var next = ReadByte();
            if (shift == 63 && next > 1)
            {
                Fail("a number is longer than 64 bits");
                return 0;
            }

            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        Fail("a number is longer than 10 bytes");
        return 0;
    }
}
