using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>An item as it was asked for, with the node id of this server; equality says if two are watched alike.</summary>
/// <param name="Key">The caller's name for it.</param>
/// <param name="Node">The node; null when its namespace does not exist at this server.</param>
/// <param name="SamplingMs">The sampling interval in milliseconds.</param>
/// <param name="QueueSize">The number of values that the server keeps.</param>
/// <param name="Deadband">Which changes are left out.</param>
/// <param name="DeadbandValue">How small they are.</param>
internal sealed record PlannedItem(string Key, NodeId Node, double SamplingMs, uint QueueSize, DeadbandType Deadband, double DeadbandValue);

/// <summary>What is asked of the subscription as a whole; when it changes, a new subscription is needed.</summary>
/// <param name="PublishingMs">The publishing interval in milliseconds.</param>
/// <param name="KeepAliveCount">Keep-alives come after so many intervals.</param>
/// <param name="LifetimeCount">It ends after so many intervals without a client.</param>
/// <param name="NotificationValuesMax">The most values in a notification; zero is the server's choice.</param>
internal sealed record PlannedSubscription(double PublishingMs, uint KeepAliveCount, uint LifetimeCount, uint NotificationValuesMax)
{
    public static PlannedSubscription From(SubscriptionOptions options)
    {
        var interval = Math.Max(1, options.PublishingInterval.TotalMilliseconds);
        var keepAlive = (uint)Math.Clamp(Math.Ceiling(options.KeepAliveInterval.TotalMilliseconds / interval), 1, 1_000_000);
        var lifetime = (uint)Math.Clamp(Math.Ceiling(options.Lifetime.TotalMilliseconds / interval), 3 * keepAlive, 1_000_000_000);
        return new PlannedSubscription(interval, keepAlive, lifetime, (uint)Math.Max(0, options.NotificationValuesMax));
    }
}

/// <summary>A subscription as it is at the server; the client handle of an item is its index.</summary>
internal sealed class SavedSubscription
{
    public required uint Id { get; init; }

    /// <summary>Drawn at random when it was made.</summary>
    public required ulong Incarnation { get; init; }

    public required PlannedSubscription Plan { get; init; }

    /// <summary>As the server revised it.</summary>
    public required double PublishingMs { get; init; }

    /// <summary>As the server revised it.</summary>
    public required uint KeepAliveCount { get; init; }

    /// <summary>As the server revised it.</summary>
    public required uint LifetimeCount { get; init; }

    public required IReadOnlyList<PlannedItem> Items { get; init; }

    /// <summary>For each item if the server watches it.</summary>
    public required bool[] Accepted { get; init; }

    /// <summary>True when the server did not have the namespaces of all items.</summary>
    public bool HasUnresolved => Items.Any(i => i.Node.IsNull);

    public TimeSpan KeepAliveInterval =>
        TimeSpan.FromMilliseconds(Math.Min(PublishingMs * KeepAliveCount, SubscriptionStateCodec.MillisecondsMax));

    public TimeSpan Lifetime => TimeSpan.FromMilliseconds(Math.Min(PublishingMs * LifetimeCount, SubscriptionStateCodec.MillisecondsMax));

    public bool IsWhatWeWant(PlannedSubscription plan, IReadOnlyList<PlannedItem> items) => Plan == plan && Items.SequenceEqual(items);
}

/// <summary>What a new process needs to go on where this one stopped.</summary>
/// <param name="Session">The session; it holds a secret.</param>
/// <param name="ServerStartTime">When the server was started.</param>
/// <param name="Subscriptions">The present subscription, and before it one that is being drained, if any.</param>
internal sealed record SavedState(FormerSession Session, UaDateTime ServerStartTime, IReadOnlyList<SavedSubscription> Subscriptions);
