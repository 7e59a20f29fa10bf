using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>A subscription that has ended at the server, until that is in the books.</summary>
/// <param name="Subscription">The subscription with what has arrived of it.</param>
/// <param name="Cause">Why it ended.</param>
internal sealed record LostSubscription(TrackedSubscription Subscription, string Cause);

/// <summary>What a subscriber knows from one connection to the next.</summary>
internal sealed class SubscriberMemory(ISubscriptionHost host, SubscriptionOptions options)
{
    /// <summary>Answers that may wait beside what is with the host.</summary>
    private const int SpareBatches = 16;

    private long _notifications;
    private long _values;
    private long _republished;

    public AsyncSignal Signal { get; } = new();

    public ToldOnce Told { get; } = new();

    public BatchPool Pool { get; } = new(options.UnacknowledgedMax + SpareBatches);

    public HostWindow Window => field ??= new HostWindow(host, Pool, Signal, Math.Max(1, options.UnacknowledgedMax));

    /// <summary>The session that the last connection has used; null when there is none.</summary>
    public FormerSession? Session { get; set; }

    public UaDateTime ServerStartTime { get; set; }

    /// <summary>The subscriptions in use: the present one is the last; before it there may be one that is being drained.</summary>
    public List<TrackedSubscription> Subscriptions { get; } = [];

    /// <summary>The subscriptions that ended without being drained.</summary>
    public List<LostSubscription> Lost { get; } = [];

    public TrackedSubscription? Current => Subscriptions.LastOrDefault(s => !s.IsRetiring);

    public TrackedSubscription? Retiring => Subscriptions.Find(s => s.IsRetiring);

    public long Notifications => Interlocked.Read(ref _notifications);

    public long Values => Interlocked.Read(ref _values);

    public long Republished => Interlocked.Read(ref _republished);

    /// <summary>Begins with what an earlier process has saved.</summary>
    public void Load(SavedState state)
    {
        Session = state.Session;
        ServerStartTime = state.ServerStartTime;
        for (var i = 0; i < state.Subscriptions.Count; i++)
        {
            var saved = state.Subscriptions[i];
            var durable = host.LastDurable(saved.Incarnation);
            var tracked = durable is { } last
                ? new TrackedSubscription(saved, NotificationNumbers.Next(last.Everywhere), NotificationNumbers.Next(last.Anywhere))
                : new TrackedSubscription(saved, expected: 0, notTaken: 0);
            tracked.OnBreak();
            if (i < state.Subscriptions.Count - 1)
            {
                tracked.Retire(now: 0);
            }

            Subscriptions.Add(tracked);
        }
    }

    /// <summary>What has to be saved now; a lost subscription stays in it until the loss is in the books.</summary>
    public SavedState ToSave() =>
        new(Session!, ServerStartTime, [.. Lost.Select(l => l.Subscription.Saved), .. Subscriptions.Select(s => s.Saved)]);

    public void Lose(TrackedSubscription subscription, string cause)
    {
        subscription.IsAttached = false;
        if (Subscriptions.Remove(subscription) && !subscription.IsDrained)
        {
            Lost.Add(new LostSubscription(subscription, cause));
        }
    }

    public void Count(in ArrivedNotification notification)
    {
        Interlocked.Increment(ref _notifications);
        Interlocked.Add(ref _values, notification.Batch.Count);
        if (notification.IsRepublished)
        {
            Interlocked.Increment(ref _republished);
        }
    }
}
