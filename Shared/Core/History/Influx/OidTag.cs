using System.Buffers;
using System.Globalization;
using System.Text;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>
/// OIDs ↔ tag values. The line protocol has no escape for every character, and a backslash before a comma or a space changes what
/// follows, so what could be taken for something else is written as percent and two hexadecimal digits; OIDs hold no percent sign, so
/// no two of them meet. Pure.
/// </summary>
internal static class OidTag
{
    /// <summary>The longest tag value; a series with its measurement and its other tags may have 65,535 bytes.</summary>
    public const int MaxBytes = 65_000;

    private static readonly SearchValues<char> Special = SearchValues.Create("\\,= %\"'");

    /// <summary>The tag value of an OID.</summary>
    public static string Encode(Oid oid) => Encode(oid.Text);

    internal static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAny(Special) && !text.Any(char.IsControl))
        {
            return text;
        }

        var encoded = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            _ = Special.Contains(character) || char.IsControl(character)
                ? encoded.Append('%').Append(((int)character).ToString("X2", CultureInfo.InvariantCulture))
                : encoded.Append(character);
        }

        return encoded.ToString();
    }

    /// <summary>The OID of a tag value, or null: this program did not write it.</summary>
    public static Oid? Decode(string tag) => DecodeText(tag) is { } text && Oid.TryParse(text, out var oid, out _) ? oid : null;

    internal static string? DecodeText(string tag)
    {
        var text = new StringBuilder(tag.Length);
        for (var i = 0; i < tag.Length; i++)
        {
            if (tag[i] != '%')
            {
                text.Append(tag[i]);
                continue;
            }

            if (i + 2 >= tag.Length
                || !byte.TryParse(tag.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, null, out var code))
            {
                return null;
            }

            text.Append((char)code);
            i += 2;
        }

        // Only what would be written so is read.
        var decoded = text.ToString();
        return Encode(decoded) == tag ? decoded : null;
    }
}
