using ZfRepl.Core.Schedule;

namespace ZfRepl.Core.Tests.Schedule;

public sealed class CronScheduleErrorTests
{
    [Theory]
    [InlineData("", 1, "0 fields")]
    [InlineData("   ", 1, "0 fields")]
    [InlineData("* * * * *", 1, "5 fields, expected second minute hour day month weekday [year]; the first field is the second")]
    [InlineData("* * * * * * * *", 1, "8 fields")]
    [InlineData("60 * * * * *", 1, "60 is out of range, the second goes from 0 to 59")]
    [InlineData("* 60 * * * *", 3, "60 is out of range, the minute")]
    [InlineData("* * 24 * * *", 5, "24 is out of range, the hour")]
    [InlineData("* * * 0 * *", 7, "0 is out of range, the day of month")]
    [InlineData("* * * 32 * *", 7, "32 is out of range, the day of month")]
    [InlineData("* * * * 13 *", 9, "13 is out of range, the month")]
    [InlineData("* * * * * 0", 11, "0 is out of range, the day of week goes from 1 to 7; Sunday is 1")]
    [InlineData("* * * * * 8", 11, "8 is out of range")]
    [InlineData("* * * * * * 1969", 13, "1969 is out of range, the year")]
    [InlineData("* * * * * * 2101", 13, "2101 is out of range, the year")]
    [InlineData("  0   61 * * * *", 7, "61 is out of range")]
    [InlineData("? * * * * *", 1, "'?' stands only in the two day fields")]
    [InlineData("* * ? * * *", 5, "'?' stands only in the two day fields")]
    [InlineData("* * * * ? *", 9, "'?' stands only in the two day fields")]
    [InlineData("* * * * * Wed/2", 11, "a step cannot follow the single name 'Wed'")]
    [InlineData("*/0 * * * * *", 3, "a step of 0")]
    [InlineData("*/x * * * * *", 3, "the step 'x' is not a number")]
    [InlineData("*/ * * * * *", 3, "the step '' is not a number")]
    [InlineData("*/-1 * * * * *", 3, "the step '-1' is not a number")]
    [InlineData("1/2/3 * * * * *", 3, "the step '2/3' is not a number")]
    [InlineData("20-10 * * * * *", 1, "the range '20-10' runs backwards")]
    [InlineData("* * 22-3 * * *", 5, "the range '22-3' runs backwards")]
    [InlineData("* * * * * Fri-Mon", 11, "the range 'Fri-Mon' runs backwards")]
    [InlineData("* * * * * 3-thurs", 11, "a range is two numbers or two names")]
    [InlineData("1-2-3 * * * * *", 3, "'2-3' is not a second")]
    [InlineData("1- * * * * *", 3, "a value is missing in the second")]
    [InlineData("-1 * * * * *", 1, "a value is missing in the second")]
    [InlineData("1,,2 * * * * *", 3, "a value is missing in the second")]
    [InlineData(",1 * * * * *", 1, "a value is missing in the second")]
    [InlineData("1, * * * * *", 3, "a value is missing in the second")]
    [InlineData("0 0 0 * Jum *", 9, "unknown name 'Jum' for the month")]
    [InlineData("0 0 0 * * Turtle", 11, "unknown name 'Turtle' for the day of week")]
    [InlineData("Mon 0 0 * * *", 1, "the second takes no names, found 'Mon'")]
    [InlineData("* * * * * ** ", 11, "'**' is not a day of week")]
    [InlineData("1.5 * * * * *", 1, "'1.5' is not a second")]
    [InlineData("99999999999 * * * * *", 1, "'99999999999' is not a second")]
    [InlineData("@never", 1, "unknown macro '@never', expected one of @yearly, @monthly, @weekly, @daily, @hourly")]
    [InlineData(" @Daily", 2, "unknown macro '@Daily'")]
    public void A_bad_schedule_is_refused_with_the_column_and_the_reason(string text, int column, string reason)
    {
        Assert.False(CronSchedule.TryParse(text, out var schedule, out var error));
        Assert.Null(schedule);
        Assert.Equal(column, error.Column);
        Assert.StartsWith(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_schedule_of_absurd_length_is_refused_before_it_is_read()
    {
        Assert.False(CronSchedule.TryParse(string.Join(',', Enumerable.Repeat("1", 100_000)) + " * * * * *", out _, out var error));
        Assert.Contains("1024", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_text_never_throws()
    {
        var random = new Random(7);
        const string Alphabet = "0123456789*?/-,@ MonJa\t\u00e9\u0660";
        for (var round = 0; round < 20_000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            if (CronSchedule.TryParse(text, out var schedule, out _))
            {
                _ = schedule.Next(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), TimeZoneInfo.Utc);
            }
        }
    }

    [Fact]
    public void Instants_far_outside_the_years_of_a_schedule_are_answered()
    {
        Assert.True(CronSchedule.TryParse("0 0 0 1 1 *", out var schedule, out _));
        Assert.Equal(new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero), schedule.Next(DateTimeOffset.MinValue, TimeZoneInfo.Utc));
        Assert.Null(schedule.Next(DateTimeOffset.MaxValue, TimeZoneInfo.Utc));
    }
}
