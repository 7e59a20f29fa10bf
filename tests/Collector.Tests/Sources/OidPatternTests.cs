using ZfRepl.Collector.Sources.OpcUa;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Tests.Sources;

/// <summary>Browsed nodes get OIDs that are legal, say where they come from, and stay the same from start to start.</summary>
public sealed class OidPatternTests
{
    [Theory]
    [InlineData("sensor:plant/{path}", "sensor:plant/Line_1/Oven_temp_")]
    [InlineData("sensor:{name}", "sensor:Oven_temp_")]
    [InlineData("sensor:ns{ns}/{id}", "sensor:ns3/a_b")]
    public void A_pattern_is_filled_with_the_nodes_own_names(string pattern, string expected) =>
        Assert.Equal(expected, OidPattern.Make(pattern, ["Line 1", "Oven/temp?"], "a/b", 3, out _)!.Text);

    [Theory]
    [InlineData("sensor:plant/{pth}", "{path}, {name}, {id} and {ns}")]
    [InlineData("sensor:plant", "the same OID")]
    [InlineData("pump:{path}", "")]
    public void A_pattern_that_cannot_work_is_refused_with_the_reason(string pattern, string reason) =>
        Assert.Contains(reason, OidPattern.Check(pattern)!, StringComparison.Ordinal);

    [Fact]
    public void Nodes_of_one_name_are_told_apart_in_the_order_of_their_ids_and_from_what_is_in_use()
    {
        var taken = new HashSet<Oid> { Oid.Parse("sensor:a") };
        var unique = OidPattern.MakeUnique([("ns=2;s=z", Oid.Parse("sensor:a")), ("ns=2;s=b", Oid.Parse("sensor:a"))], taken);
        Assert.Equal([("ns=2;s=b", "sensor:a_2"), ("ns=2;s=z", "sensor:a_3")], unique.Select(u => (u.NodeId, u.Oid.Text)));
    }
}
