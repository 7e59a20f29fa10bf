using System.Globalization;

namespace ZfRepl.Core.Proof;

/// <summary>
/// How many events there are, and the sum of their digests modulo 2^128. Sums may be added in any order and any pieces: the same events
/// give the same sum, however they are stored.
/// </summary>
/// <param name="Count">Events.</param>
/// <param name="Sum">The sum of their digests.</param>
public readonly record struct EventSum(long Count, UInt128 Sum)
{
    private const int Digits = 32;

    /// <summary>The sum as 32 hexadecimal digits.</summary>
    public string SumText => Sum.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>The sum of both.</summary>
    public static EventSum operator +(EventSum a, EventSum b) => new(a.Count + b.Count, unchecked(a.Sum + b.Sum));

    /// <summary>Reads <see cref="SumText"/>.</summary>
    public static bool TryParse(string text, out UInt128 sum)
    {
        sum = 0;
        return text.Length == Digits && UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out sum);
    }
}

/// <summary>What there is of one item in one hour.</summary>
/// <param name="Item">The item's OID.</param>
/// <param name="Hour">The hour, whole hours since 1970-01-01 UTC.</param>
/// <param name="Events">Its events.</param>
public readonly record struct DigestCell(Telemetry.Oid Item, int Hour, EventSum Events);

/// <summary>Hours of the books: whole hours since 1970-01-01 UTC.</summary>
public static class BookHour
{
    /// <summary>Nanoseconds in an hour.</summary>
    public const long Ns = 3600 * Telemetry.UnixTime.NsPerSecond;

    /// <summary>The hour of a time.</summary>
    public static int Of(long timeNs) => (int)(timeNs >= 0 ? timeNs / Ns : ((timeNs + 1) / Ns) - 1);

    /// <summary>The first nanosecond of an hour.</summary>
    public static long FirstNs(int hour) => (long)Int128.Clamp((Int128)hour * Ns, long.MinValue, long.MaxValue);

    /// <summary>The last nanosecond of an hour.</summary>
    public static long LastNs(int hour) => (long)Int128.Clamp((((Int128)hour + 1) * Ns) - 1, long.MinValue, long.MaxValue);

    /// <summary>The hour in ISO 8601, for people.</summary>
    public static string Format(int hour) => Telemetry.UnixTime.FormatIso(FirstNs(hour));

    /// <summary>Reads <see cref="Format"/>.</summary>
    public static bool TryParse(string text, out int hour)
    {
        hour = 0;
        if (!DateTimeOffset.TryParseExact(
            text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            return false;
        }

        var seconds = time.ToUnixTimeSeconds();
        hour = (int)(seconds / 3600);
        return seconds % 3600 == 0 && Math.Abs(seconds) < long.MaxValue / Telemetry.UnixTime.NsPerSecond;
    }
}
