using System.Globalization;
using ZfRepl.Core.Schedule;

namespace ZfRepl.Core.Tests.Schedule;

/// <summary>Random schedules against a search that knows no fields' arithmetic: it walks over the instants and looks at the wall clock.</summary>
public sealed class CronScheduleSearchTests
{
    private static readonly (int Min, int Max)[] Limits = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2100)];

    [Theory]
    [InlineData("UTC", 11)]
    [InlineData("Europe/Berlin", 12)]
    [InlineData("America/New_York", 13)]
    [InlineData("Australia/Lord_Howe", 14)]
    [InlineData("Asia/Kathmandu", 15)]
    public void A_random_schedule_fires_next_when_a_search_over_all_seconds_says(string zoneId, int seed)
    {
        var random = new Random(seed);
        var zone = TimeZoneInfo.FindSystemTimeZoneById(zoneId);
        for (var round = 0; round < 60; round++)
        {
            var (text, sets) = RandomSchedule(random);

            // Days around both clock changes of the zones above are drawn as often as any other day.
            var start = random.Next(2) == 0
                ? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(random.Next(365 * 86400))
                : ClockChanges[random.Next(ClockChanges.Length)].AddSeconds(random.Next(-90_000, 20_000));
            Assert.True(CronSchedule.TryParse(text, out var schedule, out var error), $"{text}: {error}");

            var expected = Search(sets, start, zone, days: 40);
            var found = schedule.Next(start, zone);

            var beyond = expected is null && (found is null || found > start.AddDays(40));
            Assert.True(found == expected || beyond,
                string.Create(CultureInfo.InvariantCulture, $"seed {seed}, round {round}: '{text}' in {zoneId} after {start:O}: search {expected:O}, schedule {found:O}"));
        }
    }

    private static readonly DateTimeOffset[] ClockChanges =
    [
        new(2026, 3, 29, 1, 0, 0, TimeSpan.Zero), new(2026, 10, 25, 1, 0, 0, TimeSpan.Zero), new(2026, 3, 8, 7, 0, 0, TimeSpan.Zero),
        new(2026, 11, 1, 6, 0, 0, TimeSpan.Zero), new(2026, 4, 4, 15, 0, 0, TimeSpan.Zero), new(2026, 10, 3, 15, 30, 0, TimeSpan.Zero),
    ];

    private static (string Text, HashSet<int>[] Sets) RandomSchedule(Random random)
    {
        var sets = new HashSet<int>[7];
        var words = new string[7];
        for (var field = 0; field < 7; field++)
        {
            var (min, max) = Limits[field];
            sets[field] = [];
            var parts = new List<string>();
            var wide = field == 6 || (field is 3 or 4 or 5 && random.Next(3) > 0);
            for (var count = wide ? 1 : random.Next(1, 3); count > 0; count--)
            {
                var first = random.Next(min, max + 1);
                var last = random.Next(first, max + 1);
                var step = random.Next(1, 8);
                var (part, from, to, by) = (wide ? 0 : random.Next(1, 6)) switch
                {
                    0 => ("*", min, max, 1),
                    1 => ($"{first}", first, first, 1),
                    2 => ($"{first}-{last}", first, last, 1),
                    3 => ($"*/{step}", min, max, step),
                    4 => ($"{first}/{step}", first, max, step),
                    _ => ($"{first}-{last}/{step}", first, last, step),
                };
                parts.Add(part);
                for (var value = from; value <= to; value += by)
                {
                    sets[field].Add(value);
                }
            }

            words[field] = string.Join(',', parts);
        }

        return (string.Join(' ', words), sets);
    }

    private static DateTimeOffset? Search(HashSet<int>[] sets, DateTimeOffset after, TimeZoneInfo zone, int days)
    {
        var first = DateTimeOffset.FromUnixTimeSeconds(after.ToUnixTimeSeconds() + 1);
        var quarter = DateTimeOffset.FromUnixTimeSeconds(first.ToUnixTimeSeconds() / 900 * 900);
        for (; quarter <= after.AddDays(days); quarter = quarter.AddMinutes(15))
        {
            // Clocks change on quarters of an hour only, so date and hour are the same within one.
            if (!Matches(sets, TimeZoneInfo.ConvertTime(quarter, zone), wholeHour: true))
            {
                continue;
            }

            for (var second = quarter < first ? first : quarter; second < quarter.AddMinutes(15); second = second.AddSeconds(1))
            {
                var local = TimeZoneInfo.ConvertTime(second, zone);
                if (Matches(sets, local, wholeHour: false) && !ShownTwice(second, local, zone))
                {
                    return local;
                }
            }
        }

        return null;
    }

    private static bool Matches(HashSet<int>[] sets, DateTimeOffset local, bool wholeHour) =>
        (wholeHour || (sets[0].Contains(local.Second) && sets[1].Contains(local.Minute))) &&
        sets[2].Contains(local.Hour) && sets[3].Contains(local.Day) && sets[4].Contains(local.Month) &&
        sets[5].Contains((int)local.DayOfWeek + 1) && sets[6].Contains(local.Year);

    private static bool ShownTwice(DateTimeOffset instant, DateTimeOffset local, TimeZoneInfo zone) =>
        Enumerable.Range(-12, 25).Any(n => n != 0 && TimeZoneInfo.ConvertTime(instant.AddMinutes(15 * n), zone).DateTime == local.DateTime);
}
