using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Tests.Telemetry;

/// <summary>What a key may read and write, by the original's rules.</summary>
public sealed class AccessRightsTests
{
    // read | write | deny read | deny write | item → may read, may write
    [Theory]
    [InlineData("", "", "", "", "sensor:a/x", false, false)]
    [InlineData("#", "", "", "", "sensor:a/x", true, false)]
    [InlineData("", "sensor:a/#", "", "", "sensor:a/x", true, true)]
    [InlineData("", "sensor:a/#", "", "", "sensor:b/x", false, false)]
    [InlineData("", "sensor:a/#", "", "", "sensor:a", false, false)]
    [InlineData("", "#", "", "sensor:a/secret", "sensor:a/secret", true, false)]
    [InlineData("", "#", "sensor:a/secret", "", "sensor:a/secret", false, false)]
    [InlineData("#", "#", "sensor", "", "lvar:a/x", true, true)]
    [InlineData("", "unit", "", "", "unit:a/b/c", true, true)]
    [InlineData("", "+:a/#", "", "", "lvar:a/b", true, true)]
    public void Masks_decide(string read, string write, string denyRead, string denyWrite, string oid, bool mayRead, bool mayWrite)
    {
        var rights = new AccessRights { Read = Masks(read), Write = Masks(write), DenyRead = Masks(denyRead), DenyWrite = Masks(denyWrite) };
        Assert.Equal((mayRead, mayWrite), (rights.MayRead(Oid.Parse(oid)), rights.MayWrite(Oid.Parse(oid))));
    }

    [Fact]
    public void A_deny_in_one_list_overrides_an_allow_in_another_and_an_administrator_may_do_everything()
    {
        var allow = new AccessRights { Write = Masks("#") };
        var deny = new AccessRights { DenyWrite = Masks("sensor:a/#") };
        var item = Oid.Parse("sensor:a/x");
        Assert.False(AccessRights.Union([allow, deny]).MayWrite(item));
        Assert.True(AccessRights.Union([allow, deny, new AccessRights { IsAdmin = true }]).MayWrite(item));
        Assert.False(AccessRights.Union([]).MayWrite(item));
        Assert.False(AccessRights.None.MayRead(item));
    }

    internal static OidMask[] Masks(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(t => OidMask.TryParse(t, out var mask, out var error) ? mask : throw new ArgumentException(error, nameof(text)))];
}
