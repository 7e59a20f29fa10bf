using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>One row of an answer, as <see cref="LineWriter"/> wrote it. Reused. Not thread-safe.</summary>
internal sealed class InfluxRow
{
    /// <summary>What to select, in the order that <see cref="TryRead"/> expects behind the time.</summary>
    public const string Columns = """
        "k", "f", "i", "b", "s", "x", "status", "kind", "quality", "flags", "boot", "counter"
        """;

    private const int ColumnCount = 13;

    private readonly string?[] _texts = new string?[ColumnCount];
    private readonly long?[] _numbers = new long?[ColumnCount];
    private double? _real;
    private bool? _truth;

    /// <summary>The event's time and its number there.</summary>
    public HistoryCursor Place { get; private set; }

    /// <summary>Reads one row, the reader standing on its opening bracket; afterwards it stands on the closing one.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? TryRead(ref Utf8JsonReader json)
    {
        Array.Clear(_texts);
        Array.Clear(_numbers);
        _real = null;
        _truth = null;
        var column = 0;
        string? error = null;
        for (; json.Read() && json.TokenType != JsonTokenType.EndArray; column++)
        {
            error ??= column < ColumnCount ? Take(ref json, column) : $"it has more than {ColumnCount} columns";
        }

        if (error is not null || column != ColumnCount)
        {
            return error ?? $"it has {column} columns instead of {ColumnCount}";
        }

        if (_numbers[0] is not { } pointNs || !PointPlace.TryRead(pointNs, Encoding.UTF8.GetBytes(_texts[1] ?? ""), out var place))
        {
            return $"its tag k is '{_texts[1]}'";
        }

        Place = place;
        return _numbers[7] is null ? "it has no status" : null;
    }

    /// <summary>Appends the event of the row.</summary>
    /// <returns>Null, or what is wrong: this program did not write it.</returns>
    public string? TryAddTo(EventBatch target, int item)
    {
        var error = ReadValue(out var kind, out var bits, out var reference);
        if (error is null)
        {
            target.Add(
                item,
                Place.TimeNs,
                unchecked((short)_numbers[7]!.Value),
                unchecked((uint)(_numbers[9] ?? 0)),
                kind,
                bits,
                reference,
                new Ieid(unchecked((ulong)(_numbers[11] ?? 0)), unchecked((ulong)(_numbers[12] ?? 0))),
                (EventFlags)unchecked((byte)(_numbers[10] ?? 0)));
        }

        return error;
    }

    private string? Take(ref Utf8JsonReader json, int column)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.String when column is 1 or 5 or 6:
                _texts[column] = json.GetString();
                return null;
            case JsonTokenType.Number when column == 2 && json.TryGetDouble(out var real):
                _real = real;
                return null;
            case JsonTokenType.Number when column is not (1 or 4 or 5 or 6) && json.TryGetInt64(out var number):
                _numbers[column] = number;
                return null;
            case JsonTokenType.True or JsonTokenType.False when column == 4:
                _truth = json.GetBoolean();
                return null;
            default:
                return $"column {column} holds a {json.TokenType}";
        }
    }

    private string? ReadValue(out ValueKind kind, out ulong bits, out object? reference)
    {
        kind = _numbers[8] is { } told ? (ValueKind)unchecked((byte)told)
            : _real is not null ? ValueKind.Double
            : _numbers[3] is not null ? ValueKind.Int64
            : _truth is not null ? ValueKind.Boolean
            : _texts[5] is not null ? ValueKind.String
            : ValueKind.Null;
        bits = 0;
        reference = null;
        switch (kind)
        {
            case ValueKind.Null:
                return null;
            case ValueKind.Double when _real is { } value:
                bits = BitConverter.DoubleToUInt64Bits(value);
                return null;
            case ValueKind.Float when _real is { } value:
                bits = BitConverter.SingleToUInt32Bits((float)value);
                return null;
            case ValueKind.Boolean when _truth is { } value:
                bits = value ? 1UL : 0UL;
                return null;
            case var _ when _texts[6] is { } coded:
                return ReadCoded(coded, kind, out bits, out reference);
            case ValueKind.UInt64 when _texts[5] is { } digits:
                return ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bits) ? null : $"'{digits}' is no UInt64";
            case var _ when TelemetryValue.IsText(kind) && _texts[5] is { } text:
                reference = text;
                return null;
            case var _ when TelemetryValue.IsScalar(kind) && _numbers[3] is { } value:
                bits = unchecked((ulong)value);
                return null;
            default:
                return $"there is no value of kind {kind}";
        }
    }

    private static string? ReadCoded(string coded, ValueKind kind, out ulong bits, out object? reference)
    {
        bits = 0;
        reference = null;
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(coded.Length)];
        if (!Convert.TryFromBase64String(coded, bytes, out var length))
        {
            return "field x is no base64";
        }

        var input = new ByteReader(bytes.AsSpan(0, length));
        (bits, reference) = ValueCodec.Read(ref input, kind);
        if (input.IsOk && input.Remaining > 0)
        {
            input.Fail($"{input.Remaining} bytes are left over");
        }

        return input.Error;
    }
}
