using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Telemetry;

public sealed class OidMaskTests
{
    [Theory]
    [InlineData("#", "sensor:a", true)]
    [InlineData("*", "lvar:x/y", true)]
    [InlineData("sensor", "sensor:a/b", true)]
    [InlineData("sensor", "unit:a", false)]
    [InlineData("sensor:a", "sensor:a", true)]
    [InlineData("sensor:a", "sensor:A", false)]
    [InlineData("sensor:a", "sensor:a/b", false)]
    [InlineData("sensor:+", "sensor:a", true)]
    [InlineData("sensor:+", "sensor:g/a", false)]
    [InlineData("sensor:?/a", "sensor:g/a", true)]
    [InlineData("sensor:g/#", "sensor:g/a", true)]
    [InlineData("sensor:g/#", "sensor:g/a/b", true)]
    [InlineData("sensor:g/#", "sensor:g", false)]
    [InlineData("sensor:g/*", "sensor:h/a", false)]
    [InlineData("sensor:a/#/c", "sensor:a/x", true)]
    [InlineData("+:g/a", "unit:g/a", true)]
    [InlineData("?:g/a", "lvar:g/a", true)]
    [InlineData("sensor:#", "sensor:x/y", true)]
    [InlineData("sensor:+/t", "sensor:a/t", true)]
    [InlineData("sensor:+/t", "sensor:a/b/t", false)]
    [InlineData("sensor:f~gt(5)", "sensor:6", true)]
    [InlineData("sensor:f~gt(5)", "sensor:5", false)]
    [InlineData("sensor:f~le(-1)", "sensor:-2", true)]
    [InlineData("sensor:f~ri(1..3)/t", "sensor:3/t", true)]
    [InlineData("sensor:f~ri(1..3)/t", "sensor:4/t", false)]
    [InlineData("sensor:f~line#ge(10)", "sensor:line12", true)]
    [InlineData("sensor:f~line#ge(10)", "sensor:tank12", false)]
    [InlineData("sensor:r~^t[0-9]+$", "sensor:t42", true)]
    [InlineData("sensor:r~^t[0-9]+$", "sensor:tx", false)]
    [InlineData("S:a", "sensor:a", true)]
    public void A_mask_matches_as_documented(string mask, string oid, bool expected)
    {
        Assert.True(OidMask.TryParse(mask, out var parsed, out var error), error);
        Assert.Equal(expected, parsed.Matches(Oid.Parse(oid)));
    }

    [Theory]
    [InlineData("*", "#")]
    [InlineData("sensor:a/*", "sensor:a/#")]
    [InlineData("sensor:a/#/b", "sensor:a/#")]
    [InlineData("?:a", "+:a")]
    public void A_mask_prints_in_its_canonical_form(string mask, string canonical)
    {
        Assert.True(OidMask.TryParse(mask, out var parsed, out _));
        Assert.Equal(canonical, parsed.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("#:x")]
    [InlineData("sensor:")]
    [InlineData("lmacro:#")]
    [InlineData("sensor:a b")]
    [InlineData("sensor:ab+")]
    [InlineData("sensor:r~(")]
    [InlineData("sensor:f~gt(x)")]
    [InlineData("sensor:f~near(5)")]
    public void A_bad_mask_is_refused_with_a_reason(string mask)
    {
        Assert.False(OidMask.TryParse(mask, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void Exclusion_wins_and_an_empty_list_matches_nothing()
    {
        Assert.True(OidMask.TryParse("sensor:secret/#", out var secret, out _));
        var filter = new OidFilter([OidMask.All], [secret]);
        Assert.True(filter.Matches(Oid.Parse("sensor:open")));
        Assert.False(filter.Matches(Oid.Parse("sensor:secret/x")));
        Assert.False(new OidFilter([], []).Matches(Oid.Parse("sensor:open")));
    }
}
