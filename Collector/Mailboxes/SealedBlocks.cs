using System.Collections;
using System.Diagnostics.CodeAnalysis;
using ZfRepl.Core.Blocks;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>
/// The sealed blocks of a mailbox, oldest first, with their sums. A backlog may have a hundred thousand of them, so nothing that is done for each
/// block goes through all of them. Not thread-safe.
/// </summary>
internal sealed class SealedBlocks : IReadOnlyCollection<SealedBlock>
{
    private readonly SortedSet<ulong> _indexes = [];
    private readonly Dictionary<ulong, SealedBlock> _byIndex = [];
    private readonly Dictionary<BlockName, SealedBlock> _byName = [];

    public SealedBlocks(IEnumerable<SealedBlock> blocks)
    {
        foreach (var block in blocks)
        {
            this[block.Header.Index] = block;
        }
    }

    public int Count => _byIndex.Count;

    /// <summary>Events in all of them.</summary>
    public ulong EventCount { get; private set; }

    /// <summary>Sequence numbers of theirs that are in none of them: damage took the events.</summary>
    public ulong MissingCount { get; private set; }

    /// <summary>Their size on disk.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Raised with every block that is added.</summary>
    public long Version { get; private set; }

    public SealedBlock? First => Count > 0 ? _byIndex[_indexes.Min] : null;

    public SealedBlock? Last => Count > 0 ? _byIndex[_indexes.Max] : null;

    /// <summary>Adds a block, or puts another in its place.</summary>
    [SuppressMessage("Design", "CA1044:Properties should not be write only", Justification = "Blocks are looked for by their names.")]
    public SealedBlock this[ulong index]
    {
        set
        {
            Remove(index);
            Version++;
            _indexes.Add(index);
            _byIndex.Add(index, value);
            _byName[value.Name] = value;
            Book(value, isAdded: true);
        }
    }

    public SealedBlock? Find(BlockName name) => _byName.GetValueOrDefault(name);

    /// <summary>The oldest blocks with a higher number.</summary>
    public IEnumerable<SealedBlock> After(ulong index) =>
        index == ulong.MaxValue ? [] : _indexes.GetViewBetween(index + 1, ulong.MaxValue).Select(i => _byIndex[i]);

    public void Remove(ulong index)
    {
        if (_byIndex.Remove(index, out var block))
        {
            _indexes.Remove(index);
            _byName.Remove(block.Name);
            Book(block, isAdded: false);
        }
    }

    public IEnumerator<SealedBlock> GetEnumerator() => _indexes.Select(i => _byIndex[i]).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private void Book(SealedBlock block, bool isAdded)
    {
        var trailer = block.Trailer;
        var missing = trailer.NextSequence - trailer.FirstSequence - trailer.EventCount;
        // Unsigned sums come back to where they were, whatever a damaged trailer says.
        EventCount = unchecked(isAdded ? EventCount + trailer.EventCount : EventCount - trailer.EventCount);
        MissingCount = unchecked(isAdded ? MissingCount + missing : MissingCount - missing);
        LengthBytes += isAdded ? block.LengthBytes : -block.LengthBytes;
    }
}
