using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Frames;

/// <summary>Why readings did not arrive. The numbers are on disk.</summary>
public enum LossReason : byte
{
    /// <summary>The source's own queue overflowed before it could be read.</summary>
    SourceOverflow = 1,

    /// <summary>The source no longer had notifications that it had numbered.</summary>
    SourceGap = 2,

    /// <summary>The subscription ended at the source; what changed until the new one is unknown.</summary>
    SubscriptionLost = 3,

    /// <summary>The mailbox's queue was full and its policy is to drop.</summary>
    QueueFull = 4,

    /// <summary>A block grew older than <c>keep</c> before it was fetched.</summary>
    Expired = 5,

    /// <summary>An operator deleted a block.</summary>
    Deleted = 6,

    /// <summary>Frames on disk were damaged.</summary>
    Damaged = 7,

    /// <summary>A value was larger than a frame may be, or nested too deep.</summary>
    TooLarge = 8,

    /// <summary>
    /// The target refused events: the key of their untrusted source may not write them, or a rule of its history database keeps them out. Only in the
    /// target's books.
    /// </summary>
    Refused = 9,
}

/// <summary>
/// One entry of the loss ledger: what is known to be missing, and why. It travels in the stream, so that the target learns of it like
/// of any event.
/// </summary>
/// <param name="Reason">Why.</param>
/// <param name="FirstSequence">The first sequence number lost, 0 when the events never got one.</param>
/// <param name="LastSequence">The last sequence number lost, 0 when the events never got one.</param>
/// <param name="Count">How many events at least.</param>
/// <param name="IsExact">True when exactly that many.</param>
/// <param name="FromNs">The start of the time range, nanoseconds since 1970; 0 unknown.</param>
/// <param name="ToNs">The end of the time range, nanoseconds since 1970; 0 unknown.</param>
/// <param name="RecordedNs">When the entry was made, nanoseconds since 1970.</param>
/// <param name="Source">The source or block it concerns.</param>
/// <param name="Detail">A sentence for people.</param>
public sealed record LossRecord(
    LossReason Reason,
    ulong FirstSequence,
    ulong LastSequence,
    ulong Count,
    bool IsExact,
    long FromNs,
    long ToNs,
    long RecordedNs,
    string Source,
    string Detail)
{
    private const int MaxTextBytes = 4096;
    private const int MaxChars = MaxTextBytes / 4;

    /// <summary>Appends a frame with this one record. It takes no sequence numbers.</summary>
    public void AppendFrame(ByteWriter output, ulong streamTag, ulong nextSequence, ushort commit = 0)
    {
        var payload = new ByteWriter(256);
        payload.WriteByte((byte)Reason);
        payload.WriteByte(IsExact ? (byte)1 : (byte)0);
        payload.WriteVarint(FirstSequence);
        payload.WriteVarint(LastSequence);
        payload.WriteVarint(Count);
        payload.WriteInt64(FromNs);
        payload.WriteInt64(ToNs);
        payload.WriteInt64(RecordedNs);
        payload.WriteText(Cut(Source));
        payload.WriteText(Cut(Detail));
        FrameHeader.Append(output, FrameType.Loss, 0, streamTag, nextSequence, payload.Written, commit);
    }

    /// <summary>Reads the payload of a loss frame.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public static string? TryRead(ReadOnlySpan<byte> payload, out LossRecord? record)
    {
        var input = new ByteReader(payload);
        record = new LossRecord(
            (LossReason)input.ReadByte(),
            IsExact: input.ReadByte() != 0,
            FirstSequence: input.ReadVarint(),
            LastSequence: input.ReadVarint(),
            Count: input.ReadVarint(),
            FromNs: input.ReadInt64(),
            ToNs: input.ReadInt64(),
            RecordedNs: input.ReadInt64(),
            Source: input.ReadText(MaxTextBytes),
            Detail: input.ReadText(MaxTextBytes));
        if (input.IsOk)
        {
            return null;
        }

        record = null;
        return input.Error;
    }

    private static string Cut(string text) => text.Length <= MaxChars ? text : text[..MaxChars];
}
