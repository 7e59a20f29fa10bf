using System.Text.Json;

namespace ZfRepl.Cli.Progress;

/// <summary>Fields of services' answers; what is not there, or of another type, is a default: the service may be of another version.</summary>
internal static class Answers
{
    /// <summary>The objects of a list.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement list) => list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : [];

    /// <summary>A list in an object.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) => Field(element, name) is { } list ? list.Items() : [];

    /// <summary>An object in an object.</summary>
    public static JsonElement? Field(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    /// <summary>A text.</summary>
    public static string Text(this JsonElement element, string name) =>
        Field(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";

    /// <summary>A number.</summary>
    public static double? Number(this JsonElement element, string name) =>
        Field(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number) ? number : null;

    /// <summary>A number of things.</summary>
    public static long Count(this JsonElement element, string name) =>
        Field(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : 0;

    /// <summary>A switch.</summary>
    public static bool IsTrue(this JsonElement element, string name) => Field(element, name) is { ValueKind: JsonValueKind.True };

    /// <summary>A view with the fields that all long work has.</summary>
    public static WorkView Rates(this WorkView view, JsonElement work) => view with
    {
        Percent = work.Number("percent"),
        Events = work.Count("events"),
        EventsPerSecond = work.Number("events_per_second") ?? 0,
        BytesPerSecond = work.Number("bytes_per_second") ?? 0,
        RemainingSeconds = work.Number("remaining_seconds"),
    };
}
