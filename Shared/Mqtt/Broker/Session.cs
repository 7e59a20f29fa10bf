using ZfRepl.Mqtt.Packets;
using ZfRepl.Mqtt.Transport;

namespace ZfRepl.Mqtt.Broker;

/// <summary>What came of queueing a message for a session.</summary>
internal enum EnqueueOutcome
{
    /// <summary>Queued or sent.</summary>
    Taken,

    /// <summary>A QoS 0 message that found no place, and is counted as dropped.</summary>
    Dropped,

    /// <summary>The client is away and its queue is full: the session has to be discarded, so that the client learns of its loss.</summary>
    Overflow,
}

/// <summary>
/// What the broker keeps for one client identifier (4.1): the queue of messages, those in flight, the subscriptions, a will that is due later.
/// Messages leave in the order in which they came. The queue is bounded in messages and bytes. Beyond the bounds QoS 0 is dropped and counted;
/// QoS 1 is still taken while the client is connected, but its publisher's acknowledgment waits, so that at most the publishers' windows
/// go beyond. Thread-safe; its lock is taken before those of connections, never while holding one.
/// </summary>
internal sealed class Session(string clientId, string? userName, MqttBrokerOptions options, BrokerCounters counters, QueueBudget budget)
{
    private readonly Lock _gate = new();
    private readonly Queue<Delivery> _queue = new();
    private readonly InFlightWindow _inFlight = new(options.MaxInFlight);
    private readonly Dictionary<string, MqttSubscription> _subscriptions = new(StringComparer.Ordinal);
    private List<HeldAcknowledgment> _waiting = [];
    private BrokerClient? _client;
    private long _bytes;
    private long _lastProgress;
    private bool _isDiscarded;
    private BrokerMessage? _will;
    private long _willDueAt;
    private long _expiresAt = long.MaxValue;

    public string ClientId { get; } = clientId;

    /// <summary>The user that the session belongs to; another one does not get it.</summary>
    public string? UserName { get; } = userName;

    /// <summary>How long it is kept after its client has left.</summary>
    public TimeSpan Expiry { get; set; }

    /// <summary>The connected client, if any.</summary>
    public BrokerClient? Client
    {
        get
        {
            lock (_gate)
            {
                return _client;
            }
        }
    }

    /// <summary>It has ended, or was replaced by a clean start.</summary>
    public bool IsDiscarded
    {
        get
        {
            lock (_gate)
            {
                return _isDiscarded;
            }
        }
    }

    public int SubscriptionCount
    {
        get
        {
            lock (_gate)
            {
                return _subscriptions.Count;
            }
        }
    }

    /// <summary>Queues a message, and sends it if the client is ready for it.</summary>
    public EnqueueOutcome Enqueue(in Delivery delivery, scoped ref Publication publication)
    {
        lock (_gate)
        {
            if (_isDiscarded)
            {
                return EnqueueOutcome.Dropped;
            }

            if (delivery.QoS == MqttQoS.AtMostOnce && (_client is null || IsFull))
            {
                Interlocked.Increment(ref _client is null ? ref counters.DroppedOffline : ref counters.DroppedQueueFull);
                return EnqueueOutcome.Dropped;
            }

            if (_client is null && IsFull)
            {
                return EnqueueOutcome.Overflow;
            }

            Queue(delivery);
            Pump();
            if (_client is not null && delivery.QoS != MqttQoS.AtMostOnce && IsFull && publication.CanBeHeld)
            {
                _waiting.Add(publication.Hold(delivery.Message.Size));
            }

            return EnqueueOutcome.Taken;
        }
    }

    /// <summary>
    /// Queues the retained messages of a SUBSCRIBE. They are taken whole, because they share their memory with the retained store; the caller
    /// accepts no subscription while the queue is full.
    /// </summary>
    public void EnqueueRetained(IReadOnlyList<Delivery> deliveries)
    {
        lock (_gate)
        {
            foreach (var delivery in _isDiscarded ? [] : deliveries)
            {
                Queue(delivery);
            }

            Pump();
        }
    }

    /// <summary>True while messages wait beyond the bounds.</summary>
    public bool IsOverfull
    {
        get
        {
            lock (_gate)
            {
                return IsFull;
            }
        }
    }

    /// <summary>PUBACK from the client.</summary>
    public void Acknowledged(ushort identifier)
    {
        List<HeldAcknowledgment> released;
        lock (_gate)
        {
            if (_inFlight.Acknowledge(identifier) is { } message)
            {
                Unaccount(message);
                _lastProgress = options.Time.GetTimestamp();
            }

            Pump();
            released = TakeReleased();
        }

        Release(released);
    }

    /// <summary>The client's socket took data: there may be room for more.</summary>
    public void Written()
    {
        List<HeldAcknowledgment> released;
        lock (_gate)
        {
            _lastProgress = options.Time.GetTimestamp();
            Pump();
            released = TakeReleased();
        }

        Release(released);
    }

    /// <summary>
    /// Connects the session to a client and begins to send. The client that had it before is returned, to be told that it was taken over.
    /// False when the session was discarded meanwhile.
    /// </summary>
    public bool TryAttach(BrokerClient client, out BrokerClient? previous)
    {
        lock (_gate)
        {
            previous = _client;
            if (_isDiscarded)
            {
                return false;
            }

            _client = client;
            _will = null;
            _expiresAt = long.MaxValue;
            _lastProgress = options.Time.GetTimestamp();
            _inFlight.Rewind();
            Pump();
            return true;
        }
    }

