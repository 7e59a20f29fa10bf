using System.Text.Json;

namespace ZfRepl.Hosting.Progress;

/// <summary>How fast work goes on, as the services' answers show it.</summary>
public static class WorkRateJson
{
    /// <summary>
    /// Writes the properties <c>elapsed_seconds</c>, <c>events_per_second</c>, <c>bytes_per_second</c> and <c>remaining_seconds</c>, the last one
    /// null where nobody can say.
    /// </summary>
    public static void Write(Utf8JsonWriter json, in WorkRate rate)
    {
        json.WriteNumber("elapsed_seconds", Math.Round(rate.Elapsed.TotalSeconds, 1));
        json.WriteNumber("events_per_second", Math.Round(rate.EventsPerSecond, 1));
        json.WriteNumber("bytes_per_second", Math.Round(rate.BytesPerSecond, 1));
        if (rate.Remaining is { } remaining)
        {
            json.WriteNumber("remaining_seconds", Math.Round(remaining.TotalSeconds, 1));
        }
        else
        {
            json.WriteNull("remaining_seconds");
        }
    }
}
