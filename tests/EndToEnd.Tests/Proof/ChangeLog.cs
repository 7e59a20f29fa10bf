using System.Globalization;
using System.Text.Json;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.EndToEnd.Tests.Proof;

/// <summary>One change as the OPC UA server logged it, in the terms of the history.</summary>
/// <param name="Number">Which change of the server; 0 for a value that was there before the first one.</param>
/// <param name="Oid">The item.</param>
/// <param name="Time100Ns">The source time stamp, steps of 100 ns since 1970.</param>
/// <param name="StatusCode">The OPC UA status code.</param>
/// <param name="Value">The value with its type.</param>
internal sealed record Change(long Number, Oid Oid, long Time100Ns, uint StatusCode, TelemetryValue Value);

/// <summary>Reads the log that tests/servers/opcua-server.mjs writes; the head of that file describes a line.</summary>
internal static class ChangeLog
{
    private const long UnixEpochTicks = 116_444_736_000_000_000;

    public static async Task<IReadOnlyList<Change>> ReadAsync(string path, Func<string, Oid> oidOf)
    {
        var changes = new List<Change>();
        await foreach (var line in File.ReadLinesAsync(path))
        {
            changes.Add(Parse(line, oidOf));
        }

        return changes;
    }

    /// <summary>One line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="oidOf">The OID for a node id.</param>
    public static Change Parse(string line, Func<string, Oid> oidOf)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        return new Change(
            root.GetProperty("n").GetInt64(),
            oidOf(root.GetProperty("node").GetString()!),
            long.Parse(root.GetProperty("ticks").GetString()!, CultureInfo.InvariantCulture) - UnixEpochTicks,
            root.GetProperty("status").GetUInt32(),
            Value(root.GetProperty("type").GetString()!, root.GetProperty("value")));
    }

    private static TelemetryValue Value(string type, JsonElement value) => value.ValueKind == JsonValueKind.Null
        ? TelemetryValue.Null
        : type switch
        {
            "Double" => TelemetryValue.From(Number(value)),
            // What the server holds was rounded to 32 bits before, so nothing is rounded here.
            "Float" => TelemetryValue.From((float)Number(value)),
            "Boolean" => TelemetryValue.From(value.GetBoolean()),
            "String" => TelemetryValue.From(value.GetString()),
            "Int64" => TelemetryValue.From(long.Parse(value.GetString()!, CultureInfo.InvariantCulture)),
            "UInt64" => TelemetryValue.From(ulong.Parse(value.GetString()!, CultureInfo.InvariantCulture)),
            "DateTime" => TelemetryValue.Integer(ValueKind.DateTime, value.GetDateTime().ToFileTimeUtc()),
            _ => TelemetryValue.Integer(Enum.Parse<ValueKind>(type), value.GetInt64()),
        };

    private static double Number(JsonElement value) => value.ValueKind == JsonValueKind.String
        ? value.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            var other => throw new FormatException($"'{other}' is no number."),
        }
        : value.GetDouble();
}