    /// <summary>
    /// The client has gone. False when another one has taken over, or the session has ended, and nothing is to be done. Publishers that waited for it wait no longer:
    /// their messages are in the queue.
    /// </summary>
    /// <param name="client">The one that has gone.</param>
    /// <param name="will">Its will, if it is to be published later rather than now.</param>
    /// <param name="willDelay">How much later.</param>
    public bool TryDetach(BrokerClient client, BrokerMessage? will, TimeSpan willDelay)
    {
        List<HeldAcknowledgment> released;
        lock (_gate)
        {
            if (_client != client)
            {
                return false;
            }

            _client = null;
            if (_isDiscarded)
            {
                return false;
            }

            _will = will;
            _willDueAt = options.Time.TimestampAfter(willDelay);
            _expiresAt = options.Time.TimestampAfter(Expiry);
            released = _waiting;
            _waiting = [];
        }

        Release(released);
        return true;
    }

    /// <summary>Ends the session: empties it and lets publishers go that waited for it. Returns a will that was due later. Repeatable.</summary>
    /// <param name="lost">The number of messages that were in it, sent and not acknowledged or never sent.</param>
    public BrokerMessage? Discard(out int lost)
    {
        List<HeldAcknowledgment> released;
        BrokerMessage? will;
        lock (_gate)
        {
            _isDiscarded = true;
            var left = _inFlight.Clear().Concat(_queue).ToList();
            foreach (var delivery in left)
            {
                Unaccount(delivery.Message);
            }

            lost = left.Count;
            _queue.Clear();
            (will, _will) = (_will, null);
            (released, _waiting) = (_waiting, []);
        }

        Release(released);
        return will;
    }

    /// <summary>Connected, publishers wait for it, and it has taken nothing for too long.</summary>
    public bool IsStalled(long now)
    {
        lock (_gate)
        {
            return _client is not null && _waiting.Count > 0 && _lastProgress < now
                && options.Time.GetElapsedTime(_lastProgress, now) > options.StallTimeout;
        }
    }

    /// <summary>Its client has been away for longer than the session is kept.</summary>
    public bool IsExpired(long now)
    {
        lock (_gate)
        {
            return _client is null && _expiresAt <= now;
        }
    }

    /// <summary>The will that is due now, once.</summary>
    public BrokerMessage? TakeDueWill(long now)
    {
        lock (_gate)
        {
            if (_will is null || _willDueAt > now)
            {
                return null;
            }

            var will = _will;
            _will = null;
            return will;
        }
    }

    /// <summary>Remembers a subscription; true when it is new. The tree of all subscriptions is kept by the router.</summary>
    public bool SetSubscription(MqttSubscription subscription)
    {
        lock (_gate)
        {
            var isNew = !_subscriptions.ContainsKey(subscription.Filter);
            _subscriptions[subscription.Filter] = subscription;
            return isNew;
        }
    }

    public void RemoveSubscription(string filter)
    {
        lock (_gate)
        {
            _subscriptions.Remove(filter);
        }
    }

    public IReadOnlyList<string> Filters()
    {
        lock (_gate)
        {
            return [.. _subscriptions.Keys];
        }
    }

    private bool IsFull => _queue.Count >= options.MaxQueuedMessages || _bytes >= budget.BytesPerSession;

    private static void Release(List<HeldAcknowledgment> released)
    {
        foreach (var acknowledgment in released)
        {
            acknowledgment.Release();
        }
    }

    private List<HeldAcknowledgment> TakeReleased()
    {
        if (_waiting.Count == 0 || IsFull)
        {
            return [];
        }

        var released = _waiting;
        _waiting = [];
        return released;
    }

    private void Queue(in Delivery delivery)
    {
        _queue.Enqueue(delivery);
        _bytes += delivery.Message.Size;
        budget.Add(delivery.Message.Size);
    }

    private void Unaccount(BrokerMessage message)
    {
        _bytes -= message.Size;
        budget.Remove(message.Size);
    }

    /// <summary>Sends as much as the client's window and socket take: first what has to be sent again, then the queue.</summary>
    private void Pump()
    {
        if (_client is not { } client)
        {
            return;
        }

        var window = Math.Min(options.MaxInFlight, client.ReceiveMaximum);
        while (client.HasRoom)
        {
            if (_inFlight.HasResend)
            {
                if (_inFlight.SpanOnThisConnection >= window)
                {
                    return;
                }

                if (_inFlight.TryResend(out var again, out var identifier))
                {
                    Send(client, again, identifier, isDuplicate: true);
                }
            }
            else if (!PumpQueue(client, window))
            {
                return;
            }
        }
    }

    private bool PumpQueue(BrokerClient client, int window)
    {
        if (!_queue.TryPeek(out var next) || (next.QoS != MqttQoS.AtMostOnce && _inFlight.Span >= window))
        {
            return false;
        }

        _queue.Dequeue();
        if (next.Message.IsExpired(options.Time.GetTimestamp()))
        {
            Interlocked.Increment(ref counters.DroppedExpired);
            Unaccount(next.Message);
        }
        else if (!client.Accepts(next))
        {
            Interlocked.Increment(ref counters.DroppedTooLarge);
            Unaccount(next.Message);
        }
        else if (next.QoS == MqttQoS.AtMostOnce)
        {
            Send(client, next, 0, isDuplicate: false);
            Unaccount(next.Message);
        }
        else
        {
            Send(client, next, _inFlight.Add(next), isDuplicate: false);
        }

        return true;
    }

    private void Send(BrokerClient client, in Delivery delivery, ushort identifier, bool isDuplicate)
    {
        var message = delivery.Message;
        client.Send(new PublishPacket(
            message.Topic, message.Payload, delivery.QoS, identifier, delivery.Retain, isDuplicate, message.PropertiesAt(options.Time)));
        Interlocked.Increment(ref counters.MessagesSent);
    }
}
