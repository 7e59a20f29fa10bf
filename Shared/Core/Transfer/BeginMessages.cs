using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Transfer;

/// <summary>A target's question since when the source's own history has any of some items.</summary>
/// <param name="Items">The items, at least one.</param>
public sealed record BeginWish(IReadOnlyList<Oid> Items)
{
    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output) => ItemList.Write(output, Items);

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static BeginWish? Read(ref ByteReader input) => ItemList.Read(ref input) is { Count: > 0 } items ? new BeginWish(items) : null;
}

/// <summary>What a source can say about the beginning. The numbers are on the wire.</summary>
public enum BeginKnowledge : byte
{
    /// <summary>Nothing: its history may have had earlier events that are gone.</summary>
    Unknown = 0,

    /// <summary>Its history still reaches back to where it began, and has the items since a time.</summary>
    Since = 1,

    /// <summary>Its history still reaches back to where it began, and has never had any of the items.</summary>
    Never = 2,
}

/// <summary>The source's answer to "begin".</summary>
/// <param name="Knowledge">What it knows.</param>
/// <param name="SinceNs">The first time of any of the items, nanoseconds since 1970; 0 where none is known.</param>
public sealed record BeginReply(BeginKnowledge Knowledge, long SinceNs)
{
    /// <summary>An answer that excludes nothing.</summary>
    public static BeginReply Unknown { get; } = new(BeginKnowledge.Unknown, 0);

    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteByte((byte)Knowledge);
        output.WriteInt64(SinceNs);
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static BeginReply? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var knowledge = (BeginKnowledge)input.ReadByte();
        var since = input.ReadInt64();
        return input.IsOk && knowledge <= BeginKnowledge.Never ? new BeginReply(knowledge, since) : null;
    }
}
