using System.Runtime.InteropServices;
using ZfRepl.Mqtt.Topics;

namespace ZfRepl.Mqtt.Broker;

/// <summary>Working space of one publisher for routing, used again for each message.</summary>
internal sealed class RouteBuffer
{
    public List<KeyValuePair<Session, MqttSubscription>> Matches { get; } = [];

    public Dictionary<Session, Delivery> Deliveries { get; } = [];

    public List<Session> Overflowed { get; } = [];

    public void Clear()
    {
        Matches.Clear();
        Deliveries.Clear();
    }
}

/// <summary>
/// Takes a message to every session that subscribed to its topic, once to each in the best quality among its matching subscriptions, and keeps
/// retained messages. Its lock covers the tree and the retained messages only; queues have their own. Thread-safe.
/// </summary>
internal sealed class Router(MqttBrokerOptions options)
{
    private readonly Lock _gate = new();
    private readonly SubscriptionTree<Session, MqttSubscription> _tree = new();
    private readonly RetainedMessages _retained = new(options);

    public int SubscriptionCount
    {
        get
        {
            lock (_gate)
            {
                return _tree.Count;
            }
        }
    }

    public (int Count, long Bytes) Retained
    {
        get
        {
            lock (_gate)
            {
                return (_retained.Count, _retained.Bytes);
            }
        }
    }

    /// <summary>
    /// Queues the message for its subscribers. The code is for the publisher's PUBACK: Success, NoMatchingSubscribers, or QuotaExceeded when there
    /// is no place to retain it, and then nobody got it. Sessions that overflowed are added to <paramref name="overflowed"/>, to be discarded.
    /// </summary>
    public MqttReasonCode Publish(BrokerMessage message, RouteBuffer buffer, scoped ref Publication publication, List<Session> overflowed)
    {
        buffer.Clear();
        lock (_gate)
        {
            if (message.Retain && !_retained.Store(message))
            {
                return MqttReasonCode.QuotaExceeded;
            }

            _tree.Match(message.Topic, buffer.Matches);
        }

        foreach (var (session, subscription) in buffer.Matches)
        {
            Merge(buffer.Deliveries, session, subscription, message);
        }

        foreach (var (session, delivery) in buffer.Deliveries)
        {
            if (session.Enqueue(delivery, ref publication) == EnqueueOutcome.Overflow)
            {
                overflowed.Add(session);
            }
        }

        return buffer.Deliveries.Count > 0 ? MqttReasonCode.Success : MqttReasonCode.NoMatchingSubscribers;
    }

    /// <summary>Adds or replaces a subscription. The code is for SUBACK; the retained messages to send are added to <paramref name="retained"/>.</summary>
    public MqttReasonCode Subscribe(Session session, MqttSubscription subscription, List<Delivery> retained)
    {
        lock (_gate)
        {
            if (CheckFilter(session, subscription) is { } refusal)
            {
                return refusal;
            }

            var granted = subscription with { MaximumQoS = Lower(subscription.MaximumQoS, MqttQoS.AtLeastOnce) };
            _tree.Set(granted.Filter, session, granted);
            var isNew = session.SetSubscription(granted);
            var wantsRetained = granted.RetainHandling == MqttRetainHandling.SendAtSubscribe
                || (granted.RetainHandling == MqttRetainHandling.SendAtSubscribeIfNew && isNew);
            if (wantsRetained)
            {
                var messages = _retained.Match(granted.Filter, options.Time.GetTimestamp());
                retained.AddRange(messages.Select(m => new Delivery(m, Lower(m.QoS, granted.MaximumQoS), Retain: true)));
            }

            return (MqttReasonCode)granted.MaximumQoS;
        }
    }

    /// <summary>Takes a subscription back; false when there was none.</summary>
    public bool Unsubscribe(Session session, string filter)
    {
        lock (_gate)
        {
            session.RemoveSubscription(filter);
            return _tree.Remove(filter, session);
        }
    }

    /// <summary>Takes all subscriptions of a session back.</summary>
    public void Forget(Session session)
    {
        lock (_gate)
        {
            foreach (var filter in session.Filters())
            {
                _tree.Remove(filter, session);
                session.RemoveSubscription(filter);
            }
        }
    }

    private static void Merge(Dictionary<Session, Delivery> deliveries, Session session, in MqttSubscription subscription, BrokerMessage message)
    {
        if (subscription.NoLocal && session.ClientId == message.Publisher)
        {
            return;
        }

        var qos = Lower(message.QoS, subscription.MaximumQoS);
        var retain = message.Retain && subscription.RetainAsPublished;
        ref var delivery = ref CollectionsMarshal.GetValueRefOrAddDefault(deliveries, session, out var isKnown);
        delivery = isKnown
            ? new Delivery(message, qos > delivery.QoS ? qos : delivery.QoS, retain || delivery.Retain)
            : new Delivery(message, qos, retain);
    }

    private static MqttQoS Lower(MqttQoS a, MqttQoS b) => a < b ? a : b;

    private MqttReasonCode? CheckFilter(Session session, in MqttSubscription subscription)
    {
        var filter = subscription.Filter;
        if (filter.StartsWith(MqttTopic.SharedPrefix, StringComparison.Ordinal))
        {
            return MqttReasonCode.SharedSubscriptionsNotSupported;
        }

        if (filter.Length > options.MaxTopicLength || MqttTopic.CountLevels(filter) > SubscriptionTree<Session, MqttSubscription>.LevelsMax)
        {
            return MqttReasonCode.TopicFilterInvalid;
        }

        var isFull = session.SubscriptionCount >= options.MaxSubscriptionsPerSession || _tree.Count >= options.MaxSubscriptions;
        return isFull && !session.Filters().Contains(filter) ? MqttReasonCode.QuotaExceeded : null;
    }
}
