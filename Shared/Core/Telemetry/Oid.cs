using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace ZfRepl.Core.Telemetry;

/// <summary>
/// An object id: kind and path, for example <c>sensor:plant/line1/temperature</c>. Comparison is ordinal and case-sensitive.
/// Immutable, thread-safe.
/// </summary>
public sealed class Oid : IEquatable<Oid>, IComparable<Oid>
{
    /// <summary>The longest text form that is accepted, in UTF-8 bytes.</summary>
    public const int MaxTextBytes = 65_000;

    private const string ExtraCharacters = "/_.()[]-\\";

    private static readonly Dictionary<string, OidKind> KindsByName = new(StringComparer.Ordinal)
    {
        ["unit"] = OidKind.Unit,
        ["sensor"] = OidKind.Sensor,
        ["lvar"] = OidKind.Lvar,
        ["U"] = OidKind.Unit,
        ["S"] = OidKind.Sensor,
        ["LV"] = OidKind.Lvar,
    };

    private byte[]? _utf8;

    private Oid(OidKind kind, string path)
    {
        Kind = kind;
        Path = path;
        Text = $"{KindName(kind)}:{path}";
    }

    /// <summary>The kind, the part before the colon.</summary>
    public OidKind Kind { get; }

    /// <summary>The full id behind the colon: optional groups and the id, separated by slashes.</summary>
    public string Path { get; }

    /// <summary>The canonical text form, <c>kind:path</c>.</summary>
    public string Text { get; }

    /// <summary>The form used in topics, <c>kind/path</c>.</summary>
    public string TopicPath => $"{KindName(Kind)}/{Path}";

    /// <summary>The text form as UTF-8.</summary>
    internal ReadOnlySpan<byte> Utf8Text => _utf8 ??= Encoding.UTF8.GetBytes(Text);

    /// <summary>The canonical name of a kind.</summary>
    public static string KindName(OidKind kind) => kind switch
    {
        OidKind.Unit => "unit",
        OidKind.Sensor => "sensor",
        OidKind.Lvar => "lvar",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Parses the text form (<c>sensor:a/b</c>) or the topic form (<c>sensor/a/b</c>).</summary>
    /// <param name="text">What to parse.</param>
    /// <param name="oid">The result, when true is returned.</param>
    /// <param name="error">Why not, as a sentence, when false is returned.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out Oid? oid, [NotNullWhen(false)] out string? error)
    {
        oid = null;
        if (Encoding.UTF8.GetByteCount(text) > MaxTextBytes)
        {
            error = $"An OID holds at most {MaxTextBytes} bytes.";
            return false;
        }

        var separator = text.AsSpan().IndexOfAny(':', '/');
        if (separator < 0 || !TryParseKind(text[..separator], out var kind))
        {
            error = $"'{Shorten(text)}' is no OID: it starts with unit:, sensor: or lvar:.";
            return false;
        }

        var path = text[(separator + 1)..];
        if (path.Length == 0 || path.EndsWith('/'))
        {
            error = $"'{Shorten(text)}' is no OID: the id behind the last separator is empty.";
            return false;
        }

        foreach (var rune in path.EnumerateRunes())
        {
            if (!IsAllowed(rune))
            {
                error = $"'{Shorten(text)}' is no OID: the character {Describe(rune)} is not allowed (letters, digits and {ExtraCharacters} are).";
                return false;
            }
        }

        oid = new Oid(kind, path);
        error = null;
        return true;
    }

    /// <summary>Parses what the program itself wrote; anything else is wrong use.</summary>
    /// <exception cref="FormatException">The text is no OID.</exception>
    public static Oid Parse(string text) =>
        TryParse(text, out var oid, out var error) ? oid : throw new FormatException(error);

    /// <summary>Parses a kind name or its short alias.</summary>
    public static bool TryParseKind(string text, out OidKind kind) => KindsByName.TryGetValue(text, out kind);

    /// <summary>Makes one level of a path out of any text: what an id can't hold, and slashes, become underscores.</summary>
    public static string ToLevel(string text)
    {
        var level = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            level.Append(rune.Value != '/' && IsAllowed(rune) ? rune.ToString() : "_");
        }

        return level.Length == 0 ? "_" : level.ToString();
    }

    /// <summary>True for the characters that an id may hold: Unicode letters and digits and a few marks.</summary>
    internal static bool IsAllowed(Rune rune) =>
        Rune.IsLetterOrDigit(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
        || (rune.IsAscii && ExtraCharacters.Contains((char)rune.Value, StringComparison.Ordinal));

    internal static string Describe(Rune rune) => rune.Value < 0x21 ? $"U+{rune.Value:X4}" : $"'{rune}'";

    internal static string Shorten(string text) => text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 77), "...");

    /// <inheritdoc/>
    public bool Equals(Oid? other) => other is not null && string.Equals(Text, other.Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Oid);

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public int CompareTo(Oid? other) => string.CompareOrdinal(Text, other?.Text);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
