using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames.Columns;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames;

/// <summary>
/// Writes a range of a batch as a frame of columns or of rows, whichever is smaller. The scratch space is reused. Not thread-safe.
/// </summary>
/// <remarks>A block that gets such frames has to say so: <see cref="Blocks.BlockHeader.ColumnsVersion"/>.</remarks>
public sealed class EventFrameEncoder
{
    // No row takes fewer bytes: item, time, kind.
    private const int MinRowBytes = 3;

    private readonly ColumnsEncoder _columns;
    private readonly EventFrameBuilder _rows = new();
    private readonly ByteWriter _payload = new();

    /// <summary>An encoder.</summary>
    /// <param name="compresses">False leaves the streams of columns as they are.</param>
    public EventFrameEncoder(bool compresses = true) => _columns = new ColumnsEncoder(compresses);

    /// <summary>Writes a frame; several, one after the other, only where one can't hold the events (<see cref="FrameHeader.MaxFrameBytes"/>).</summary>
    /// <param name="output">Where to.</param>
    /// <param name="batch">The events.</param>
    /// <param name="start">The first.</param>
    /// <param name="count">How many, 1 to <see cref="EventColumnsBuilder.MaxEvents"/>.</param>
    /// <param name="streamTag">The first half of the stream id.</param>
    /// <param name="firstSequence">The sequence number of the first event.</param>
    /// <param name="commit">The commit that the frame belongs to.</param>
    /// <returns>The number of frames.</returns>
    public int Write(ByteWriter output, EventBatch batch, int start, int count, ulong streamTag, ulong firstSequence, ushort commit = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, EventColumnsBuilder.MaxEvents);
        if (TryWrite(output, batch, start, count, streamTag, firstSequence, commit))
        {
            return 1;
        }

        if (count == 1)
        {
            throw new ArgumentException("An event takes more bytes than a frame may have: see EventLimits.", nameof(batch));
        }

        var half = count / 2;
        return Write(output, batch, start, half, streamTag, firstSequence, commit)
            + Write(output, batch, start + half, count - half, streamTag, firstSequence + (ulong)half, commit);
    }

    private bool TryWrite(ByteWriter output, EventBatch batch, int start, int count, ulong streamTag, ulong firstSequence, ushort commit)
    {
        _payload.Clear();
        var isColumns = _columns.TryWrite(batch, start, count, _payload);
        if (!isColumns || _payload.Length > count * MinRowBytes)
        {
            _rows.Reset();
            for (var i = start; i < start + count; i++)
            {
                _rows.Append(batch, i);
            }

            var before = output.Length;
            _rows.Finish(output, streamTag, firstSequence, commit);
            var bytes = output.Length - before;
            if (bytes <= FrameHeader.MaxFrameBytes && !(isColumns && _payload.Length + FrameHeader.SizeBytes < bytes))
            {
                return true;
            }

            output.Truncate(before);
        }

        if (isColumns)
        {
            FrameHeader.Append(output, FrameType.EventColumns, (uint)count, streamTag, firstSequence, _payload.Written, commit);
        }

        return isColumns;
    }
}
