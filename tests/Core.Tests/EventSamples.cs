using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests;

/// <summary>Values and events of every kind, with their extremes, for tests.</summary>
internal static class EventSamples
{
    public static readonly Oid Temperature = Oid.Parse("sensor:plant/line1/temperature");
    public static readonly Oid Valve = Oid.Parse("unit:plant/valve");

    /// <summary>At least one value of every kind, and the bit patterns that a careless codec loses.</summary>
    public static IReadOnlyList<TelemetryValue> AllValues { get; } =
    [
        TelemetryValue.Null,
        TelemetryValue.From(true),
        TelemetryValue.From(false),
        TelemetryValue.Integer(ValueKind.SByte, sbyte.MinValue),
        TelemetryValue.Integer(ValueKind.SByte, sbyte.MaxValue),
        TelemetryValue.Integer(ValueKind.Byte, 255),
        TelemetryValue.Integer(ValueKind.Int16, short.MinValue),
        TelemetryValue.Integer(ValueKind.UInt16, ushort.MaxValue),
        TelemetryValue.Integer(ValueKind.Int32, int.MinValue),
        TelemetryValue.Integer(ValueKind.UInt32, uint.MaxValue),
        TelemetryValue.From(long.MinValue),
        TelemetryValue.From(long.MaxValue),
        TelemetryValue.From(ulong.MaxValue),
        TelemetryValue.From(1.5f),
        TelemetryValue.From(BitConverter.UInt32BitsToSingle(0x7FC0_1234)),
        TelemetryValue.From(float.NegativeInfinity),
        TelemetryValue.From(20.25),
        TelemetryValue.From(-0.0),
        TelemetryValue.From(double.Epsilon),
        TelemetryValue.From(double.MaxValue),
        TelemetryValue.From(BitConverter.UInt64BitsToDouble(0xFFF8_0000_0000_ABCD)),
        TelemetryValue.From(double.PositiveInfinity),
        TelemetryValue.From(""),
        TelemetryValue.From("grün ✓ \0 end"),
        TelemetryValue.From("lone \uD800 half"),
        new(ValueKind.DateTime, 133_500_000_000_000_001, null),
        new(ValueKind.DateTime, unchecked((ulong)long.MinValue), null),
        new(ValueKind.Guid, 0, Guid.Parse("00112233-4455-6677-8899-aabbccddeeff").ToByteArray()),
        TelemetryValue.From(Array.Empty<byte>()),
        TelemetryValue.From(new byte[] { 0, 255, 1 }),
        new(ValueKind.XmlElement, 0, "<a/>"),
        new(ValueKind.NodeId, 0, "ns=2;s=Line1"),
        new(ValueKind.ExpandedNodeId, 0, "svr=1;nsu=urn:x;i=5"),
        new(ValueKind.StatusCode, 0x8034_0000, null),
        new(ValueKind.QualifiedName, 0, new[] { TelemetryValue.Integer(ValueKind.UInt16, 2), TelemetryValue.From("name") }),
        new(ValueKind.LocalizedText, 0, new[] { TelemetryValue.Null, TelemetryValue.From("text") }),
        new(ValueKind.ExtensionObject, 0,
            new[] { TelemetryValue.From("i=888"), TelemetryValue.Integer(ValueKind.Byte, 1), TelemetryValue.From(new byte[] { 1, 2 }) }),
        new(ValueKind.DataValue, 0,
            new[] { TelemetryValue.From(1.0), default, new(ValueKind.DateTime, 5, null), default, default, default }),
        new(ValueKind.DiagnosticInfo, 0, "inner"),
        new(ValueKind.Array, 0, new TelemetryArray(ValueKind.Double, [TelemetryValue.From(1.0), TelemetryValue.From(-0.0)])),
        new(ValueKind.Array, 0, new TelemetryArray(ValueKind.Int16, [])),
        new(ValueKind.Array, 0, new TelemetryArray(ValueKind.String, [TelemetryValue.From("a"), TelemetryValue.Null, TelemetryValue.From("")])),
        new(ValueKind.Array, 0, new TelemetryArray(
            ValueKind.Int32,
            [TelemetryValue.From(1), TelemetryValue.From(2), TelemetryValue.From(3), TelemetryValue.From(4)],
            [2, 2])),
        new(ValueKind.Array, 0, new TelemetryArray(ValueKind.Null, [TelemetryValue.From(true), TelemetryValue.From("mixed")])),
        new(ValueKind.List, 0, new[] { TelemetryValue.From(1), TelemetryValue.From("two"), TelemetryValue.Null }),
        new(ValueKind.Map, 0, new TelemetryMap(["a", "b"], [TelemetryValue.From(1), TelemetryValue.From(2.0)])),
    ];

    /// <summary>A batch with one event for each value, times both ways, statuses, qualities, flags and identities of all sorts.</summary>
    public static EventBatch Batch(OidTable? oids = null)
    {
        var batch = new EventBatch(oids ?? new OidTable(), 4);
        var counter = 1000UL;
        for (var i = 0; i < AllValues.Count; i++)
        {
            var timeNs = i switch
            {
                3 => long.MinValue,
                4 => long.MaxValue,
                5 => 0,
                _ => 1_656_445_625_123_456_700 + (i % 5 == 0 ? -1 : 1) * i * 100L,
            };
            counter += i % 7 == 0 ? 5UL : 1UL;
            batch.Add(new TelemetryEvent(
                i % 2 == 0 ? Temperature : Valve,
                timeNs,
                (short)(i % 4 == 0 ? -1 : i % 9 == 0 ? short.MaxValue : 1),
                i % 3 == 0 ? 0x8000_0480u : 0,
                AllValues[i],
                i == 20 ? new Ieid(ulong.MaxValue, 1) : new Ieid(7, counter),
                i % 6 == 0 ? EventFlags.Refresh | EventFlags.ServerTime : EventFlags.None));
        }

        return batch;
    }

    /// <summary>Random events from a seed, mostly ordinary ones.</summary>
    public static EventBatch Random(int seed, int count, OidTable? oids = null)
    {
        var random = new Random(seed);
        var batch = new EventBatch(oids ?? new OidTable());
        var timeNs = 1_700_000_000_000_000_000L;
        for (var i = 0; i < count; i++)
        {
            timeNs += random.Next(-3, 200) * 1_000_000L;
            batch.Add(new TelemetryEvent(
                Oid.Parse($"sensor:s{random.Next(20)}"),
                timeNs,
                (short)(random.Next(50) == 0 ? -1 : 1),
                random.Next(40) == 0 ? 0x8001_0000u : 0u,
                random.Next(10) == 0 ? AllValues[random.Next(AllValues.Count)] : TelemetryValue.From(Math.Round(random.NextDouble() * 100, 2)),
                new Ieid(3, (ulong)i + 1)));
        }

        return batch;
    }

    public static IEnumerable<TelemetryEvent> Events(this EventBatch batch) => Enumerable.Range(0, batch.Count).Select(i => batch[i]);
}
