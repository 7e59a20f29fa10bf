using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History;

/// <summary>
/// How many events a read of an item's history asks for, so that what it brings takes about <see cref="TargetBytes"/> of memory, whatever the item's
/// values are. Small reads first: nobody knows how large they are before some have been seen. Stateless.
/// </summary>
public static class ReadPace
{
    /// <summary>How many events the first read of an item asks for.</summary>
    public const int First = 32;

    /// <summary>The most events that a read asks for.</summary>
    public const int Largest = 4096;

    /// <summary>What a read is to take in memory, in bytes.</summary>
    public const long TargetBytes = 1024 * 1024;

    /// <summary>How many events the next read is to ask for, from 1 to <see cref="Largest"/>.</summary>
    /// <param name="limit">How many the one before asked for.</param>
    /// <param name="events">How many it brought.</param>
    /// <param name="bytes">What they take, <see cref="SizeOf"/>.</param>
    public static int Next(int limit, int events, long bytes) =>
        events == 0 ? limit : (int)Math.Clamp(TargetBytes * events / (1 + bytes), 1, Math.Min(limit * 8L, Largest));

    /// <summary>About how many bytes of memory the events of a batch take, from an index on.</summary>
    public static long SizeOf(EventBatch batch, int from)
    {
        var total = 32L * (batch.Count - from);
        foreach (var reference in batch.References[from..])
        {
            total += SizeOfReference(reference);
        }

        return total;
    }

    private static long SizeOfReference(object? reference) => reference switch
    {
        null => 0,
        string text => 2L * text.Length,
        byte[] content => content.LongLength,
        TelemetryValue[] items => items.Sum(i => 24 + SizeOfReference(i.Reference)),
        TelemetryArray array => array.Items.Sum(i => 24 + SizeOfReference(i.Reference)),
        TelemetryMap map => map.Items.Sum(i => 24 + SizeOfReference(i.Reference)) + map.Keys.Sum(k => 2L * k.Length),
        _ => throw new ArgumentException($"{reference.GetType().Name} is no part of a value.", nameof(reference)),
    };
}
