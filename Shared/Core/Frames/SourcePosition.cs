using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Frames;

/// <summary>
/// How far a source's numbered notifications have been taken into a mailbox. It is written with the events of the same commit, so that
/// after a crash a notification that the source sends again is recognised and not accepted twice.
/// </summary>
/// <param name="Source">The source's name.</param>
/// <param name="Incarnation">A number drawn for each subscription that is made; numbers of another one mean nothing.</param>
/// <param name="Sequence">The last notification taken.</param>
public readonly record struct SourcePosition(string Source, ulong Incarnation, ulong Sequence)
{
    private const int MaxNameBytes = 1024;

    /// <summary>Appends a frame with this position. It takes no sequence numbers.</summary>
    public void AppendFrame(ByteWriter output, ulong streamTag, ulong nextSequence, ushort commit = 0)
    {
        var payload = new ByteWriter(64);
        payload.WriteText(Source);
        payload.WriteUInt64(Incarnation);
        payload.WriteUInt64(Sequence);
        FrameHeader.Append(output, FrameType.SourcePosition, 0, streamTag, nextSequence, payload.Written, commit);
    }

    /// <summary>Reads the payload of a position frame.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public static string? TryRead(ReadOnlySpan<byte> payload, out SourcePosition position)
    {
        var input = new ByteReader(payload);
        position = new SourcePosition(input.ReadText(MaxNameBytes), input.ReadUInt64(), input.ReadUInt64());
        return input.Error;
    }
}
