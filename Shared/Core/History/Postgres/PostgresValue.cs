using System.Buffers;
using System.Text.Unicode;
using Npgsql;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>The columns that hold values.</summary>
internal enum ValueColumn
{
    None,
    Integer,
    Number,
    Boolean,
    Text,
    Bytes,
}

/// <summary>
/// Which column holds a value, and how, exactly: integers as bigint (an unsigned one from 2^63 on wraps, its kind tells), floats as double
/// precision bit for bit, text as text, the rest as the bytes that <see cref="ValueCodec"/> writes. So is text with NUL characters or half
/// surrogate pairs, which PostgreSQL can't hold.
/// </summary>
internal static class PostgresValue
{
    private const ulong DoubleNaN = 0x7FF0_0000_0000_0000;
    private const int MantissaShift = 29;

    /// <summary>The column and, for the first three, the bits of the value in it.</summary>
    public static (ValueColumn Column, ulong Bits) Scalar(ValueKind kind, ulong bits) => kind switch
    {
        ValueKind.Null => (ValueColumn.None, 0),
        ValueKind.Double => (ValueColumn.Number, bits),
        ValueKind.Float => (ValueColumn.Number, Widen(unchecked((uint)bits))),
        ValueKind.Boolean when bits <= 1 => (ValueColumn.Boolean, bits),
        _ => (ValueColumn.Integer, bits),
    };

    /// <summary>Appends a text, bytes or composite.</summary>
    public static ValueColumn Append(ByteWriter output, ValueKind kind, object reference)
    {
        if (TelemetryValue.IsText(kind) && TryAppendText(output, (string)reference))
        {
            return ValueColumn.Text;
        }

        if (kind is ValueKind.ByteString or ValueKind.Guid)
        {
            output.WriteBytes((byte[])reference);
        }
        else
        {
            ValueCodec.Write(output, kind, 0, reference);
        }

        return ValueColumn.Bytes;
    }

    /// <summary>Reads a value back from the columns integer, number, boolean, text and bytes, which begin at a given one.</summary>
    /// <returns>Null, or what is wrong: the row was not written by this program.</returns>
    public static string? TryRead(NpgsqlDataReader row, int column, ValueKind kind, out ulong bits, out object? reference)
    {
        bits = 0;
        reference = null;
        var (integer, number, boolean, text, bytes) = (column, column + 1, column + 2, column + 3, column + 4);
        switch (kind)
        {
            case ValueKind.Null:
                return null;
            case ValueKind.Double when !row.IsDBNull(number):
                bits = BitConverter.DoubleToUInt64Bits(row.GetDouble(number));
                return null;
            case ValueKind.Float when !row.IsDBNull(number):
                bits = Narrow(BitConverter.DoubleToUInt64Bits(row.GetDouble(number)));
                return null;
            case ValueKind.Boolean when !row.IsDBNull(boolean):
                bits = row.GetBoolean(boolean) ? 1UL : 0UL;
                return null;
            case var _ when TelemetryValue.IsScalar(kind) && !row.IsDBNull(integer):
                bits = unchecked((ulong)row.GetInt64(integer));
                return null;
            case var _ when TelemetryValue.IsText(kind) && !row.IsDBNull(text):
                reference = row.GetString(text);
                return null;
            case ValueKind.ByteString when !row.IsDBNull(bytes):
                reference = row.GetFieldValue<byte[]>(bytes);
                return null;
            case var _ when !TelemetryValue.IsScalar(kind) && !row.IsDBNull(bytes):
                return TryReadCoded(row.GetFieldValue<byte[]>(bytes), kind, out reference);
            default:
                return $"a value of kind {kind} is not in its column";
        }
    }

    /// <summary>Text for people, where exactness is of no use: what PostgreSQL can't hold is replaced.</summary>
    public static string Printable(string text)
    {
        var isFine = !text.Contains('\0', StringComparison.Ordinal);
        for (var i = 0; i < text.Length && isFine; i++)
        {
            isFine = !char.IsSurrogate(text[i]);
        }

        return isFine ? text : string.Concat(text.EnumerateRunes().Select(rune => rune.Value == 0 ? "\u2400" : rune.ToString()));
    }

    private static string? TryReadCoded(ReadOnlySpan<byte> bytes, ValueKind kind, out object? reference)
    {
        var input = new ByteReader(bytes);
        (_, reference) = ValueCodec.Read(ref input, kind);
        if (input.IsOk && input.Remaining > 0)
        {
            input.Fail($"{input.Remaining} bytes are left over");
        }

        return input.Error;
    }

    private static bool TryAppendText(ByteWriter output, string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            return false;
        }

        var start = output.Length;
        var status = Utf8.FromUtf16(text, output.Take(checked(text.Length * 3)), out _, out var written, replaceInvalidSequences: false);
        output.Truncate(status == OperationStatus.Done ? start + written : start);
        return status == OperationStatus.Done;
    }

    // The processor's own conversion makes every NaN a quiet one.
    private static ulong Widen(uint bits) => float.IsNaN(BitConverter.UInt32BitsToSingle(bits))
        ? ((ulong)(bits & 0x8000_0000) << 32) | DoubleNaN | ((ulong)(bits & 0x007F_FFFF) << MantissaShift)
        : BitConverter.DoubleToUInt64Bits(BitConverter.UInt32BitsToSingle(bits));

    private static uint Narrow(ulong bits) => double.IsNaN(BitConverter.UInt64BitsToDouble(bits))
        ? (uint)(bits >> 32 & 0x8000_0000) | 0x7F80_0000 | (uint)(bits >> MantissaShift & 0x007F_FFFF)
        : BitConverter.SingleToUInt32Bits((float)BitConverter.UInt64BitsToDouble(bits));
}
