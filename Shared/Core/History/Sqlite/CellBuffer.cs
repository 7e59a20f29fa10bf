using System.Text.Unicode;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>The storage classes of SQLite, with its numbers.</summary>
internal enum CellType
{
    Integer = 1,
    Real = 2,
    Text = 3,
    Blob = 4,
    Null = 5,
}

/// <summary>
/// One value as SQLite stores it, exactly: integers as INTEGER (an unsigned one from 2^63 on wraps, its kind tells), floats as REAL, text as
/// TEXT, the rest as BLOB. What SQLite would change is a BLOB of the bytes that <see cref="ValueCodec"/> writes: NaN, which it turns
/// into NULL, and text with NUL characters or half surrogate pairs, which it can't hold. Reused without allocation. Not thread-safe.
/// </summary>
internal sealed class CellBuffer
{
    private readonly ByteWriter _bytes = new(256);

    public CellType Type { get; private set; } = CellType.Null;

    public long Integer { get; private set; }

    public double Real { get; private set; }

    /// <summary>The bytes of a text in UTF-8, or of a blob.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.Written;

    /// <summary>Takes a value.</summary>
    public void Set(ValueKind kind, ulong bits, object? reference)
    {
        _bytes.Clear();
        switch (kind)
        {
            case ValueKind.Null:
                Type = CellType.Null;
                break;
            case ValueKind.Double:
                SetReal(kind, bits, BitConverter.UInt64BitsToDouble(bits));
                break;
            case ValueKind.Float:
                SetReal(kind, bits, BitConverter.UInt32BitsToSingle(unchecked((uint)bits)));
                break;
            case ValueKind.ByteString or ValueKind.Guid:
                Type = CellType.Blob;
                _bytes.WriteBytes((byte[])reference!);
                break;
            case var _ when TelemetryValue.IsScalar(kind):
                Type = CellType.Integer;
                Integer = unchecked((long)bits);
                break;
            case var _ when TelemetryValue.IsText(kind) && TryWriteText((string)reference!):
                Type = CellType.Text;
                break;
            default:
                SetCoded(kind, bits, reference);
                break;
        }
    }

    /// <summary>True when a column holds exactly this value. Its kind is compared by the caller.</summary>
    public bool Matches(SqliteStatement row, int column) => row.TypeOf(column) == Type && Type switch
    {
        CellType.Integer => row.Int64(column) == Integer,
        CellType.Real => BitConverter.DoubleToInt64Bits(row.Real(column)) == BitConverter.DoubleToInt64Bits(Real),
        CellType.Null => true,
        _ => row.Bytes(column).SequenceEqual(Bytes),
    };

    /// <summary>Reads a value back.</summary>
    /// <returns>Null, or what is wrong: the row was not written by this program.</returns>
    public static string? TryRead(SqliteStatement row, int column, ValueKind kind, out ulong bits, out object? reference)
    {
        bits = 0;
        reference = null;
        var type = row.TypeOf(column);
        switch (type)
        {
            case CellType.Null when kind == ValueKind.Null:
                return null;
            case CellType.Integer when TelemetryValue.IsScalar(kind) && kind is not (ValueKind.Null or ValueKind.Float or ValueKind.Double):
                bits = unchecked((ulong)row.Int64(column));
                return null;
            case CellType.Real when kind == ValueKind.Double:
                bits = BitConverter.DoubleToUInt64Bits(row.Real(column));
                return null;
            case CellType.Real when kind == ValueKind.Float:
                bits = BitConverter.SingleToUInt32Bits((float)row.Real(column));
                return null;
            case CellType.Text when TelemetryValue.IsText(kind):
                reference = row.Text(column);
                return null;
            case CellType.Blob when kind == ValueKind.ByteString:
                reference = row.Bytes(column).ToArray();
                return null;
            case CellType.Blob:
                return TryReadCoded(row.Bytes(column), kind, out bits, out reference);
            default:
                return $"a value of kind {kind} is stored as {type}";
        }
    }

    private static string? TryReadCoded(ReadOnlySpan<byte> bytes, ValueKind kind, out ulong bits, out object? reference)
    {
        var input = new ByteReader(bytes);
        (bits, reference) = ValueCodec.Read(ref input, kind);
        if (input.IsOk && input.Remaining > 0)
        {
            input.Fail($"{input.Remaining} bytes are left over");
        }

        return input.Error;
    }

    private void SetReal(ValueKind kind, ulong bits, double value)
    {
        if (double.IsNaN(value))
        {
            SetCoded(kind, bits, null);
            return;
        }

        Type = CellType.Real;
        Real = value;
    }

    private void SetCoded(ValueKind kind, ulong bits, object? reference)
    {
        _bytes.Clear();
        ValueCodec.Write(_bytes, kind, bits, reference);
        Type = CellType.Blob;
    }

    private bool TryWriteText(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            return false;
        }

        var target = _bytes.Take(checked(text.Length * 3));
        var status = Utf8.FromUtf16(text, target, out _, out var written, replaceInvalidSequences: false);
        _bytes.Truncate(written);
        return status == System.Buffers.OperationStatus.Done;
    }
}
