namespace ZfRepl.OpcUa.Server;

/// <summary>The parameters of a subscription as the server granted them (OPC 10000-4, 5.14.2).</summary>
/// <param name="PublishingIntervalMs">In milliseconds.</param>
/// <param name="KeepAliveCount">Publishing intervals without a message after which a keep-alive is sent.</param>
/// <param name="LifetimeCount">Publishing intervals without its client after which the subscription ends.</param>
/// <param name="ValuesMax">The most values in one notification.</param>
/// <param name="Priority">Which subscription goes first when Publish requests are short.</param>
internal readonly record struct SubscriptionSettings(
    double PublishingIntervalMs, uint KeepAliveCount, uint LifetimeCount, int ValuesMax, byte Priority)
{
    private const uint KeepAliveCountMax = 1_000_000;

    /// <summary>Brings what a client asks for into the server's bounds.</summary>
    public static SubscriptionSettings Revise(
        UaServerOptions options, double intervalMs, uint lifetimeCount, uint keepAliveCount, uint valuesMax, byte priority)
    {
        var least = options.PublishingIntervalMin.TotalMilliseconds;
        var interval = double.IsNaN(intervalMs) ? least : Math.Clamp(intervalMs, least, options.PublishingIntervalMax.TotalMilliseconds);

        // A client is to be heard of three times within the lifetime at least.
        var longest = (uint)Math.Clamp(options.SubscriptionLifetimeMax.TotalMilliseconds / interval, 3, 3.0 * KeepAliveCountMax);
        var keepAlive = Math.Clamp(keepAliveCount == 0 ? 10 : keepAliveCount, 1, longest / 3);
        var lifetime = Math.Clamp(lifetimeCount, 3 * keepAlive, longest);
        var values = (int)Math.Min(valuesMax == 0 ? uint.MaxValue : valuesMax, (uint)options.NotificationValuesMax);
        return new SubscriptionSettings(interval, keepAlive, lifetime, values, priority);
    }
}
