namespace ZfRepl.Mqtt.Broker;

/// <summary>The result of asking for a session: the session, or the code to refuse the connection with.</summary>
internal readonly record struct OpenedSession(Session? Session, bool IsPresent, MqttReasonCode Refusal);

/// <summary>All sessions by client identifier. Thread-safe; its lock is taken before those of router and sessions.</summary>
internal sealed class SessionRegistry(MqttBrokerOptions options, BrokerCounters counters, Router router)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly QueueBudget _budget = new(options, counters);

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>
    /// The session to continue, or a new one (3.1.2.4). A session belongs to the user that made it; under another user's name the client identifier
    /// is refused, so that nobody can take over what others have queued. Wills that became due are added to <paramref name="wills"/>.
    /// </summary>
    public OpenedSession Open(string clientId, string? userName, bool cleanStart, TimeSpan expiry, List<BrokerMessage> wills)
    {
        Session? replaced = null;
        OpenedSession opened;
        lock (_gate)
        {
            if (_sessions.TryGetValue(clientId, out var known))
            {
                if (known.UserName != userName)
                {
                    return new OpenedSession(null, false, MqttReasonCode.ClientIdentifierNotValid);
                }

                if (!cleanStart)
                {
                    known.Expiry = expiry;
                    return new OpenedSession(known, IsPresent: true, MqttReasonCode.Success);
                }

                replaced = known;
            }
            else if (_sessions.Count >= options.MaxSessions)
            {
                return new OpenedSession(null, false, MqttReasonCode.QuotaExceeded);
            }

            opened = new OpenedSession(
                new Session(clientId, userName, options, counters, _budget) { Expiry = expiry }, IsPresent: false, MqttReasonCode.Success);
            _sessions[clientId] = opened.Session!;
            _budget.SessionAdded();
        }

        if (replaced is not null)
        {
            _budget.SessionRemoved();
            Empty(replaced, wills, out _);
            replaced.Client?.Close(MqttReasonCode.SessionTakenOver, "Its client identifier was used again.");
        }

        return opened;
    }

    /// <summary>Ends a session. Its will, if one was still to come, is added to <paramref name="wills"/>. Repeatable.</summary>
    public void Remove(Session session, List<BrokerMessage> wills) => TryRemove(session, wills, out _);

    /// <summary>
    /// Ends a session that is beyond its bounds, and says so: its client is disconnected and finds no session at its return, and the messages
    /// in it are counted.
    /// </summary>
    public void Discard(Session session, string why, List<BrokerMessage> wills)
    {
        if (!TryRemove(session, wills, out var lost))
        {
            return;
        }

        Interlocked.Increment(ref counters.SessionsDiscarded);
        Interlocked.Add(ref counters.MessagesDiscarded, lost);
        BrokerLog.SessionDiscarded(options.Log, session.ClientId, lost, why);
        session.Client?.Close(MqttReasonCode.QuotaExceeded, why);
    }

    /// <summary>Ends what has expired or stalled, and collects the wills that are due.</summary>
    public void Tidy(long now, List<BrokerMessage> wills)
    {
        Session[] all;
        lock (_gate)
        {
            all = [.. _sessions.Values];
        }

        foreach (var session in all)
        {
            if (session.TakeDueWill(now) is { } will)
            {
                wills.Add(will);
            }

            if (session.IsExpired(now))
            {
                Remove(session, wills);
            }
            else if (session.IsStalled(now))
            {
                Discard(session, "It took nothing while publishers waited for it.", wills);
            }
        }
    }

    private bool TryRemove(Session session, List<BrokerMessage> wills, out int lost)
    {
        lock (_gate)
        {
            lost = 0;
            if (!_sessions.TryGetValue(session.ClientId, out var known) || known != session)
            {
                return false;
            }

            _sessions.Remove(session.ClientId);
        }

        _budget.SessionRemoved();
        Empty(session, wills, out lost);
        return true;
    }

    private void Empty(Session session, List<BrokerMessage> wills, out int lost)
    {
        router.Forget(session);
        if (session.Discard(out lost) is { } will)
        {
            wills.Add(will);
        }
    }
}
