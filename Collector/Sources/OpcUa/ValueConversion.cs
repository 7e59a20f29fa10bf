using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>
/// OPC UA values → telemetry values, type for type. Numbers, booleans, times and status codes need no conversion at all: both sides keep
/// them in the same 64 bits. A null string, byte string, structure or list becomes null. Pure.
/// </summary>
internal static class ValueConversion
{
    /// <summary>Kinds of a batch of changes below this number are scalars; above it are bits for lists and matrices.</summary>
    public const byte ScalarKindsEnd = 64;

    // Status codes: the two highest bits are the severity (OPC 10000-4 §7.38).
    private const uint SeverityMask = 0xC000_0000;
    private const uint SeverityBad = 0x8000_0000;

    /// <summary>1 for good and uncertain values, -1 for bad ones; the full status code is kept beside it.</summary>
    public static short StatusOf(uint statusCode) => (statusCode & SeverityMask) >= SeverityBad ? (short)-1 : (short)1;

    /// <summary>Converts what is not a plain scalar.</summary>
    public static TelemetryValue Convert(in Variant value)
    {
        if (value.IsNull)
        {
            return TelemetryValue.Null;
        }

        return value.Shape == VariantShape.Scalar
            ? Scalar(value.Type, value.ScalarBits, value.Reference)
            : value.Elements is { } elements
                ? new TelemetryValue(ValueKind.Array, 0, Array(value.Type, elements, value.Shape == VariantShape.Matrix ? [.. value.Dimensions] : null))
                : TelemetryValue.Null;
    }

    private static TelemetryValue Scalar(BuiltInType type, ulong bits, object? reference) => type switch
    {
        _ when Variant.IsBitsType(type) => new TelemetryValue((ValueKind)(byte)type, bits, null),
        _ when reference is null => TelemetryValue.Null,
        BuiltInType.String => Text(ValueKind.String, (string)reference),
        BuiltInType.Guid => new TelemetryValue(ValueKind.Guid, 0, ((Guid)reference).ToByteArray()),
        BuiltInType.ByteString => new TelemetryValue(ValueKind.ByteString, 0, reference),
        BuiltInType.XmlElement => ((XmlElement)reference).Text is { } xml ? Text(ValueKind.XmlElement, xml) : TelemetryValue.Null,
        BuiltInType.NodeId => Text(ValueKind.NodeId, reference.ToString()!),
        BuiltInType.ExpandedNodeId => Text(ValueKind.ExpandedNodeId, reference.ToString()!),
        BuiltInType.QualifiedName => Name((QualifiedName)reference),
        BuiltInType.LocalizedText => Localized((LocalizedText)reference),
        BuiltInType.ExtensionObject => Extension((ExtensionObject)reference),
        BuiltInType.DataValue => Data((DataValue)reference),
        BuiltInType.Variant => Convert((Variant)reference),
        BuiltInType.DiagnosticInfo => Text(ValueKind.DiagnosticInfo, reference.ToString()!),
        _ => new TelemetryValue(ValueKind.ByteString, 0, reference as byte[] ?? []),
    };

    private static TelemetryArray Array(BuiltInType type, Array elements, int[]? dimensions)
    {
        var items = new TelemetryValue[elements.Length];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = Element(type, elements.GetValue(i));
        }

        // Each element of a list of variants carries a type of its own.
        return new TelemetryArray(type == BuiltInType.Variant ? ValueKind.Null : (ValueKind)(byte)type, items, dimensions);
    }

    private static TelemetryValue Element(BuiltInType type, object? element) => element switch
    {
        bool value => TelemetryValue.From(value),
        sbyte value => TelemetryValue.Integer(ValueKind.SByte, value),
        byte value => TelemetryValue.Integer(ValueKind.Byte, value),
        short value => TelemetryValue.Integer(ValueKind.Int16, value),
        ushort value => TelemetryValue.Integer(ValueKind.UInt16, value),
        int value => TelemetryValue.From(value),
        uint value => TelemetryValue.Integer(ValueKind.UInt32, value),
        long value => TelemetryValue.From(value),
        ulong value => TelemetryValue.From(value),
        float value => TelemetryValue.From(value),
        double value => TelemetryValue.From(value),
        UaDateTime value => TelemetryValue.Integer(ValueKind.DateTime, value.Ticks),
        StatusCode value => new TelemetryValue(ValueKind.StatusCode, value.Value, null),
        _ => Scalar(type, 0, element),
    };

    private static TelemetryValue Text(ValueKind kind, string text) => new(kind, 0, text);

    private static TelemetryValue Name(in QualifiedName name) => new(
        ValueKind.QualifiedName, 0, new[] { TelemetryValue.Integer(ValueKind.UInt16, name.NamespaceIndex), TelemetryValue.From(name.Name) });

    private static TelemetryValue Localized(in LocalizedText text) => new(
        ValueKind.LocalizedText, 0, new[] { TelemetryValue.From(text.Locale), TelemetryValue.From(text.Text) });

    private static TelemetryValue Extension(ExtensionObject extension) => new(
        ValueKind.ExtensionObject,
        0,
        new[]
        {
            TelemetryValue.From(extension.TypeId.ToString()),
            TelemetryValue.Integer(ValueKind.Byte, (byte)extension.BodyKind),
            TelemetryValue.From(extension.Body),
        });

    private static TelemetryValue Data(in DataValue data) => new(
        ValueKind.DataValue,
        0,
        new[]
        {
            Convert(data.Value),
            Present(data, DataValueFields.Status, new TelemetryValue(ValueKind.StatusCode, data.Status.Value, null)),
            Present(data, DataValueFields.SourceTimestamp, TelemetryValue.Integer(ValueKind.DateTime, data.SourceTimestamp.Ticks)),
            Present(data, DataValueFields.SourcePicoseconds, TelemetryValue.Integer(ValueKind.UInt16, data.SourcePicoseconds)),
            Present(data, DataValueFields.ServerTimestamp, TelemetryValue.Integer(ValueKind.DateTime, data.ServerTimestamp.Ticks)),
            Present(data, DataValueFields.ServerPicoseconds, TelemetryValue.Integer(ValueKind.UInt16, data.ServerPicoseconds)),
        });

    private static TelemetryValue Present(in DataValue data, DataValueFields field, TelemetryValue value) =>
        data.Fields.HasFlag(field) ? value : TelemetryValue.Null;
}
