using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace ZfRepl.Hosting.Rpc;

/// <summary>Points in time as people and scripts write them.</summary>
/// <remarks>
/// Accepted are: seconds since 1970 (<c>1656445625.5</c>); a frame back from now (<c>30T</c>; S seconds, T minutes, H hours, D days, W
/// weeks); RFC 3339 and RFC 2822; <c>2024-01-02</c>, <c>2024/1/2</c>, <c>1/2/2024</c> (month first), <c>2 Jan 2024</c>, <c>Jan 2,
/// 2024</c>, each alone or with <c>15:04[:05[.123]] [AM|PM]</c> behind; or such a time of day alone, which is today's. A zone may
/// follow: <c>Z</c>, <c>UTC</c>, <c>GMT</c>, <c>+01:00</c>, <c>+0100</c>, <c>+01</c>, or one of RFC 2822's names such as <c>EST</c>;
/// without one it is local. A date alone is its midnight: the system whose methods this product answers takes the
/// current time of day instead, which nobody who fills a day expects. Local times that the clocks skip or show twice are refused.
/// </remarks>
public static partial class TimeText
{
    internal const long SecondsMax = 253_402_300_799;

    private const int LengthMax = 64;

    private const RegexOptions Options = RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking;

    private const string DatePattern =
        "(?<y>[0-9]{4})-(?<m>[0-9]{1,2})-(?<d>[0-9]{1,2})|" +
        "(?<y>[0-9]{4})/(?<m>[0-9]{1,2})/(?<d>[0-9]{1,2})|" +
        "(?<m>[0-9]{1,2})/(?<d>[0-9]{1,2})/(?<y>[0-9]{4})|" +
        @"([A-Za-z]{3,9},\s?)?(?<d>[0-9]{1,2})\s(?<mon>[A-Za-z]{3,9})\s(?<y>[0-9]{4})|" +
        @"(?<mon>[A-Za-z]{3,9})\s(?<d>[0-9]{1,2}),?\s(?<y>[0-9]{4})";

    private const string TimePattern =
        @"(?<h>[0-9]{1,2}):(?<min>[0-9]{2})(:(?<s>[0-9]{2})(\.(?<frac>[0-9]{1,9}))?)?(\s?(?<half>[AaPp][Mm]))?";

    private const string ZonePattern = "(?<zone>[+-][0-9]{2}(:?[0-9]{2})?|[A-Za-z]{1,3})";

    private static readonly string[] Months =
        ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

    private static readonly Dictionary<string, int> ZoneHours = new(StringComparer.OrdinalIgnoreCase)
    {
        { "z", 0 }, { "utc", 0 }, { "gmt", 0 }, { "ut", 0 },
        { "est", -5 }, { "edt", -4 }, { "cst", -6 }, { "cdt", -5 }, { "mst", -7 }, { "mdt", -6 }, { "pst", -8 }, { "pdt", -7 },
    };

    /// <summary>Reads a text.</summary>
    /// <param name="text">The text, at most 64 characters.</param>
    /// <param name="now">The present, for frames and times of day.</param>
    /// <param name="zone">The zone of texts that name none.</param>
    /// <param name="value">The instant in UTC, cut to 100 ns.</param>
    /// <param name="problem">What is wrong with the text, without a full stop.</param>
    public static bool TryParse(
        string text, DateTimeOffset now, TimeZoneInfo zone, out DateTimeOffset value, [NotNullWhen(false)] out string? problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(zone);
        text = text.Trim();
        value = default;
        if (text.Length is 0 or > LengthMax)
        {
            problem = $"expected a time of 1 to {LengthMax} characters";
            return false;
        }

        if (IsNumber(text))
        {
            return TrySeconds(text, out value, out problem);
        }

        return Frame().Match(text) is { Success: true } frame
            ? TryFrame(frame, now, out value, out problem)
            : TryCalendar(text, now, zone, out value, out problem);
    }

