using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames.Columns;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames;

/// <summary>
/// Writes a range of a batch as one frame, of columns or of rows, whichever is smaller. The scratch space is reused. Not thread-safe.
/// </summary>
public sealed class EventFrameEncoder
{
    /// <summary>How hard columns are compressed unless told otherwise (docs/adr/0009).</summary>
    public const int DefaultQuality = 5;

    // Fewer bytes than any row takes: item, time, kind.
    private const int MinRowBytes = 3;

    private readonly int _quality;
    private readonly ColumnsEncoder _columns = new();
    private readonly EventFrameBuilder _rows = new();
    private readonly ByteWriter _payload = new();

    /// <summary>An encoder.</summary>
    /// <param name="quality">How hard columns are compressed, 0 to 11 as in Brotli; -1 for not at all.</param>
    public EventFrameEncoder(int quality = DefaultQuality)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, -1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 11);
        _quality = quality;
    }

    /// <summary>The columns of the last frame, for measuring.</summary>
    internal ColumnsEncoder Columns => _columns;

    /// <summary>Writes a frame.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="batch">The events.</param>
    /// <param name="start">The first.</param>
    /// <param name="count">How many, 1 to <see cref="EventColumnsBuilder.MaxEvents"/>.</param>
    /// <param name="streamTag">The first half of the stream id.</param>
    /// <param name="firstSequence">The sequence number of the first event.</param>
    /// <param name="commit">The commit that the frame belongs to.</param>
    /// <returns>The type of the frame.</returns>
    /// <exception cref="InvalidOperationException">The events take more than a frame may have, <see cref="FrameHeader.MaxFrameBytes"/>.</exception>
    public FrameType Write(
        ByteWriter output, EventBatch batch, int start, int count, ulong streamTag, ulong firstSequence, ushort commit = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, EventColumnsBuilder.MaxEvents);
        _payload.Clear();
        var isColumns = _columns.TryWrite(batch, start, count, _quality, _payload);
        if (isColumns && _payload.Length <= count * MinRowBytes)
        {
            FrameHeader.Append(output, FrameType.EventColumns, (uint)count, streamTag, firstSequence, _payload.Written, commit);
            return FrameType.EventColumns;
        }

        _rows.Reset();
        for (var i = start; i < start + count; i++)
        {
            _rows.Append(batch, i);
        }

        var before = output.Length;
        _rows.Finish(output, streamTag, firstSequence, commit);
        if (isColumns && output.Length - before > FrameHeader.SizeBytes + _payload.Length)
        {
            output.Truncate(before);
            FrameHeader.Append(output, FrameType.EventColumns, (uint)count, streamTag, firstSequence, _payload.Written, commit);
            return FrameType.EventColumns;
        }

        if (output.Length - before > FrameHeader.MaxFrameBytes)
        {
            output.Truncate(before);
            throw new InvalidOperationException($"{count} events take more than the {FrameHeader.MaxFrameBytes} bytes of a frame.");
        }

        return FrameType.EventRows;
    }
}
