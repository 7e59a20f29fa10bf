using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ZfRepl.Core.Telemetry;

/// <summary>
/// Events and values as JSON, for people, for the archive topic and for files. Numbers keep all their digits; NaN and the infinities,
/// which JSON lacks, are the strings <c>"NaN"</c>, <c>"Infinity"</c> and <c>"-Infinity"</c>; bytes are base64; times ISO 8601.
/// </summary>
public static class TelemetryJson
{
    private static readonly string[] QualifiedNameFields = ["namespace", "name"];
    private static readonly string[] LocalizedTextFields = ["locale", "text"];
    private static readonly string[] ExtensionObjectFields = ["type", "encoding", "body"];
    private static readonly string[] DataValueFields =
        ["value", "status", "source_time", "source_picoseconds", "server_time", "server_picoseconds"];

    /// <summary>Lines are read by people and by grep: only what JSON itself demands is escaped.</summary>
    public static JsonWriterOptions LineOptions { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes one event as an object with the fields oid, status, value, t (seconds, exact decimal) and ieid; with
    /// <paramref name="details"/> also kind, quality and flags.
    /// </summary>
    public static void WriteEvent(IBufferWriter<byte> output, in TelemetryEvent e, bool details = false)
    {
        using var writer = new Utf8JsonWriter(output, LineOptions);
        writer.WriteStartObject();
        writer.WriteString("oid", e.Oid.Text);
        writer.WriteNumber("status", e.Status);
        writer.WritePropertyName("value");
        WriteValue(writer, e.Value);
        writer.WritePropertyName("t");
        writer.WriteRawValue(UnixTime.FormatSeconds(e.TimeNs), skipInputValidation: true);
        writer.WriteStartArray("ieid");
        writer.WriteNumberValue(e.Ieid.Boot);
        writer.WriteNumberValue(e.Ieid.Counter);
        writer.WriteEndArray();
        if (details)
        {
            writer.WriteString("kind", KindText(e.Value));
            writer.WriteNumber("quality", e.Quality);
            writer.WriteNumber("flags", (byte)e.Flags);
        }

        writer.WriteEndObject();
    }

    /// <summary>Writes one value.</summary>
    public static void WriteValue(Utf8JsonWriter writer, in TelemetryValue value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null:
                writer.WriteNullValue();
                break;
            case ValueKind.Boolean:
                writer.WriteBooleanValue(value.Bits != 0);
                break;
            case ValueKind.SByte or ValueKind.Int16 or ValueKind.Int32 or ValueKind.Int64:
                writer.WriteNumberValue(value.AsInt64);
                break;
            case ValueKind.Byte or ValueKind.UInt16 or ValueKind.UInt32 or ValueKind.UInt64 or ValueKind.StatusCode:
                writer.WriteNumberValue(value.Bits);
                break;
            case ValueKind.Float:
                WriteFloat(writer, value.AsFloat, value.AsFloat.ToString("R", CultureInfo.InvariantCulture));
                break;
            case ValueKind.Double:
                WriteFloat(writer, value.AsDouble, value.AsDouble.ToString("R", CultureInfo.InvariantCulture));
                break;
            case ValueKind.DateTime:
                writer.WriteStringValue(FormatDateTime(value.AsInt64));
                break;
            case ValueKind.Guid:
                writer.WriteStringValue(new Guid(value.AsBytes));
                break;
            case ValueKind.ByteString:
                writer.WriteBase64StringValue(value.AsBytes);
                break;
            case ValueKind.Array:
                WriteArray(writer, (TelemetryArray)value.Reference!);
                break;
            case ValueKind.List:
                WriteItems(writer, value.AsItems);
                break;
            case ValueKind.Map:
                var map = (TelemetryMap)value.Reference!;
                WriteFields(writer, map.Keys, map.Items);
                break;
            case ValueKind.QualifiedName:
                WriteFields(writer, QualifiedNameFields, value.AsItems);
                break;
            case ValueKind.LocalizedText:
                WriteFields(writer, LocalizedTextFields, value.AsItems);
                break;
            case ValueKind.ExtensionObject:
                WriteFields(writer, ExtensionObjectFields, value.AsItems);
                break;
            case ValueKind.DataValue:
                WriteFields(writer, DataValueFields, value.AsItems);
                break;
            default:
                writer.WriteStringValue(value.AsText);
                break;
        }
    }

    /// <summary>One value as JSON text.</summary>
    public static string Format(in TelemetryValue value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, LineOptions))
        {
            WriteValue(writer, value);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The kind in words, with the element kind for arrays: <c>Double</c>, <c>Int32[]</c>.</summary>
    public static string KindText(in TelemetryValue value) =>
        value.Reference is TelemetryArray array
            ? array.ElementKind == ValueKind.Null ? "Variant[]" : $"{array.ElementKind}[]"
            : value.Kind.ToString();

    private static string FormatDateTime(long fileTime) =>
        fileTime is >= 0 and < 2_650_467_744_000_000_000
            ? DateTime.FromFileTimeUtc(fileTime).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture)
            : fileTime.ToString(CultureInfo.InvariantCulture);

    private static void WriteFloat(Utf8JsonWriter writer, double value, string text)
    {
        if (double.IsFinite(value))
        {
            // "1" would read back as an integer.
            writer.WriteRawValue(text.AsSpan().ContainsAny('.', 'E') ? text : $"{text}.0", skipInputValidation: true);
        }
        else
        {
            writer.WriteStringValue(double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }
    }

    private static void WriteArray(Utf8JsonWriter writer, TelemetryArray array)
    {
        if (array.Dimensions is not { Length: > 1 } dimensions || !IsShapeOf(dimensions, array.Items.Length))
        {
            WriteItems(writer, array.Items);
            return;
        }

        var next = 0;
        WriteDimension(writer, array.Items, dimensions, 0, ref next);
    }

    // A shape from outside may promise billions of empty rows for a handful of items: then they are written flat.
    private static bool IsShapeOf(int[] dimensions, int count)
    {
        var product = 1L;
        foreach (var dimension in dimensions)
        {
            product = Math.Min(product, int.MaxValue) * dimension;
        }

        return product == count;
    }

    private static void WriteDimension(Utf8JsonWriter writer, TelemetryValue[] items, int[] dimensions, int depth, ref int next)
    {
        writer.WriteStartArray();
        for (var i = 0; i < dimensions[depth] && next < items.Length; i++)
        {
            if (depth == dimensions.Length - 1)
            {
                WriteValue(writer, items[next++]);
            }
            else
            {
                WriteDimension(writer, items, dimensions, depth + 1, ref next);
            }
        }

        writer.WriteEndArray();
    }

    private static void WriteItems(Utf8JsonWriter writer, TelemetryValue[] items)
    {
        writer.WriteStartArray();
        foreach (var item in items)
        {
            WriteValue(writer, item);
        }

        writer.WriteEndArray();
    }

    private static void WriteFields(Utf8JsonWriter writer, string[] names, TelemetryValue[] items)
    {
        writer.WriteStartObject();
        for (var i = 0; i < names.Length; i++)
        {
            writer.WritePropertyName(names[i]);
            WriteValue(writer, items[i]);
        }

        writer.WriteEndObject();
    }
}
