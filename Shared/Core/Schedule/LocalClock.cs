namespace ZfRepl.Core.Schedule;

/// <summary>Local time → UTC for zones whose offset changes, by asking the zone for offsets of instants only.</summary>
/// <remarks>
/// TimeZoneInfo's own tests for invalid and ambiguous times know daylight saving but not every change of a zone's base offset;
/// the offset of an instant is always known, so both questions are answered from it.
/// </remarks>
internal static class LocalClock
{
    /// <summary>The offset of a local time that happens exactly once; null when the clocks skip it or show it twice.</summary>
    public static TimeSpan? UniqueOffset(DateTime local, TimeZoneInfo zone)
    {
        var asUtc = DateTime.SpecifyKind(local, DateTimeKind.Utc);

        // No offset is as large as a day, so what rules within this local time rules at one of these three instants.
        Span<TimeSpan> candidates =
            [zone.GetUtcOffset(asUtc.AddDays(-1)), zone.GetUtcOffset(asUtc), zone.GetUtcOffset(asUtc.AddDays(1))];
        TimeSpan? found = null;
        for (var index = 0; index < candidates.Length; index++)
        {
            var offset = candidates[index];
            if (candidates[..index].Contains(offset) || zone.GetUtcOffset(asUtc - offset) != offset)
            {
                continue;
            }

            if (found is not null)
            {
                return null;
            }

            found = offset;
        }

        return found;
    }
}
