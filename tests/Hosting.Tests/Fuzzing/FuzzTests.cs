using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Rpc;
using ZfRepl.TestKit;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Hosting.Tests.Fuzzing;

/// <summary>Service files, calls and their texts, made wrong: an answer or an error with its place, never a defect.</summary>
public sealed class FuzzTests
{
    private static readonly ManualTime Clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    private static readonly string[] Calls =
    [
        """{"jsonrpc":"2.0","method":"all","params":{"s":"x","i":5,"d":1.5,"b":true,"t":[1656445625,123],"l":["a","b"],"m":{"a":{"b":[1,null]}}},"id":1}""",
        """[{"jsonrpc":"2.0","method":"all","params":{"s":"ä\u0041","t":"2024-01-02 15:04"},"id":"a"},{"jsonrpc":"2.0","method":"all"}]""",
        """{"jsonrpc":"2.0","method":"all","params":[],"id":null}""",
    ];

    private static readonly FuzzTarget[] Targets =
    [
        new("yaml", [.. Templates().Select(Encoding.UTF8.GetBytes)], input => ReadYaml(Encoding.UTF8.GetString(input)), 64L * 1024 * 1024)
        {
            Words = Words("\n", "  ", "\t", "- ", ": ", "#", "&a", "*a", "!!binary ", "<<: ", "|", ">", "'", "\"", "{", "[", "---\n", "...", "%YAML", "\0", "${HOME}", "\u2028", "~"),
        },
        new("rpc", [.. Calls.Select(Encoding.UTF8.GetBytes)], Call)
        {
            Words = Words("\"", "\\ud800", "\\u0000", "{", "[", "]", "}", ",", ":", "null", "1e999", "-", "99999999999999999999", "\\"),
        },
        new("call-parameters", [.. new[] { "a=1", "s=x", "t=!5", "l=[1,2]", "m={\"a\":1}", "p=@", "b=true", "n=1_000" }.Select(Encoding.UTF8.GetBytes)], input =>
        {
            var parsed = CallParameters.Parse(Encoding.UTF8.GetString(input).Split('\n'), _ => "secret");
            Assert.NotEqual(parsed.Value is null, parsed.Error is null);
        }) { InputBytesMax = 2_000, Words = Words("=", "!", "@", "\n", "[", "\"", "\\ud800") },
        new("time", [.. new[] { "1656445625.5", "30T", "2024-01-02 15:04:05.123 PM +01:00", "Tue, 2 Jan 2024 15:04:05 GMT", "1/2/2024" }.Select(Encoding.UTF8.GetBytes)], input =>
        {
            var text = Encoding.UTF8.GetString(input);
            Assert.True(TimeText.TryParse(text, Clock.GetUtcNow(), TimeZoneInfo.Utc, out _, out var problem) || problem.Length > 0);
        }) { InputBytesMax = 200, Words = Words(":", "-", "/", ".", "W", "99999", " AM", "EST", "Feb 30") },
    ];

    public static TheoryData<string> Names => [.. Targets.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Wrong_input_is_refused_and_nothing_worse(string name) =>
        await Task.Run(() => Fuzzer.Run(Targets.Single(t => t.Name == name), rounds: name == "yaml" ? 1_500 : 20_000));

    private static byte[][] Words(params string[] words) => [.. words.Select(Encoding.UTF8.GetBytes)];

    private static IEnumerable<string> Templates() =>
        Directory.EnumerateFiles(Path.Combine(ProgramLookup.RepositoryRoot, "templates"), "*.yml").Order(StringComparer.Ordinal).Select(File.ReadAllText);

    private static void ReadYaml(string text)
    {
        var document = ConfigDocument.Parse(text, "fuzz.yml");
        if (document.IsValid)
        {
            _ = ServiceFile.Read(document, ["collector", "replicator", "standalone", "broker"], _ => null, "host");
            document.Finish();
        }

        Assert.All(document.Errors, e => Assert.False(string.IsNullOrEmpty(e.Message)));
    }

    private static void Call(byte[] body) => Task.Run(async () =>
    {
        using var dispatcher = new RpcDispatcher(new RpcSurface(Methods(), Frozen(new RpcMethods()), new HashSet<string>()), Clock, NullLogger.Instance);
        using var output = new MemoryStream();
        if (await dispatcher.HandleAsync(new MemoryStream(body), output, CancellationToken.None, CancellationToken.None))
        {
            var answer = Encoding.UTF8.GetString(output.ToArray());
            using var parsed = JsonDocument.Parse(answer);
            Assert.DoesNotContain("by a defect", answer, StringComparison.Ordinal);
        }
    }).GetAwaiter().GetResult();

    private static RpcMethods Methods()
    {
        var methods = new RpcMethods();
        RpcParameter[] parameters =
        [
            new("s", RpcType.String, "text"),
            new("i", RpcType.Integer, "whole"),
            new("d", RpcType.Double, "real"),
            new("b", RpcType.Bool, "truth"),
            new("t", RpcType.Time, "time"),
            new("l", RpcType.Strings, "list"),
            new("m", RpcType.Map, "map"),
        ];
        methods.Add("all", "Gives back what it got", parameters, (call, _) => Task.FromResult(RpcResult.Json(new JsonArray(
            call.StringOrNull("s"), call.Int64OrNull("i"), call.DoubleOrNull("d"), call.BoolOrNull("b"), call.TimeOrNull("t")?.ToString("O"),
            string.Join('|', call.StringsOrNull("l") ?? []), call.MapOrNull("m")?.DeepClone()))));
        return Frozen(methods);
    }

    private static RpcMethods Frozen(RpcMethods methods)
    {
        methods.Freeze();
        return methods;
    }
}
