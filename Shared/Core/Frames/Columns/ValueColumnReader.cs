using System.Buffers.Binary;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>Streams → values of one segment after the other. The bytes may be hostile. Not thread-safe.</summary>
internal sealed class ValueColumnReader
{
    private ulong[] _differences = [];
    private long _objectBytes;

    /// <summary>Begins a frame.</summary>
    public void Begin() => _objectBytes = 0;

    /// <summary>Reads a segment of scalars.</summary>
    /// <param name="streams">The streams.</param>
    /// <param name="kind">A kind that was checked to be known and scalar.</param>
    /// <param name="bits">Gets the values.</param>
    /// <returns>Null, or what is wrong.</returns>
    public string? ReadScalars(StreamCursor[] streams, ValueKind kind, Span<ulong> bits) =>
        ReadBits(streams, kind, bits) ?? (Fit(kind, bits) ? null : $"a value of kind {(byte)kind} does not fit into its kind");

    private string? ReadBits(StreamCursor[] streams, ValueKind kind, Span<ulong> bits)
    {
        if (!streams[ColumnStream.ValueShapes].TryByte(out var shape))
        {
            return "the shapes of values end early";
        }

        var isFloating = kind is ValueKind.Float or ValueKind.Double;
        switch (shape & 7)
        {
            case ValueShape.Constant when shape == ValueShape.Constant && !isFloating:
                if (!streams[ColumnStream.Firsts].TryZigzag(out var constant))
                {
                    return "the first values end early";
                }

                bits.Fill(unchecked((ulong)constant));
                return null;
            case ValueShape.Integers when !isFloating:
                return ReadDifferences(streams, shape, bits, out var first) ? SumIntegers(bits, first) : "the values end early or are impossible";
            case ValueShape.Decimals when isFloating:
                return ReadDecimals(streams, shape, kind == ValueKind.Float, bits);
            case ValueShape.ConstantDecimal when shape == ValueShape.ConstantDecimal && isFloating:
                return ReadConstant(streams, kind == ValueKind.Float, bits);
            case ValueShape.Xor when shape == ValueShape.Xor && isFloating:
                return ReadXor(streams, bits);
            case ValueShape.Booleans when shape == ValueShape.Booleans && kind == ValueKind.Boolean:
                return ReadBooleans(streams, bits);
            default:
                return $"the shape {shape} of values of kind {(byte)kind} is not known to this version";
        }
    }

    /// <summary>Reads a segment of texts, bytes or composites.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? ReadObjects(StreamCursor[] streams, ValueKind kind, Span<object?> references)
    {
        while (references.Length > 0)
        {
            if (!streams[ColumnStream.ObjectRuns].TryRun(references.Length, out var run))
            {
                return "the runs of texts, bytes and composites end early or are impossible";
            }

            var input = new ByteReader(streams[ColumnStream.Objects].Remaining);
            var (_, reference) = ValueCodec.Read(ref input, kind);
            if (!input.IsOk)
            {
                return input.Error;
            }

            // One value in a run of many is one object here; whoever writes the events out would write it as often.
            _objectBytes += (long)input.Position * run;
            if (_objectBytes > ColumnStream.MaxRawBytes)
            {
                return $"texts, bytes and composites take more than {ColumnStream.MaxRawBytes} bytes";
            }

            streams[ColumnStream.Objects].Skip(input.Position);
            references[..run].Fill(reference);
            references = references[run..];
        }

        return null;
    }

    /// <summary>
    /// True where the kinds of one and of four bytes hold no more than that, as in rows: such a value is cut wherever it is written anew, and must
    /// not become another one by that.
    /// </summary>
    private static bool Fit(ValueKind kind, ReadOnlySpan<ulong> bits)
    {
        switch (kind)
        {
            case ValueKind.Boolean or ValueKind.Byte:
                return Union(bits) <= byte.MaxValue;
            case ValueKind.Float or ValueKind.StatusCode:
                return Union(bits) <= uint.MaxValue;
            case ValueKind.SByte:
                foreach (var value in bits)
                {
                    if (unchecked((long)value) is < sbyte.MinValue or > sbyte.MaxValue)
                    {
                        return false;
                    }
                }

                return true;
            default:
                return true;
        }
    }

    private static ulong Union(ReadOnlySpan<ulong> bits)
    {
        var union = 0UL;
        foreach (var value in bits)
        {
            union |= value;
        }

        return union;
    }

