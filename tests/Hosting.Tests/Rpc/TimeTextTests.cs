using System.Globalization;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Tests.Rpc;

public sealed class TimeTextTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 22, 30, 15, 250, TimeSpan.Zero);

    [Theory]
    [InlineData("1656445625", "2022-06-28T19:47:05.0000000")]
    [InlineData(" 1656445625.25 ", "2022-06-28T19:47:05.2500000")]
    [InlineData("0", "1970-01-01T00:00:00.0000000")]
    [InlineData("1e9", "2001-09-09T01:46:40.0000000")]
    [InlineData("30S", "2026-03-01T22:29:45.2500000")]
    [InlineData("30T", "2026-03-01T22:00:15.2500000")]
    [InlineData("2H", "2026-03-01T20:30:15.2500000")]
    [InlineData("1D", "2026-02-28T22:30:15.2500000")]
    [InlineData("2W", "2026-02-15T22:30:15.2500000")]
    [InlineData("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.0000000")]
    [InlineData("2024-01-02t03:04:05z", "2024-01-02T03:04:05.0000000")]
    [InlineData("2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.1234567")]
    [InlineData("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05.0000000")]
    [InlineData("2024-01-02 03:04:05-0330", "2024-01-02T06:34:05.0000000")]
    [InlineData("2024-01-02 03:04-08", "2024-01-02T11:04:00.0000000")]
    [InlineData("2024-01-02 03:04:05 UTC", "2024-01-02T03:04:05.0000000")]
    [InlineData("2024-01-02 03:04:05 EST", "2024-01-02T08:04:05.0000000")]
    [InlineData("2024-01-02 03:04:05", "2024-01-02T02:04:05.0000000")]
    [InlineData("2024-07-02 03:04:05.5", "2024-07-02T01:04:05.5000000")]
    [InlineData("2024-01-02 03:04", "2024-01-02T02:04:00.0000000")]
    [InlineData("2024-1-2 3:04", "2024-01-02T02:04:00.0000000")]
    [InlineData("2024-01-02 03:04:05 PM", "2024-01-02T14:04:05.0000000")]
    [InlineData("2024-01-02 12:00 am", "2024-01-01T23:00:00.0000000")]
    [InlineData("2024-01-02, 15:04", "2024-01-02T14:04:00.0000000")]
    [InlineData("2024-01-02", "2024-01-01T23:00:00.0000000")]
    [InlineData("2024-01-02 UTC", "2024-01-02T00:00:00.0000000")]
    [InlineData("2024-01-02+08:00", "2024-01-01T16:00:00.0000000")]
    [InlineData("2024/01/02", "2024-01-01T23:00:00.0000000")]
    [InlineData("2024/1/2 15:04", "2024-01-02T14:04:00.0000000")]
    [InlineData("1/2/2024", "2024-01-01T23:00:00.0000000")]
    [InlineData("01/02/2024 03:00:51.142 PM", "2024-01-02T14:00:51.1420000")]
    [InlineData("2 Jan 2024", "2024-01-01T23:00:00.0000000")]
    [InlineData("03 February 2013 10:00", "2013-02-03T09:00:00.0000000")]
    [InlineData("Jan 2, 2024 03:04:05", "2024-01-02T02:04:05.0000000")]
    [InlineData("september 17 2012, 10:09am", "2012-09-17T08:09:00.0000000")]
    [InlineData("Wed, 02 Jun 2021 06:31:39 GMT", "2021-06-02T06:31:39.0000000")]
    [InlineData("Wed, 02 Jun 2021 06:31:39 -0700", "2021-06-02T13:31:39.0000000")]
    [InlineData("06:15", "2026-03-01T05:15:00.0000000")]
    [InlineData("23:45:10", "2026-03-01T22:45:10.0000000")]
    [InlineData("4:00pm", "2026-03-01T15:00:00.0000000")]
    [InlineData("4:00 PM PST", "2026-03-02T00:00:00.0000000")]
    [InlineData("23:45 UTC", "2026-03-01T23:45:00.0000000")]
    [InlineData("23:45 +09:00", "2026-03-02T14:45:00.0000000")]
    public void A_text_that_people_write_is_read_in_the_plants_zone(string text, string utc)
    {
        Assert.True(TimeText.TryParse(text, Now, Berlin, out var value, out var problem), problem);
        Assert.Equal(TimeSpan.Zero, value.Offset);
        Assert.Equal(utc, value.ToString("yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("", "expected a time of 1 to 64 characters")]
    [InlineData("-5", "expected a number of seconds from the years 1970 to 9999")]
    [InlineData("nan", "expected a number of seconds from the years 1970 to 9999")]
    [InlineData("inf", "expected seconds, a frame such as 30T, or a date and time such as 2024-01-02 15:04:05")]
    [InlineData("1656445625000", "expected a number of seconds from the years 1970 to 9999; so many digits look like milliseconds or less, divide them")]
    [InlineData("0T", "a frame back from now must be above zero and not reach behind 1970")]
    [InlineData("999999999W", "a frame back from now must be above zero and not reach behind 1970")]
    [InlineData("30t", "expected seconds, a frame such as 30T, or a date and time such as 2024-01-02 15:04:05")]
    [InlineData("yesterday", "expected seconds, a frame such as 30T, or a date and time such as 2024-01-02 15:04:05")]
    [InlineData("2024-01-02 03:04 XYZ", "expected seconds, a frame such as 30T, or a date and time such as 2024-01-02 15:04:05")]
    [InlineData("2024-01-02 03:04 +25:00", "expected seconds, a frame such as 30T, or a date and time such as 2024-01-02 15:04:05")]
    [InlineData("2024-01-02T03", "expected seconds, a frame such as 30T, or a date and time such as 2024-01-02 15:04:05")]
    [InlineData("2024-02-30", "there is no such date or time of day")]
    [InlineData("2024-13-01", "there is no such date or time of day")]
    [InlineData("0000-01-01", "there is no such date or time of day")]
    [InlineData("13/2/2024", "there is no such date or time of day")]
    [InlineData("2 Foo 2024", "there is no such date or time of day")]
    [InlineData("2024-01-02 24:00", "there is no such date or time of day")]
    [InlineData("2024-01-02 23:59:60", "there is no such date or time of day")]
    [InlineData("2024-01-02 13:00 PM", "there is no such date or time of day")]
    [InlineData("1969-12-31", "expected a time from the years 1970 to 9999")]
    [InlineData("2026-03-29 02:30", "the clocks skip this local time or show it twice; write a zone behind it")]
    [InlineData("2026-10-25 02:30", "the clocks skip this local time or show it twice; write a zone behind it")]
    public void Anything_else_is_refused_with_the_reason(string text, string reason)
    {
        Assert.False(TimeText.TryParse(text, Now, Berlin, out _, out var problem));
        Assert.Equal(reason, problem);
    }

    [Fact]
    public void Random_text_never_throws()
    {
        var random = new Random(5);
        const string Alphabet = "0123456789-/: .,TZ+eJanpmPM\u0660é";
        for (var round = 0; round < 50_000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            _ = TimeText.TryParse(text, Now, Berlin, out _, out _);
        }
    }

    private static TimeZoneInfo Berlin { get; } = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
}
