using ZfRepl.Core.Proof;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Replicator.Proof;

/// <summary>
/// Puts the sums of both sides beside each other, item by item. What is kept is bounded: the sums by hour, and the first items and hours that
/// differ; the others are counted. Not thread-safe.
/// </summary>
internal sealed class DigestComparison
{
    /// <summary>The most items and hours that are kept, and so repaired in one go.</summary>
    public const int MaxKept = 10_000;

    private const int MaxListed = 1000;

    private readonly SortedDictionary<int, (EventSum Source, EventSum Target)> _hours = [];
    private readonly SortedDictionary<(int Hour, string Item), Cell> _differing = [];
    private long _items;
    private long _uncounted;
    private long _missingCells;
    private long _missingEvents;
    private long _alteredCells;
    private long _moreCells;

    /// <summary>The items and hours that differ, as far as they are kept.</summary>
    public IReadOnlyCollection<Cell> Differing => _differing.Values;

    /// <summary>True when more differ than are kept.</summary>
    public bool IsCut => _uncounted > 0;

    /// <summary>How many items and hours differ.</summary>
    public long DifferingCount => _missingCells + _alteredCells + _moreCells;

    /// <summary>Enters an item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="source">Its sums at the source.</param>
    /// <param name="target">Its sums here.</param>
    public void Add(Oid item, IReadOnlyDictionary<int, EventSum> source, IReadOnlyDictionary<int, EventSum> target)
    {
        _items++;
        foreach (var hour in source.Keys.Union(target.Keys))
        {
            var cell = new Cell(item, hour, source.GetValueOrDefault(hour), target.GetValueOrDefault(hour));
            var sum = _hours.GetValueOrDefault(hour);
            _hours[hour] = (sum.Source + cell.Source, sum.Target + cell.Target);
            Count(cell, 1);
            if (cell.Kind is null)
            {
                continue;
            }

            if (_differing.Count < MaxKept)
            {
                _differing[(hour, item.Text)] = cell;
            }
            else
            {
                _uncounted++;
            }
        }
    }

    /// <summary>Enters what an item and hour that differed looks like now.</summary>
    public void Replace(Cell old, EventSum source, EventSum target)
    {
        var cell = old with { Source = source, Target = target };
        var (sourceSum, targetSum) = _hours[old.Hour];
        _hours[old.Hour] = (Without(sourceSum, old.Source) + source, Without(targetSum, old.Target) + target);
        Count(old, -1);
        Count(cell, 1);
        if (cell.Kind is null)
        {
            _differing.Remove((old.Hour, old.Item.Text));
        }
        else
        {
            _differing[(old.Hour, old.Item.Text)] = cell;
        }
    }

    /// <summary>The outcome.</summary>
    /// <param name="isSettled">False when events still waited at the source.</param>
    /// <param name="basis">What the database was compared with.</param>
    public DigestResult Result(bool isSettled, string basis) => new(
        basis,
        _items,
        [.. _hours.Select(h => new HourDigest(
            BookHour.Format(h.Key), h.Value.Source.Count, h.Value.Source.SumText, h.Value.Target.Count, h.Value.Target.SumText))],
        _missingCells,
        _missingEvents,
        _alteredCells,
        _moreCells,
        isSettled,
        [.. _differing.Values.Take(MaxListed).Select(c => new DifferingCell(
            c.Item.Text, BookHour.Format(c.Hour), c.Kind!, c.Source.Count, c.Source.SumText, c.Target.Count, c.Target.SumText))]);

    private static EventSum Without(EventSum all, EventSum part) => new(all.Count - part.Count, unchecked(all.Sum - part.Sum));

    private void Count(in Cell cell, int by)
    {
        switch (cell.Kind)
        {
            case DifferingCell.Missing:
                _missingCells += by;
                _missingEvents += by * (cell.Source.Count - cell.Target.Count);
                break;
            case DifferingCell.Altered:
                _alteredCells += by;
                break;
            case DifferingCell.More:
                _moreCells += by;
                break;
            default:
                break;
        }
    }

    /// <summary>An item and hour.</summary>
    internal readonly record struct Cell(Oid Item, int Hour, EventSum Source, EventSum Target)
    {
        /// <summary>How the sides differ; null when they do not.</summary>
        public string? Kind => Source == Target ? null
            : Source.Count > Target.Count ? DifferingCell.Missing
            : Source.Count < Target.Count ? DifferingCell.More
            : DifferingCell.Altered;
    }
}
