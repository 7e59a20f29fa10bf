using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames;

/// <summary>The bounds that one event has to keep so that it fits into a frame. Pure.</summary>
public static class EventLimits
{
    /// <summary>The largest value, in bytes as written.</summary>
    public const int MaxValueBytes = 8 * 1024 * 1024;

    /// <summary>True when a value can be written. Scalars always can.</summary>
    /// <param name="reference">The value's text, bytes or composite, or null.</param>
    public static bool Fits(object? reference) => reference is null || Measure(reference, 0) <= MaxValueBytes;

    private static long Measure(object? reference, int depth)
    {
        if (depth >= ValueCodec.MaxDepth)
        {
            return long.MaxValue / 2;
        }

        return reference switch
        {
            null => 10,
            string text => 10 + 3L * text.Length,
            byte[] bytes => 10 + bytes.LongLength,
            TelemetryValue[] items => MeasureItems(items, depth),
            TelemetryArray array => 80 + MeasureItems(array.Items, depth),
            TelemetryMap map => MeasureItems(map.Items, depth) + map.Keys.Sum(key => 10 + 3L * key.Length),
            _ => throw new ArgumentException($"{reference.GetType().Name} is no part of a value.", nameof(reference)),
        };
    }

    private static long MeasureItems(TelemetryValue[] items, int depth)
    {
        var total = 10L;
        foreach (ref readonly var item in items.AsSpan())
        {
            total += 1 + Measure(item.Reference, depth + 1);
            if (total > MaxValueBytes)
            {
                break;
            }
        }

        return total;
    }
}
