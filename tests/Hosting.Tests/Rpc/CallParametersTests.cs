using System.Text.Json.Nodes;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Rpc;

public sealed class CallParametersTests
{
    [Theory]
    [InlineData("i=node1", "\"node1\"")]
    [InlineData("i=", "\"\"")]
    [InlineData("i=a=b=c", "\"a=b=c\"")]
    [InlineData("i=*", "\"*\"")]
    [InlineData("i=null", "null")]
    [InlineData("i=true", "true")]
    [InlineData("i=false", "false")]
    [InlineData("i=True", "\"True\"")]
    [InlineData("i=NULL", "\"NULL\"")]
    [InlineData("i=007", "7")]
    [InlineData("i=-007", "-7")]
    [InlineData("i=+5", "5")]
    [InlineData("i=0", "0")]
    [InlineData("i=-0", "0")]
    [InlineData("i= 12 ", "12")]
    [InlineData("i=1_000", "1000")]
    [InlineData("i=1_0", "10")]
    [InlineData("i=1__0", "\"1__0\"")]
    [InlineData("i=_1", "\"_1\"")]
    [InlineData("i=1_", "\"1_\"")]
    [InlineData("i=0x1F", "\"0x1F\"")]
    [InlineData("i=123456789012345678901234567890", "123456789012345678901234567890")]
    [InlineData("i=1.5", "1.5")]
    [InlineData("i=.5", "0.5")]
    [InlineData("i=5.", "5")]
    [InlineData("i=1e3", "1000")]
    [InlineData("i=1E-3", "0.001")]
    [InlineData("i=1_0.2_5e1_0", "102500000000")]
    [InlineData("i=.", "\".\"")]
    [InlineData("i=e5", "\"e5\"")]
    [InlineData("i=1.2.3", "\"1.2.3\"")]
    [InlineData("i=1656445625.123456", "1656445625.123456")]
    [InlineData("i=infinite", "\"infinite\"")]
    [InlineData("i=!007", "\"007\"")]
    [InlineData("i=!true", "\"true\"")]
    [InlineData("i=!a,b", "\"a,b\"")]
    [InlineData("i=!", "\"\"")]
    [InlineData("i=!!x", "\"!x\"")]
    [InlineData("i=!nan", "\"nan\"")]
    [InlineData("i=a,b", "[\"a\",\"b\"]")]
    [InlineData("i=1,true,null,!5,x", "[1,true,null,\"5\",\"x\"]")]
    [InlineData("i=,", "[\"\",\"\"]")]
    [InlineData("i=a,@b", "[\"a\",\"@b\"]")]
    [InlineData("i=2024-01-02,03:04", "[\"2024-01-02\",\"03:04\"]")]
    [InlineData("i=2024-01-02T03:04:05Z", "\"2024-01-02T03:04:05Z\"")]
    [InlineData("i=<<", "\"asked for i\"")]
    public void A_value_becomes_what_the_documented_shell_makes_of_it(string pair, string json)
    {
        var result = CallParameters.Parse([pair], name => $"asked for {name}");
        Assert.Null(result.Error);
        Assert.Equal($$"""{"i":{{json}}}""", result.Value!.ToJsonString());
    }

    [Theory]
    [InlineData("i=inf", "i: 'inf' is a number that cannot be sent; write !inf to send it as a text")]
    [InlineData("i=-Infinity", "i: '-Infinity' is a number that cannot be sent; write !-Infinity to send it as a text")]
    [InlineData("i= nan", "i: ' nan' is a number that cannot be sent; write ! nan to send it as a text")]
    [InlineData("i=1e999", "i: '1e999' is a number that cannot be sent; write !1e999 to send it as a text")]
    [InlineData("i=1,nan", "i: 'nan' is a number that cannot be sent; write !nan to send it as a text")]
    [InlineData("force", "'force' is not of the form name=value")]
    [InlineData("=5", "'=5' is not of the form name=value")]
    [InlineData("", "'' is not of the form name=value")]
    [InlineData("i=<<", "i: there is no terminal to ask for the value")]
    public void What_cannot_be_sent_is_an_error(string pair, string error)
    {
        var result = CallParameters.Parse([pair]);
        Assert.Null(result.Value);
        Assert.Equal(error, result.Error);
    }

    [Fact]
    public void No_pairs_mean_no_parameters_at_all()
    {
        var result = CallParameters.Parse([]);
        Assert.Null(result.Value);
        Assert.Null(result.Error);
    }

    [Fact]
    public void Several_pairs_keep_their_order_and_a_name_given_twice_is_an_error()
    {
        Assert.Equal("""{"b":1,"a":"x"}""", CallParameters.Parse(["b=1", "a=x"]).Value!.ToJsonString());
        Assert.Equal("a is given twice", CallParameters.Parse(["a=1", "a=2"]).Error);
    }

    [Fact]
    public void A_file_is_read_as_YAML()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["p.yml"], "a: 1_000\nb: [true, null, 'x', 0.5, off, 0x10, abc]\nc: {d: -5}\n");
        var result = CallParameters.Parse([$"xopts=@{folder["p.yml"]}"]);
        Assert.Null(result.Error);
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""{"xopts":{"a":1000,"b":[true,null,"x",0.5,false,16,"abc"],"c":{"d":-5}}}"""), result.Value));
    }

    [Fact]
    public void A_file_that_cannot_be_used_is_an_error_with_its_place()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["inf.yml"], "a:\n  b: .inf\n");
        File.WriteAllText(folder["bad.yml"], "a: [1\n");
        Assert.Equal($"x: {folder["inf.yml"]}:2:6: error: .inf is a number that cannot be sent (quote it to send a text)", CallParameters.Parse([$"x=@{folder["inf.yml"]}"]).Error);
        Assert.StartsWith($"x: {folder["bad.yml"]}:2:1: error: not valid YAML", CallParameters.Parse([$"x=@{folder["bad.yml"]}"]).Error, StringComparison.Ordinal);
        Assert.Contains("the file cannot be read", CallParameters.Parse([$"x=@{folder["none.yml"]}"]).Error, StringComparison.Ordinal);
        Assert.Contains("the file cannot be read", CallParameters.Parse(["x=@"]).Error, StringComparison.Ordinal);
    }
}
