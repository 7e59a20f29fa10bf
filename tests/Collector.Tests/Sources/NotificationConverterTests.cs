using ZfRepl.Collector.Sources.OpcUa;
using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Collector.Tests.Sources;

/// <summary>What a server sent is what is stored: type, bits, status, time.</summary>
public sealed class NotificationConverterTests : IDisposable
{
    private const long SourceTicks = 133_000_000_000_000_007;
    private static readonly UaDateTime Source = new(SourceTicks);

    private readonly DataChangeBatch _changes = new();
    private readonly EventBatch _events = new(new OidTable());
    private readonly bool[] _isFirst = new bool[2];

    public void Dispose() => _changes.Dispose();

    public static TheoryData<string> Types => [.. Samples.Keys];

    private static Dictionary<string, (Variant Value, TelemetryValue Expected)> Samples => new(StringComparer.Ordinal)
    {
        ["null"] = (Variant.Null, TelemetryValue.Null),
        ["Boolean"] = (new Variant(true), TelemetryValue.From(true)),
        ["SByte"] = (new Variant((sbyte)-5), TelemetryValue.Integer(ValueKind.SByte, -5)),
        ["UInt16"] = (new Variant((ushort)65535), TelemetryValue.Integer(ValueKind.UInt16, 65535)),
        ["Int32"] = (new Variant(int.MinValue), TelemetryValue.From(int.MinValue)),
        ["UInt64"] = (new Variant(ulong.MaxValue), TelemetryValue.From(ulong.MaxValue)),
        ["Double NaN with a payload"] = (new Variant(BitConverter.UInt64BitsToDouble(0x7FF8_0000_0000_1234)), new TelemetryValue(ValueKind.Double, 0x7FF8_0000_0000_1234, null)),
        ["Float"] = (new Variant(-0.0f), TelemetryValue.From(-0.0f)),
        ["String"] = (new Variant("läuft"), TelemetryValue.From("läuft")),
        ["list"] = (
            Variant.Array(BuiltInType.Int16, new short[] { 1, -2 }),
            new TelemetryValue(ValueKind.Array, 0, new TelemetryArray(
                ValueKind.Int16, [TelemetryValue.Integer(ValueKind.Int16, 1), TelemetryValue.Integer(ValueKind.Int16, -2)], null))),
        ["matrix"] = (
            Variant.Matrix(BuiltInType.Boolean, new[] { true, false }, 2, 1),
            new TelemetryValue(ValueKind.Array, 0, new TelemetryArray(
                ValueKind.Boolean, [TelemetryValue.From(true), TelemetryValue.From(false)], [2, 1]))),
    };

    [Theory]
    [MemberData(nameof(Types))]
    public void Values_keep_their_type_and_their_bits(string sample)
    {
        var (value, expected) = Samples[sample];
        Convert(new DataValue(value, StatusCode.Good, Source));
        Assert.Equal(expected, _events[0].Value);
    }

    [Fact]
    public void The_sources_time_is_kept_to_100_ns_and_below()
    {
        Convert(new DataValue(new Variant(1), StatusCode.Good, Source) with
        {
            SourcePicoseconds = 4200,
            Fields = DataValueFields.Value | DataValueFields.SourceTimestamp | DataValueFields.SourcePicoseconds,
        });
        Assert.Equal((SourceTicks - 116_444_736_000_000_000) * 100 + 42, _events[0].TimeNs);
        Assert.Equal(EventFlags.None, _events[0].Flags);
    }

    [Fact]
    public void Without_a_source_time_the_servers_is_taken_and_without_that_the_arrival_and_both_are_flagged()
    {
        Convert(new DataValue(new Variant(1)).WithServerTimestamp(Source), new DataValue(new Variant(2)));
        Assert.Equal(((SourceTicks - 116_444_736_000_000_000) * 100, EventFlags.ServerTime), (_events[0].TimeNs, _events[0].Flags));
        Assert.Equal((5_000L, EventFlags.ArrivalTime), (_events[1].TimeNs, _events[1].Flags));
    }

    [Theory]
    [InlineData(0u, 1, 0u, false)]
    [InlineData(0x4090_0000u, 1, 0x4090_0000u, false)]
    [InlineData(0x808C_0000u, -1, 0x808C_0000u, false)]
    [InlineData(0x0000_0480u, 1, 0u, true)]
    [InlineData(0x4090_0780u, 1, 0x4090_0700u, true)]
    public void Status_codes_are_kept_whole_but_for_the_overflow_flag(uint sent, short status, uint quality, bool isOverflow)
    {
        var found = Convert(new DataValue(new Variant(1), new StatusCode(sent), Source));
        Assert.Equal((status, quality), (_events[0].Status, _events[0].Quality));
        Assert.Equal(isOverflow, _events[0].Flags.HasFlag(EventFlags.AfterOverflow));
        Assert.Equal(isOverflow ? 1 : 0, found.Overflows);
    }

    [Fact]
    public void Only_the_first_change_of_each_item_is_flagged_as_a_refresh()
    {
        Array.Fill(_isFirst, true);
        _changes.Add(0, new DataValue(new Variant(1), StatusCode.Good, Source));
        _changes.Add(0, new DataValue(new Variant(2), StatusCode.Good, Source));
        _changes.Add(1, new DataValue(new Variant(3), StatusCode.Good, Source));
        Run();
        Assert.Equal([EventFlags.Refresh, EventFlags.None, EventFlags.Refresh], Enumerable.Range(0, 3).Select(i => _events[i].Flags));
    }

    [Fact]
    public void A_handle_that_was_never_given_out_is_left_out_and_identities_count_up()
    {
        _changes.Add(0, new DataValue(new Variant(1), StatusCode.Good, Source));
        _changes.Add(uint.MaxValue, new DataValue(new Variant(2), StatusCode.Good, Source));
        _changes.Add(1, new DataValue(new Variant(3), StatusCode.Good, Source));
        Run();
        Assert.Equal(2, _events.Count);
        Assert.Equal([new Ieid(9, 100), new Ieid(9, 102)], Enumerable.Range(0, 2).Select(i => _events[i].Ieid));
    }

    private OverflowFindings Convert(params ReadOnlySpan<DataValue> values)
    {
        foreach (var value in values)
        {
            _changes.Add(0, value);
        }

        return Run();
    }

    private OverflowFindings Run()
    {
        int[] items = [_events.Oids.GetOrAdd(Oid.Parse("sensor:a")), _events.Oids.GetOrAdd(Oid.Parse("sensor:b"))];
        return NotificationConverter.Convert(_changes, items, _isFirst, arrivalNs: 5_000, new Ieid(9, 100), _events);
    }
}
