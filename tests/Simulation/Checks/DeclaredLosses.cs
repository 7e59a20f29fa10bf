using ZfRepl.Core.Frames;
using ZfRepl.Core.History;

namespace ZfRepl.Simulation.Checks;

/// <summary>What entries of the loss ledger say: which sequence numbers, and which blocks by name. Streams are known by their tag, as a damaged block has no more.</summary>
internal sealed class DeclaredLosses
{
    private readonly Dictionary<ulong, SequenceSet> _ranges = [];
    private readonly HashSet<(ulong Tag, string Block)> _names = [];

    public void Add(IEnumerable<(StreamId Stream, LossRecord Record)> losses)
    {
        foreach (var (stream, record) in losses)
        {
            if (record.FirstSequence > 0)
            {
                if (!_ranges.TryGetValue(stream.High, out var ranges))
                {
                    _ranges.Add(stream.High, ranges = new SequenceSet());
                }

                ranges.AddAll([new SequenceRange(record.FirstSequence, record.LastSequence)]);
            }

            if (record.Reason == LossReason.Damaged)
            {
                _names.Add((stream.High, record.Source));
            }
        }
    }

    /// <summary>Whether an entry has the sequence number, or names the block that had it.</summary>
    public bool Has(in Place place) =>
        _ranges.GetValueOrDefault(place.Stream.High)?.Contains(place.Sequence) == true || _names.Contains((place.Stream.High, place.Block));
}

/// <summary>Where a reading was: the stream, its number there, the name of the block.</summary>
internal readonly record struct Place(StreamId Stream, ulong Sequence, string Block)
{
    /// <summary>The name of a block, of whichever of its files.</summary>
    public static string BlockOf(string path) => Path.GetFileName(path).Split('.')[0];
}
