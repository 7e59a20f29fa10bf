using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>
/// A subscription (OPC 10000-4, 5.14): its items, its numbers, its counters and what was not acknowledged. It outlives its session.
/// </summary>
/// <remarks>Everything is guarded by the server's gate; only the items' queues have a lock of their own.</remarks>
internal sealed class Subscription
{
    /// <summary>Room in a message for what stands around the values.</summary>
    private const int EnvelopeBytes = 4096;

    private readonly ServerCore _core;
    private readonly RetransmissionQueue _sent;
    private readonly Dictionary<uint, MonitoredItem> _items = [];
    private readonly ITimer _timer;
    private uint _nextSequence;
    private uint _lastItemId;
    private uint _lifetimeLeft;
    private uint _keepAliveLeft;
    private bool _messageSent;
    private bool _isLate;

    public Subscription(ServerCore core, uint id, ServerSession session, in SubscriptionSettings settings, bool publishingEnabled)
    {
        _core = core;
        Id = id;
        Session = session;
        Owner = session.Identity!;
        Settings = settings;
        IsPublishingEnabled = publishingEnabled;
        Queues = new SubscriptionQueues(core.QueueBudget);
        _sent = new RetransmissionQueue(core.Options.RetransmissionQueueMax, core.Options.RetransmissionBytesMax);
        _nextSequence = core.Options.FirstSequenceNumber;
        _keepAliveLeft = settings.KeepAliveCount;
        ResetLifetime();
        var interval = TimeSpan.FromMilliseconds(settings.PublishingIntervalMs);
        _timer = core.Time.CreateTimer(static s => ((Subscription)s!).OnTimer(), this, interval, interval);
    }

    public uint Id { get; }

    /// <summary>Who may act on it; null when the session has ended.</summary>
    public ServerSession? Session { get; private set; }

    /// <summary>Who may take it over.</summary>
    public ClientIdentity Owner { get; }

    public SubscriptionSettings Settings { get; private set; }

    public bool IsPublishingEnabled { get; set; }

    public SubscriptionQueues Queues { get; }

    public IReadOnlyDictionary<uint, MonitoredItem> Items => _items;

    /// <summary>What Republish can give.</summary>
    public uint[] Available => _sent.Available;

    public bool IsClosed { get; private set; }

    /// <summary>When it was served last; among equals the one that has waited longest goes first.</summary>
    public long ServedAt { get; private set; }

    public uint NextItemId() => ++_lastItemId;

    public void Add(MonitoredItem item) => _items.Add(item.Id, item);

    public void Remove(MonitoredItem item) => _items.Remove(item.Id);

    /// <summary>The client has been heard of.</summary>
    public void ResetLifetime() => _lifetimeLeft = Settings.LifetimeCount;

    public void Modify(in SubscriptionSettings settings)
    {
        var interval = TimeSpan.FromMilliseconds(settings.PublishingIntervalMs);
        if (settings.PublishingIntervalMs != Settings.PublishingIntervalMs)
        {
            _timer.Change(interval, interval);
        }

        Settings = settings;
        _keepAliveLeft = Math.Min(_keepAliveLeft, settings.KeepAliveCount);
        ResetLifetime();
    }

    public StatusCode Acknowledge(uint sequenceNumber) =>
        _sent.Acknowledge(sequenceNumber) ? StatusCode.Good : StatusCodes.BadSequenceNumberUnknown;

    public NotificationMessage? Find(uint sequenceNumber) => _sent.TryFind(sequenceNumber, out var message) ? message : null;

    /// <summary>Hands the subscription to another session, or to none.</summary>
    public void MoveTo(ServerSession? session)
    {
        Session = session;
        if (session is not null)
        {
            ResetLifetime();
        }
    }

    /// <summary>Sends what is due, if something is and there is a request to answer.</summary>
    public void Answer()
    {
        while (_isLate && !IsClosed && Session?.TakeTicket() is { } ticket)
        {
            Send(ticket);
        }
    }

    /// <summary>Tells the session that the subscription has changed its state, without using up a number.</summary>
    public void TellStatus(ServerSession session, StatusCode status) => session.TellStatus(new PublishResponse
    {
        SubscriptionId = Id,
        NotificationMessage = new NotificationMessage
        {
            SequenceNumber = _nextSequence,
            PublishTime = UaDateTime.From(_core.Time.GetUtcNow()),
            NotificationData = [ExtensionCodec.Pack(new StatusChangeNotification { Status = status })],
        },
    });

    public void Close()
    {
        IsClosed = true;
        _timer.Dispose();
        Session = null;
    }

    private void OnTimer()
    {
        try
        {
            lock (_core.Gate)
            {
                Cycle();
            }
        }
        catch (Exception e)
        {
            // A timer has no caller that could see the defect, so it goes to whoever watches the server.
            _core.Fail(e);
        }
    }

    /// <summary>What is to be done in each publishing interval (OPC 10000-4, 5.14.1.2).</summary>
    private void Cycle()
    {
        if (IsClosed)
        {
            return;
        }

        if (--_lifetimeLeft == 0)
        {
            _core.Subscriptions.Expire(this);
            return;
        }

        _keepAliveLeft = _keepAliveLeft == 0 ? 0 : _keepAliveLeft - 1;
        if (!_messageSent || _keepAliveLeft == 0 || (IsPublishingEnabled && Queues.HasReports))
        {
            _isLate = true;
            Answer();
        }
    }

    private void Send(PublishTicket ticket)
    {
        var (message, more) = NextMessage(ticket.Connection);
        _isLate = more;
        _messageSent = true;
        _keepAliveLeft = Settings.KeepAliveCount;
        ServedAt = _core.Time.GetTimestamp();
        ResetLifetime();
        ticket.Connection.Send(ticket.RequestId, ticket.RequestHandle, new PublishResponse
        {
            SubscriptionId = Id,
            AvailableSequenceNumbers = Available,
            MoreNotifications = more,
            NotificationMessage = message,
            Results = ticket.Results,
        });
    }

    /// <summary>Values when there are some, else a keep-alive. What carries values is kept until it is acknowledged.</summary>
    private (NotificationMessage Message, bool More) NextMessage(ServerConnection connection)
    {
        var bytesMax = Math.Min(_core.Options.NotificationBytesMax, connection.ResponseBytesMax - EnvelopeBytes);
        var (data, more) = IsPublishingEnabled ? DrainQueues(bytesMax) : default;
        var message = new NotificationMessage
        {
            SequenceNumber = _nextSequence,
            PublishTime = UaDateTime.From(_core.Time.GetUtcNow()),
            NotificationData = data is null ? [] : [data],
        };
        if (data is not null)
        {
            _nextSequence = _nextSequence == uint.MaxValue ? 1 : _nextSequence + 1;
            var dropped = _sent.Add(message);
            if (dropped > 0)
            {
                ServerLog.RetransmissionDropped(_core.Logger, Id, dropped);
            }
        }

        return (message, more);
    }

    private (ExtensionObject? Data, bool More) DrainQueues(int bytesMax)
    {
        var batch = _core.Batch;
        try
        {
            var more = Queues.Drain(batch, Settings.ValuesMax, bytesMax);
            return (batch.Count > 0 ? DataChangeNotification.Pack(batch) : null, more);
        }
        finally
        {
            batch.Clear();
        }
    }
}
