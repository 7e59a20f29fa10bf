using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Transfer;

/// <summary>What a target wants filled into its mailbox from the source's own history.</summary>
/// <param name="Id">The task's id, 1 to 64 letters and digits, drawn by the target: asking again with it gives the state of the task.</param>
/// <param name="Range">The range of time.</param>
public sealed record FillWish(string Id, TimeRange Range)
{
    private const int MaxIdBytes = 64;

    /// <summary>These items alone; none for all of the mailbox. A source of an earlier version fills all, which does no harm.</summary>
    public IReadOnlyList<Oid> Items { get; init; } = [];

    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteText(Id);
        output.WriteInt64(Range.FromNs);
        output.WriteInt64(Range.ToNs);
        if (Items.Count > 0)
        {
            ItemList.Write(output, Items);
        }
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static FillWish? Read(ref ByteReader input)
    {
        var id = input.ReadText(MaxIdBytes);
        var range = new TimeRange(input.ReadInt64(), input.ReadInt64());
        var items = input.Remaining > 0 ? ItemList.Read(ref input) : [];
        return input.IsOk && items is not null && id.Length > 0 && range.FromNs >= 0 && range.FromNs <= range.ToNs
            ? new FillWish(id, range) { Items = items }
            : null;
    }
}

/// <summary>Where a fill task at the source stands. The numbers are on the wire.</summary>
public enum FillProgress : byte
{
    /// <summary>It goes on.</summary>
    Open = 0,

    /// <summary>All of it is in the mailbox.</summary>
    Done = 1,

    /// <summary>Somebody at the source ended it.</summary>
    Cancelled = 2,
}

/// <summary>The source's answer to "fill".</summary>
/// <param name="Progress">Where the task stands.</param>
/// <param name="Events">Events filled so far.</param>
/// <param name="CurrentNs">Everything before this time is filled, nanoseconds since 1970.</param>
/// <param name="Stream">The mailbox's stream, once it is done.</param>
/// <param name="NextSequence">The sequence number behind its last event, once it is done.</param>
/// <param name="Doing">What is being done or waited for, for people.</param>
public sealed record FillReply(FillProgress Progress, ulong Events, long CurrentNs, StreamId? Stream, ulong NextSequence, string Doing)
{
    private const int MaxTextBytes = 1024;

    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteByte((byte)Progress);
        output.WriteVarint(Events);
        output.WriteInt64(CurrentNs);
        output.WriteByte(Stream is null ? (byte)0 : (byte)1);
        if (Stream is { } stream)
        {
            output.WriteUInt64(stream.High);
            output.WriteUInt64(stream.Low);
        }

        output.WriteVarint(NextSequence);
        output.WriteText(Doing.Length <= MaxTextBytes / 4 ? Doing : Doing[..(MaxTextBytes / 4)]);
    }

    /// <summary>Reads the content; null when it is malformed, which "done" without a stream is, too.</summary>
    public static FillReply? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var progress = (FillProgress)input.ReadByte();
        var events = input.ReadVarint();
        var current = input.ReadInt64();
        StreamId? stream = input.ReadByte() != 0 ? new StreamId(input.ReadUInt64(), input.ReadUInt64()) : null;
        var next = input.ReadVarint();
        var doing = input.ReadText(MaxTextBytes);
        return input.IsOk && progress <= FillProgress.Cancelled && next <= long.MaxValue && (progress != FillProgress.Done || stream is not null)
            ? new FillReply(progress, events, current, stream, next, doing)
            : null;
    }
}
