using System.Globalization;

namespace ZfRepl.Core.Telemetry;

/// <summary>Conversions between the time forms that telemetry meets. Pure.</summary>
public static class UnixTime
{
    /// <summary>Nanoseconds in a second.</summary>
    public const long NsPerSecond = 1_000_000_000;

    private const long NsPerTick = 100;

    // 100 ns ticks from 1601-01-01 to 1970-01-01: 134,774 days.
    private const long UnixEpochFileTime = 116_444_736_000_000_000;

    /// <summary>Nanoseconds since 1970 of an instant.</summary>
    public static long FromDateTimeOffset(DateTimeOffset time) => (time.UtcTicks - DateTime.UnixEpoch.Ticks) * NsPerTick;

    /// <summary>The instant of nanoseconds since 1970, rounded down to 100 ns.</summary>
    public static DateTimeOffset ToDateTimeOffset(long timeNs) =>
        new(DateTime.UnixEpoch.Ticks + (long)Math.Floor((decimal)timeNs / NsPerTick), TimeSpan.Zero);

    /// <summary>Converts OPC UA's 100 ns ticks since 1601, refined by units of 10 picoseconds.</summary>
    /// <param name="fileTime">Ticks since 1601-01-01 UTC; 0 and less mean "none".</param>
    /// <param name="picoseconds10">0 to 9999 units of 10 ps; what lies beyond the nanosecond is cut off.</param>
    /// <param name="timeNs">Nanoseconds since 1970, when true is returned.</param>
    /// <returns>False for "none" and for what does not fit into 64 bits of nanoseconds (after 2262-04-11, before 1677-09-21).</returns>
    public static bool TryFromFileTime(long fileTime, ushort picoseconds10, out long timeNs)
    {
        timeNs = 0;
        if (fileTime <= 0)
        {
            return false;
        }

        var ticks = fileTime - UnixEpochFileTime;
        if (ticks is > long.MaxValue / NsPerTick - 1 or < long.MinValue / NsPerTick + 1)
        {
            return false;
        }

        timeNs = ticks * NsPerTick + Math.Min((int)picoseconds10, 9999) / 100;
        return true;
    }

    /// <summary>The 100 ns ticks since 1601 of nanoseconds since 1970, rounded down.</summary>
    public static long ToFileTime(long timeNs) => FloorDiv(timeNs, NsPerTick) + UnixEpochFileTime;

    /// <summary>Seconds with as many decimals as needed, exact: <c>1656445625.1234567</c>. The decimal form of field <c>t</c>.</summary>
    public static string FormatSeconds(long timeNs)
    {
        var seconds = FloorDiv(timeNs, NsPerSecond);
        var fraction = FloorMod(timeNs, NsPerSecond);
        if (fraction == 0)
        {
            return seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (seconds < 0)
        {
            // Decimal notation counts the fraction away from zero.
            seconds += 1;
            fraction = NsPerSecond - fraction;
            var sign = seconds == 0 ? "-" : "";
            return $"{sign}{seconds.ToString(CultureInfo.InvariantCulture)}.{FractionDigits(fraction)}";
        }

        return $"{seconds.ToString(CultureInfo.InvariantCulture)}.{FractionDigits(fraction)}";
    }

    /// <summary>UTC in ISO 8601 with as many decimals as needed, for people.</summary>
    public static string FormatIso(long timeNs)
    {
        var seconds = FloorDiv(timeNs, NsPerSecond);
        var fraction = FloorMod(timeNs, NsPerSecond);
        var text = DateTime.UnixEpoch.AddSeconds(seconds).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        return fraction == 0 ? $"{text}Z" : $"{text}.{FractionDigits(fraction)}Z";
    }

    private static string FractionDigits(long fraction) =>
        fraction.ToString("000000000", CultureInfo.InvariantCulture).TrimEnd('0');

    private static long FloorMod(long value, long divisor) => (value % divisor + divisor) % divisor;

    private static long FloorDiv(long value, long divisor)
    {
        var quotient = value / divisor;
        return value % divisor < 0 ? quotient - 1 : quotient;
    }
}
