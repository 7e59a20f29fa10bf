using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Collector.Mailboxes.Relay;

/// <summary>A place in the order of a mailbox's blocks: behind so much of its own stream, and behind so many blocks of other nodes.</summary>
internal readonly record struct ReadyPlace(ulong Own, ulong Arrival)
{
    /// <summary>Before everything.</summary>
    public static ReadyPlace Start => default;
}

/// <summary>
/// The blocks of other nodes that wait, in the order of their arrival, and where those stood that left last: somebody who asks for what is behind
/// one of them gets no more than that. Not thread-safe.
/// </summary>
internal sealed class RelayShelf
{
    private const int RememberedPlaces = 1024;

    private readonly SortedSet<ulong> _arrivals = [];
    private readonly Dictionary<ulong, RelayedBlock> _byArrival = [];
    private readonly Dictionary<string, RelayedBlock> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<(StreamId Stream, ulong Index), ReadyPlace> _places = [];
    private readonly Queue<(StreamId Stream, ulong Index)> _left = new();
    private ulong _arrival;

    public int Count => _byArrival.Count;

    public ulong Events { get; private set; }

    public long LengthBytes { get; private set; }

    public RelayedBlock? Last => Count > 0 ? _byArrival[_arrivals.Max] : null;

    public ulong NextArrival() => ++_arrival;

    public void Add(RelayedBlock block)
    {
        _arrivals.Add(block.Arrival);
        _byArrival.Add(block.Arrival, block);
        _byId.Add(block.Id, block);
        _places[(block.Key.Stream, block.Key.Index)] = new ReadyPlace(block.Anchor, block.Arrival);
        Events += block.Events;
        LengthBytes += block.Block.LengthBytes;
    }

    public bool Remove(RelayedBlock block)
    {
        if (!_byId.Remove(block.Id))
        {
            return false;
        }

        _arrivals.Remove(block.Arrival);
        _byArrival.Remove(block.Arrival);
        Events -= block.Events;
        LengthBytes -= block.Block.LengthBytes;
        _left.Enqueue((block.Key.Stream, block.Key.Index));
        while (_left.Count > RememberedPlaces)
        {
            var place = _left.Dequeue();
            if (_places.TryGetValue(place, out var at) && !_byArrival.ContainsKey(at.Arrival))
            {
                _places.Remove(place);
            }
        }

        return true;
    }

    public RelayedBlock? Find(string id) => _byId.GetValueOrDefault(id);

    public bool Has(BlockKey key) => _byId.TryGetValue(RelayedBlock.IdOf(key.Hash), out var block) && block.Key == key;

    /// <summary>Where a block of another node stands or stood; null when that is not known any more.</summary>
    public ReadyPlace? PlaceOf(StreamId stream, ulong index) => _places.TryGetValue((stream, index), out var place) ? place : null;

    /// <summary>The blocks behind a place, oldest first.</summary>
    public IEnumerable<RelayedBlock> Behind(ReadyPlace place) => Count == 0 || place.Arrival == ulong.MaxValue
        ? []
        : _arrivals.GetViewBetween(place.Arrival + 1, ulong.MaxValue).Select(a => _byArrival[a]).SkipWhile(b => b.Anchor < place.Own && place.Arrival == 0);

    public IReadOnlyList<RelayedBlock> All() => [.. _arrivals.Select(a => _byArrival[a])];
}
