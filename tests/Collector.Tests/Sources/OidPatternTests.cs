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
    public void Nodes_of_one_name_are_told_apart_by_marks_of_their_own_and_from_what_is_in_use()
    {
        var taken = new HashSet<Oid> { Oid.Parse("sensor:a") };
        var unique = OidPattern.MakeUnique(
            [("ns=2;s=z", Oid.Parse("sensor:a")), ("ns=2;s=b", Oid.Parse("sensor:a")), ("ns=2;s=c", Oid.Parse("sensor:c"))], taken);
        Assert.Equal(["ns=2;s=b", "ns=2;s=c", "ns=2;s=z"], unique.Select(u => u.NodeId));
        Assert.Equal("sensor:c", unique[1].Oid.Text);
        Assert.Matches("^sensor:a_[0-9a-f]{8}$", unique[0].Oid.Text);
        Assert.Matches("^sensor:a_[0-9a-f]{8}$", unique[2].Oid.Text);
        Assert.Equal(4, taken.Count);
    }

    [Fact]
    public void A_node_that_is_added_never_takes_the_oid_of_another_one()
    {
        var name = Oid.Parse("sensor:Temperature");
        string[][] plants = [["s=m"], ["s=m", "s=z"], ["s=a", "s=m", "s=z"], ["s=a", "s=z"], ["s=z"]];
        var owners = new Dictionary<Oid, string>();
        foreach (var plant in plants)
        {
            foreach (var (nodeId, oid) in OidPattern.MakeUnique(plant.Select(n => ($"ns=2;{n}", name)), []).Where(u => !u.Oid.Equals(name)))
            {
                owners.TryAdd(oid, nodeId);
                Assert.Equal(owners[oid], nodeId);
            }
        }

        Assert.Equal(3, owners.Count);
    }

    [Fact]
    public void Very_many_nodes_of_one_name_and_very_long_names_are_told_apart_too()
    {
        var name = Oid.Parse("sensor:Temperature");
        var many = OidPattern.MakeUnique(Enumerable.Range(0, 100_000).Select(i => ($"ns=2;i={i}", name)), []);
        Assert.Equal(100_000, many.Select(m => m.Oid).Distinct().Count());
        var longest = Oid.Parse("sensor:" + new string('a', Oid.MaxTextBytes - 7));
        var two = OidPattern.MakeUnique([("ns=2;s=a", longest), ("ns=2;s=b", longest)], []);
        Assert.Equal(2, two.Select(m => m.Oid).Distinct().Count());
    }
}
