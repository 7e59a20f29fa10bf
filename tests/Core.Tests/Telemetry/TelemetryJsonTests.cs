using System.Buffers;
using System.Text;
using System.Text.Json;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Telemetry;

public sealed class TelemetryJsonTests
{
    [Fact]
    public void An_event_is_one_line_with_the_documented_fields()
    {
        var e = new TelemetryEvent(EventSamples.Temperature, 1_656_445_625_123_456_700, 1, 0, TelemetryValue.From(20.5), new Ieid(7, 42));
        Assert.Equal(
            """{"oid":"sensor:plant/line1/temperature","status":1,"value":20.5,"t":1656445625.1234567,"ieid":[7,42]}""", Line(e));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "0.000000001")]
    [InlineData(-1, "-0.000000001")]
    [InlineData(-1_500_000_000, "-1.5")]
    [InlineData(-2_000_000_000, "-2")]
    [InlineData(1_656_445_625_000_000_000, "1656445625")]
    [InlineData(long.MaxValue, "9223372036.854775807")]
    [InlineData(long.MinValue, "-9223372036.854775808")]
    public void Times_keep_every_digit(long timeNs, string expected) => Assert.Equal(expected, UnixTime.FormatSeconds(timeNs));

    [Fact]
    public void Every_value_is_valid_json()
    {
        foreach (var e in EventSamples.Batch().Events())
        {
            using var parsed = JsonDocument.Parse(Line(e));
            Assert.Equal(5, parsed.RootElement.EnumerateObject().Count());
        }
    }

    [Theory]
    [InlineData(double.NaN, "\"NaN\"")]
    [InlineData(double.NegativeInfinity, "\"-Infinity\"")]
    [InlineData(1.0, "1.0")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(1e300, "1E+300")]
    public void Floats_stay_recognisable_as_floats(double value, string expected) =>
        Assert.Equal(expected, TelemetryJson.Format(TelemetryValue.From(value)));

    [Fact]
    public void Matrices_nest()
    {
        var matrix = new TelemetryArray(ValueKind.Int32, [.. Enumerable.Range(1, 6).Select(TelemetryValue.From)], [3, 2]);
        Assert.Equal("[[1,2],[3,4],[5,6]]", TelemetryJson.Format(new TelemetryValue(ValueKind.Array, 0, matrix)));
    }

    [Fact]
    public void Opc_ua_times_convert_and_refuse_what_does_not_fit()
    {
        Assert.True(UnixTime.TryFromFileTime(133_500_000_000_000_001, 1234, out var timeNs));
        Assert.Equal(133_500_000_000_000_001, UnixTime.ToFileTime(timeNs));
        Assert.Equal(12, timeNs % 100);
        Assert.False(UnixTime.TryFromFileTime(0, 0, out _));
        Assert.False(UnixTime.TryFromFileTime(-5, 0, out _));
        Assert.False(UnixTime.TryFromFileTime(long.MaxValue, 0, out _));
    }

    private static string Line(in TelemetryEvent e)
    {
        var buffer = new ArrayBufferWriter<byte>();
        TelemetryJson.WriteEvent(buffer, e);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
