using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>
/// Events as lines of InfluxDB's line protocol, exact for every value: floats in field <c>f</c>, integers in <c>i</c>, booleans in <c>b</c>,
/// text in <c>s</c>, and what none of them can hold (NaN, bytes, arrays…) in <c>x</c> as the base64 of the bytes that
/// <see cref="ValueCodec"/> writes. Fields that say the ordinary are left out. Scalars are written without allocation. Not thread-safe.
/// </summary>
internal sealed class LineWriter(string measurement)
{
    private const int MaxRememberedOids = 200_000;

    // Everything of a line but its series and its value: the names of nine fields and their numbers.
    private const int MaxRestBytes = 320;

    private readonly string _lineHead = string.Concat(EscapeMeasurement(measurement), ",oid=");
    private readonly ByteWriter _coded = new(256);
    private OidTable? _oids;
    private byte[]?[] _series = [];
    private int _seriesCount;

    /// <summary>Forgets the OIDs of a table that is not used any more.</summary>
    public void Begin(OidTable oids)
    {
        if (!ReferenceEquals(_oids, oids) || _seriesCount > MaxRememberedOids)
        {
            _oids = oids;
            _series = [];
            _seriesCount = 0;
        }
    }

    /// <summary>The series of an item, as it begins a line.</summary>
    public ReadOnlySpan<byte> SeriesOf(int item)
    {
        if (item >= _series.Length)
        {
            Array.Resize(ref _series, Math.Max(item + 1, _series.Length * 2));
        }

        if (_series[item] is not { } series)
        {
            series = Encoding.UTF8.GetBytes(_lineHead + OidTag.Encode(_oids![item]));
            _series[item] = series;
            _seriesCount++;
        }

        return series;
    }

    /// <summary>Appends the line of an event.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="batch">The event's batch, over the table that <see cref="Begin"/> was given.</param>
    /// <param name="index">The event.</param>
    /// <param name="number">Its number among the events of its instant.</param>
    public void Append(ByteWriter output, EventBatch batch, int index, long number)
    {
        var place = PointPlace.Of(batch.TimesNs[index], number);
        output.WriteBytes(SeriesOf(batch.Items[index]));
        if (place.Tag is { } tag)
        {
            output.WriteBytes(",k="u8);
            Encoding.UTF8.GetBytes(tag, output.Take(tag.Length));
        }

        var kind = (ValueKind)batch.Kinds[index];
        var isKindTold = AppendValue(output, kind, batch.Bits[index], batch.References[index]);
        var start = output.Length;
        var rest = output.Take(MaxRestBytes);
        var at = Put(rest, 0, ",status="u8, batch.Statuses[index]);
        if (!isKindTold)
        {
            at = Put(rest, at, ",kind="u8, (byte)kind);
        }

        if (batch.Qualities[index] != 0)
        {
            at = Put(rest, at, ",quality="u8, batch.Qualities[index]);
        }

        if (batch.Flags[index] != 0)
        {
            at = Put(rest, at, ",flags="u8, batch.Flags[index]);
        }

        if ((batch.Boots[index] | batch.Counters[index]) != 0)
        {
            at = Put(rest, at, ",boot="u8, unchecked((long)batch.Boots[index]));
            at = Put(rest, at, ",counter="u8, unchecked((long)batch.Counters[index]));
        }

        rest[at++] = (byte)' ';
        Utf8Formatter.TryFormat(place.PointNs, rest[at..], out var digits);
        at += digits;
        rest[at++] = (byte)'\n';
        output.Truncate(start + at);

        // The first field follows a space, not a comma.
        if (kind == ValueKind.Null)
        {
            output.Patch(start, 1)[0] = (byte)' ';
        }
    }

    internal static string EscapeMeasurement(string measurement) =>
        measurement.Replace(",", "\\,", StringComparison.Ordinal).Replace(" ", "\\ ", StringComparison.Ordinal);

