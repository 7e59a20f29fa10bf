using System.Text.Json.Nodes;

namespace ZfRepl.Hosting.Rpc;

/// <summary>A call with its parameters decoded and checked against the method's table.</summary>
/// <remarks>
/// Each accessor fits the parameter's declared <see cref="RpcType"/>; asking for an undeclared one, or with another accessor, or asking
/// an optional one as if it were required, is a mistake of the handler and throws <see cref="InvalidOperationException"/>.
/// </remarks>
public sealed class RpcCall
{
    private readonly RpcMethod _method;
    private readonly Dictionary<string, object> _values;

    internal RpcCall(RpcMethod method, Dictionary<string, object> values)
    {
        _method = method;
        _values = values;
    }

    /// <summary>The method's name.</summary>
    public string Method => _method.Name;

    /// <summary>A required text.</summary>
    public string String(string name) => Required<string>(name, RpcType.String);

    /// <summary>An optional text, or null when it was not given.</summary>
    public string? StringOrNull(string name) => Optional<string>(name, RpcType.String);

    /// <summary>A required whole number.</summary>
    public long Int64(string name) => Required<long>(name, RpcType.Integer);

    /// <summary>An optional whole number, or null when it was not given.</summary>
    public long? Int64OrNull(string name) => OptionalValue<long>(name, RpcType.Integer);

    /// <summary>A required finite number.</summary>
    public double Double(string name) => Required<double>(name, RpcType.Double);

    /// <summary>An optional finite number, or null when it was not given.</summary>
    public double? DoubleOrNull(string name) => OptionalValue<double>(name, RpcType.Double);

    /// <summary>A required switch.</summary>
    public bool Bool(string name) => Required<bool>(name, RpcType.Bool);

    /// <summary>An optional switch, or null when it was not given.</summary>
    public bool? BoolOrNull(string name) => OptionalValue<bool>(name, RpcType.Bool);

    /// <summary>A required instant in UTC, to 100 ns.</summary>
    public DateTimeOffset Time(string name) => Required<DateTimeOffset>(name, RpcType.Time);

    /// <summary>An optional instant in UTC, or null when it was not given.</summary>
    public DateTimeOffset? TimeOrNull(string name) => OptionalValue<DateTimeOffset>(name, RpcType.Time);

    /// <summary>A required list of texts.</summary>
    public IReadOnlyList<string> Strings(string name) => Required<IReadOnlyList<string>>(name, RpcType.Strings);

    /// <summary>An optional list of texts, or null when it was not given.</summary>
    public IReadOnlyList<string>? StringsOrNull(string name) => Optional<IReadOnlyList<string>>(name, RpcType.Strings);

    /// <summary>A required map.</summary>
    public JsonObject Map(string name) => Required<JsonObject>(name, RpcType.Map);

    /// <summary>An optional map, or null when it was not given.</summary>
    public JsonObject? MapOrNull(string name) => Optional<JsonObject>(name, RpcType.Map);

    private T Required<T>(string name, RpcType type)
    {
        if (!Declared(name, type).IsRequired)
        {
            throw new InvalidOperationException($"The parameter {name} of {Method} is optional.");
        }

        return (T)_values[name];
    }

    private T? Optional<T>(string name, RpcType type)
        where T : class
    {
        Declared(name, type);
        return _values.TryGetValue(name, out var value) ? (T)value : null;
    }

    private T? OptionalValue<T>(string name, RpcType type)
        where T : struct
    {
        Declared(name, type);
        return _values.TryGetValue(name, out var value) ? (T)value : null;
    }

    private RpcParameter Declared(string name, RpcType type) =>
        _method.Parameters.FirstOrDefault(p => p.Name == name && p.Type == type) ??
        throw new InvalidOperationException($"The method {Method} declares no parameter {name} of type {type}.");
}
