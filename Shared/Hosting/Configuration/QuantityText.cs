using System.Globalization;

namespace ZfRepl.Hosting.Configuration;

/// <summary>Durations and byte sizes: a number with an optional unit.</summary>
internal static class QuantityText
{
    private static readonly (string Unit, decimal Factor)[] DurationUnits =
        [("ms", 0.001m), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];

    private static readonly (string Unit, decimal Factor)[] SizeUnits =
    [
        ("KiB", 1024), ("MiB", 1024m * 1024), ("GiB", 1024m * 1024 * 1024), ("TiB", 1024m * 1024 * 1024 * 1024),
        ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    /// <summary>Seconds, or a number with ms, s, m, h or d. Null when the text is neither, or beyond what a TimeSpan holds.</summary>
    public static TimeSpan? Duration(string text)
    {
        var ticks = Amount(text, DurationUnits) * TimeSpan.TicksPerSecond;
        return ticks >= long.MinValue && ticks <= long.MaxValue ? TimeSpan.FromTicks((long)ticks) : null;
    }

    /// <summary>Bytes, or a number with KiB, MiB, GiB, TiB (powers of 1024) or kB, MB, GB, TB (powers of 1000). Whole bytes only.</summary>
    public static long? Bytes(string text)
    {
        var bytes = Amount(text, SizeUnits);
        return bytes >= long.MinValue && bytes <= long.MaxValue && bytes == decimal.Truncate(bytes.Value) ? (long)bytes : null;
    }

    /// <summary>A duration as an operator would write it.</summary>
    public static string Show(TimeSpan value) =>
        value > TimeSpan.Zero && value < TimeSpan.FromSeconds(1)
            ? string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds:0.####} ms")
            : string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:0.###} s");

    private static decimal? Amount(string text, (string Unit, decimal Factor)[] units)
    {
        // The digits of other number systems would be taken for units.
        if (text is ['0', 'x' or 'o' or 'b', ..])
        {
            return null;
        }

        var unit = units.FirstOrDefault(u => text.EndsWith(u.Unit, StringComparison.Ordinal));
        var number = unit.Unit is null ? text : text[..^unit.Unit.Length].TrimEnd(' ');
        return Number(number) is { } value && Math.Abs(value) <= 1_000_000_000_000_000_000m / Math.Max(unit.Factor, 1)
            ? value * (unit.Unit is null ? 1 : unit.Factor)
            : null;
    }

    private static decimal? Number(string text)
    {
        if (ScalarText.Integer(text) is { } integer)
        {
            return Int128.Abs(integer) <= long.MaxValue ? (decimal)integer : null;
        }

        return ScalarText.Number(text) is not null &&
            decimal.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
    }
}
