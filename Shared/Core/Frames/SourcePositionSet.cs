using System.Collections;

namespace ZfRepl.Core.Frames;

/// <summary>
/// How far sources were taken. Of each source the two incarnations that appeared last are known: while one subscription replaces another,
/// both bring notifications, and neither may make the other's position forgotten. Not thread-safe.
/// </summary>
public sealed class SourcePositionSet : IReadOnlyCollection<SourcePosition>
{
    private const int IncarnationsMax = 2;

    // In the order in which they appeared. Sources are few.
    private readonly List<SourcePosition> _positions = [];

    /// <summary>No positions.</summary>
    public SourcePositionSet()
    {
    }

    /// <summary>Takes over positions, in the order in which they appeared.</summary>
    public SourcePositionSet(IEnumerable<SourcePosition> positions)
    {
        foreach (var position in positions)
        {
            Set(position);
        }
    }

    /// <inheritdoc/>
    public int Count => _positions.Count;

    /// <summary>Notes a position; the one before of the same incarnation is forgotten.</summary>
    public void Set(in SourcePosition position)
    {
        var index = IndexOf(position.Source, position.Incarnation);
        if (index >= 0)
        {
            _positions[index] = position;
            return;
        }

        _positions.Add(position);
        var source = position.Source;
        if (_positions.Count(p => p.Source == source) > IncarnationsMax)
        {
            _positions.RemoveAt(_positions.FindIndex(p => p.Source == source));
        }
    }

    /// <summary>As <see cref="Set"/>; lets the set be written down as a list.</summary>
    public void Add(SourcePosition position) => Set(position);

    /// <summary>The last notification of an incarnation that was taken; null when none is known.</summary>
    public ulong? LastOf(string source, ulong incarnation) => IndexOf(source, incarnation) is >= 0 and var index ? _positions[index].Sequence : null;

    /// <summary>True when a notification was taken before.</summary>
    public bool Covers(in SourcePosition position) => position.Sequence <= LastOf(position.Source, position.Incarnation);

    /// <summary>True when anything of a source was taken.</summary>
    public bool Knows(string source) => _positions.Exists(p => p.Source == source);

    /// <summary>Forgets everything.</summary>
    public void Clear() => _positions.Clear();

    /// <inheritdoc/>
    public IEnumerator<SourcePosition> GetEnumerator() => _positions.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(string source, ulong incarnation)
    {
        for (var i = 0; i < _positions.Count; i++)
        {
            if (_positions[i].Incarnation == incarnation && _positions[i].Source == source)
            {
                return i;
            }
        }

        return -1;
    }
}
