using System.Diagnostics.CodeAnalysis;

namespace ZfRepl.Core.Schedule;

/// <summary>A cron-like schedule with seconds and an optional year: a pure function from an instant to the next one. Immutable.</summary>
/// <remarks>
/// Six or seven fields, separated by blanks: second (0-59), minute (0-59), hour (0-23), day of month (1-31), month (1-12 or
/// names), day of week (1-7 or names, 1 is Sunday), year (1970-2100, may be left out). A field is a list with commas of
/// <c>*</c>, a value, <c>first-last</c>, each but a single name with an optional <c>/step</c>; <c>5/15</c> runs from 5 to the
/// field's end. <c>?</c> is <c>*</c> in the day fields. Ranges do not wrap. Both day fields must match, unlike in
/// classic cron, where one of them is enough. Macros: <c>@yearly @monthly @weekly</c> (Sunday) <c>@daily @hourly</c>.
/// Local times that the zone skips or shows twice never fire.
/// </remarks>
public sealed class CronSchedule
{
    private static readonly DateTimeOffset Earliest = new(1969, 12, 30, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(2101, 1, 2, 0, 0, 0, TimeSpan.Zero);

    private readonly CronValues _seconds;
    private readonly CronValues _minutes;
    private readonly CronValues _hours;
    private readonly CronValues _days;
    private readonly CronValues _months;
    private readonly CronValues _weekdays;
    private readonly CronValues _years;
    private readonly string _text;

    private CronSchedule(string text, CronValues[] fields)
    {
        _text = text;
        (_seconds, _minutes, _hours, _days, _months, _weekdays, _years) =
            (fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6]);
    }

    /// <summary>Reads a schedule; on failure <paramref name="error"/> says what and at which column.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out CronSchedule? schedule, [NotNullWhen(false)] out CronError? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        var fields = new CronParser(text).Parse(out error);
        schedule = fields is null ? null : new CronSchedule(text, fields);
        return schedule is not null;
    }

    /// <summary>The first whole second strictly after <paramref name="after"/> at which the schedule fires; null when it never does again.</summary>
    /// <param name="after">Any instant.</param>
    /// <param name="zone">The zone whose wall clock the fields describe; the result carries its offset.</param>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        if (after > Latest)
        {
            return null;
        }

        var start = TimeZoneInfo.ConvertTime(after < Earliest ? Earliest : after, zone).DateTime;
        DateTime? from = start.AddTicks(-(start.Ticks % TimeSpan.TicksPerSecond)).AddSeconds(1);
        while ((from = NextLocal(from.Value)) is { } candidate)
        {
            if (LocalClock.UniqueOffset(candidate, zone) is { } offset)
            {
                return new DateTimeOffset(candidate, offset);
            }

            from = candidate.AddSeconds(1);
        }

        return null;
    }

    /// <summary>The text that the schedule was read from.</summary>
    public override string ToString() => _text;

    private DateTime? NextLocal(DateTime from)
    {
        for (var year = _years.AtOrAfter(from.Year); year is { } y; year = _years.AtOrAfter(y + 1))
        {
            if (NextInYear(y == from.Year ? from : new DateTime(y, 1, 1)) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private DateTime? NextInYear(DateTime from)
    {
        for (var month = _months.AtOrAfter(from.Month); month is { } m; month = _months.AtOrAfter(m + 1))
        {
            if (NextInMonth(m == from.Month ? from : new DateTime(from.Year, m, 1)) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private DateTime? NextInMonth(DateTime from)
    {
        var length = DateTime.DaysInMonth(from.Year, from.Month);
        for (var day = _days.AtOrAfter(from.Day); day is { } d && d <= length; day = _days.AtOrAfter(d + 1))
        {
            var start = d == from.Day ? from : new DateTime(from.Year, from.Month, d);
            if (_weekdays.Contains((int)start.DayOfWeek + 1) && NextInDay(start) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private DateTime? NextInDay(DateTime from)
    {
        for (var hour = _hours.AtOrAfter(from.Hour); hour is { } h; hour = _hours.AtOrAfter(h + 1))
        {
            var firstMinute = h == from.Hour ? from.Minute : 0;
            for (var minute = _minutes.AtOrAfter(firstMinute); minute is { } m; minute = _minutes.AtOrAfter(m + 1))
            {
                var firstSecond = h == from.Hour && m == from.Minute ? from.Second : 0;
                if (_seconds.AtOrAfter(firstSecond) is { } second)
                {
                    return from.Date.AddHours(h).AddMinutes(m).AddSeconds(second);
                }
            }
        }

        return null;
    }
}
