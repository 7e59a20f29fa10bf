using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ZfRepl.Core.Telemetry;

/// <summary>
/// The integer comparison of a mask level: <c>eq ne gt lt ge le</c> with one number, or <c>ri(a..b)</c> for an inclusive range,
/// optionally behind a text that the level must start with, as in <c>p#gt(5)</c>.
/// </summary>
internal sealed class LevelFormula
{
    private readonly string _prefix;
    private readonly string _operation;
    private readonly long _first;
    private readonly long _second;

    private LevelFormula(string prefix, string operation, long first, long second)
    {
        _prefix = prefix;
        _operation = operation;
        _first = first;
        _second = second;
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out LevelFormula? formula, [NotNullWhen(false)] out string? error)
    {
        formula = null;
        error = $"the formula '{Oid.Shorten(text)}' is none of eq(n) ne(n) gt(n) lt(n) ge(n) le(n) ri(a..b), with an optional text and # before it.";
        var hash = text.LastIndexOf('#');
        var prefix = hash < 0 ? "" : text[..hash];
        var body = text[(hash + 1)..];
        var open = body.IndexOf('(', StringComparison.Ordinal);
        if (open < 0 || !body.EndsWith(')'))
        {
            return false;
        }

        var operation = body[..open];
        var argument = body[(open + 1)..^1];
        long first;
        long second = 0;
        if (operation == "ri")
        {
            var dots = argument.IndexOf("..", StringComparison.Ordinal);
            if (dots < 0 || !TryNumber(argument[..dots], out first) || !TryNumber(argument[(dots + 2)..], out second))
            {
                return false;
            }
        }
        else if (operation is not ("eq" or "ne" or "gt" or "lt" or "ge" or "le") || !TryNumber(argument, out first))
        {
            return false;
        }

        formula = new LevelFormula(prefix, operation, first, second);
        error = null;
        return true;
    }

    public bool Matches(string part)
    {
        if (!part.StartsWith(_prefix, StringComparison.Ordinal) || !TryNumber(part[_prefix.Length..], out var number))
        {
            return false;
        }

        return _operation switch
        {
            "eq" => number == _first,
            "ne" => number != _first,
            "gt" => number > _first,
            "lt" => number < _first,
            "ge" => number >= _first,
            "le" => number <= _first,
            _ => number >= _first && number <= _second,
        };
    }

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
}
