namespace ZfRepl.OpcUa.Client;

/// <summary>How a <see cref="Subscriber"/> is doing; a snapshot. The numbers count since the subscriber was made.</summary>
/// <param name="IsConnected">True while notifications are being received.</param>
/// <param name="Text">A sentence for people: what it is doing, or why it is not connected and what to do about it.</param>
/// <param name="Notifications">Notifications handed to the host.</param>
/// <param name="Values">Values in them.</param>
/// <param name="Republished">Notifications that had to be asked for again.</param>
/// <param name="Reconnects">Connections after the first one.</param>
/// <param name="Items">Items that the server watches.</param>
/// <param name="ItemsRefused">Items that the server refuses; asked for again after half a minute, then less and less often, at least every five minutes, and at the
/// next connect.</param>
public sealed record SubscriberState(
    bool IsConnected, string Text, long Notifications, long Values, long Republished, long Reconnects, int Items, int ItemsRefused);
