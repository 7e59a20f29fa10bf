using System.Buffers.Binary;
using System.Text;

namespace ZfRepl.Mqtt.Wire;

/// <summary>
/// Writes the data types of section 1.5. Without a target it only counts, so that one piece of code both measures a packet and writes it, and
/// the two cannot disagree. Values come from callers that have checked them; a value that does not fit is a defect and throws.
/// </summary>
internal ref struct WireWriter
{
    private readonly Span<byte> _target;
    private readonly bool _counting;
    private int _position;

    public WireWriter(Span<byte> target) => _target = target;

    private WireWriter(bool counting) => _counting = counting;

    public readonly int Position => _position;

    public static WireWriter Counter() => new(counting: true);

    public static int SizeOfVariableByteInteger(int value) => value switch
    {
        < 0 or > WireLimits.RemainingLengthMax => throw new ArgumentOutOfRangeException(nameof(value), value, "Does not fit four bytes."),
        < 1 << 7 => 1,
        < 1 << 14 => 2,
        < 1 << 21 => 3,
        _ => 4,
    };

    public void WriteByte(byte value)
    {
        if (!_counting)
        {
            _target[_position] = value;
        }

        _position++;
    }

    public void WriteUInt16(ushort value)
    {
        if (!_counting)
        {
            BinaryPrimitives.WriteUInt16BigEndian(_target[_position..], value);
        }

        _position += 2;
    }

    public void WriteUInt32(uint value)
    {
        if (!_counting)
        {
            BinaryPrimitives.WriteUInt32BigEndian(_target[_position..], value);
        }

        _position += 4;
    }

    public void WriteVariableByteInteger(int value)
    {
        for (var left = SizeOfVariableByteInteger(value); left > 1; left--)
        {
            WriteByte((byte)((value & 0x7F) | 0x80));
            value >>= 7;
        }

        WriteByte((byte)value);
    }

    public void WriteString(string value)
    {
        var length = Encoding.UTF8.GetByteCount(value);
        WriteUInt16(FieldLength(length));
        if (!_counting)
        {
            Encoding.UTF8.GetBytes(value, _target[_position..]);
        }

        _position += length;
    }

    public void WriteBinary(ReadOnlySpan<byte> value)
    {
        WriteUInt16(FieldLength(value.Length));
        WriteBytes(value);
    }

    public void WriteBytes(ReadOnlySpan<byte> value)
    {
        if (!_counting)
        {
            value.CopyTo(_target[_position..]);
        }

        _position += value.Length;
    }

    private static ushort FieldLength(int length) => length <= WireLimits.FieldLengthMax
        ? (ushort)length
        : throw new ArgumentOutOfRangeException(nameof(length), length, "A field holds at most 65,535 bytes.");
}
