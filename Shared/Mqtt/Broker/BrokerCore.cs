namespace ZfRepl.Mqtt.Broker;

/// <summary>What all clients of one broker share. Thread-safe.</summary>
internal sealed class BrokerCore : IDisposable
{
    public BrokerCore(MqttBrokerOptions options)
    {
        Options = options;
        Counters = new BrokerCounters();
        Router = new Router(options);
        Sessions = new SessionRegistry(options, Counters, Router);
        Logins = new LoginCheck(options);
    }

    public MqttBrokerOptions Options { get; }

    public BrokerCounters Counters { get; }

    public Router Router { get; }

    public SessionRegistry Sessions { get; }

    public LoginCheck Logins { get; }

    /// <summary>Routes a message, then discards the sessions that it made overflow, with the wills that this brings about.</summary>
    public MqttReasonCode Publish(BrokerMessage message, RouteBuffer buffer, scoped ref Publication publication)
    {
        var overflowed = buffer.Overflowed;
        overflowed.Clear();
        var code = Router.Publish(message, buffer, ref publication, overflowed);
        if (overflowed.Count > 0)
        {
            var wills = new List<BrokerMessage>();
            foreach (var session in overflowed)
            {
                Sessions.Discard(session, "Its queue was full while its client was away.", wills);
            }

            PublishWills(wills);
        }

        return code;
    }

    /// <summary>Publishes wills; nobody waits for their acknowledgment.</summary>
    public void PublishWills(IReadOnlyList<BrokerMessage> wills)
    {
        var buffer = wills.Count > 0 ? new RouteBuffer() : null;
        foreach (var will in wills)
        {
            var publication = new Publication(null, -1);
            if (Publish(will, buffer!, ref publication) == MqttReasonCode.QuotaExceeded)
            {
                Interlocked.Increment(ref Counters.DroppedOverLimit);
            }
        }
    }

    public bool IsAllowed(MqttAccessKind kind, Session session, string topic) =>
        Options.Authorize is not { } authorize || authorize(new MqttAccess(session.ClientId, session.UserName, kind, topic));

    public void Dispose() => Logins.Dispose();
}