    private bool ReadDifferences(StreamCursor[] streams, int shape, Span<ulong> bits, out long first)
    {
        Scratch.Reserve(ref _differences, bits.Length - 1);
        var differences = _differences.AsSpan(0, bits.Length - 1);
        return streams[ColumnStream.Firsts].TryZigzag(out first)
            && Numbers.TryRead(ref streams[ColumnStream.Values + (shape >> 5)], ref streams[ColumnStream.ValueLows], (shape >> 3) & 3, differences);
    }

    private string? SumIntegers(Span<ulong> bits, long first)
    {
        unchecked
        {
            var value = first;
            bits[0] = (ulong)value;
            for (var i = 1; i < bits.Length; i++)
            {
                value += Numbers.Unzigzag(_differences[i - 1]);
                bits[i] = (ulong)value;
            }

            return null;
        }
    }

    private static string? ReadConstant(StreamCursor[] streams, bool isFloat, Span<ulong> bits)
    {
        if (!streams[ColumnStream.Scales].TryByte(out var scale)
            || scale > DecimalScale.Max
            || !streams[ColumnStream.Firsts].TryZigzag(out var integer))
        {
            return "the scales or first values end early or are impossible";
        }

        bits.Fill(DecimalScale.ToBits(integer, DecimalScale.Divisor(scale), isFloat));
        return null;
    }

    private string? ReadDecimals(StreamCursor[] streams, int shape, bool isFloat, Span<ulong> bits)
    {
        if (!streams[ColumnStream.Scales].TryByte(out var scale) || (scale & ~ColumnStream.HasExceptions) > DecimalScale.Max)
        {
            return "the scales end early or are impossible";
        }

        if (!ReadDifferences(streams, shape, bits, out var value))
        {
            return "the values end early or are impossible";
        }

        unchecked
        {
            var divisor = DecimalScale.Divisor(scale & ~ColumnStream.HasExceptions);
            bits[0] = DecimalScale.ToBits(value, divisor, isFloat);
            for (var i = 1; i < bits.Length; i++)
            {
                value += Numbers.Unzigzag(_differences[i - 1]);
                bits[i] = DecimalScale.ToBits(value, divisor, isFloat);
            }
        }

        return (scale & ColumnStream.HasExceptions) == 0 || TryExceptions(ref streams[ColumnStream.Exceptions], bits)
            ? null
            : "the exceptions end early or are impossible";
    }

    private static bool TryExceptions(ref StreamCursor input, Span<ulong> bits)
    {
        if (!input.TryRun(bits.Length, out var count))
        {
            return false;
        }

        for (; count > 0; count--)
        {
            if (!input.TryVarint(out var gap) || gap >= (ulong)bits.Length || !input.TryTake(8, out var bytes))
            {
                return false;
            }

            bits[(int)gap] = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            bits = bits[((int)gap + 1)..];
        }

        return true;
    }

    private static string? ReadBooleans(StreamCursor[] streams, Span<ulong> bits)
    {
        // Only the first run may be empty.
        var (value, least) = (0UL, 0UL);
        while (bits.Length > 0)
        {
            if (!streams[ColumnStream.BooleanRuns].TryVarint(out var run) || run < least || run > (ulong)bits.Length)
            {
                return "the runs of booleans end early or are impossible";
            }

            bits[..(int)run].Fill(value);
            bits = bits[(int)run..];
            value ^= 1;
            least = 1;
        }

        return null;
    }

    private static string? ReadXor(StreamCursor[] streams, Span<ulong> bits)
    {
        const string Impossible = "the bytes of values end early or are impossible";
        if (!streams[ColumnStream.XorShapes].TryTake(bits.Length, out var shapes))
        {
            return Impossible;
        }

        unchecked
        {
            var bytes = streams[ColumnStream.XorBytes].Remaining;
            var position = 0;
            var value = 0UL;
            for (var i = 0; i < bits.Length; i++)
            {
                var skipped = shapes[i] & 0x0F;
                var length = shapes[i] >> 4;
                if (skipped + length > 8 || length > bytes.Length - position)
                {
                    return Impossible;
                }

                ulong difference = 0;
                if (bytes.Length - position >= 8)
                {
                    difference = BinaryPrimitives.ReadUInt64LittleEndian(bytes[position..]);
                    difference &= length == 8 ? ulong.MaxValue : (1UL << (length * 8)) - 1;
                }
                else
                {
                    for (var k = length - 1; k >= 0; k--)
                    {
                        difference = (difference << 8) | bytes[position + k];
                    }
                }

                position += length;
                value ^= skipped == 8 ? 0 : difference << (skipped * 8);
                bits[i] = value;
            }

            streams[ColumnStream.XorBytes].Skip(position);
        }

        return null;
    }
}
