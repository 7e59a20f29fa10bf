using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>A variable of the server: its value, and who is told of its changes. Thread-safe.</summary>
public sealed class Variable
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly Func<Variant>? _live;
    private MonitoredItem[] _items = [];
    private DataValue _value;

    internal Variable(ServerNode node, DataValue initial, bool isWritable, TimeProvider time, Func<Variant>? live = null)
    {
        _time = time;
        _live = live;
        _value = Stamped(initial);
        Node = node;
        IsWritable = isWritable;
        var type = live is null ? initial.Value : live();
        Type = type.Type;
        Shape = type.Shape;
        DimensionCount = type.Dimensions.Count;
    }

    /// <summary>Raised when a client has written, after the value was taken over, on the thread that serves the client.</summary>
    /// <remarks>A handler must not block and must not throw.</remarks>
    public event Action<Variable, DataValue>? Written;

    /// <summary>The id under which clients know it.</summary>
    public NodeId NodeId => Node.Id;

    /// <summary>True when clients may write.</summary>
    public bool IsWritable { get; }

    /// <summary>The value now.</summary>
    public DataValue Value
    {
        get
        {
            if (_live is not null)
            {
                var now = UaDateTime.From(_time.GetUtcNow());
                return new DataValue(_live(), StatusCode.Good, now).WithServerTimestamp(now);
            }

            lock (_gate)
            {
                return _value;
            }
        }
    }

    internal ServerNode Node { get; }

    /// <summary>The type of the first value; what clients write must have it. Null lets any type pass.</summary>
    internal BuiltInType Type { get; }

    internal VariantShape Shape { get; }

    internal int DimensionCount { get; }

    /// <summary>True when the value is made for each read, so that changes are only seen by sampling.</summary>
    internal bool IsLive => _live is not null;

    /// <summary>
    /// Changes the value. Monitored items with a sampling interval of zero get it into their queues before this returns; so their order is
    /// the order of the calls. The value's status and source time stamp are kept as they are, to 10 ps; without a server time stamp it gets
    /// the present time. Cheap: no allocation in steady state, and no waiting for any client.
    /// </summary>
    public void Set(in DataValue value)
    {
        var stamped = Stamped(value);
        lock (_gate)
        {
            _value = stamped;
            foreach (var item in _items)
            {
                item.Take(stamped);
            }
        }
    }

    /// <summary>Takes over what a client has written.</summary>
    internal void Write(in DataValue value)
    {
        Set(value);
        Written?.Invoke(this, value);
    }

    /// <summary>From now on the item gets every change, and nothing is lost or doubled between its first value and the next change.</summary>
    internal void Attach(MonitoredItem item)
    {
        lock (_gate)
        {
            _items = [.. _items, item];
        }
    }

    internal void Detach(MonitoredItem item)
    {
        lock (_gate)
        {
            _items = Array.FindAll(_items, i => i != item);
        }
    }

    /// <summary>Gives the present value to an item, in order with the changes.</summary>
    internal void Show(MonitoredItem item, bool evenIfUnchanged)
    {
        if (_live is not null)
        {
            item.Take(Value, evenIfUnchanged);
            return;
        }

        lock (_gate)
        {
            item.Take(_value, evenIfUnchanged);
        }
    }

    private DataValue Stamped(in DataValue value) => (value.Fields & DataValueFields.ServerTimestamp) != DataValueFields.None
        ? value
        : value.WithServerTimestamp(UaDateTime.From(_time.GetUtcNow()));
}
