using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>One notification, as it was numbered by the server.</summary>
/// <param name="Incarnation">A random number drawn when the subscription was made; sequence numbers of another one mean nothing.</param>
/// <param name="SequenceNumber">The server's number, 1 to 4294967295; after that comes 1 again (OPC 10000-4, 7.8).</param>
/// <param name="PublishTime">When the server sent it.</param>
/// <param name="IsRepublished">True when it had to be asked for again.</param>
/// <param name="Changes">The changes; the host's until the outer task of <see cref="ISubscriptionHost.TakeAsync"/> has ended.</param>
/// <param name="Keys">The keys of the watched items; the client handle in the changes is the index.</param>
public readonly record struct Notification(
    ulong Incarnation, uint SequenceNumber, UaDateTime PublishTime, bool IsRepublished, DataChangeBatch Changes, IReadOnlyList<string> Keys);

/// <summary>Why changes were not received.</summary>
public enum NotificationLossKind
{
    /// <summary>Numbered notifications that the server no longer has.</summary>
    Gap,

    /// <summary>The subscription ended at the server; what changed until the new one is unknown.</summary>
    SubscriptionLost,
}

/// <summary>A hole in what was received; how many values it held is not known.</summary>
/// <param name="Kind">Why.</param>
/// <param name="Incarnation">The subscription.</param>
/// <param name="FirstSequenceNumber">The first missing notification; 0 when not known.</param>
/// <param name="LastSequenceNumber">The last missing notification; 0 when not known.</param>
/// <param name="From">The publish time of the last notification before it, null time when not known.</param>
/// <param name="To">The publish time of the first notification after it, or when it was found.</param>
/// <param name="Detail">A sentence for people.</param>
public sealed record NotificationLoss(
    NotificationLossKind Kind,
    ulong Incarnation,
    uint FirstSequenceNumber,
    uint LastSequenceNumber,
    UaDateTime From,
    UaDateTime To,
    string Detail);

/// <summary>
/// What a <see cref="Subscriber"/> needs of its owner: which items, where to keep its state, and where the changes go. All calls come one
/// after the other from the subscriber's loop; only the inner tasks of <see cref="TakeAsync"/> may be open side by side.
/// </summary>
public interface ISubscriptionHost
{
    /// <summary>
    /// The items to watch; asked for after every connect, so that it can browse. When the answer differs from what the running subscription
    /// watches, the subscriber makes a new subscription, drains the old one and deletes it.
    /// </summary>
    ValueTask<UaResult<IReadOnlyList<WatchedItem>>> SelectItemsAsync(Session session, CancellationToken cancellationToken);

    /// <summary>The state that was saved last, by this process or an earlier one; null when there is none or it can't be read.</summary>
    ValueTask<ReadOnlyMemory<byte>?> LoadStateAsync(CancellationToken cancellationToken);

    /// <summary>Saves the state durably. It holds the session's secret: keep it readable for the service alone.</summary>
    /// <returns>False when it could not be saved; the subscriber goes on and tries again with the next state.</returns>
    ValueTask<bool> SaveStateAsync(ReadOnlyMemory<byte> state, CancellationToken cancellationToken);

    /// <summary>
    /// What an earlier process has left of a subscription: the last notification that is durable everywhere it has to be, 0 for none, and the last
    /// one that is durable anywhere. What lies between them is asked for again and handed in again; where the server does not have it any more, it
    /// was acknowledged, so it is durable everywhere, too. Null when nothing is known.
    /// </summary>
    (uint Everywhere, uint Anywhere)? LastDurable(ulong incarnation);

    /// <summary>Takes a notification; waits while it is too far behind. One that it already has as durable it takes without effect.</summary>
    /// <returns>
    /// When it was taken: a task that ends with true when the changes are durable, so that the server may forget them, and with false when they
    /// will never be; then the subscriber does not acknowledge and ends.
    /// </returns>
    ValueTask<Task<bool>> TakeAsync(Notification notification, CancellationToken cancellationToken);

    /// <summary>Enters a hole into the books.</summary>
    /// <returns>True when that is durable; false lets the subscriber end.</returns>
    Task<bool> RecordLossAsync(NotificationLoss loss, CancellationToken cancellationToken);
}
