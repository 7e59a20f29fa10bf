using System.Globalization;
using ZfRepl.Core.Schedule;

namespace ZfRepl.Core.Tests.Schedule;

/// <summary>Next-fire times, each row found beforehand by a search over every second of another time zone implementation.</summary>
public sealed class CronScheduleTableTests
{
    private const string Table = """
        schedule | zone | after | next
        * * * * * * | UTC | 2026-01-01T00:00:00Z | 2026-01-01T00:00:01+00:00
        * * * * * * | UTC | 2026-01-01T00:00:00.500Z | 2026-01-01T00:00:01+00:00
        * * * * * * | UTC | 2025-12-31T23:59:59Z | 2026-01-01T00:00:00+00:00
        0 * * * * * | UTC | 2026-01-01T00:00:00Z | 2026-01-01T00:01:00+00:00
        */10 * * * * * | UTC | 2026-01-01T00:00:05Z | 2026-01-01T00:00:10+00:00
        */7 * * * * * | UTC | 2026-01-01T00:00:56Z | 2026-01-01T00:01:00+00:00
        5/15 * * * * * | UTC | 2026-01-01T00:00:51Z | 2026-01-01T00:01:05+00:00
        5/15 * * * * * | UTC | 2026-01-01T00:00:20Z | 2026-01-01T00:00:35+00:00
        */100 * * * * * | UTC | 2026-01-01T00:00:01Z | 2026-01-01T00:01:00+00:00
        10-20/5 * * * * * | UTC | 2026-01-01T00:00:15Z | 2026-01-01T00:00:20+00:00
        10-20/5 * * * * * | UTC | 2026-01-01T00:00:20Z | 2026-01-01T00:01:10+00:00
        0,30,45 * * * * * | UTC | 2026-01-01T00:00:31Z | 2026-01-01T00:00:45+00:00
        59 59 23 31 12 * | UTC | 2026-01-01T00:00:00Z | 2026-12-31T23:59:59+00:00
        59 59 23 31 12 * | UTC | 2026-12-31T23:59:59Z | 2027-12-31T23:59:59+00:00
        0 */15 * * * * | UTC | 2026-01-01T10:07:00Z | 2026-01-01T10:15:00+00:00
        0 30 9-17 * * Mon-Fri | UTC | 2026-01-02T17:30:00Z | 2026-01-05T09:30:00+00:00
        0 30 9-17 * * Mon-Fri | UTC | 2026-01-05T09:29:59Z | 2026-01-05T09:30:00+00:00
        0 0 0 */2 * * | UTC | 2026-01-31T00:00:00Z | 2026-02-01T00:00:00+00:00
        0 0 0 */2 * * | UTC | 2026-01-01T00:00:00Z | 2026-01-03T00:00:00+00:00
        0 0 0 * * */2 | UTC | 2026-01-01T12:00:00Z | 2026-01-03T00:00:00+00:00
        0 0 0 * * */2 | UTC | 2026-01-03T12:00:00Z | 2026-01-04T00:00:00+00:00
        0 0 0 * * 1 | UTC | 2026-01-01T00:00:00Z | 2026-01-04T00:00:00+00:00
        0 0 0 * * 7 | UTC | 2026-01-01T00:00:00Z | 2026-01-03T00:00:00+00:00
        0 0 0 * * SUN | UTC | 2026-01-01T00:00:00Z | 2026-01-04T00:00:00+00:00
        0 0 0 * * tues | UTC | 2026-01-01T00:00:00Z | 2026-01-06T00:00:00+00:00
        0 0 0 * * Thurs | UTC | 2026-01-01T00:00:00Z | 2026-01-08T00:00:00+00:00
        0 0 0 * * thursday | UTC | 2026-01-01T00:00:00Z | 2026-01-08T00:00:00+00:00
        0 0 0 * * Mon-Thurs/2 | UTC | 2026-01-05T00:00:00Z | 2026-01-07T00:00:00+00:00
        0 0 0 * jan-december/5 ? | UTC | 2026-01-31T00:00:00Z | 2026-06-01T00:00:00+00:00
        0 0 12 ? Feb,aug * | UTC | 2026-02-28T12:00:00Z | 2026-08-01T12:00:00+00:00
        0 0 0 13 * Fri | UTC | 2026-01-01T00:00:00Z | 2026-02-13T00:00:00+00:00
        0 0 0 13 * Fri | UTC | 2026-03-13T00:00:00Z | 2026-11-13T00:00:00+00:00
        0 0 0 29 2 * | UTC | 2026-01-01T00:00:00Z | 2028-02-29T00:00:00+00:00
        0 0 0 29 2 * | UTC | 2096-03-01T00:00:00Z | never
        0 0 0 29 2 Mon | UTC | 2026-01-01T00:00:00Z | 2044-02-29T00:00:00+00:00
        0 0 0 31 * * | UTC | 2026-01-31T00:00:00Z | 2026-03-31T00:00:00+00:00
        0 0 0 31 4,6,9,11 * | UTC | 2026-01-01T00:00:00Z | never
        0 0 0 30 2 * | UTC | 2026-01-01T00:00:00Z | never
        0 0 0 1 1 * 2030 | UTC | 2026-01-01T00:00:00Z | 2030-01-01T00:00:00+00:00
        0 0 0 1 1 * 2025 | UTC | 2026-01-01T00:00:00Z | never
        0 0 0 1 1 * 2020-2040/10 | UTC | 2026-01-01T00:00:00Z | 2030-01-01T00:00:00+00:00
        0 0 0 1 1 * 2098/2 | UTC | 2099-05-01T00:00:00Z | 2100-01-01T00:00:00+00:00
        0 0 0 31 12 * 2100 | UTC | 2026-01-01T00:00:00Z | 2100-12-31T00:00:00+00:00
        59 59 23 31 12 * 2100 | UTC | 2100-12-31T23:59:59Z | never
        @hourly | UTC | 2026-01-01T00:59:59Z | 2026-01-01T01:00:00+00:00
        @daily | UTC | 2026-01-01T00:00:00Z | 2026-01-02T00:00:00+00:00
        @weekly | UTC | 2026-01-01T00:00:00Z | 2026-01-04T00:00:00+00:00
        @monthly | UTC | 2026-01-01T00:00:00Z | 2026-02-01T00:00:00+00:00
        @yearly | UTC | 2026-01-01T00:00:00Z | 2027-01-01T00:00:00+00:00
        0 30 2 * * * | Europe/Berlin | 2026-03-28T01:30:00Z | 2026-03-30T02:30:00+02:00
        0 30 2 * * * | Europe/Berlin | 2026-03-28T01:29:00Z | 2026-03-28T02:30:00+01:00
        0 0 3 * * * | Europe/Berlin | 2026-03-28T12:00:00Z | 2026-03-29T03:00:00+02:00
        0 */30 * * * * | Europe/Berlin | 2026-03-29T00:30:00Z | 2026-03-29T03:00:00+02:00
        0 30 2 * * * | Europe/Berlin | 2026-10-24T12:00:00Z | 2026-10-26T02:30:00+01:00
        0 */10 * * * * | Europe/Berlin | 2026-10-25T00:00:00Z | 2026-10-25T03:00:00+01:00
        0 */10 * * * * | Europe/Berlin | 2026-10-24T23:55:00Z | 2026-10-25T03:00:00+01:00
        * * * * * * | Europe/Berlin | 2026-10-25T00:30:00Z | 2026-10-25T03:00:00+01:00
        0 0 3 * * * | Europe/Berlin | 2026-10-25T00:30:00Z | 2026-10-25T03:00:00+01:00
        0 30 1 * * Sun | America/New_York | 2026-10-31T12:00:00Z | 2026-11-08T01:30:00-05:00
        0 30 2 8 3 * | America/New_York | 2026-01-01T00:00:00Z | 2027-03-08T02:30:00-05:00
        0 30 1 * * * | Europe/London | 2026-03-28T12:00:00Z | 2026-03-30T01:30:00+01:00
        0 30 1 * * * | Europe/London | 2026-10-24T12:00:00Z | 2026-10-26T01:30:00+00:00
        0 15 2 * * * | Australia/Lord_Howe | 2026-10-03T10:00:00Z | 2026-10-05T02:15:00+11:00
        0 45 1 * * * | Australia/Lord_Howe | 2026-04-03T16:00:00Z | 2026-04-06T01:45:00+10:30
        0 45 1 4-6 4 * | Australia/Lord_Howe | 2026-04-03T16:00:00Z | 2026-04-06T01:45:00+10:30
        0 0 0 * * * | Asia/Kathmandu | 2026-01-01T00:00:00Z | 2026-01-02T00:00:00+05:45
        0 0 6 * * * | Asia/Kolkata | 2026-01-01T00:31:00Z | 2026-01-02T06:00:00+05:30
        0 0 12 30,31 12 * | Pacific/Apia | 2011-12-29T00:00:00Z | 2011-12-31T12:00:00+14:00
        0 15 0 * * * | Asia/Pyongyang | 2015-08-13T16:00:00Z | 2015-08-15T00:15:00+08:30
        0 45 23 14,15 8 * | Asia/Pyongyang | 2015-08-13T16:00:00Z | 2015-08-15T23:45:00+08:30
        0 0 1 28 10 * | Europe/Volgograd | 2018-10-20T00:00:00Z | 2018-10-28T01:00:00+03:00
        0 30 1 28 10 * 2018 | Europe/Volgograd | 2018-10-20T00:00:00Z | 2018-10-28T01:30:00+03:00
        0 0 0 * * * | America/Sao_Paulo | 2018-11-03T12:00:00Z | 2018-11-05T00:00:00-02:00
        0 0 0 * * * | Pacific/Kiritimati | 2026-01-01T00:00:00Z | 2026-01-02T00:00:00+14:00
        0 0 0 * * * | Pacific/Pago_Pago | 2026-01-01T00:00:00Z | 2026-01-01T00:00:00-11:00
        0 0 12 * * * | Africa/Casablanca | 2026-02-14T00:00:00Z | 2026-02-14T12:00:00+01:00
        0 30 2 * * Sun | Africa/Casablanca | 2026-02-14T00:00:00Z | 2026-02-22T02:30:00+00:00
        * * * * * * | UTC | 2100-12-31T23:59:58Z | 2100-12-31T23:59:59+00:00
        * * * * * * | UTC | 2100-12-31T23:59:59Z | never
        """;

    public static TheoryData<string, string, string, string> Rows()
    {
        var rows = new TheoryData<string, string, string, string>();
        foreach (var line in Table.Split('\n').Skip(1))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            rows.Add(cells[0], cells[1], cells[2], cells[3]);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_schedule_fires_next_when_the_table_says(string text, string zoneId, string after, string expected)
    {
        Assert.True(CronSchedule.TryParse(text, out var schedule, out var error), error?.ToString());
        Assert.True(TimeZoneInfo.TryFindSystemTimeZoneById(zoneId, out var zone), $"{zoneId} is unknown here; is tzdata installed?");

        var next = schedule.Next(DateTimeOffset.Parse(after, CultureInfo.InvariantCulture), zone);

        Assert.Equal(expected, next?.ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture) ?? "never");
    }

    [Fact]
    public void The_table_is_long_enough_to_mean_something() => Assert.True(Rows().Count >= 75);
}
