using System.Buffers.Binary;
using System.Text;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames;

/// <summary>
/// Values ↔ bytes (docs/format.md, "Value"). Exact for every bit pattern. Reading takes hostile bytes: sizes and nesting are bounded
/// before anything is allocated.
/// </summary>
internal static class ValueCodec
{
    /// <summary>How deep lists, maps and composites may nest: what OPC UA allows at most.</summary>
    public const int MaxDepth = 100;

    private const int MaxTextBytes = FrameHeader.MaxFrameBytes;

    public static void Write(ByteWriter output, ValueKind kind, ulong bits, object? reference, int depth = 0)
    {
        switch (kind)
        {
            case ValueKind.Null:
                break;
            case ValueKind.Boolean or ValueKind.SByte or ValueKind.Byte:
                output.WriteByte(unchecked((byte)bits));
                break;
            case ValueKind.Int16 or ValueKind.Int32 or ValueKind.Int64 or ValueKind.DateTime:
                output.WriteZigzag(unchecked((long)bits));
                break;
            case ValueKind.UInt16 or ValueKind.UInt32 or ValueKind.UInt64:
                output.WriteVarint(bits);
                break;
            case ValueKind.Float or ValueKind.StatusCode:
                output.WriteUInt32(unchecked((uint)bits));
                break;
            case ValueKind.Double:
                output.WriteUInt64(bits);
                break;
            case ValueKind.Guid:
                output.WriteBytes(((byte[])reference!).AsSpan(0, 16));
                break;
            case ValueKind.ByteString:
                var bytes = (byte[])reference!;
                output.WriteVarint((ulong)bytes.Length);
                output.WriteBytes(bytes);
                break;
            default:
                WriteReference(output, kind, reference!, depth);
                break;
        }
    }

    /// <summary>Reads a value of a known kind; the caller looks at the reader's error afterwards.</summary>
    public static (ulong Bits, object? Reference) Read(ref ByteReader input, ValueKind kind, int depth = 0) => kind switch
    {
        ValueKind.Null => (0, null),
        ValueKind.Boolean or ValueKind.Byte => (input.ReadByte(), null),
        ValueKind.SByte => (unchecked((ulong)(sbyte)input.ReadByte()), null),
        ValueKind.Int16 or ValueKind.Int32 or ValueKind.Int64 or ValueKind.DateTime => (unchecked((ulong)input.ReadZigzag()), null),
        ValueKind.UInt16 or ValueKind.UInt32 or ValueKind.UInt64 => (input.ReadVarint(), null),
        ValueKind.Float or ValueKind.StatusCode => (input.ReadUInt32(), null),
        ValueKind.Double => (input.ReadUInt64(), null),
        ValueKind.Guid => (0, ReadGuid(ref input)),
        ValueKind.ByteString => (0, input.ReadBytes(input.ReadCount(1, MaxTextBytes)).ToArray()),
        _ => (0, ReadReference(ref input, kind, depth)),
    };

    private static byte[] ReadGuid(ref ByteReader input)
    {
        var bytes = input.ReadBytes(16);
        return bytes.Length == 16 ? bytes.ToArray() : new byte[16];
    }

