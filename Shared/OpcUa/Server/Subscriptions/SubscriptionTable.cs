using System.Diagnostics.CodeAnalysis;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>All subscriptions, with a session or without. Guarded by the server's gate.</summary>
internal sealed class SubscriptionTable(ServerCore core) : IDisposable
{
    private readonly Dictionary<uint, Subscription> _subscriptions = [];
    private uint _lastId;

    public int Count => _subscriptions.Count;

    public bool IsFull => _subscriptions.Count >= core.Options.SubscriptionsMax;

    /// <summary>Monitored items of all subscriptions.</summary>
    public int ItemCount => _subscriptions.Values.Sum(s => s.Items.Count);

    public uint NextId()
    {
        do
        {
            _lastId = unchecked(_lastId + 1);
        }
        while (_lastId == 0 || _subscriptions.ContainsKey(_lastId));
        return _lastId;
    }

    public void Add(Subscription subscription) => _subscriptions.Add(subscription.Id, subscription);

    public bool TryFind(uint id, [NotNullWhen(true)] out Subscription? subscription) => _subscriptions.TryGetValue(id, out subscription);

    /// <summary>Ends a subscription with its items. The session's own list is left to the caller.</summary>
    public void Remove(Subscription subscription)
    {
        _subscriptions.Remove(subscription.Id);
        subscription.Close();
        foreach (var item in subscription.Items.Values)
        {
            Unhook(item);
        }
    }

    /// <summary>Ends a subscription whose client was not heard of.</summary>
    public void Expire(Subscription subscription)
    {
        ServerLog.SubscriptionExpired(core.Logger, subscription.Id);
        var session = subscription.Session;
        Remove(subscription);
        if (session is not null)
        {
            session.Subscriptions.Remove(subscription.Id);
            subscription.TellStatus(session, StatusCodes.BadTimeout);
        }
    }

    /// <summary>Connects an item with its source of values, in the mode that it is in.</summary>
    public void Hook(MonitoredItem item)
    {
        if (item.Mode == Services.MonitoringMode.Disabled)
        {
            return;
        }

        if (item.IsAttached)
        {
            item.Node.Variable!.Attach(item);
        }
        else if (item.IsSampled)
        {
            core.Sampling.Add(item);
        }
    }

    /// <summary>Cuts an item off from its source and drops what it has.</summary>
    public void Unhook(MonitoredItem item)
    {
        Disconnect(item);
        item.Close();
    }

    /// <summary>Cuts an item off from its source.</summary>
    public void Disconnect(MonitoredItem item)
    {
        item.Node.Variable?.Detach(item);
        core.Sampling.Remove(item);
    }

    public void Dispose()
    {
        foreach (var subscription in _subscriptions.Values.ToList())
        {
            Remove(subscription);
        }
    }
}
