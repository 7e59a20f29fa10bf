using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace ZfRepl.Core.Telemetry;

/// <summary>
/// A pattern over OIDs: <c>#</c> or <c>*</c> alone for everything, <c>sensor</c> for a kind, <c>sensor:a/+/c</c>, <c>+:a/#</c>.
/// <c>+</c> and <c>?</c> match exactly one level, <c>#</c> and <c>*</c> at least one further level (so <c>a/#</c> does not match
/// <c>a</c> itself); what follows them is ignored. A level <c>r~X</c> is the regular expression X over that level, a level
/// <c>f~gt(5)</c> an integer comparison. Immutable, thread-safe.
/// </summary>
public sealed class OidMask
{
    private const string ExtraCharacters = "/^$~_.(){}|[]-+?#*\\";
    private static readonly TimeSpan RegexLimit = TimeSpan.FromMilliseconds(100);

    private readonly OidKind? _kind;
    private readonly Level[]? _levels;
    private readonly bool _openEnd;

    private OidMask(string text, OidKind? kind, Level[]? levels, bool openEnd)
    {
        Text = text;
        _kind = kind;
        _levels = levels;
        _openEnd = openEnd;
    }

    /// <summary>A mask that matches everything.</summary>
    public static OidMask All { get; } = new("#", null, null, openEnd: true);

    /// <summary>The canonical text: <c>*</c> reads back as <c>#</c>, and everything behind it is gone.</summary>
    public string Text { get; }

    /// <summary>Parses a mask.</summary>
    /// <param name="text">The mask.</param>
    /// <param name="mask">The result, when true is returned.</param>
    /// <param name="error">Why not, as a sentence, when false is returned.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out OidMask? mask, [NotNullWhen(false)] out string? error)
    {
        mask = null;
        error = null;
        if (text is "#" or "*")
        {
            mask = All;
            return true;
        }

        if (text.Length is 0 or > Oid.MaxTextBytes)
        {
            error = "A mask is '#', a kind, or kind:path, and not empty.";
            return false;
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var kindText = colon < 0 ? text : text[..colon];
        OidKind? kind = null;
        if (kindText is not ("+" or "?"))
        {
            if (!Oid.TryParseKind(kindText, out var parsed))
            {
                error = $"'{Oid.Shorten(text)}' is no mask: it starts with unit, sensor, lvar or + (any kind), or is '#'.";
                return false;
            }

            kind = parsed;
        }

        if (colon < 0)
        {
            mask = new OidMask(kind is { } k ? Oid.KindName(k) : "+", kind, null, openEnd: true);
            return true;
        }

        return TryParsePath(text, kind, text[(colon + 1)..], out mask, out error);
    }

    /// <summary>True if the OID matches.</summary>
    public bool Matches(Oid oid)
    {
        if (_kind is { } kind && kind != oid.Kind)
        {
            return false;
        }

        if (_levels is null)
        {
            return true;
        }

        var rest = oid.Path.AsSpan();
        for (var i = 0; i < _levels.Length; i++)
        {
            var slash = rest.IndexOf('/');
            var part = slash < 0 ? rest : rest[..slash];
            if (!_levels[i].Matches(part))
            {
                return false;
            }

            if (slash < 0)
            {
                return i == _levels.Length - 1 && !_openEnd;
            }

            rest = rest[(slash + 1)..];
        }

        return _openEnd;
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static bool TryParsePath(
        string text, OidKind? kind, string path, [NotNullWhen(true)] out OidMask? mask, [NotNullWhen(false)] out string? error)
    {
        mask = null;
        if (path.Length == 0)
        {
            error = $"'{Oid.Shorten(text)}' is no mask: the path behind the colon is empty.";
            return false;
        }

        var levels = new List<Level>();
        var openEnd = false;
        foreach (var part in path.Split('/'))
        {
            if (part is "#" or "*")
            {
                openEnd = true;
                break;
            }

            if (!Level.TryParse(part, out var level, out error))
            {
                error = $"'{Oid.Shorten(text)}' is no mask: {error}";
                return false;
            }

            levels.Add(level);
        }

        var canonicalKind = kind is { } k ? Oid.KindName(k) : "+";
        var canonical = $"{canonicalKind}:{string.Join('/', levels.Select(l => l.Text).Concat(openEnd ? ["#"] : []))}";
        // "sensor:#" has no fixed level and an open end: it is the same as the kind alone.
        mask = new OidMask(canonical, kind, levels.Count == 0 ? null : [.. levels], openEnd);
        error = null;
        return true;
    }

    private sealed class Level
    {
        private readonly Func<string, bool>? _predicate;
        private readonly bool _any;

        private Level(string text, bool any, Func<string, bool>? predicate)
        {
            Text = text;
            _any = any;
            _predicate = predicate;
        }

        public string Text { get; }

        public static bool TryParse(string part, [NotNullWhen(true)] out Level? level, [NotNullWhen(false)] out string? error)
        {
            level = null;
            error = null;
            if (part is "+" or "?")
            {
                level = new Level("+", any: true, null);
                return true;
            }

            if (part.StartsWith("r~", StringComparison.Ordinal))
            {
                return TryParseRegex(part, out level, out error);
            }

            if (part.StartsWith("f~", StringComparison.Ordinal))
            {
                if (LevelFormula.TryParse(part[2..], out var formula, out error))
                {
                    level = new Level(part, any: false, formula.Matches);
                }

                return level is not null;
            }

            foreach (var rune in part.EnumerateRunes())
            {
                if (!Oid.IsAllowed(rune) && !(rune.IsAscii && ExtraCharacters.Contains((char)rune.Value, StringComparison.Ordinal)))
                {
                    error = $"the character {Oid.Describe(rune)} is not allowed.";
                    return false;
                }

                if (rune.Value is '#' or '*' or '+' or '?')
                {
                    error = $"the wildcard {Oid.Describe(rune)} stands for a whole level, '{Oid.Shorten(part)}' mixes it with text.";
                    return false;
                }
            }

            level = new Level(part, any: false, null);
            return true;
        }

        public bool Matches(ReadOnlySpan<char> part) =>
            _any || (_predicate is null ? part.SequenceEqual(Text) : _predicate(part.ToString()));

        private static bool TryParseRegex(string part, [NotNullWhen(true)] out Level? level, [NotNullWhen(false)] out string? error)
        {
            try
            {
                // Without backtracking a hostile expression cannot run away.
                var regex = new Regex(part[2..], RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, RegexLimit);
                level = new Level(part, any: false, regex.IsMatch);
                error = null;
                return true;
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                level = null;
                error = $"the regular expression of level '{Oid.Shorten(part)}' is invalid: {e.Message}";
                return false;
            }
        }
    }
}
