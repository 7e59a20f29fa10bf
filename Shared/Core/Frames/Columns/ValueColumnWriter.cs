using System.Buffers.Binary;
using System.Numerics;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>
/// Values of one segment (events of one series and one kind) after the other → streams. The scratch space is reused. Not thread-safe.
/// </summary>
internal sealed class ValueColumnWriter(ByteWriter[] streams)
{
    private const int MaxClass = 7;

    private long[] _integers = [];
    private ulong[] _differences = [];
    private int[] _exceptions = [];

    /// <summary>The bytes of texts, bytes and composites of the frame, each as often as it occurs.</summary>
    public long ObjectBytes { get; private set; }

    /// <summary>Begins a frame.</summary>
    /// <param name="maxCount">The most events that a segment of it has.</param>
    public void Begin(int maxCount)
    {
        Scratch.Reserve(ref _integers, maxCount);
        Scratch.Reserve(ref _differences, maxCount);
        Scratch.Reserve(ref _exceptions, maxCount);
        ObjectBytes = 0;
    }

    /// <summary>Writes a segment of scalars.</summary>
    public void WriteScalars(ValueKind kind, ReadOnlySpan<ulong> bits)
    {
        if (kind is ValueKind.Float or ValueKind.Double)
        {
            WriteFloats(kind, bits);
        }
        else if (bits.IndexOfAnyExcept(bits[0]) < 0)
        {
            streams[ColumnStream.ValueShapes].WriteByte(ValueShape.Make(ValueShape.Constant));
            streams[ColumnStream.Firsts].WriteZigzag(unchecked((long)bits[0]));
        }
        else if (kind == ValueKind.Boolean && bits.IndexOfAnyExceptInRange(0UL, 1UL) < 0)
        {
            WriteBooleans(bits);
        }
        else
        {
            for (var i = 0; i < bits.Length; i++)
            {
                _integers[i] = unchecked((long)bits[i]);
            }

            WriteDifferences(ValueShape.Integers, _integers.AsSpan(0, bits.Length));
        }
    }

    /// <summary>Writes a segment of texts, bytes or composites.</summary>
    /// <param name="kind">Their kind.</param>
    /// <param name="references">All references of the batch.</param>
    /// <param name="source">Where in the batch the values of the segment are.</param>
    public void WriteObjects(ValueKind kind, ReadOnlySpan<object?> references, ReadOnlySpan<int> source)
    {
        for (var i = 0; i < source.Length;)
        {
            var reference = references[source[i]];
            var run = 1;
            while (i + run < source.Length && IsSame(kind, reference, references[source[i + run]]))
            {
                run++;
            }

            streams[ColumnStream.ObjectRuns].WriteVarint((ulong)run);
            var before = streams[ColumnStream.Objects].Length;
            ValueCodec.Write(streams[ColumnStream.Objects], kind, 0, reference);
            ObjectBytes += (long)(streams[ColumnStream.Objects].Length - before) * run;
            i += run;
        }
    }

    private static bool IsSame(ValueKind kind, object? one, object? other) =>
        ReferenceEquals(one, other) || new TelemetryValue(kind, 0, one).Equals(new TelemetryValue(kind, 0, other));

    private void WriteFloats(ValueKind kind, ReadOnlySpan<ulong> bits)
    {
        var isFloat = kind == ValueKind.Float;
        if (bits.IndexOfAnyExcept(bits[0]) < 0)
        {
            WriteConstant(bits, isFloat);
            return;
        }

        var integers = _integers.AsSpan(0, bits.Length);
        var scale = DecimalScale.Find(bits, isFloat, integers, _exceptions, out var exceptionCount);
        if (scale < 0)
        {
            WriteXor(bits);
            return;
        }

        streams[ColumnStream.Scales].WriteByte((byte)(scale | (exceptionCount > 0 ? ColumnStream.HasExceptions : 0)));
        WriteDifferences(ValueShape.Decimals, integers);
        if (exceptionCount == 0)
        {
            return;
        }

        var output = streams[ColumnStream.Exceptions];
        output.WriteVarint((ulong)exceptionCount);
        var next = 0;
        foreach (var place in _exceptions.AsSpan(0, exceptionCount))
        {
            output.WriteVarint((ulong)(place - next));
            output.WriteUInt64(bits[place]);
            next = place + 1;
        }
    }

    private void WriteConstant(ReadOnlySpan<ulong> bits, bool isFloat)
    {
        var scale = DecimalScale.Find(bits[0], isFloat, out var integer);
        if (scale < 0)
        {
            WriteXor(bits);
            return;
        }

        streams[ColumnStream.ValueShapes].WriteByte(ValueShape.Make(ValueShape.ConstantDecimal));
        streams[ColumnStream.Scales].WriteByte((byte)scale);
        streams[ColumnStream.Firsts].WriteZigzag(integer);
    }

    private void WriteDifferences(int mode, ReadOnlySpan<long> integers)
    {
        unchecked
        {
            var differences = _differences.AsSpan(0, integers.Length - 1);
            var previous = integers[0];
            var bits = 0;
            for (var i = 0; i < differences.Length; i++)
            {
                var integer = integers[i + 1];
                var difference = Numbers.Zigzag(integer - previous);
                previous = integer;
                differences[i] = difference;
                bits += Numbers.Bits(difference);
            }

            // Series of one liveliness share a stream: half a bit is one class.
            var count = Math.Max(differences.Length, 1);
            var lowBytes = Math.Min(bits / count / 8, 3);
            var magnitude = Math.Clamp((bits * 2 + count / 2) / count - lowBytes * 16, 0, MaxClass);
            streams[ColumnStream.ValueShapes].WriteByte(ValueShape.Make(mode, lowBytes, magnitude));
            streams[ColumnStream.Firsts].WriteZigzag(integers[0]);
            Numbers.Write(streams[ColumnStream.Values + magnitude], streams[ColumnStream.ValueLows], lowBytes, differences);
        }
    }

    private void WriteBooleans(ReadOnlySpan<ulong> bits)
    {
        streams[ColumnStream.ValueShapes].WriteByte(ValueShape.Make(ValueShape.Booleans));
        var output = streams[ColumnStream.BooleanRuns];
        var value = 0UL;
        while (true)
        {
            var run = bits.IndexOfAnyExcept(value);
            output.WriteVarint((ulong)(run < 0 ? bits.Length : run));
            if (run < 0)
            {
                return;
            }

            bits = bits[run..];
            value ^= 1;
        }
    }

    private void WriteXor(ReadOnlySpan<ulong> bits)
    {
        unchecked
        {
            streams[ColumnStream.ValueShapes].WriteByte(ValueShape.Make(ValueShape.Xor));
            var shapes = streams[ColumnStream.XorShapes].Take(bits.Length);
            var output = streams[ColumnStream.XorBytes];
            var start = output.Length;
            var target = output.Take((bits.Length + 1) * 8);
            var position = 0;
            var previous = 0UL;
            for (var i = 0; i < bits.Length; i++)
            {
                var value = bits[i] ^ previous;
                previous = bits[i];
                var skipped = value == 0 ? 0 : BitOperations.TrailingZeroCount(value) / 8;
                var length = (Numbers.Bits(value) + 7) / 8 - skipped;
                shapes[i] = (byte)(skipped | (length << 4));
                BinaryPrimitives.WriteUInt64LittleEndian(target[position..], value >> (skipped * 8));
                position += length;
            }

            output.Truncate(start + position);
        }
    }
}
