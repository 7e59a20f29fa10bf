using System.Text.Encodings.Web;
using System.Text.Json;

namespace ZfRepl.Cli;

/// <summary>How JSON is printed for people and their scripts.</summary>
internal static class OutputJson
{
    /// <summary>Over several lines. Quotes, plus signs and letters of all languages stand as they are: no web page is made of it.</summary>
    public static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
