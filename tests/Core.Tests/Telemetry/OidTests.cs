using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Telemetry;

public sealed class OidTests
{
    [Theory]
    [InlineData("sensor:temp", OidKind.Sensor, "temp", "sensor/temp")]
    [InlineData("unit/plant/line1/valve", OidKind.Unit, "plant/line1/valve", "unit/plant/line1/valve")]
    [InlineData("S:a.b(c)[d]-e\\f_g", OidKind.Sensor, "a.b(c)[d]-e\\f_g", "sensor/a.b(c)[d]-e\\f_g")]
    [InlineData("LV:größe/日本", OidKind.Lvar, "größe/日本", "lvar/größe/日本")]
    public void An_oid_reads_in_text_and_topic_form(string text, OidKind kind, string path, string topic)
    {
        Assert.True(Oid.TryParse(text, out var oid, out _));
        Assert.Equal((kind, path, topic), (oid.Kind, oid.Path, oid.TopicPath));
        Assert.Equal($"{Oid.KindName(kind)}:{path}", oid.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("temp")]
    [InlineData("sensor:")]
    [InlineData("sensor:a/")]
    [InlineData("lmacro:a")]
    [InlineData("SENSOR:a")]
    [InlineData("sensor:a b")]
    [InlineData("sensor:a+b")]
    [InlineData("sensor:#")]
    [InlineData("sensor:a:b")]
    [InlineData("sensor:a,b")]
    [InlineData("sensor:a\0")]
    public void What_is_no_oid_is_refused_with_a_sentence(string text)
    {
        Assert.False(Oid.TryParse(text, out _, out var error));
        Assert.EndsWith(".", error);
    }

    [Fact]
    public void An_oid_longer_than_the_limit_is_refused() =>
        Assert.False(Oid.TryParse("sensor:" + new string('a', Oid.MaxTextBytes), out _, out _));

    [Fact]
    public void A_table_gives_the_same_number_for_text_and_object()
    {
        var table = new OidTable();
        var first = table.GetOrAdd(Oid.Parse("sensor:a"));
        Assert.True(table.TryGetOrAdd("sensor:a"u8, out var again, out _));
        Assert.True(table.TryGetOrAdd("sensor:b"u8, out var other, out _));
        Assert.Equal(first, again);
        Assert.Equal("sensor:b", table[other].Text);
        Assert.False(table.TryGetOrAdd([0xFF, 0xFE], out _, out var error));
        Assert.Contains("UTF-8", error, StringComparison.Ordinal);
    }
}
