using System.Globalization;

namespace ZfRepl.Hosting.Configuration;

/// <summary>What a plain YAML word means: the union of YAML 1.1 and 1.2 where they agree, refusal where they do not.</summary>
internal static class ScalarText
{
    /// <summary>Null when the text is no integer at all; the largest or smallest value when it is one beyond 127 bits.</summary>
    /// <remarks>
    /// Accepts a sign, single underscores between digits, and 0x, 0o, 0b. A leading zero is octal to 1.1 and decimal to 1.2: refused.
    /// </remarks>
    public static Int128? Integer(string text)
    {
        var isNegative = text.StartsWith('-');
        var digits = isNegative || text.StartsWith('+') ? text[1..] : text;
        var radix = digits switch
        {
            ['0', 'x', ..] => 16,
            ['0', 'o', ..] => 8,
            ['0', 'b', ..] => 2,
            _ => 10,
        };
        digits = radix == 10 ? digits : digits[2..];
        if (digits.Length == 0 || (radix == 10 && digits.Length > 1 && digits[0] == '0'))
        {
            return null;
        }

        return WithoutUnderscores(digits) is { } bare ? Value(bare, radix, isNegative) : null;
    }

    /// <summary>Whether the text would be an integer but for zeros in front of it.</summary>
    public static bool HasLeadingZeros(string text)
    {
        var digits = text.TrimStart('+', '-');
        return digits.Length > 1 && digits[0] == '0' && digits.All(char.IsAsciiDigit);
    }

    /// <summary>A finite number, or null.</summary>
    public static double? Number(string text)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (Integer(text) is { } integer)
        {
            return (double)integer;
        }

        return !HasLeadingZeros(text) && text.Any(char.IsAsciiDigit) && WithoutUnderscores(text) is { } bare &&
            double.TryParse(bare, Style, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value
            : null;
    }

    public static bool? Switch(string text) => text switch
    {
        "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" => true,
        "false" or "False" or "FALSE" or "no" or "No" or "NO" or "off" or "Off" or "OFF" => false,
        _ => null,
    };

    /// <summary>Takes out underscores that stand singly between digits; null when one stands elsewhere.</summary>
    private static string? WithoutUnderscores(string text)
    {
        for (var index = text.IndexOf('_', StringComparison.Ordinal); index >= 0; index = text.IndexOf('_', index + 1))
        {
            if (index == 0 || index == text.Length - 1 || !char.IsAsciiHexDigit(text[index - 1]) || !char.IsAsciiHexDigit(text[index + 1]))
            {
                return null;
            }
        }

        return text.Replace("_", "", StringComparison.Ordinal);
    }

    private static Int128? Value(string digits, int radix, bool isNegative)
    {
        var value = Int128.Zero;
        var isTooLarge = false;
        foreach (var c in digits)
        {
            if (!char.IsAsciiHexDigit(c) || Convert.ToInt32(c.ToString(), 16) is var digit && digit >= radix)
            {
                return null;
            }

            isTooLarge |= value > (Int128.MaxValue - digit) / radix;
            value = isTooLarge ? value : (value * radix) + digit;
        }

        value = isTooLarge ? Int128.MaxValue : value;
        return isNegative ? -value : value;
    }
}
