using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Cli.Tests.BadInput;

/// <summary>
/// Every method of every role, called wrongly in every way: the answer is an error with its code, names the parameter, and nothing has changed. What
/// methods and parameters there are is asked of the services, so that a new one without rows fails here.
/// </summary>
public sealed class BadInputTests(Plant plant) : IClassFixture<Plant>
{
    private static readonly string[] BuiltIn = ["test", "stop", "health", "info"];

    public static TheoryData<string> Services => [Plant.Collector, Plant.Replicator, Plant.Standalone, Plant.Broker];

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_wrong_call_is_refused_by_name_and_changes_nothing(string service)
    {
        var problems = new List<string>();
        var before = await plant.StateAsync();
        var calls = (await GeneratedAsync(service)).Concat(BadCall.Table.Where(c => c.Service == service)).ToList();
        foreach (var call in calls)
        {
            if (await ProblemAsync(call) is { } problem)
            {
                problems.Add($"{call}: {problem}");
            }

            var after = await plant.StateAsync();
            if (after != before)
            {
                problems.Add($"{call}: the state has changed:\n{Difference(before, after)}");
                before = after;
            }
        }

        Assert.True(problems.Count == 0, $"{problems.Count} of {calls.Count} calls:\n{string.Join('\n', problems)}\n{plant.Log}");
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_parameter_of_every_method_has_a_row(string service)
    {
        var rows = BadCall.Table.Where(c => c.Service == service).Select(c => $"{c.Method} {c.Parameter}").ToHashSet(StringComparer.Ordinal);
        var wanted = (await MethodsAsync(service)).SelectMany(m => m.Parameters
            .Where(p => p.Type != RpcType.Bool) // Of a switch there is nothing wrong but its type.
            .Select(p => $"{m.Name} {p.Name}")).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(wanted.Except(rows).Select(w => $"{w} has no row in {nameof(BadCall)}"));
        Assert.Empty(rows.Except(wanted).Where(r => !r.EndsWith(" delete", StringComparison.Ordinal)).Select(r => $"{r} is no parameter of {service}"));
    }

    [Fact]
    public async Task A_method_that_is_not_there_is_said_to_be_so_with_the_nearest_one()
    {
        foreach (var service in new[] { Plant.Collector, Plant.Replicator, Plant.Standalone, Plant.Broker })
        {
            var error = Assert.IsType<RpcReply.RemoteError>(await plant.CallAsync(service, "statsu"));
            Assert.Equal(RpcErrorCode.MethodNotFound, error.Code);
            Assert.Contains("did you mean `status`?", error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>What every method is wrong with: a parameter too many, one that is missing, one of another type.</summary>
    private async Task<IReadOnlyList<BadCall>> GeneratedAsync(string service)
    {
        var calls = new List<BadCall>();
        foreach (var method in await MethodsAsync(service))
        {
            if (method.Parameters.Count == 0)
            {
                calls.Add(new BadCall(service, method.Name, method.Name, """{"surprise":1}""", RpcErrorCode.InvalidParams, "takes no parameters"));
                continue;
            }

            var required = method.Parameters.Where(p => p.IsRequired).ToList();
            calls.Add(new BadCall(service, method.Name, "surprise", Given(required, new JsonObject { ["surprise"] = 1 }), RpcErrorCode.InvalidData, "unknown parameter"));
            calls.Add(new BadCall(service, method.Name, "../x", Given(required, new JsonObject { ["../x"] = 1 }), RpcErrorCode.InvalidData, "unknown parameter"));
            foreach (var parameter in required)
            {
                var others = required.Where(p => p != parameter).ToList();
                var code = others.Count == 0 ? RpcErrorCode.InvalidParams : RpcErrorCode.InvalidData;
                calls.Add(new BadCall(service, method.Name, parameter.Name, Given(others, []), code, "is missing"));
                calls.Add(new BadCall(service, method.Name, parameter.Name, Given(others, new JsonObject { [parameter.Name] = null }), RpcErrorCode.InvalidData, "is missing"));
            }

            calls.AddRange(
                from parameter in method.Parameters
                from wrong in Wrong(parameter.Type)
                select new BadCall(
                    service,
                    method.Name,
                    parameter.Name,
                    Given([.. required.Where(p => p.Name != parameter.Name)], new JsonObject { [parameter.Name] = JsonNode.Parse(wrong) }),
                    RpcErrorCode.InvalidData,
                    "expected"));
        }

        return calls;
    }

    private static IEnumerable<string> Wrong(RpcType type) => type switch
    {
        RpcType.String => ["true", "[]", "{}"],
        RpcType.Bool => ["1", "\"true\"", "[]"],
        RpcType.Integer => ["\"x\"", "true", "1.5", "{}"],
        RpcType.Double => ["\"x\"", "true", "1e999", "[]"],
        RpcType.Time => ["{}", "true", "\"yesterday\"", "[1]", "\"\""],
        RpcType.Strings => ["{}", "true", "[true]"],
        RpcType.Map => ["\"x\"", "1", "[]"],
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static string Given(IEnumerable<Parameter> required, JsonObject more)
    {
        var given = new JsonObject(required.Select(p => KeyValuePair.Create(p.Name, p.Type == RpcType.Integer ? 1 : (JsonNode?)"x")));
        foreach (var (name, value) in more)
        {
            given[name] = value?.DeepClone();
        }

        return given.ToJsonString();
    }

    private async Task<string?> ProblemAsync(BadCall call)
    {
        var text = plant.Names.Aggregate(
            call.Parameters.Replace("{long255}", new string('x', 300), StringComparison.Ordinal),
            (all, name) => all.Replace(name.Key, JsonEncodedText.Encode(name.Value).ToString(), StringComparison.Ordinal));
        switch (await plant.CallAsync(call.Service, call.Method, (JsonObject)JsonNode.Parse(text)!))
        {
            case RpcReply.Value value:
                var answer = value.Result.ValueKind == JsonValueKind.Undefined ? "" : JsonSerializer.Serialize(value.Result);
                return call.Code != 0 ? $"answered {answer}" : answer.Contains(call.Says, StringComparison.Ordinal) ? null : $"'{call.Says}' is not in {answer}";
            case RpcReply.RemoteError error when error.Code != call.Code:
                return $"code {error.Code} instead of {call.Code}: {error.Message}";
            case RpcReply.RemoteError { Message: var message }:
                return !Regex.IsMatch(message, $"(^|[ `]){Regex.Escape(call.Parameter)}[`:]|^{Regex.Escape(call.Method)} takes no") ? $"'{call.Parameter}' is not named: {message}"
                    : !message.Contains(call.Says, StringComparison.Ordinal) ? $"'{call.Says}' is not in: {message}"
                    : message.Length > 6000 || message.Any(char.IsControl) ? $"the message is too long or odd: {message}"
                    : null;
            case var other:
                return other.ToString();
        }
    }

    private async Task<IReadOnlyList<Method>> MethodsAsync(string service)
    {
        var info = await plant.AskAsync(service, "info");
        Method[] methods =
        [
            .. info.GetProperty("methods").EnumerateObject().Select(m => new Method(m.Name,
            [
                .. m.Value.GetProperty("params").EnumerateObject().Select(p => new Parameter(
                    p.Name, Enum.Parse<RpcType>(p.Value.GetProperty("type").GetString()!), p.Value.GetProperty("required").GetBoolean())),
            ])),
        ];
        Assert.Empty(BuiltIn.Append("status").Except(methods.Select(m => m.Name)));
        return methods;
    }

    private static string Difference(string before, string after)
    {
        var (old, now) = (before.Split('\n'), after.Split('\n'));
        return string.Join('\n', old.Except(now).Select(l => "- " + l).Concat(now.Except(old).Select(l => "+ " + l)));
    }

    private sealed record Parameter(string Name, RpcType Type, bool IsRequired);

    private sealed record Method(string Name, IReadOnlyList<Parameter> Parameters);
}
