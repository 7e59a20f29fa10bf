using System.Globalization;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Rpc;

/// <summary>Parameters against the method's table.</summary>
public sealed class RpcParameterTests
{
    private static readonly ManualTime Clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData(RpcType.String, "\"a\"", "a")]
    [InlineData(RpcType.String, "7", "7")]
    [InlineData(RpcType.String, "1.50", "1.50")]
    [InlineData(RpcType.String, "true", "-32009 the parameter `p` is true, expected a text; write !true or !false on the command line")]
    [InlineData(RpcType.String, "[\"a\"]", "-32009 the parameter `p` is [\"a\"], expected a text")]
    [InlineData(RpcType.Integer, "7", "7")]
    [InlineData(RpcType.Integer, "7.0", "7")]
    [InlineData(RpcType.Integer, "1e2", "100")]
    [InlineData(RpcType.Integer, "-10", "-10")]
    [InlineData(RpcType.Integer, "7.5", "-32009 the parameter `p` is 7.5, expected a whole number")]
    [InlineData(RpcType.Integer, "\"7\"", "-32009 the parameter `p` is \"7\", expected a whole number")]
    [InlineData(RpcType.Integer, "1001", "-32009 the parameter `p` is 1001, allowed is -10 to 1000")]
    [InlineData(RpcType.Integer, "-11", "-32009 the parameter `p` is -11, allowed is -10 to 1000")]
    [InlineData(RpcType.Integer, "99999999999999999999", "-32009 the parameter `p` is 99999999999999999999, expected a whole number")]
    [InlineData(RpcType.Double, "7", "7")]
    [InlineData(RpcType.Double, "0.25", "0.25")]
    [InlineData(RpcType.Double, "1e999", "-32009 the parameter `p` is 1e999, expected a number")]
    [InlineData(RpcType.Double, "\"x\"", "-32009 the parameter `p` is \"x\", expected a number")]
    [InlineData(RpcType.Double, "1000.5", "-32009 the parameter `p` is 1000.5, allowed is -10 to 1000")]
    [InlineData(RpcType.Bool, "true", "True")]
    [InlineData(RpcType.Bool, "false", "False")]
    [InlineData(RpcType.Bool, "1", "-32009 the parameter `p` is 1, expected true or false")]
    [InlineData(RpcType.Strings, "\"a\"", "a")]
    [InlineData(RpcType.Strings, "\"a,b\"", "a|b")]
    [InlineData(RpcType.Strings, "[\"a\",5]", "a|5")]
    [InlineData(RpcType.Strings, "[]", "")]
    [InlineData(RpcType.Strings, "[null]", "-32009 the parameter `p` is [null], expected a text or a list of texts")]
    [InlineData(RpcType.Map, "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}")]
    [InlineData(RpcType.Map, "5", "-32009 the parameter `p` is 5, expected a map")]
    [InlineData(RpcType.Time, "1656445625", "2022-06-28T19:47:05.0000000+00:00")]
    [InlineData(RpcType.Time, "1656445625.1234567", "2022-06-28T19:47:05.1234567+00:00")]
    [InlineData(RpcType.Time, "1.656445625e9", "2022-06-28T19:47:05.0000000+00:00")]
    [InlineData(RpcType.Time, "0", "1970-01-01T00:00:00.0000000+00:00")]
    [InlineData(RpcType.Time, "[1656445625, 123456789]", "2022-06-28T19:47:05.1234567+00:00")]
    [InlineData(RpcType.Time, "\"1656445625.5\"", "2022-06-28T19:47:05.5000000+00:00")]
    [InlineData(RpcType.Time, "\"30T\"", "2026-03-01T11:30:00.0000000+00:00")]
    [InlineData(RpcType.Time, "-1", "-32009 the parameter `p` is -1, expected a number of seconds from the years 1970 to 9999")]
    [InlineData(RpcType.Time, "1656445625000", "-32009 the parameter `p` is 1656445625000, expected a number of seconds from the years 1970 to 9999; so many digits look like milliseconds or less, divide them")]
    [InlineData(RpcType.Time, "[1, 1000000000]", "-32009 the parameter `p` is [1, 1000000000], expected seconds, [seconds, nanoseconds] or a time as text")]
    [InlineData(RpcType.Time, "[1]", "-32009 the parameter `p` is [1], expected seconds, [seconds, nanoseconds] or a time as text")]
    [InlineData(RpcType.Time, "true", "-32009 the parameter `p` is true, expected seconds, [seconds, nanoseconds] or a time as text")]
    public void A_value_is_decoded_as_its_type_or_refused_by_name(RpcType type, string json, string expected)
    {
        var method = Method(new RpcParameter("p", type, "a test", IsRequired: true) { Minimum = -10, Maximum = 1000 });
        Assert.Equal(expected, Decode(method, $$"""{"p": {{json}}}""", call => type switch
        {
            RpcType.String => call.String("p"),
            RpcType.Integer => call.Int64("p").ToString(CultureInfo.InvariantCulture),
            RpcType.Double => call.Double("p").ToString(CultureInfo.InvariantCulture),
            RpcType.Bool => call.Bool("p").ToString(),
            RpcType.Strings => string.Join('|', call.Strings("p")),
            RpcType.Map => call.Map("p").ToJsonString(),
            _ => call.Time("p").ToString("O", CultureInfo.InvariantCulture),
        }));
    }

    [Theory]
    [InlineData(null, "-32602 the parameter `i` is missing: node name")]
    [InlineData("{}", "-32602 the parameter `i` is missing: node name")]
    [InlineData("{\"force\": true}", "-32009 the parameter `i` is missing: node name")]
    [InlineData("{\"i\": null}", "-32009 the parameter `i` is missing: node name")]
    [InlineData("{\"i\": \"a\", \"forse\": true}", "-32009 unknown parameter `forse` (did you mean `force`?)")]
    [InlineData("{\"i\": \"a\", \"zzz\": true}", "-32009 unknown parameter `zzz` (known are i, range, force)")]
    [InlineData("[\"a\"]", "-32602 parameters are given by name, as a map")]
    [InlineData("{\"i\": \"a\"}", "a||")]
    [InlineData("{\"i\": \"a\", \"range\": null, \"force\": null}", "a||")]
    [InlineData("{\"i\": \"a\", \"range\": 0.5, \"force\": false}", "a|0.5|False")]
    public void Missing_and_unknown_parameters_are_refused_by_name(string? json, string expected)
    {
        var method = Method(
            new RpcParameter("i", RpcType.String, "node name", IsRequired: true),
            new RpcParameter("range", RpcType.Double, "range (s)"),
            new RpcParameter("force", RpcType.Bool, "force"));
        Assert.Equal(expected, Decode(method, json, call =>
            string.Create(CultureInfo.InvariantCulture, $"{call.String("i")}|{call.DoubleOrNull("range")}|{call.BoolOrNull("force")}")));
    }

    [Theory]
    [InlineData(1.0, null, "-32009 the parameter `n` is 0, allowed is 1 or more")]
    [InlineData(null, -1.0, "-32009 the parameter `n` is 0, allowed is -1 or less")]
    [InlineData(null, null, "0")]
    public void A_limit_may_be_on_one_side_only(double? minimum, double? maximum, string expected)
    {
        var method = Method(new RpcParameter("n", RpcType.Integer, "n", IsRequired: true) { Minimum = minimum, Maximum = maximum });
        Assert.Equal(expected, Decode(method, """{"n":0}""", call => call.Int64("n").ToString(CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Methods_with_optional_parameters_only_need_no_payload()
    {
        var method = Method(new RpcParameter("t_start", RpcType.Time, "start"), new RpcParameter("n", RpcType.Integer, "n"), new RpcParameter("s", RpcType.String, "s"));
        Assert.Equal("||", Decode(method, null, call => $"{call.TimeOrNull("t_start")}|{call.Int64OrNull("n")}|{call.StringOrNull("s")}"));
    }

    [Fact]
    public void Methods_without_parameters_refuse_any()
    {
        Assert.Equal("-32602 m takes no parameters", Decode(Method(), """{"a":1}""", _ => ""));
        Assert.Equal("-32602 m takes no parameters", Decode(Method(), "[1]", _ => ""));
    }

    [Fact]
    public void A_handler_that_asks_for_what_its_table_does_not_declare_is_told_at_once()
    {
        var method = Method(new RpcParameter("i", RpcType.String, "i", IsRequired: true), new RpcParameter("o", RpcType.Map, "o"));
        Assert.Throws<InvalidOperationException>(() => Decode(method, """{"i":"a"}""", call => call.String("j")));
        Assert.Throws<InvalidOperationException>(() => Decode(method, """{"i":"a"}""", call => $"{call.Int64("i")}"));
        Assert.Throws<InvalidOperationException>(() => Decode(method, """{"i":"a","o":{}}""", call => call.Map("o").ToJsonString()));
    }

    [Fact]
    public void The_table_of_methods_refuses_what_makes_no_sense()
    {
        var methods = new RpcMethods();
        methods.Add("m", "", [], Nothing);
        Assert.Throws<ArgumentException>(() => methods.Add("m", "", [], Nothing));
        Assert.Throws<ArgumentException>(() => methods.Add("n", "", [new RpcParameter("a", RpcType.Bool, ""), new RpcParameter("a", RpcType.Map, "")], Nothing));
        methods.Freeze();
        Assert.Throws<InvalidOperationException>(() => methods.Add("late", "", [], Nothing));
    }

    private static Task<RpcResult> Nothing(RpcCall call, CancellationToken cancellationToken) => Task.FromResult(RpcResult.Empty);

    private static RpcMethod Method(params RpcParameter[] parameters) => new("m", "a test", parameters, Nothing);

    private static string Decode(RpcMethod method, string? json, Func<RpcCall, string> read)
    {
        var values = new ParameterDecoder(Clock).Decode(method, json is null ? null : System.Text.Json.JsonDocument.Parse(json).RootElement, out var error);
        return values is null ? $"{error!.ErrorCode} {error.ErrorMessage}" : read(new RpcCall(method, values));
    }
}
