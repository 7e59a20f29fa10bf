using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ZfRepl.Hosting.Configuration;

/// <summary>The value of a YAML file as JSON, with the same bounds and the same reading of plain words as a configuration.</summary>
internal static class YamlJson
{
    /// <summary>The value, or null with an error; null without one for an empty file.</summary>
    public static JsonNode? Load(string path, out string? error)
    {
        var report = new ConfigReport(path);
        var tree = ConfigFile.Read(path, report, out _) is { } text ? new ConfigTreeReader(text, report).Read() : null;
        error = report.HasErrors ? report.Errors[0].ToString() : null;
        return tree is null || error is not null ? null : Convert(tree, path, out error);
    }

    private static JsonNode? Convert(ConfigNode node, string path, out string? error)
    {
        error = null;
        switch (node)
        {
            case ScalarNode scalar:
                return Scalar(scalar, path, out error);
            case SequenceNode sequence:
                var list = new JsonArray();
                for (var index = 0; index < sequence.Items.Count && error is null; index++)
                {
                    list.Add(Convert(sequence.Items[index], path, out error));
                }

                return list;
            case MappingNode mapping:
                var map = new JsonObject();
                for (var index = 0; index < mapping.Entries.Count && error is null; index++)
                {
                    map[mapping.Entries[index].Key] = Convert(mapping.Entries[index].Value, path, out error);
                }

                return map;
            default:
                throw new InvalidOperationException($"Unknown kind of value {node.GetType().Name}.");
        }
    }

    private static JsonValue? Scalar(ScalarNode scalar, string path, out string? error)
    {
        error = null;
        if (scalar.IsNull)
        {
            return null;
        }

        if (!scalar.IsPlain)
        {
            return JsonValue.Create(scalar.Text);
        }

        if (ScalarText.Switch(scalar.Text) is { } flag)
        {
            return JsonValue.Create(flag);
        }

        var integer = ScalarText.Integer(scalar.Text);
        if (integer is { } known && Int128.Abs(known) < Int128.MaxValue)
        {
            return Raw(known);
        }

        if (integer is not null || scalar.Text is ".inf" or "-.inf" or "+.inf" or ".nan" or ".Inf" or "-.Inf" or ".NaN")
        {
            var (line, column) = (scalar.Place.Line, scalar.Place.Column);
            error = $"{path}:{line}:{column}: error: {scalar.Text} is a number that cannot be sent (quote it to send a text)";
            return null;
        }

        return ScalarText.Number(scalar.Text) is { } number ? JsonValue.Create(number) : JsonValue.Create(scalar.Text);
    }

    private static JsonValue? Raw(Int128 value)
    {
        using var document = JsonDocument.Parse(value.ToString(CultureInfo.InvariantCulture));
        return JsonValue.Create(document.RootElement.Clone());
    }
}
