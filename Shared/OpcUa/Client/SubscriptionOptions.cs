using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>Which small changes the server leaves out (OPC 10000-4, 7.22.2).</summary>
public enum DeadbandType
{
    /// <summary>None: every change counts.</summary>
    None = 0,

    /// <summary>Changes by no more than so much, in the item's unit.</summary>
    Absolute = 1,

    /// <summary>Changes by no more than so many percent of the item's range (EURange).</summary>
    Percent = 2,
}

/// <summary>One node to watch.</summary>
/// <param name="Node">The node, in the form that survives a restart of the server.</param>
/// <param name="Key">The caller's own name for it, not empty; it comes back with every change and is unique in a subscription.</param>
/// <param name="SamplingInterval">How often the server looks; zero means every change.</param>
/// <param name="QueueSize">How many values the server keeps until they are sent; at least 2, so that an overflow is flagged.</param>
/// <param name="Deadband">Which small changes are left out.</param>
/// <param name="DeadbandValue">How small, in the item's unit or in percent.</param>
public sealed record WatchedItem(
    ExpandedNodeId Node,
    string Key,
    TimeSpan SamplingInterval,
    int QueueSize,
    DeadbandType Deadband = DeadbandType.None,
    double DeadbandValue = 0);

/// <summary>How a subscription is kept.</summary>
public sealed record SubscriptionOptions
{
    /// <summary>How often the server sends what has changed.</summary>
    public TimeSpan PublishingInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>After how long without changes the server says that it is still there.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the server keeps the subscription without a client.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The most values in one notification; zero leaves it to the server.</summary>
    public int NotificationValuesMax { get; init; } = 10_000;

    /// <summary>How many notifications may be with the host without being durable; beyond that no further one is asked for.</summary>
    public int UnacknowledgedMax { get; init; } = 32;
}