    /// <summary>Seconds since 1970 as a decimal number.</summary>
    internal static bool TrySeconds(string text, out DateTimeOffset value, [NotNullWhen(false)] out string? problem)
    {
        value = default;
        problem = "expected a number of seconds from the years 1970 to 9999";
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) || seconds < 0)
        {
            return false;
        }

        if (seconds > SecondsMax)
        {
            problem += "; so many digits look like milliseconds or less, divide them";
            return false;
        }

        value = DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
        problem = null;
        return true;
    }

    private static bool IsNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static bool TryFrame(Match frame, DateTimeOffset now, out DateTimeOffset value, [NotNullWhen(false)] out string? problem)
    {
        long unitSeconds = frame.Groups["unit"].Value switch
        {
            "S" => 1,
            "T" => 60,
            "H" => 3600,
            "D" => 86_400,
            _ => 604_800,
        };
        var count = long.Parse(frame.Groups["count"].Value, CultureInfo.InvariantCulture);
        var seconds = count * unitSeconds;
        var isInRange = count > 0 && seconds <= now.ToUnixTimeSeconds();
        value = isInRange ? now.AddSeconds(-seconds).ToUniversalTime() : default;
        problem = isInRange ? null : "a frame back from now must be above zero and not reach behind 1970";
        return isInRange;
    }

    private static bool TryCalendar(
        string text, DateTimeOffset now, TimeZoneInfo zone, out DateTimeOffset value, [NotNullWhen(false)] out string? problem)
    {
        value = default;
        if (Calendar().Match(text) is not { Success: true } match || Offset(match.Groups["zone"].Value, out var offset) is false)
        {
            problem = "expected seconds, a frame such as 30T, or a date and time such as 2024-01-02 15:04:05";
            return false;
        }

        if (Date(match, now, offset, zone) is not { } date || TimeOfDay(match) is not { } timeOfDay)
        {
            problem = "there is no such date or time of day";
            return false;
        }

        var local = date + timeOfDay;
        if (offset is null && (zone.IsInvalidTime(local) || zone.IsAmbiguousTime(local)))
        {
            problem = "the clocks skip this local time or show it twice; write a zone behind it";
            return false;
        }

        var utcTicks = local.Ticks - (offset ?? zone.GetUtcOffset(local)).Ticks;
        var isInRange = utcTicks >= DateTimeOffset.UnixEpoch.Ticks && utcTicks <= DateTimeOffset.MaxValue.Ticks;
        value = isInRange ? new DateTimeOffset(utcTicks, TimeSpan.Zero) : default;
        problem = isInRange ? null : "expected a time from the years 1970 to 9999";
        return isInRange;
    }

    /// <summary>False for a zone that does not exist; a null offset for none.</summary>
    private static bool Offset(string zone, out TimeSpan? offset)
    {
        offset = null;
        if (zone.Length == 0)
        {
            return true;
        }

        if (ZoneHours.TryGetValue(zone, out var hours))
        {
            offset = TimeSpan.FromHours(hours);
            return true;
        }

        if (zone[0] is not ('+' or '-'))
        {
            return false;
        }

        var digits = zone[1..].Replace(":", "", StringComparison.Ordinal).PadRight(4, '0');
        var span = new TimeSpan(int.Parse(digits[..2], CultureInfo.InvariantCulture), int.Parse(digits[2..], CultureInfo.InvariantCulture), 0);
        offset = zone[0] == '-' ? -span : span;
        return span < TimeSpan.FromHours(15) && digits[2] < '6';
    }

    private static DateTime? Date(Match match, DateTimeOffset now, TimeSpan? offset, TimeZoneInfo zone)
    {
        if (!match.Groups["y"].Success)
        {
            return (offset is { } known ? now.ToOffset(known) : TimeZoneInfo.ConvertTime(now, zone)).Date;
        }

        var monthName = match.Groups["mon"].Value.ToLowerInvariant();
        var month = monthName.Length == 0 ? Number(match, "m") : Array.FindIndex(Months, m => monthName == m || monthName == m[..3]) + 1;
        var (year, day) = (Number(match, "y"), Number(match, "d"));
        return year >= 1 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month) ? new DateTime(year, month, day) : null;
    }

    private static TimeSpan? TimeOfDay(Match match)
    {
        if (!match.Groups["h"].Success)
        {
            return TimeSpan.Zero;
        }

        var half = match.Groups["half"].Value.ToUpperInvariant();
        var (hour, minute, second) = (Number(match, "h"), Number(match, "min"), Number(match, "s"));
        if (half.Length > 0)
        {
            hour = hour is >= 1 and <= 12 ? (hour % 12) + (half == "PM" ? 12 : 0) : 24;
        }

        if (hour > 23 || minute > 59 || second > 59)
        {
            return null;
        }

        var fraction = match.Groups["frac"].Value.PadRight(7, '0')[..7];
        return new TimeSpan(hour, minute, second) + TimeSpan.FromTicks(long.Parse(fraction, CultureInfo.InvariantCulture));
    }

    private static int Number(Match match, string group) =>
        match.Groups[group].Success ? int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex("^(?<count>[0-9]{1,9})(?<unit>[STHDW])$", Options)]
    private static partial Regex Frame();

    [GeneratedRegex($@"^(({DatePattern})((T|t|,?\s){TimePattern})?|{TimePattern})(\s?{ZonePattern})?$", Options)]
    private static partial Regex Calendar();
}
