using System.Globalization;
using System.Text.Json;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Interop;

/// <summary>The changes of the third-party server as lines that can be compared: as it logged them, and as they arrived.</summary>
internal static class PlantLog
{
    /// <summary>The number of changes logged so far.</summary>
    public static int Count(NodeOpcUaServer server) => File.Exists(server.LogFile) ? File.ReadLines(server.LogFile).Count() : 0;

    /// <summary>What was logged after the first <paramref name="skip"/> changes.</summary>
    public static List<string> Read(NodeOpcUaServer server, int skip) => [.. File.ReadLines(server.LogFile).Skip(skip).Select(Line)];

    public static string Line(string node, DataValue value) => string.Create(
        CultureInfo.InvariantCulture,
        $"{node} {value.SourceTimestamp.Ticks} {value.SourcePicoseconds} {value.Status} {value.Value.Type} {Text(value.Value)}");

    public static string Line(string json)
    {
        using var document = JsonDocument.Parse(json);
        var entry = document.RootElement;
        var type = entry.GetProperty("type").GetString()!;
        var value = entry.GetProperty("value");
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Number when type == "Double" => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
            JsonValueKind.Number when type == "Float" => ((float)value.GetDouble()).ToString("R", CultureInfo.InvariantCulture),
            _ => value.GetRawText(),
        };
        return $"{entry.GetProperty("node").GetString()} {entry.GetProperty("ticks").GetString()} {entry.GetProperty("ps").GetInt32()} "
            + $"{new StatusCode(entry.GetProperty("status").GetUInt32())} {type} {text}";
    }

    private static string Text(Variant value) => value.Type switch
    {
        BuiltInType.String => value.GetString()!,
        BuiltInType.Boolean => value.GetBoolean() ? "true" : "false",
        BuiltInType.Double => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
        BuiltInType.Float => value.GetFloat().ToString("R", CultureInfo.InvariantCulture),
        BuiltInType.Int16 or BuiltInType.Int32 or BuiltInType.Int64 => value.GetInt64().ToString(CultureInfo.InvariantCulture),
        _ => value.GetUInt64().ToString(CultureInfo.InvariantCulture),
    };
}
