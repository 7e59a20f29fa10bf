using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>What a client may ask of a monitored item, as the server granted it.</summary>
/// <param name="ClientHandle">The client's number for it.</param>
/// <param name="SamplingInterval">In milliseconds; zero for every change.</param>
/// <param name="QueueSize">In values.</param>
/// <param name="DiscardOldest">Which value goes when the queue is full.</param>
/// <param name="Filter">What counts as a change.</param>
/// <param name="Timestamps">Which time stamps go out.</param>
internal readonly record struct ItemSettings(
    uint ClientHandle, double SamplingInterval, int QueueSize, bool DiscardOldest, ChangeFilter Filter, TimestampsToReturn Timestamps);

/// <summary>One attribute that a client wants to be told of (OPC 10000-4, 5.13). Its queue is guarded by the subscription's queue lock.</summary>
internal sealed class MonitoredItem(uint id, ServerNode node, AttributeId attribute, SubscriptionQueues queues, in ItemSettings settings)
{
    private readonly ValueQueue _queue = new(queues.Budget);
    private ItemSettings _settings = settings;
    private DataValue _last;
    private bool _hasLast;
    private bool _isReady;

    public uint Id { get; } = id;

    public ServerNode Node { get; } = node;

    public AttributeId Attribute { get; } = attribute;

    /// <summary>Changed under the server's gate and the queue lock.</summary>
    public MonitoringMode Mode { get; private set; } = MonitoringMode.Disabled;

    public ItemSettings Settings => _settings;

    /// <summary>True when the variable tells of each change by itself.</summary>
    public bool IsAttached => Attribute == AttributeId.Value && Node.Variable is { IsLive: false } && _settings.SamplingInterval <= 0;

    /// <summary>True when values are fetched at intervals.</summary>
    public bool IsSampled => Attribute == AttributeId.Value && _settings.SamplingInterval > 0;

    /// <summary>A value of the variable; it goes into the queue when it is a change.</summary>
    public void Take(in DataValue value, bool evenIfUnchanged = false)
    {
        lock (queues.Gate)
        {
            if (Mode == MonitoringMode.Disabled
                || (_hasLast && !evenIfUnchanged && !_settings.Filter.IsChange(_last, value)))
            {
                return;
            }

            _last = value;
            _hasLast = true;
            _queue.Add(value, _settings.QueueSize, _settings.DiscardOldest);
            Announce();
        }
    }

    public void Change(in ItemSettings settings)
    {
        lock (queues.Gate)
        {
            _settings = settings;
            _queue.Shrink(settings.QueueSize, settings.DiscardOldest);
        }
    }

    public void SetMode(MonitoringMode mode)
    {
        lock (queues.Gate)
        {
            Mode = mode;
            if (mode == MonitoringMode.Disabled)
            {
                _queue.Release();
                _hasLast = false;
            }

            Announce();
        }
    }

    /// <summary>No value is taken or given any more.</summary>
    public void Close()
    {
        SetMode(MonitoringMode.Disabled);
        lock (queues.Gate)
        {
            if (_isReady)
            {
                queues.NoteStale();
            }
        }
    }

    /// <summary>True when there is something to report. Called under the queue lock.</summary>
    public bool HasReport => Mode == MonitoringMode.Reporting && _queue.Count > 0;

    /// <summary>The oldest value, with the time stamps that the client wants. Called under the queue lock.</summary>
    public DataValue TakeReport() => WithTimestamps(_queue.Take(), _settings.Timestamps);

    /// <summary>The item has left the list of those that have something to report. Called under the queue lock.</summary>
    public void LeftReady()
    {
        _isReady = false;
        Announce();
    }

    /// <summary>A value without the time stamps that the client does not want.</summary>
    public static DataValue WithTimestamps(in DataValue value, TimestampsToReturn wanted)
    {
        const DataValueFields source = DataValueFields.SourceTimestamp | DataValueFields.SourcePicoseconds;
        const DataValueFields server = DataValueFields.ServerTimestamp | DataValueFields.ServerPicoseconds;
        var dropped = wanted switch
        {
            TimestampsToReturn.Source => server,
            TimestampsToReturn.Server => source,
            TimestampsToReturn.Neither => source | server,
            _ => DataValueFields.None,
        };
        return value with { Fields = value.Fields & ~dropped };
    }

    private void Announce()
    {
        if (!_isReady && HasReport)
        {
            _isReady = true;
            queues.Ready.Enqueue(this);
        }
    }
}
