using System.Text.Json.Nodes;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Hosting.Rpc;

/// <summary>Parameters of a call from a command line, <c>name=value</c> each.</summary>
/// <remarks>
/// A pair is split at its first <c>=</c>. The value <c>null</c>, <c>true</c> or <c>false</c> is what it says; what Python's int() or float()
/// would read is a number (<c>007</c> is 7, <c>1_000</c> is 1000, <c>1e3</c>); <c>!text</c> is the text behind the mark, whatever it
/// looks like; <c>@file</c> is the content of a YAML file; <c>&lt;&lt;</c> asks the user and takes the answer for the value; a value
/// with a comma is a list of such values (without <c>@</c> and <c>&lt;&lt;</c>); anything else is a text.
/// <c>inf</c> and <c>nan</c> are refused, because JSON has no such numbers. Without any pair there are no parameters at all.
/// </remarks>
public sealed class CallParameters
{
    private const string Ask = "<<";

    private CallParameters(JsonObject? value, string? error)
    {
        Value = value;
        Error = error;
    }

    /// <summary>The parameters; null when none were given or there is an error.</summary>
    public JsonObject? Value { get; }

    /// <summary>What is wrong with the command line; null when nothing is.</summary>
    public string? Error { get; }

    /// <summary>Reads the pairs; relative file names start from the current folder.</summary>
    /// <param name="pairs">The words of the command line.</param>
    /// <param name="prompt">Asks the user for the value of the named parameter, without echo; null when there is no terminal.</param>
    public static CallParameters Parse(IEnumerable<string> pairs, Func<string, string?>? prompt = null)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        var result = new JsonObject();
        foreach (var pair in pairs)
        {
            var split = pair.IndexOf('=', StringComparison.Ordinal);
            if (split <= 0)
            {
                return Wrong($"'{OutsideText.Show(pair)}' is not of the form name=value");
            }

            var name = pair[..split];
            var text = pair[(split + 1)..];
            if (text == Ask && (text = prompt?.Invoke(name)) is null)
            {
                return Wrong($"{OutsideText.Show(name)}: there is no terminal to ask for the value");
            }

            var value = ParseValue(text, out var error);
            if (error is not null)
            {
                return Wrong($"{OutsideText.Show(name)}: {error}");
            }

            if (!result.TryAdd(name, value))
            {
                return Wrong($"{OutsideText.Show(name)} is given twice");
            }
        }

        return new CallParameters(result.Count == 0 ? null : result, null);
    }

    private static CallParameters Wrong(string error) => new(null, error);

    private static JsonNode? ParseValue(string text, out string? error)
    {
        if (text.StartsWith('@'))
        {
            return YamlJson.Load(text[1..], out error);
        }

        if (text.StartsWith('!') || !text.Contains(',', StringComparison.Ordinal))
        {
            return ParseScalar(text, out error);
        }

        var list = new JsonArray();
        foreach (var item in text.Split(','))
        {
            list.Add(ParseScalar(item, out error));
            if (error is not null)
            {
                return null;
            }
        }

        error = null;
        return list;
    }

    private static JsonNode? ParseScalar(string text, out string? error)
    {
        error = null;
        switch (text)
        {
            case "null":
                return null;
            case "true":
                return JsonValue.Create(true);
            case "false":
                return JsonValue.Create(false);
            case ['!', ..]:
                return JsonValue.Create(text[1..]);
            default:
                return PythonNumber.TryRead(text, out var number, out error) ? number : JsonValue.Create(text);
        }
    }
}
