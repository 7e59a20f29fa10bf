namespace ZfRepl.Mqtt.Client;

/// <summary>
/// What the owner wants to be subscribed to, and what the server of the current connection has confirmed of it. Connections are numbered, so
/// that a late answer of an earlier one confirms nothing. Thread-safe.
/// </summary>
internal sealed class SubscriptionMemory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _wanted = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unwanted = new(StringComparer.Ordinal);
    private int _connection;

    public void Want(IReadOnlyList<MqttSubscription> subscriptions)
    {
        lock (_gate)
        {
            foreach (var subscription in subscriptions)
            {
                _wanted[subscription.Filter] = new Entry(subscription, IsSettled: false, IsRefused: false);
                _unwanted.Remove(subscription.Filter);
            }
        }
    }

    /// <summary>Taken back; remembered until a server has confirmed, because a kept session still holds it.</summary>
    public void Unwant(IReadOnlyList<string> filters)
    {
        lock (_gate)
        {
            foreach (var filter in filters)
            {
                _wanted.Remove(filter);
                _unwanted.Add(filter);
            }
        }
    }

    /// <summary>A new connection; its number goes along with what is settled on it.</summary>
    public int Connected(bool sessionPresent)
    {
        lock (_gate)
        {
            foreach (var (filter, entry) in _wanted.ToArray())
            {
                _wanted[filter] = entry with { IsSettled = entry.IsSettled && !entry.IsRefused && sessionPresent, IsRefused = false };
            }

            if (!sessionPresent)
            {
                _unwanted.Clear();
            }

            return ++_connection;
        }
    }

    /// <summary>What is still to be asked for on this connection, at most <paramref name="max"/> of each kind.</summary>
    public (IReadOnlyList<MqttSubscription> Subscribe, IReadOnlyList<string> Unsubscribe) Open(int max)
    {
        lock (_gate)
        {
            return ([.. _wanted.Values.Where(e => !e.IsSettled).Take(max).Select(e => e.Subscription)], [.. _unwanted.Take(max)]);
        }
    }

    /// <summary>The server's answer for one filter, on the connection with this number.</summary>
    public void Settle(int connection, MqttSubscription subscription, MqttReasonCode code)
    {
        lock (_gate)
        {
            if (connection == _connection && _wanted.TryGetValue(subscription.Filter, out var entry) && entry.Subscription == subscription)
            {
                _wanted[subscription.Filter] = entry with { IsSettled = true, IsRefused = code.IsFailure() };
            }
        }
    }

    /// <summary>The server's answer to taking one filter back.</summary>
    public void SettleUnwanted(int connection, string filter)
    {
        lock (_gate)
        {
            if (connection == _connection)
            {
                _unwanted.Remove(filter);
            }
        }
    }

    /// <summary>A refusal that the caller was told about: not asked for again.</summary>
    public void Drop(string filter)
    {
        lock (_gate)
        {
            if (_wanted.TryGetValue(filter, out var entry) && entry.IsRefused)
            {
                _wanted.Remove(filter);
            }
        }
    }

    public IReadOnlyList<string> Refused()
    {
        lock (_gate)
        {
            return [.. _wanted.Values.Where(e => e.IsRefused).Select(e => e.Subscription.Filter)];
        }
    }

    private sealed record Entry(MqttSubscription Subscription, bool IsSettled, bool IsRefused);
}
