namespace ZfRepl.Core.Telemetry;

/// <summary>
/// Events as columns, in order of arrival. Made once and reused: <see cref="Clear"/> keeps the arrays. Not thread-safe; one owner
/// at a time.
/// </summary>
public sealed class EventBatch
{
    private int[] _items;
    private long[] _timesNs;
    private short[] _statuses;
    private uint[] _qualities;
    private byte[] _kinds;
    private byte[] _flags;
    private ulong[] _bits;
    private object?[] _references;
    private ulong[] _boots;
    private ulong[] _counters;
    private long[] _order = [];

    /// <summary>An empty batch over a table of OIDs.</summary>
    /// <param name="oids">What the item numbers mean.</param>
    /// <param name="capacity">The room to begin with, in events; grows by doubling.</param>
    public EventBatch(OidTable oids, int capacity = 256)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        Oids = oids;
        _items = new int[capacity];
        _timesNs = new long[capacity];
        _statuses = new short[capacity];
        _qualities = new uint[capacity];
        _kinds = new byte[capacity];
        _flags = new byte[capacity];
        _bits = new ulong[capacity];
        _references = new object?[capacity];
        _boots = new ulong[capacity];
        _counters = new ulong[capacity];
    }

    /// <summary>What the item numbers mean.</summary>
    public OidTable Oids { get; }

    /// <summary>The number of events.</summary>
    public int Count { get; private set; }

    /// <summary>Item numbers in <see cref="Oids"/>.</summary>
    public ReadOnlySpan<int> Items => _items.AsSpan(0, Count);

    /// <summary>Times, nanoseconds since 1970-01-01 UTC.</summary>
    public ReadOnlySpan<long> TimesNs => _timesNs.AsSpan(0, Count);

    /// <summary>Statuses.</summary>
    public ReadOnlySpan<short> Statuses => _statuses.AsSpan(0, Count);

    /// <summary>OPC UA status codes.</summary>
    public ReadOnlySpan<uint> Qualities => _qualities.AsSpan(0, Count);

    /// <summary>Value kinds (<see cref="ValueKind"/>).</summary>
    public ReadOnlySpan<byte> Kinds => _kinds.AsSpan(0, Count);

    /// <summary>Event flags (<see cref="EventFlags"/>).</summary>
    public ReadOnlySpan<byte> Flags => _flags.AsSpan(0, Count);

    /// <summary>Scalar bits, as in <see cref="TelemetryValue.Bits"/>.</summary>
    public ReadOnlySpan<ulong> Bits => _bits.AsSpan(0, Count);

    /// <summary>Texts, bytes and composites, as in <see cref="TelemetryValue.Reference"/>.</summary>
    public ReadOnlySpan<object?> References => _references.AsSpan(0, Count);

    /// <summary>First parts of the event identities.</summary>
    public ReadOnlySpan<ulong> Boots => _boots.AsSpan(0, Count);

    /// <summary>Second parts of the event identities.</summary>
    public ReadOnlySpan<ulong> Counters => _counters.AsSpan(0, Count);

    /// <summary>One event, assembled.</summary>
    public TelemetryEvent this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return new TelemetryEvent(
                Oids[_items[index]],
                _timesNs[index],
                _statuses[index],
                _qualities[index],
                new TelemetryValue((ValueKind)_kinds[index], _bits[index], _references[index]),
                new Ieid(_boots[index], _counters[index]),
                (EventFlags)_flags[index]);
        }
    }

    /// <summary>Appends an event given in parts; allocates only when the batch has to grow.</summary>
    public void Add(
        int item, long timeNs, short status, uint quality, ValueKind kind, ulong bits, object? reference, Ieid ieid, EventFlags flags)
    {
        if (Count == _items.Length)
        {
            Grow();
        }

        var i = Count;
        _items[i] = item;
        _timesNs[i] = timeNs;
        _statuses[i] = status;
        _qualities[i] = quality;
        _kinds[i] = (byte)kind;
        _flags[i] = (byte)flags;
        _bits[i] = bits;
        _references[i] = reference;
        _boots[i] = ieid.Boot;
        _counters[i] = ieid.Counter;
        Count = i + 1;
    }

    /// <summary>Appends an event.</summary>
    public void Add(in TelemetryEvent e) =>
        Add(Oids.GetOrAdd(e.Oid), e.TimeNs, e.Status, e.Quality, e.Value.Kind, e.Value.Bits, e.Value.Reference, e.Ieid, e.Flags);

    /// <summary>Appends an event of another batch over the same table.</summary>
    public void AddFrom(EventBatch other, int index)
    {
        if (!ReferenceEquals(other.Oids, Oids))
        {
            throw new ArgumentException("The batches number their OIDs differently.", nameof(other));
        }

        Add(
            other._items[index],
            other._timesNs[index],
            other._statuses[index],
            other._qualities[index],
            (ValueKind)other._kinds[index],
            other._bits[index],
            other._references[index],
            new Ieid(other._boots[index], other._counters[index]),
            (EventFlags)other._flags[index]);
    }

    /// <summary>Appends events of another batch over the same table that stand side by side.</summary>
    /// <param name="other">The other batch.</param>
    /// <param name="start">The first.</param>
    /// <param name="count">How many.</param>
    public void AddRange(EventBatch other, int start, int count)
    {
        if (!ReferenceEquals(other.Oids, Oids))
        {
            throw new ArgumentException("The batches number their OIDs differently.", nameof(other));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, other.Count - start);
        var rows = Extend(count);
        other._items.AsSpan(start, count).CopyTo(rows.Items);
        other._timesNs.AsSpan(start, count).CopyTo(rows.TimesNs);
        other._statuses.AsSpan(start, count).CopyTo(rows.Statuses);
        other._qualities.AsSpan(start, count).CopyTo(rows.Qualities);
        other._kinds.AsSpan(start, count).CopyTo(rows.Kinds);
        other._flags.AsSpan(start, count).CopyTo(rows.Flags);
        other._bits.AsSpan(start, count).CopyTo(rows.Bits);
        other._references.AsSpan(start, count).CopyTo(rows.References);
        other._boots.AsSpan(start, count).CopyTo(rows.Boots);
        other._counters.AsSpan(start, count).CopyTo(rows.Counters);
    }

    /// <summary>Appends events for the caller to fill at once, every column but the references, which are null already.</summary>
    /// <param name="count">How many.</param>
    /// <returns>Their columns, valid until the batch changes.</returns>
    internal EventRows Extend(int count)
    {
        var start = Count;
        while (_items.Length - start < count)
        {
            Grow();
        }

        Count = start + count;
        return new EventRows
        {
            Items = _items.AsSpan(start, count),
            TimesNs = _timesNs.AsSpan(start, count),
            Statuses = _statuses.AsSpan(start, count),
            Qualities = _qualities.AsSpan(start, count),
            Kinds = _kinds.AsSpan(start, count),
            Flags = _flags.AsSpan(start, count),
            Bits = _bits.AsSpan(start, count),
            References = _references.AsSpan(start, count),
            Boots = _boots.AsSpan(start, count),
            Counters = _counters.AsSpan(start, count),
        };
    }

    /// <summary>Empties the batch and lets go of what it referenced.</summary>
    public void Clear() => Truncate(0);

    /// <summary>Takes back the last events and lets go of what they referenced.</summary>
    /// <param name="count">How many events stay.</param>
    public void Truncate(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)Count, nameof(count));
        _references.AsSpan(count, Count - count).Clear();
        Count = count;
    }

    /// <summary>True when another batch over the same table begins with exactly the events of this one, bit for bit, and this one has no others.</summary>
    /// <param name="other">The other batch.</param>
    /// <param name="count">How many events are compared.</param>
    public bool IsSameAs(EventBatch other, int count)
    {
        if (!ReferenceEquals(other.Oids, Oids))
        {
            throw new ArgumentException("The batches number their OIDs differently.", nameof(other));
        }

        if (Count != count
            || other.Count < count
            || !Items.SequenceEqual(other.Items[..count])
            || !TimesNs.SequenceEqual(other.TimesNs[..count])
            || !Statuses.SequenceEqual(other.Statuses[..count])
            || !Qualities.SequenceEqual(other.Qualities[..count])
            || !Kinds.SequenceEqual(other.Kinds[..count])
            || !Flags.SequenceEqual(other.Flags[..count])
            || !Bits.SequenceEqual(other.Bits[..count])
            || !Boots.SequenceEqual(other.Boots[..count])
            || !Counters.SequenceEqual(other.Counters[..count]))
        {
            return false;
        }

        for (var i = 0; i < count; i++)
        {
            if (!ReferenceEquals(_references[i], other._references[i])
                && !new TelemetryValue((ValueKind)_kinds[i], _bits[i], _references[i]).Equals(
                    new TelemetryValue((ValueKind)_kinds[i], _bits[i], other._references[i])))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Brings events of equal times that stand side by side into the order of their item numbers. Of one item, and of different times, none
    /// passes another. The identities stay where they are, so that they go up as before: nobody may have seen them yet.
    /// </summary>
    /// <remarks>What different items have at the same time has no order of its own, and a fixed one need not be written down.</remarks>
    public void SortEqualTimes()
    {
        for (var start = 0; start < Count - 1;)
        {
            var end = start + 1;
            var isSorted = true;
            while (end < Count && _timesNs[end] == _timesNs[start])
            {
                isSorted &= _items[end] >= _items[end - 1];
                end++;
            }

            if (!isSorted)
            {
                SortByItem(start, end - start);
            }

            start = end;
        }
    }

    /// <summary>Takes away the first events; those behind them move to the front.</summary>
    /// <param name="count">How many events go.</param>
    public void RemoveFirst(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)Count, nameof(count));
        var rest = Count - count;
        Move(_items, count, rest);
        Move(_timesNs, count, rest);
        Move(_statuses, count, rest);
        Move(_qualities, count, rest);
        Move(_kinds, count, rest);
        Move(_flags, count, rest);
        Move(_bits, count, rest);
        Move(_references, count, rest);
        Move(_boots, count, rest);
        Move(_counters, count, rest);
        Truncate(rest);
    }

    private void SortByItem(int start, int count)
    {
        if (_order.Length < count)
        {
            _order = new long[Math.Max(count, 64)];
        }

        // Item and place in one number: sorting it is stable, and needs no comparer.
        var order = _order.AsSpan(0, count);
        for (var i = 0; i < count; i++)
        {
            order[i] = ((long)_items[start + i] << 32) | (uint)i;
        }

        order.Sort();
        Permute(_items, start, order);
        Permute(_statuses, start, order);
        Permute(_qualities, start, order);
        Permute(_kinds, start, order);
        Permute(_flags, start, order);
        Permute(_bits, start, order);
        Permute(_references, start, order);
    }

    private static void Permute<T>(T[] column, int start, ReadOnlySpan<long> order)
    {
        var copy = System.Buffers.ArrayPool<T>.Shared.Rent(order.Length);
        var part = column.AsSpan(start, order.Length);
        part.CopyTo(copy);
        for (var i = 0; i < order.Length; i++)
        {
            part[i] = copy[(int)(order[i] & uint.MaxValue)];
        }

        System.Buffers.ArrayPool<T>.Shared.Return(copy, clearArray: System.Runtime.CompilerServices.RuntimeHelpers.IsReferenceOrContainsReferences<T>());
    }

    private static void Move<T>(T[] column, int from, int count) => column.AsSpan(from, count).CopyTo(column);

    private void Grow()
    {
        var capacity = _items.Length * 2;
        Array.Resize(ref _items, capacity);
        Array.Resize(ref _timesNs, capacity);
        Array.Resize(ref _statuses, capacity);
        Array.Resize(ref _qualities, capacity);
        Array.Resize(ref _kinds, capacity);
        Array.Resize(ref _flags, capacity);
        Array.Resize(ref _bits, capacity);
        Array.Resize(ref _references, capacity);
        Array.Resize(ref _boots, capacity);
        Array.Resize(ref _counters, capacity);
    }
}

/// <summary>Columns of events that were just appended to a batch, to be filled.</summary>
internal ref struct EventRows
{
    public Span<int> Items;
    public Span<long> TimesNs;
    public Span<short> Statuses;
    public Span<uint> Qualities;
    public Span<byte> Kinds;
    public Span<byte> Flags;
    public Span<ulong> Bits;
    public Span<object?> References;
    public Span<ulong> Boots;
    public Span<ulong> Counters;
}
