using System.Buffers.Binary;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Transfer;

/// <summary>Where a walk goes on.</summary>
/// <param name="Item">The item.</param>
/// <param name="Cursor">The place among its events.</param>
public sealed record DigestPlace(Oid Item, HistoryCursor Cursor)
{
    /// <summary>Appends the place.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteText(Item.Text);
        output.WriteInt64(Cursor.TimeNs);
        output.WriteZigzag(Cursor.Number);
    }

    /// <summary>Reads a place; null when it is malformed.</summary>
    public static DigestPlace? Read(ref ByteReader input)
    {
        var text = input.ReadText(Oid.MaxTextBytes);
        var cursor = new HistoryCursor(input.ReadInt64(), input.ReadZigzag());
        return input.IsOk && Oid.TryParse(text, out var item, out _) ? new DigestPlace(item, cursor) : null;
    }
}

/// <summary>A target's question for the sums of what the source's own history has for its mailbox.</summary>
/// <param name="Walk">What tells this walk from others, drawn by the target.</param>
/// <param name="Range">The range of time.</param>
/// <param name="Items">These items alone; none for all of the mailbox.</param>
/// <param name="After">Where to go on, as the page before said; null for the first page.</param>
/// <param name="MaxBytes">The most bytes that a page may have.</param>
public sealed record DigestWish(ulong Walk, TimeRange Range, IReadOnlyList<Oid> Items, DigestPlace? After, int MaxBytes)
{
    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteUInt64(Walk);
        output.WriteInt64(Range.FromNs);
        output.WriteInt64(Range.ToNs);
        ItemList.Write(output, Items);
        output.WriteByte(After is null ? (byte)0 : (byte)1);
        After?.Write(output);
        output.WriteVarint((ulong)MaxBytes);
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static DigestWish? Read(ref ByteReader input)
    {
        var walk = input.ReadUInt64();
        var range = new TimeRange(input.ReadInt64(), input.ReadInt64());
        var items = ItemList.Read(ref input);
        var hasPlace = input.ReadByte() != 0;
        var after = hasPlace ? DigestPlace.Read(ref input) : null;
        var bytes = input.ReadCount(0, int.MaxValue);
        return input.IsOk && items is not null && hasPlace == after is not null && range.FromNs <= range.ToNs
            ? new DigestWish(walk, range, items, after, bytes)
            : null;
    }
}

/// <summary>A list of items in a message, bounded.</summary>
public static class ItemList
{
    /// <summary>The most items.</summary>
    public const int MaxItems = 256;

    /// <summary>The most bytes that the items of a list have together, so that it fits into a message.</summary>
    public const int MaxTextBytes = 16 * 1024;

    /// <summary>Cuts items into lists that fit.</summary>
    public static IEnumerable<IReadOnlyList<Oid>> Split(IEnumerable<Oid> items)
    {
        var list = new List<Oid>();
        var bytes = 0;
        foreach (var item in items)
        {
            var size = System.Text.Encoding.UTF8.GetByteCount(item.Text);
            if (list.Count > 0 && (list.Count >= MaxItems || bytes + size > MaxTextBytes))
            {
                yield return list;
                (list, bytes) = ([], 0);
            }

            list.Add(item);
            bytes += size;
        }

        if (list.Count > 0)
        {
            yield return list;
        }
    }

    /// <summary>Appends a list.</summary>
    public static void Write(ByteWriter output, IReadOnlyList<Oid> items)
    {
        output.WriteVarint((ulong)items.Count);
        foreach (var item in items)
        {
            output.WriteText(item.Text);
        }
    }

    /// <summary>Reads a list; null when it is malformed.</summary>
    public static IReadOnlyList<Oid>? Read(ref ByteReader input)
    {
        var items = new Oid[input.ReadCount(1, MaxItems)];
        for (var i = 0; i < items.Length; i++)
        {
            if (!Oid.TryParse(input.ReadText(Oid.MaxTextBytes), out var item, out _))
            {
                return null;
            }

            items[i] = item;
        }

        return input.IsOk ? items : null;
    }
}

/// <summary>A page of a walk: sums by item and hour. One item and hour may come in several pieces, which are to be added up.</summary>
/// <param name="IsPending">True when the source is still at work: the same question is to be asked again.</param>
/// <param name="Cells">The sums, item by item.</param>
/// <param name="Next">Where to go on; null when this was the last page.</param>
public sealed record DigestPage(bool IsPending, IReadOnlyList<DigestCell> Cells, DigestPlace? Next)
{
    /// <summary>The most sums in a page.</summary>
    public const int MaxCells = 2000;

