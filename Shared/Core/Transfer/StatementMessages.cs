using System.Text;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;

namespace ZfRepl.Core.Transfer;

/// <summary>A target's question for the source's signed statement about its mailbox.</summary>
/// <param name="Id">What tells this statement from others, drawn by the target; questions for the rest of it bear the same.</param>
/// <param name="Range">The hours wanted.</param>
/// <param name="Offset">From which byte on.</param>
/// <param name="MaxBytes">The most bytes that the answer may have.</param>
public sealed record StatementWish(ulong Id, TimeRange Range, int Offset, int MaxBytes)
{
    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteUInt64(Id);
        output.WriteInt64(Range.FromNs);
        output.WriteInt64(Range.ToNs);
        output.WriteVarint((ulong)Offset);
        output.WriteVarint((ulong)MaxBytes);
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static StatementWish? Read(ref ByteReader input)
    {
        var wish = new StatementWish(
            input.ReadUInt64(),
            new TimeRange(input.ReadInt64(), input.ReadInt64()),
            input.ReadCount(0, StatementPart.MaxTotalBytes),
            input.ReadCount(0, int.MaxValue));
        return input.IsOk && wish.Range.FromNs <= wish.Range.ToNs ? wish : null;
    }
}

/// <summary>A part of a statement.</summary>
/// <param name="TotalBytes">The statement's size; 0 while the source is still at work: the same question is to be asked again.</param>
/// <param name="Offset">Where the part stands in it.</param>
/// <param name="Content">The part.</param>
public sealed record StatementPart(int TotalBytes, int Offset, ReadOnlyMemory<byte> Content)
{
    /// <summary>The largest statement that is sent and taken.</summary>
    public const int MaxTotalBytes = 2 * 1024 * 1024;

    /// <summary>An answer that only says that the source is at work.</summary>
    public static StatementPart Pending { get; } = new(0, 0, default);

    /// <summary>Cuts a part out of a statement.</summary>
    public static StatementPart Cut(SignedDocument statement, StatementWish wish)
    {
        var bytes = Encoding.UTF8.GetBytes(statement.Text);
        var offset = Math.Min(wish.Offset, bytes.Length);
        return new StatementPart(bytes.Length, offset, bytes.AsMemory(offset, Math.Min(Math.Max(1, wish.MaxBytes), bytes.Length - offset)));
    }

    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteVarint((ulong)TotalBytes);
        output.WriteVarint((ulong)Offset);
        output.WriteBytes(Content.Span);
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static StatementPart? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var total = input.ReadCount(0, MaxTotalBytes);
        var offset = input.ReadCount(0, MaxTotalBytes);
        var content = input.ReadBytes(input.Remaining);
        return input.IsOk && offset + content.Length <= total && (total == 0 || content.Length > 0)
            ? new StatementPart(total, offset, content.ToArray())
            : null;
    }
}
