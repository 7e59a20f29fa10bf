using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>
/// The queue of one monitored item (OPC 10000-4, 5.13.1.5). It grows with use up to its size and gives large buffers back when it is empty.
/// Not thread-safe.
/// </summary>
internal sealed class ValueQueue(QueueBudget budget)
{
    private const int CapacityMin = 4;

    /// <summary>A buffer above this is not kept once the queue is empty.</summary>
    private const int CapacityKept = 8192;

    private DataValue[] _values = [];
    private int _head;

    public int Count { get; private set; }

    /// <summary>Appends a value. When the queue is full, one value is lost and the place of the loss is marked.</summary>
    public void Add(in DataValue value, int size, bool discardOldest)
    {
        if (Count < size && (Count < _values.Length || TryGrow(size)))
        {
            _values[Index(Count)] = value;
            Count++;
        }
        else if (Count == 0)
        {
            // No room is left for even one value in the whole server; nothing can be marked.
        }
        else if (size == 1)
        {
            // A queue of one value is a buffer that is overwritten: that is no overflow by the specification.
            _values[_head] = value;
        }
        else if (discardOldest)
        {
            // The buffer may be longer than the queue, after a change of the queue's size.
            _values[_head] = default;
            _head = Index(1);
            _values[Index(Count - 1)] = value;
            _values[_head] = WithOverflow(_values[_head]);
        }
        else
        {
            _values[Index(Count - 1)] = WithOverflow(value);
        }
    }

    public DataValue Take()
    {
        var value = _values[_head];
        _values[_head] = default;
        _head = Index(1);
        Count--;
        if (Count == 0 && _values.Length > CapacityKept)
        {
            Release();
        }

        return value;
    }

    /// <summary>Makes the queue no longer than that; what is cut off is marked like any other loss.</summary>
    public void Shrink(int size, bool discardOldest)
    {
        if (Count <= size)
        {
            return;
        }

        if (!discardOldest)
        {
            Count = size;
            _values[Index(size - 1)] = WithOverflow(_values[Index(size - 1)]);
            return;
        }

        while (Count > size)
        {
            Take();
        }

        if (size > 1)
        {
            _values[_head] = WithOverflow(_values[_head]);
        }
    }

    /// <summary>Forgets the values and gives the room back.</summary>
    public void Release()
    {
        budget.Return(_values.Length);
        _values = [];
        _head = 0;
        Count = 0;
    }

    private static DataValue WithOverflow(in DataValue value) =>
        value with { Status = value.Status.WithOverflow(), Fields = value.Fields | DataValueFields.Status };

    private int Index(int offset)
    {
        var index = _head + offset;
        return index < _values.Length ? index : index - _values.Length;
    }

    private bool TryGrow(int size)
    {
        var capacity = (int)Math.Min(Math.Max(CapacityMin, 2L * _values.Length), size);
        if (!budget.TryTake(capacity - _values.Length))
        {
            return false;
        }

        var larger = new DataValue[capacity];
        for (var i = 0; i < Count; i++)
        {
            larger[i] = _values[Index(i)];
        }

        _values = larger;
        _head = 0;
        return true;
    }
}