    /// <summary>The most bytes that a sum has in a page, without the item.</summary>
    internal const int CellBytes = 32;

    private const int SumBytes = 16;
    private const int MinCellBytes = 2 + SumBytes;

    /// <summary>An answer that only says that the source is at work.</summary>
    public static DigestPage Pending { get; } = new(true, [], null);

    /// <summary>Appends the content.</summary>
    public void Write(ByteWriter output)
    {
        output.WriteByte(IsPending ? (byte)1 : (byte)0);
        output.WriteVarint((ulong)Cells.CountBy(c => c.Item).Count());
        for (var i = 0; i < Cells.Count;)
        {
            var item = Cells[i].Item;
            var count = Cells.Skip(i).TakeWhile(c => c.Item.Equals(item)).Count();
            output.WriteText(item.Text);
            output.WriteVarint((ulong)count);
            for (var end = i + count; i < end; i++)
            {
                output.WriteZigzag(Cells[i].Hour);
                output.WriteVarint((ulong)Cells[i].Events.Count);
                BinaryPrimitives.WriteUInt128LittleEndian(output.Take(SumBytes), Cells[i].Events.Sum);
            }
        }

        output.WriteByte(Next is null ? (byte)0 : (byte)1);
        Next?.Write(output);
    }

    /// <summary>Reads the content; null when it is malformed.</summary>
    public static DigestPage? TryDecode(ReadOnlySpan<byte> plain)
    {
        var input = new ByteReader(plain);
        var isPending = input.ReadByte() != 0;
        var cells = new List<DigestCell>();
        for (var items = input.ReadCount(1, MaxCells); items > 0 && input.IsOk; items--)
        {
            if (!Oid.TryParse(input.ReadText(Oid.MaxTextBytes), out var item, out _))
            {
                return null;
            }

            for (var count = input.ReadCount(MinCellBytes, MaxCells - cells.Count); count > 0 && input.IsOk; count--)
            {
                var hour = input.ReadZigzag();
                var events = input.ReadVarint();
                var sum = input.ReadBytes(SumBytes);
                if (!input.IsOk || hour is < int.MinValue or > int.MaxValue || events > int.MaxValue)
                {
                    return null;
                }

                cells.Add(new DigestCell(item, (int)hour, new EventSum((long)events, BinaryPrimitives.ReadUInt128LittleEndian(sum))));
            }
        }

        var hasNext = input.ReadByte() != 0;
        var next = hasNext ? DigestPlace.Read(ref input) : null;
        return input.IsOk && hasNext == next is not null ? new DigestPage(isPending, cells, next) : null;
    }
}

/// <summary>Fills a page up to a size. Not thread-safe.</summary>
/// <param name="maxBytes">The most bytes.</param>
public sealed class DigestPageBuilder(int maxBytes)
{
    private readonly List<DigestCell> _cells = [];
    private int _bytes = 64;
    private Oid? _item;

    /// <summary>How many sums of an item there is room for. Into an empty page one fits always.</summary>
    public int RoomFor(Oid item)
    {
        var room = (maxBytes - _bytes - (2 * SizeOf(item)) - (2 * DigestPage.CellBytes)) / DigestPage.CellBytes;
        return Math.Clamp(Math.Min(room, DigestPage.MaxCells - _cells.Count), _cells.Count == 0 ? 1 : 0, DigestPage.MaxCells);
    }

    /// <summary>Adds a sum; a piece of the hour that came last is added to that.</summary>
    public void Add(in DigestCell cell)
    {
        if (_cells.Count > 0 && _cells[^1] is var last && last.Item.Equals(cell.Item) && last.Hour == cell.Hour)
        {
            _cells[^1] = last with { Events = last.Events + cell.Events };
            return;
        }

        _bytes += DigestPage.CellBytes + (cell.Item.Equals(_item) ? 0 : SizeOf(cell.Item));
        _item = cell.Item;
        _cells.Add(cell);
    }

    /// <summary>The page.</summary>
    /// <param name="next">Where to go on; null for the last page.</param>
    public DigestPage Build(DigestPlace? next) => new(false, _cells, next);

    // With what stands before it, and once more for the place where the next page goes on.
    private static int SizeOf(Oid item) => System.Text.Encoding.UTF8.GetByteCount(item.Text) + 8;
}
