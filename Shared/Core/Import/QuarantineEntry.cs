using System.Buffers;
using System.Text.Json;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>What a file in quarantine is, and so what trying it again means.</summary>
public enum QuarantineKind
{
    /// <summary>A block, or something that came in the place of one. Again: import it.</summary>
    File,

    /// <summary>
    /// Events that an untrusted source may not write, or that a rule of the history database keeps out (<see cref="KeptEvents"/>). Again: import those
    /// that are let in by now.
    /// </summary>
    RefusedEvents,

    /// <summary>Events that are in the history database and that the broker of the archive topic does not take. Again: publish them.</summary>
    ArchiveEvents,
}

/// <summary>A file that is kept aside.</summary>
/// <param name="Name">Its name in the quarantine, unique.</param>
/// <param name="Path">The file: to look at, or to import again.</param>
/// <param name="LengthBytes">Its length.</param>
/// <param name="Reason">Why it is here, as a sentence; empty when nobody noted it.</param>
/// <param name="Origin">Where it was.</param>
/// <param name="SinceNs">Since when, nanoseconds since 1970; 0 when nobody noted it.</param>
/// <param name="Kind">What it is.</param>
public sealed record QuarantineEntry(
    string Name, string Path, long LengthBytes, string Reason, string Origin, long SinceNs, QuarantineKind Kind = QuarantineKind.File);

/// <summary>The note beside a file in quarantine: a small JSON object, for people and for the listing.</summary>
internal static class QuarantineNote
{
    public const int MaxBytes = 64 * 1024;

    private const int MaxTextChars = 4096;

    public static byte[] Write(string reason, string origin, long sinceNs, QuarantineKind kind = QuarantineKind.File)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("reason", Cut(reason));
            json.WriteString("origin", Cut(origin));
            json.WriteString("since", UnixTime.FormatIso(sinceNs));
            json.WriteNumber("since_ns", sinceNs);
            json.WriteString("kind", KindName(kind));
            json.WriteEndObject();
        }

        bytes.Write("\n"u8);
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>A kind's name, as in notes and answers.</summary>
    public static string KindName(QuarantineKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());

    /// <summary>Reads a note; what it does not hold, or not in the right form, is empty.</summary>
    public static (string Reason, string Origin, long SinceNs, QuarantineKind Kind) Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var json = JsonDocument.Parse(bytes);
            return !JsonUnicode.IsValid(json.RootElement)
                ? ("its note can't be read: it holds bytes that are no text", "", 0, QuarantineKind.File)
                : json.RootElement.ValueKind == JsonValueKind.Object
                ? (Text(json.RootElement, "reason"),
                    Text(json.RootElement, "origin"),
                    Number(json.RootElement, "since_ns"),
                    Enum.GetValues<QuarantineKind>().FirstOrDefault(k => KindName(k) == Text(json.RootElement, "kind")))
                : ("", "", 0, QuarantineKind.File);
        }
        catch (JsonException e)
        {
            return ($"its note can't be read: {e.Message}", "", 0, QuarantineKind.File);
        }
    }

    private static string Text(JsonElement note, string name) =>
        note.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static long Number(JsonElement note, string name) =>
        note.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;

    private static string Cut(string text) => text.Length <= MaxTextChars ? text : text[..MaxTextChars];
}
