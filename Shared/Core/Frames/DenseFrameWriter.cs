using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Frames;

/// <summary>
/// Writes many events as one frame in the coding that is smallest for them: what a block keeps when it is re-coded at sealing. Reused frame
/// after frame. Not thread-safe.
/// </summary>
public sealed class DenseFrameWriter
{
    /// <summary>The most events in one frame.</summary>
    public const int MaxEvents = 65_536;

    private readonly EventFrameBuilder _rows = new();

    /// <summary>Appends a frame.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="batch">The events.</param>
    /// <param name="count">How many of them, from the first on; 1 to <see cref="MaxEvents"/>.</param>
    /// <param name="streamTag">The first half of the stream id.</param>
    /// <param name="firstSequence">The first event's sequence number.</param>
    /// <param name="commit">The commit's number.</param>
    public void Append(ByteWriter output, EventBatch batch, int count, ulong streamTag, ulong firstSequence, ushort commit)
    {
        for (var i = 0; i < count; i++)
        {
            _rows.Append(batch, i);
        }

        _rows.Finish(output, streamTag, firstSequence, commit);
    }
}
