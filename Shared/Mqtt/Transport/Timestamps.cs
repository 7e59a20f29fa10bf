namespace ZfRepl.Mqtt.Transport;

/// <summary>Arithmetic with the timestamps of a clock, which no step of the wall clock disturbs.</summary>
internal static class Timestamps
{
    /// <summary>The timestamp after <paramref name="span"/> from now; far away rather than overflowing.</summary>
    public static long TimestampAfter(this TimeProvider time, TimeSpan span)
    {
        var ticks = span.TotalSeconds * time.TimestampFrequency;
        return ticks >= long.MaxValue / 2 ? long.MaxValue : time.GetTimestamp() + (long)ticks;
    }
}