    private static void WriteReference(ByteWriter output, ValueKind kind, object reference, int depth)
    {
        if (depth >= MaxDepth)
        {
            throw new ArgumentException($"A value nests deeper than {MaxDepth} levels.", nameof(reference));
        }

        switch (kind)
        {
            case ValueKind.Array:
                WriteArray(output, (TelemetryArray)reference, depth);
                break;
            case ValueKind.List:
                var items = (TelemetryValue[])reference;
                output.WriteVarint((ulong)items.Length);
                WriteTagged(output, items, depth);
                break;
            case ValueKind.Map:
                var map = (TelemetryMap)reference;
                output.WriteVarint((ulong)map.Keys.Length);
                for (var i = 0; i < map.Keys.Length; i++)
                {
                    WriteText(output, map.Keys[i]);
                    WriteTagged(output, map.Items.AsSpan(i, 1), depth);
                }

                break;
            case var _ when TelemetryValue.IsText(kind):
                WriteText(output, (string)reference);
                break;
            case var _ when TelemetryValue.FieldCount(kind) is > 0 and var fields:
                WriteTagged(output, ((TelemetryValue[])reference).AsSpan(0, fields), depth);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "This kind cannot be written.");
        }
    }

    private static void WriteArray(ByteWriter output, TelemetryArray array, int depth)
    {
        output.WriteByte((byte)array.ElementKind);
        var dimensions = array.Dimensions ?? [];
        output.WriteVarint((ulong)dimensions.Length);
        foreach (var dimension in dimensions)
        {
            output.WriteVarint((ulong)dimension);
        }

        output.WriteVarint((ulong)array.Items.Length);
        if (array.ElementKind == ValueKind.Null)
        {
            WriteTagged(output, array.Items, depth);
            return;
        }

        foreach (ref readonly var item in array.Items.AsSpan())
        {
            // A text or byte string among others may be null: one byte says whether it is there.
            if (!TelemetryValue.IsScalar(array.ElementKind))
            {
                output.WriteByte(item.Kind == ValueKind.Null ? (byte)0 : (byte)1);
                if (item.Kind == ValueKind.Null)
                {
                    continue;
                }
            }

            Write(output, array.ElementKind, item.Bits, item.Reference, depth + 1);
        }
    }

    private static void WriteTagged(ByteWriter output, ReadOnlySpan<TelemetryValue> items, int depth)
    {
        foreach (ref readonly var item in items)
        {
            output.WriteByte((byte)item.Kind);
            Write(output, item.Kind, item.Bits, item.Reference, depth + 1);
        }
    }

    private static object? ReadReference(ref ByteReader input, ValueKind kind, int depth)
    {
        if (depth >= MaxDepth)
        {
            input.Fail($"a value nests deeper than {MaxDepth} levels");
            return null;
        }

        switch (kind)
        {
            case ValueKind.Array:
                return ReadArray(ref input, depth);
            case ValueKind.List:
                return ReadTagged(ref input, input.ReadCount(1, FrameHeader.MaxFrameBytes), depth);
            case ValueKind.Map:
                return ReadMap(ref input, depth);
            default:
                if (TelemetryValue.IsText(kind))
                {
                    return ReadText(ref input);
                }

                if (TelemetryValue.FieldCount(kind) is > 0 and var fields)
                {
                    return ReadTagged(ref input, fields, depth);
                }

                input.Fail($"the value kind {(byte)kind} is not known to this version");
                return null;
        }
    }

    private static TelemetryArray ReadArray(ref ByteReader input, int depth)
    {
        var elementKind = (ValueKind)input.ReadByte();
        var dimensionCount = input.ReadCount(1, 64);
        var dimensions = dimensionCount == 0 ? null : new int[dimensionCount];
        for (var i = 0; i < dimensionCount; i++)
        {
            dimensions![i] = input.ReadCount(0, int.MaxValue);
        }

        var count = input.ReadCount(1, FrameHeader.MaxFrameBytes);
        if (elementKind == ValueKind.Null)
        {
            return new TelemetryArray(elementKind, ReadTagged(ref input, count, depth), dimensions);
        }

        var items = new TelemetryValue[input.IsOk ? count : 0];
        for (var i = 0; i < items.Length && input.IsOk; i++)
        {
            if (!TelemetryValue.IsScalar(elementKind) && input.ReadByte() == 0)
            {
                continue;
            }

            var (bits, reference) = Read(ref input, elementKind, depth + 1);
            items[i] = new TelemetryValue(elementKind, bits, reference);
        }

        return new TelemetryArray(elementKind, items, dimensions);
    }

    private static TelemetryMap ReadMap(ref ByteReader input, int depth)
    {
        var count = input.ReadCount(2, FrameHeader.MaxFrameBytes);
        var keys = new string[count];
        var items = new TelemetryValue[count];
        for (var i = 0; i < count; i++)
        {
            keys[i] = ReadText(ref input);
            items[i] = ReadTaggedValue(ref input, depth);
            if (!input.IsOk)
            {
                return new TelemetryMap([], []);
            }
        }

        return new TelemetryMap(keys, items);
    }

    private static TelemetryValue[] ReadTagged(ref ByteReader input, int count, int depth)
    {
        if (!input.IsOk)
        {
            return [];
        }

        var items = new TelemetryValue[count];
        for (var i = 0; i < count && input.IsOk; i++)
        {
            items[i] = ReadTaggedValue(ref input, depth);
        }

        return items;
    }

    private static TelemetryValue ReadTaggedValue(ref ByteReader input, int depth)
    {
        var kind = (ValueKind)input.ReadByte();
        var (bits, reference) = Read(ref input, kind, depth + 1);
        return new TelemetryValue(kind, bits, reference);
    }

    // Text is kept as UTF-16 code units that need not be well-formed; half surrogates travel in their three-byte form, so that
    // what a source sent comes out as it went in.
    private static void WriteText(ByteWriter output, string text)
    {
        if (!HasLoneSurrogate(text))
        {
            output.WriteVarint((ulong)Encoding.UTF8.GetByteCount(text) << 1);
            Encoding.UTF8.GetBytes(text, output.Take(Encoding.UTF8.GetByteCount(text)));
            return;
        }

        output.WriteVarint(((ulong)text.Length << 1) | 1);
        foreach (var unit in text)
        {
            output.WriteUInt16(unit);
        }
    }

    private static string ReadText(ref ByteReader input)
    {
        var tagged = input.ReadVarint();
        var isUtf16 = (tagged & 1) != 0;
        var length = (tagged >> 1) * (isUtf16 ? 2UL : 1UL);
        if (length > (ulong)input.Remaining)
        {
            input.Fail($"a text of {length} bytes does not fit into the {input.Remaining} bytes left");
            return "";
        }

        var bytes = input.ReadBytes((int)length);
        if (!isUtf16)
        {
            if (!System.Text.Unicode.Utf8.IsValid(bytes))
            {
                input.Fail("a text is not valid UTF-8");
                return "";
            }

            return Encoding.UTF8.GetString(bytes);
        }

        var units = new char[bytes.Length / 2];
        for (var i = 0; i < units.Length; i++)
        {
            units[i] = (char)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(i * 2)..]);
        }

        return new string(units);
    }

    private static bool HasLoneSurrogate(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return true;
            }
        }

        return false;
    }
}
