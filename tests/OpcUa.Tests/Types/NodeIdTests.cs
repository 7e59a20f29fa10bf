using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Types;

public sealed class NodeIdTests
{
    public static TheoryData<string> Texts() =>
    [
        "i=0", "i=2258", "i=4294967295", "ns=2;s=Name", "s=", "ns=65535;s=a;b=c;i=5", "ns=3;g=72962b91-fa75-4ae6-8d28-b404dc7daf63",
        "b=AQL/", "ns=4;b=", "s=水 𝄞",
    ];

    public static TheoryData<string> ExpandedTexts() =>
    [
        "svr=1;nsu=http://example.com/UA;s=Name", "nsu=urn:a:b;i=5", "nsu=urn:with%3Bsemicolon%25percent;s=x;y", "svr=4294967295;i=1", "ns=2;i=7",
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void The_text_form_is_read_back(string text)
    {
        Assert.True(NodeId.TryParse(text, out var id));
        Assert.Equal(text, id.ToString());
        Assert.True(ExpandedNodeId.TryParse(text, out var expanded));
        Assert.Equal(new ExpandedNodeId(id), expanded);
    }

    [Theory]
    [MemberData(nameof(ExpandedTexts))]
    public void The_text_form_with_server_and_namespace_uri_is_read_back(string text)
    {
        Assert.True(ExpandedNodeId.TryParse(text, out var id));
        Assert.Equal(text, id.ToString());
    }

    [Fact]
    public void Escapes_in_a_namespace_uri_are_resolved()
    {
        var id = ExpandedNodeId.Parse("nsu=urn:a%3bb%25;s=x");
        Assert.Equal("urn:a;b%", id.NamespaceUri);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("2258")]
    [InlineData("i=")]
    [InlineData("i=-1")]
    [InlineData("i=+1")]
    [InlineData("i= 1")]
    [InlineData("i=4294967296")]
    [InlineData("ns=65536;i=1")]
    [InlineData("ns=2")]
    [InlineData("ns=;i=1")]
    [InlineData("ns=2;")]
    [InlineData("I=1")]
    [InlineData("x=1")]
    [InlineData("g=72962b91")]
    [InlineData("b=A")]
    [InlineData("b=****")]
    [InlineData("svr=1;ns=2;s=x")]
    [InlineData("nsu=urn:a;s=x")]
    public void Other_texts_are_refused_as_node_ids(string? text) => Assert.False(NodeId.TryParse(text, out _));

    [Theory]
    [InlineData("nsu=;s=x")]
    [InlineData("nsu=urn:a")]
    [InlineData("svr=;i=1")]
    [InlineData("svr=4294967296;i=1")]
    [InlineData("nsu=urn:a;ns=2;i=1")]
    public void Other_texts_are_refused_as_expanded_node_ids(string text) => Assert.False(ExpandedNodeId.TryParse(text, out _));

    [Fact]
    public void Ids_are_equal_by_content()
    {
        Assert.Equal(new NodeId(1, new byte[] { 1, 2 }), new NodeId(1, new byte[] { 1, 2 }));
        Assert.Equal(new NodeId(1, new byte[] { 1, 2 }).GetHashCode(), new NodeId(1, new byte[] { 1, 2 }).GetHashCode());
        Assert.NotEqual(new NodeId(1, new byte[] { 1, 2 }), new NodeId(1, new byte[] { 1, 3 }));
        Assert.NotEqual(new NodeId(1, ""), new NodeId(1, 0u));
        Assert.NotEqual(new NodeId(1, "a"), new NodeId(2, "a"));
        Assert.True(new NodeId(0).IsNull);
        Assert.False(new NodeId(0, "").IsNull);
    }

    [Fact]
    public void A_namespace_uri_finds_its_index_and_back()
    {
        var table = new NamespaceTable(["http://opcfoundation.org/UA/", "urn:server", "urn:plant"]);
        Assert.True(table.TryResolve(ExpandedNodeId.Parse("nsu=urn:plant;s=T1"), out var id));
        Assert.Equal("ns=2;s=T1", id.ToString());
        Assert.True(table.TryGeneralise(id, out var general));
        Assert.Equal("nsu=urn:plant;s=T1", general.ToString());
        Assert.False(table.TryResolve(ExpandedNodeId.Parse("nsu=urn:other;s=T1"), out _));
        Assert.False(table.TryResolve(ExpandedNodeId.Parse("svr=1;i=1"), out _));
        Assert.False(table.TryGeneralise(NodeId.Parse("ns=3;i=1"), out _));
        Assert.True(table.TryGeneralise(new NodeId(2258), out general));
        Assert.Equal("i=2258", general.ToString());
    }
}