    private static int Put(Span<byte> target, int at, ReadOnlySpan<byte> name, long value)
    {
        name.CopyTo(target[at..]);
        at += name.Length;
        Utf8Formatter.TryFormat(value, target[at..], out var digits);
        at += digits;
        target[at++] = (byte)'i';
        return at;
    }

    /// <summary>Appends a space and the field with the value, if there is one.</summary>
    /// <returns>True when the field tells the kind.</returns>
    private bool AppendValue(ByteWriter output, ValueKind kind, ulong bits, object? reference)
    {
        switch (kind)
        {
            case ValueKind.Null:
                return false;
            case ValueKind.Boolean when bits <= 1:
                output.WriteBytes(bits == 1 ? " b=t"u8 : " b=f"u8);
                return true;
            case ValueKind.Double when double.IsFinite(BitConverter.UInt64BitsToDouble(bits)):
                AppendFloat(output, BitConverter.UInt64BitsToDouble(bits));
                return true;
            case ValueKind.Float when float.IsFinite(BitConverter.UInt32BitsToSingle(unchecked((uint)bits))):
                AppendFloat(output, BitConverter.UInt32BitsToSingle(unchecked((uint)bits)));
                return false;
            case ValueKind.UInt64 when bits > long.MaxValue:
                AppendText(output, bits.ToString(CultureInfo.InvariantCulture));
                return false;
            case var _ when TelemetryValue.IsScalar(kind) && kind is not (ValueKind.Boolean or ValueKind.Float or ValueKind.Double):
                AppendInteger(output, unchecked((long)bits));
                return kind == ValueKind.Int64;
            case var _ when TelemetryValue.IsText(kind) && AppendText(output, (string)reference!):
                return kind == ValueKind.String;
            default:
                AppendCoded(output, kind, bits, reference);
                return false;
        }
    }

    private static void AppendFloat(ByteWriter output, double value)
    {
        var start = output.Length;
        var target = output.Take(40);
        " f="u8.CopyTo(target);
        value.TryFormat(target[3..], out var length, default, CultureInfo.InvariantCulture);
        output.Truncate(start + 3 + length);
    }

    private static void AppendInteger(ByteWriter output, long value)
    {
        var start = output.Length;
        var length = Put(output.Take(40), 0, " i="u8, value);
        output.Truncate(start + length);
    }

    // False, with nothing appended, for text that InfluxDB would change.
    private static bool AppendText(ByteWriter output, string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            return false;
        }

        var start = output.Length;
        var room = checked(text.Length * 3);
        output.WriteBytes(" s=\""u8);
        var target = output.Take(room);
        var status = Utf8.FromUtf16(text, target, out _, out var written, replaceInvalidSequences: false);
        if (status != OperationStatus.Done)
        {
            output.Truncate(start);
            return false;
        }

        output.Truncate(start + 4 + written);
        if (target[..written].IndexOfAny((byte)'"', (byte)'\\') >= 0)
        {
            output.Truncate(start + 4);
            AppendEscaped(output, Encoding.UTF8.GetBytes(text));
        }

        output.WriteByte((byte)'"');
        return true;
    }

    private static void AppendEscaped(ByteWriter output, ReadOnlySpan<byte> text)
    {
        foreach (var part in text)
        {
            if (part is (byte)'"' or (byte)'\\')
            {
                output.WriteByte((byte)'\\');
            }

            output.WriteByte(part);
        }
    }

    private void AppendCoded(ByteWriter output, ValueKind kind, ulong bits, object? reference)
    {
        _coded.Clear();
        ValueCodec.Write(_coded, kind, bits, reference);
        output.WriteBytes(" x=\""u8);
        var start = output.Length;
        var target = output.Take(Base64.GetMaxEncodedToUtf8Length(_coded.Length));
        Base64.EncodeToUtf8(_coded.Written, target, out _, out var written);
        output.Truncate(start + written);
        output.WriteByte((byte)'"');
    }
}
