using ZfRepl.Core.Frames;

namespace ZfRepl.Simulation.Checks;

/// <summary>What went bad on the disk of an edge after it was synced, for one mailbox.</summary>
internal sealed class RotBook
{
    private readonly HashSet<int> _undecidable = [];
    private readonly HashSet<string> _headless = new(StringComparer.Ordinal);

    /// <summary>Readings that can't be read any more in a file, and where they were.</summary>
    public Dictionary<int, List<Place>> Readings { get; } = [];

    /// <summary>Entries of the ledger that can't be read any more in a file.</summary>
    public List<(StreamId Stream, LossRecord Record)> Losses { get; } = [];

    /// <summary>
    /// True for what was in the last commit of an open block when that went bad: it looks like a write that was cut short, of which nobody was told that
    /// it is accepted. It is lost with the next start.
    /// </summary>
    public bool IsUndecidable(int reading) => _undecidable.Contains(reading);

    /// <summary>True for an open block that lost its header and all commits but one, or all: that one, or the next, looks like a first commit that was cut short.</summary>
    public bool IsHeadless(string block) => _headless.Contains(block);

    /// <summary>How many of those readings.</summary>
    public int Undecidable => _undecidable.Count;

    /// <summary>The readings that went bad in a block.</summary>
    public IEnumerable<int> In(string block) => Readings.Where(r => r.Value.Exists(p => p.Block == block)).Select(r => r.Key);

    /// <summary>Bytes of a block file went bad.</summary>
    public void Struck(string path, bool isOpen, BlockContent before, BlockContent after)
    {
        var block = Place.BlockOf(path);
        var left = after.Readings.Select(r => r.Number).ToHashSet();
        foreach (var (stream, sequence, number) in before.Readings)
        {
            if (!left.Contains(number))
            {
                At(number).Add(new Place(stream, sequence, block));
            }

            if (isOpen && sequence >= after.WholeUntil)
            {
                _undecidable.Add(number);
            }
        }

        Losses.AddRange(before.Losses.Where(l => !after.Losses.Exists(a => a.Record == l.Record)));
        if (isOpen)
        {
            if (after.WholeUntil == 0)
            {
                _headless.Add(block);
            }

            _undecidable.UnionWith(Readings.Where(r => r.Value.Exists(p => p.Block == block && p.Sequence >= after.WholeUntil)).Select(r => r.Key));
        }
    }

    private List<Place> At(int number)
    {
        if (!Readings.TryGetValue(number, out var places))
        {
            Readings.Add(number, places = []);
        }

        return places;
    }
}
