using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Hosting.Rpc;

/// <summary>JSON parameters → the values that a method's table declares, or an error that names the parameter.</summary>
internal sealed class ParameterDecoder(TimeProvider time)
{
    /// <summary>The decoded values, or null and the error to answer with.</summary>
    public Dictionary<string, object>? Decode(RpcMethod method, JsonElement? parameters, out RpcResult? error)
    {
        error = CheckForm(method, parameters);
        if (error is not null)
        {
            return null;
        }

        var values = new Dictionary<string, object>();
        if (parameters is { ValueKind: JsonValueKind.Object } given)
        {
            foreach (var property in given.EnumerateObject())
            {
                error = Add(method, property, values);
                if (error is not null)
                {
                    return null;
                }
            }
        }

        var missing = method.Parameters.FirstOrDefault(p => p.IsRequired && !values.ContainsKey(p.Name));
        error = missing is null ? null : Refuse($"the parameter `{missing.Name}` is missing: {missing.Description}");
        return error is null ? values : null;
    }

    /// <summary>No parameters where none are taken, a map where some are; an empty list or map counts as none.</summary>
    private static RpcResult? CheckForm(RpcMethod method, JsonElement? parameters)
    {
        var isEmpty = parameters switch
        {
            null => true,
            { ValueKind: JsonValueKind.Array } list => list.GetArrayLength() == 0,
            { ValueKind: JsonValueKind.Object } map => !map.EnumerateObject().Any(),
            _ => false,
        };
        if (!isEmpty && method.Parameters.Count == 0)
        {
            return RpcResult.Error(RpcErrorCode.InvalidParams, $"{method.Name} takes no parameters");
        }

        if (!isEmpty && parameters is not { ValueKind: JsonValueKind.Object })
        {
            return RpcResult.Error(RpcErrorCode.InvalidParams, "parameters are given by name, as a map");
        }

        var missing = method.Parameters.FirstOrDefault(p => p.IsRequired);
        return isEmpty && missing is not null
            ? RpcResult.Error(RpcErrorCode.InvalidParams, $"the parameter `{missing.Name}` is missing: {missing.Description}")
            : null;
    }

    private RpcResult? Add(RpcMethod method, JsonProperty property, Dictionary<string, object> values)
    {
        var parameter = method.Parameters.FirstOrDefault(p => p.Name == property.Name);
        if (parameter is null)
        {
            var nearest = NearestName.Find(property.Name, method.Parameters.Select(p => p.Name));
            var remedy = nearest is null ? $"known are {string.Join(", ", method.Parameters.Select(p => p.Name))}" : $"did you mean `{nearest}`?";
            return Refuse($"unknown parameter `{OutsideText.Show(property.Name)}` ({remedy})");
        }

        if (property.Value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        var (value, problem) = Value(parameter, property.Value);
        if (value is null)
        {
            return Refuse($"the parameter `{parameter.Name}` is {OutsideText.Show(property.Value.GetRawText())}, {problem}");
        }

        values[parameter.Name] = value;
        return null;
    }

    private (object? Value, string Problem) Value(RpcParameter parameter, JsonElement json) => parameter.Type switch
    {
        RpcType.String => (Text(json), json.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? "expected a text; write !true or !false on the command line" : "expected a text"),
        RpcType.Bool => (json.ValueKind is JsonValueKind.True or JsonValueKind.False ? json.GetBoolean() : null, "expected true or false"),
        RpcType.Integer => Within(Integer(json), parameter, "a whole number"),
        RpcType.Double => Within(Number(json), parameter, "a number"),
        RpcType.Time => Time(json),
        RpcType.Strings => (Texts(json), "expected a text or a list of texts"),
        RpcType.Map => (json.ValueKind == JsonValueKind.Object ? JsonObject.Create(json.Clone()) : null, "expected a map"),
        _ => throw new InvalidOperationException($"The parameter {parameter.Name} has the unknown type {parameter.Type}."),
    };

    private static (object? Value, string Problem) Within<T>(T? value, RpcParameter parameter, string expected)
        where T : struct, IConvertible
    {
        if (value is not { } known)
        {
            return (null, $"expected {expected}");
        }

        var number = known.ToDouble(CultureInfo.InvariantCulture);
        return number >= (parameter.Minimum ?? double.MinValue) && number <= (parameter.Maximum ?? double.MaxValue)
            ? (known, "")
            : (null, $"allowed is {Limits(parameter)}");
    }

    private static string Limits(RpcParameter parameter) => (parameter.Minimum, parameter.Maximum) switch
    {
        ({ } minimum, { } maximum) => string.Create(CultureInfo.InvariantCulture, $"{minimum} to {maximum}"),
        ({ } minimum, null) => string.Create(CultureInfo.InvariantCulture, $"{minimum} or more"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{parameter.Maximum} or less"),
    };

    private static string? Text(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.GetRawText(),
        _ => null,
    };

    private static string[]? Texts(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Array)
        {
            return Text(json)?.Split(',');
        }

        var texts = json.EnumerateArray().Select(Text).OfType<string>().ToArray();
        return texts.Length == json.GetArrayLength() ? texts : null;
    }

    private static long? Integer(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Number)
        {
            return null;
        }

        return json.TryGetInt64(out var whole) ? whole
            : json.TryGetDecimal(out var value) && value == decimal.Truncate(value) && value is >= long.MinValue and <= long.MaxValue ? (long)value
            : null;
    }

    private static double? Number(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetDouble(out var value) && double.IsFinite(value) ? value : null;

    private (object? Value, string Problem) Time(JsonElement json)
    {
        DateTimeOffset value;
        string? problem = "expected seconds, [seconds, nanoseconds] or a time as text";
        var isTime = json.ValueKind switch
        {
            JsonValueKind.Number => TimeText.TrySeconds(json.GetRawText(), out value, out problem),
            JsonValueKind.String => TimeText.TryParse(json.GetString()!, time.GetUtcNow(), time.LocalTimeZone, out value, out problem),
            JsonValueKind.Array => TryPair(json, out value),
            _ => Not(out value),
        };
        return isTime ? (value, "") : (null, problem ?? "");
    }

    private static bool TryPair(JsonElement json, out DateTimeOffset value)
    {
        value = default;
        return json.GetArrayLength() == 2 &&
            Integer(json[0]) is >= 0 and <= TimeText.SecondsMax and var seconds &&
            Integer(json[1]) is >= 0 and < 1_000_000_000 and var nanoseconds &&
            (value = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanoseconds / 100)) != default;
    }

    private static bool Not(out DateTimeOffset value)
    {
        value = default;
        return false;
    }

    private static RpcResult Refuse(string message) => RpcResult.Error(RpcErrorCode.InvalidData, message);
}
