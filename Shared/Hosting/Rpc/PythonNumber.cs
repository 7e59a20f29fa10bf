using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ZfRepl.Hosting.Rpc;

/// <summary>The texts that Python's int() and float() take for numbers, as JSON numbers.</summary>
internal static partial class PythonNumber
{
    private const int DigitsMax = 400;

    /// <summary>False when the text is no number, or one that JSON cannot carry; then there is an error.</summary>
    public static bool TryRead(string text, out JsonNode? number, out string? error)
    {
        (number, error) = (null, null);
        var trimmed = text.Trim();
        if (trimmed.Length > DigitsMax)
        {
            return false;
        }

        if (Integer().IsMatch(trimmed))
        {
            var digits = Bare(trimmed);
            var sign = digits.StartsWith('-') ? "-" : "";
            var significant = digits.TrimStart('+', '-').TrimStart('0');
            number = Raw(significant.Length == 0 ? "0" : sign + significant);
            return true;
        }

        if (!Float().IsMatch(trimmed))
        {
            return false;
        }

        if (double.TryParse(Bare(trimmed), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value))
        {
            number = JsonValue.Create(value);
            return true;
        }

        error = $"'{text}' is a number that cannot be sent; write !{text} to send it as a text";
        return false;
    }

    private static string Bare(string text) => text.Replace("_", "", StringComparison.Ordinal);

    /// <summary>A number of any length, kept digit by digit.</summary>
    private static JsonValue? Raw(string digits)
    {
        using var document = JsonDocument.Parse(digits);
        return JsonValue.Create(document.RootElement.Clone());
    }

    [GeneratedRegex("^[+-]?[0-9]+(_[0-9]+)*$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Integer();

    [GeneratedRegex(
        @"^[+-]?(inf|infinity|nan|([0-9]+(_[0-9]+)*\.?([0-9]+(_[0-9]+)*)?|\.[0-9]+(_[0-9]+)*)(e[+-]?[0-9]+(_[0-9]+)*)?)$",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Float();
}
