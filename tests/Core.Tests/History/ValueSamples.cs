using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.History;

/// <summary>Values of every kind, with the extremes that a database is likely to change.</summary>
internal static class ValueSamples
{
    private static readonly byte[] SomeGuid = new Guid("0f0e0d0c-0b0a-0908-0706-050403020100").ToByteArray();

    public static IReadOnlyList<TelemetryValue> All { get; } =
    [
        default,
        TelemetryValue.From(false),
        TelemetryValue.From(true),
        .. Integers(ValueKind.SByte, sbyte.MinValue, -1, 0, sbyte.MaxValue),
        .. Integers(ValueKind.Byte, 0, 1, byte.MaxValue),
        .. Integers(ValueKind.Int16, short.MinValue, -1, 0, short.MaxValue),
        .. Integers(ValueKind.UInt16, 0, ushort.MaxValue),
        .. Integers(ValueKind.Int32, int.MinValue, -1, 0, int.MaxValue),
        .. Integers(ValueKind.UInt32, 0, uint.MaxValue),
        .. Integers(ValueKind.Int64, long.MinValue, long.MinValue + 1, -1, 0, long.MaxValue),
        TelemetryValue.From(0UL),
        TelemetryValue.From((1UL << 63) - 1),
        TelemetryValue.From(1UL << 63),
        TelemetryValue.From(ulong.MaxValue),
        .. Floats(0f, -0f, 1f, 0.1f, float.Epsilon, float.MinValue, float.MaxValue, float.PositiveInfinity, float.NegativeInfinity),
        .. FloatBits(0x7FC00000, 0xFFC00000, 0x7F800001, 0x7FFFFFFF),
        .. Doubles(0d, -0d, 1d, 0.1d, 9007199254740993d, double.Epsilon, double.MinValue, double.MaxValue, double.PositiveInfinity, double.NegativeInfinity),
        .. DoubleBits(0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001, 0x7FFFFFFFFFFFFFFF),
        .. Texts(ValueKind.String, "", "a", "1", "1.0", "null", "grad °C \U0001F321", "\0", "a\0b", "\uD800", "x\uDC00y", new string('ä', 70_000)),
        .. Integers(ValueKind.DateTime, long.MinValue, -1, 0, 133_801_632_001_234_567, long.MaxValue),
        new TelemetryValue(ValueKind.Guid, 0, SomeGuid),
        new TelemetryValue(ValueKind.Guid, 0, new byte[16]),
        .. Blobs([], [0], [0, 1, 2, 255], new byte[100_000]),
        .. Texts(ValueKind.XmlElement, "", "<a b=\"c\"/>", "<\0\uD800/>"),
        .. Texts(ValueKind.NodeId, "ns=2;s=Line 1"),
        .. Texts(ValueKind.ExpandedNodeId, "nsu=urn:x;i=7"),
        .. Integers(ValueKind.StatusCode, 0, 0x80000000, 0xFFFFFFFF),
        Fields(ValueKind.QualifiedName, TelemetryValue.Integer(ValueKind.UInt16, 3), TelemetryValue.From("name")),
        Fields(ValueKind.LocalizedText, TelemetryValue.From((string?)null), TelemetryValue.From("Wert\0")),
        Fields(ValueKind.ExtensionObject, TelemetryValue.From("i=5"), TelemetryValue.From(1), TelemetryValue.From([1, 2])),
        Fields(ValueKind.DataValue, TelemetryValue.From(double.NaN), default, default, default, default, default),
        .. Texts(ValueKind.DiagnosticInfo, "inner"),
        Array(new TelemetryArray(ValueKind.Double, [])),
        Array(new TelemetryArray(ValueKind.Int32, [TelemetryValue.From(1), TelemetryValue.From(-1)])),
        Array(new TelemetryArray(ValueKind.Int32, [TelemetryValue.From(1), TelemetryValue.From(2)], [1, 2])),
        Array(new TelemetryArray(ValueKind.String, [TelemetryValue.From("a"), default, TelemetryValue.From("\uD800")])),
        Array(new TelemetryArray(ValueKind.Null, [TelemetryValue.From(1), TelemetryValue.From("b"), default])),
        new TelemetryValue(ValueKind.List, 0, new[] { TelemetryValue.From(1UL << 63), TelemetryValue.From(-0.0), default }),
        new TelemetryValue(ValueKind.List, 0, System.Array.Empty<TelemetryValue>()),
        new TelemetryValue(ValueKind.Map, 0, new TelemetryMap(["k", "\uDFFF"], [TelemetryValue.From(true), TelemetryValue.From("v")])),
    ];

    private static IEnumerable<TelemetryValue> Integers(ValueKind kind, params long[] values) => values.Select(v => TelemetryValue.Integer(kind, v));

    private static IEnumerable<TelemetryValue> Floats(params float[] values) => values.Select(TelemetryValue.From);

    private static IEnumerable<TelemetryValue> Doubles(params double[] values) => values.Select(TelemetryValue.From);

    private static IEnumerable<TelemetryValue> FloatBits(params uint[] bits) => bits.Select(b => new TelemetryValue(ValueKind.Float, b, null));

    private static IEnumerable<TelemetryValue> DoubleBits(params ulong[] bits) => bits.Select(b => new TelemetryValue(ValueKind.Double, b, null));

    private static IEnumerable<TelemetryValue> Texts(ValueKind kind, params string[] texts) => texts.Select(t => new TelemetryValue(kind, 0, t));

    private static IEnumerable<TelemetryValue> Blobs(params byte[][] blobs) => blobs.Select(TelemetryValue.From);

    private static TelemetryValue Fields(ValueKind kind, params TelemetryValue[] fields) => new(kind, 0, fields);

    private static TelemetryValue Array(TelemetryArray array) => new(ValueKind.Array, 0, array);
}
