using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames.Columns;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames;

/// <summary>
/// Gathers many events and writes them as one self-contained frame of columns (docs/format.md, "Event columns"), or of rows where that
/// is smaller. Best for tens of thousands of events; what it gathers is copied, the caller's batch is free again. Reused frame after frame.
/// Not thread-safe.
/// </summary>
public sealed class EventColumnsBuilder
{
    /// <summary>The most events in a frame.</summary>
    public const int MaxEvents = ColumnsDecoder.MaxEvents;

    private readonly EventFrameEncoder _encoder;
    private EventBatch? _events;

    /// <summary>A builder.</summary>
    /// <param name="compresses">False leaves the streams of columns as they are.</param>
    public EventColumnsBuilder(bool compresses = true) => _encoder = new EventFrameEncoder(compresses);

    /// <summary>The events gathered so far.</summary>
    public int Count => _events?.Count ?? 0;

    /// <summary>The earliest time gathered, nanoseconds since 1970.</summary>
    public long MinTimeNs { get; private set; } = long.MaxValue;

    /// <summary>The latest time gathered, nanoseconds since 1970.</summary>
    public long MaxTimeNs { get; private set; } = long.MinValue;

    /// <summary>Gathers one event. All events of a frame come from batches over one table.</summary>
    public void Append(EventBatch batch, int index) => AppendRange(batch, index, 1);

    /// <summary>Gathers events that stand side by side.</summary>
    /// <param name="batch">Where they are; all events of a frame come from batches over one table.</param>
    /// <param name="start">The first.</param>
    /// <param name="count">How many; with those gathered already at most <see cref="MaxEvents"/>.</param>
    public void AppendRange(EventBatch batch, int start, int count)
    {
        if (Count > 0 && !ReferenceEquals(_events!.Oids, batch.Oids))
        {
            throw new ArgumentException("The events of a frame share one table of OIDs.", nameof(batch));
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaxEvents - Count);
        if (_events is null || !ReferenceEquals(_events.Oids, batch.Oids))
        {
            _events = new EventBatch(batch.Oids, 4096);
        }

        _events.AddRange(batch, start, count);
        foreach (var timeNs in batch.TimesNs.Slice(start, count))
        {
            MinTimeNs = Math.Min(MinTimeNs, timeNs);
            MaxTimeNs = Math.Max(MaxTimeNs, timeNs);
        }
    }

    /// <summary>
    /// Writes the frame, of columns or rows, whichever is smaller, and starts the next one. Only events that one frame can't hold
    /// (<see cref="FrameHeader.MaxFrameBytes"/>) become several frames, one after the other.
    /// </summary>
    /// <param name="output">Where to.</param>
    /// <param name="streamTag">The first half of the stream id.</param>
    /// <param name="firstSequence">The sequence number of the first event gathered.</param>
    /// <param name="commit">The commit that the frame belongs to.</param>
    /// <returns>The number of frames.</returns>
    public int Finish(ByteWriter output, ulong streamTag, ulong firstSequence, ushort commit = 0)
    {
        if (Count == 0)
        {
            throw new InvalidOperationException("A frame without events is none.");
        }

        var frames = _encoder.Write(output, _events!, 0, Count, streamTag, firstSequence, commit);
        Reset();
        return frames;
    }

    /// <summary>Forgets what was gathered.</summary>
    public void Reset()
    {
        _events?.Clear();
        MinTimeNs = long.MaxValue;
        MaxTimeNs = long.MinValue;
    }
}
