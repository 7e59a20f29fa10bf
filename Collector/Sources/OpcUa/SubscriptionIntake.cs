using System.Globalization;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Collector.Sources.OpcUa;

/// <summary>
/// Between a subscription and the mailboxes: converts notifications, hands them in with their position, and enters into the books what the
/// server says was lost. A notification is durable, and may be acknowledged, only with its entries in the ledger.
/// </summary>
internal sealed class SubscriptionIntake(
    OpcUaSourceOptions options, IIntake intake, SubscriptionStateFile file, TimeProvider time) : ISubscriptionHost
{
    // Sequence numbers of OPC UA are 32 bits wide and start again with 1; positions are 64 bits wide and never start again.
    private const ulong SequenceNumbers = uint.MaxValue;

    // No fewer than the notifications that a subscriber has with its host at once, now or in an earlier version.
    private const ulong UnderWayMax = 64;

    // The present subscription and the one that is being drained, with some to spare for reconnects.
    private const int WatchesMax = 4;

    private readonly ItemFinder _finder = new(options);
    private readonly EventBatch _batch = new(intake.Oids, capacity: 4096);
    private bool _isRemembered;
    private readonly List<Watch> _watches = [];
    private Watch _watch = new(0, [], [], []);
    private long _overflows;

    /// <summary>How many changes bore the overflow flag since the start.</summary>
    public long Overflows => Interlocked.Read(ref _overflows);

    /// <summary>Nodes that are not watched because they can't be browsed or named.</summary>
    public ItemFinder.Skips Skipped => _finder.Skipped;

    public ValueTask<UaResult<IReadOnlyList<WatchedItem>>> SelectItemsAsync(Session session, CancellationToken cancellationToken) =>
        _finder.FindAsync(session, cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>?> LoadStateAsync(CancellationToken cancellationToken) => new(file.Load());

    /// <inheritdoc/>
    /// <remarks>
    /// Before the first state of this process takes its place: where mailboxes have taken of this source, and no subscription of that time is
    /// remembered, its state was lost, and with it whatever the server still had.
    /// </remarks>
    public async ValueTask<bool> SaveStateAsync(ReadOnlyMemory<byte> state, CancellationToken cancellationToken)
    {
        if (!_isRemembered && intake.HasTaken(options.Name))
        {
            var loss = new NotificationLoss(
                NotificationLossKind.SubscriptionLost, 0, 0, 0, UaDateTime.Null, UaDateTime.From(time.GetUtcNow()),
                "The subscription of the process before is not remembered: what changed since then until now is unknown.");
            if (!await RecordLossAsync(loss, cancellationToken))
            {
                return false;
            }
        }

        _isRemembered = true;
        return file.Save(state);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A mailbox whose filter takes nothing of a notification has no position of it. It need not ask for what is older than the notifications
    /// that can be under way at once: those are acknowledged, so every mailbox has of them what it takes.
    /// </remarks>
    public (uint Everywhere, uint Anywhere)? LastDurable(ulong incarnation)
    {
        _isRemembered = true;
        if (intake.LastTaken(options.Name, incarnation) is not { } anywhere)
        {
            return null;
        }

        var acknowledged = anywhere > UnderWayMax ? anywhere - UnderWayMax : 0;
        var everywhere = Math.Max(acknowledged, intake.LastTakenByAll(options.Name, incarnation));
        return (Number(everywhere), Number(anywhere));
    }

    public async ValueTask<Task<bool>> TakeAsync(Notification notification, CancellationToken cancellationToken)
    {
        Adopt(notification);
        var position = new SourcePosition(options.Name, notification.Incarnation, Extend(notification));
        var nowNs = UnixTime.FromDateTimeOffset(time.GetUtcNow());
        _batch.Clear();
        var found = NotificationConverter.Convert(
            notification.Changes, _watch.Items, _watch.IsFirst, nowNs, intake.NextIeids(Math.Max(1, notification.Changes.Count)), _batch);
        if (found.Overflows == 0)
        {
            return await intake.TakeAsync(_batch, position, cancellationToken);
        }

        // One that was taken before has its entry already.
        var isRepeat = intake.LastTakenByAll(options.Name, notification.Incarnation) >= position.Sequence;
        var booked = isRepeat ? Task.FromResult(true) : BookOverflowAsync(found, nowNs);
        var durable = await intake.TakeAsync(_batch, position, cancellationToken);
        return BothAsync(booked, durable);
    }

    public Task<bool> RecordLossAsync(NotificationLoss loss, CancellationToken cancellationToken) => intake.RecordLossAsync(new LossRecord(
        loss.Kind == NotificationLossKind.Gap ? LossReason.SourceGap : LossReason.SubscriptionLost,
        0,
        0,
        CountOf(loss),
        IsExact: false,
        TimeNs(loss.From),
        TimeNs(loss.To),
        UnixTime.FromDateTimeOffset(time.GetUtcNow()),
        options.Name,
        loss.Detail)).WaitAsync(cancellationToken);

    /// <summary>How many notifications at least; one where the last of them is not known.</summary>
    private static ulong CountOf(NotificationLoss loss) => loss is { Kind: NotificationLossKind.Gap, LastSequenceNumber: not 0 }
        ? unchecked(loss.LastSequenceNumber - loss.FirstSequenceNumber) + 1UL
        : 1;

    private static uint Number(ulong position) => position == 0 ? 0 : (uint)((position - 1) % SequenceNumbers + 1);

    private static async Task<bool> BothAsync(Task<bool> first, Task<bool> second)
    {
        var both = await Task.WhenAll(first, second);
        return both[0] && both[1];
    }

    private static long TimeNs(UaDateTime timestamp) => UnixTime.TryFromFileTime(timestamp.Ticks, 0, out var timeNs) ? timeNs : 0;

    private Task<bool> BookOverflowAsync(in OverflowFindings found, long nowNs)
    {
        Interlocked.Add(ref _overflows, found.Overflows);
        var more = found.Overflows == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" and {found.Overflows - 1} more");
        return intake.RecordLossAsync(new LossRecord(
            LossReason.SourceOverflow,
            0,
            0,
            (ulong)found.Overflows,
            IsExact: false,
            found.MinTimeNs,
            found.MaxTimeNs,
            nowNs,
            options.Name,
            $"the server's queue overflowed just before these values of {_watch.Keys[(int)found.FirstOverflow]}{more}; a larger queue_size helps"));
    }

    /// <summary>Turns to the subscription of a notification. While one replaces another, notifications of both come in turn.</summary>
    private void Adopt(in Notification notification)
    {
        var (incarnation, keys) = (notification.Incarnation, notification.Keys);
        if (ReferenceEquals(_watch.Keys, keys) && _watch.Incarnation == incarnation)
        {
            return;
        }

        if (_watches.Find(w => w.Incarnation == incarnation && ReferenceEquals(w.Keys, keys)) is { } known)
        {
            _watch = known;
            return;
        }

        // A subscription of which nothing was taken yet begins with values that may have been delivered before.
        var isFirst = new bool[keys.Count];
        Array.Fill(isFirst, intake.LastTaken(options.Name, incarnation) is null);
        _watch = new Watch(incarnation, keys, [.. keys.Select(k => intake.Oids.GetOrAdd(Oid.Parse(k)))], isFirst);
        _watches.Add(_watch);
        if (_watches.Count > WatchesMax)
        {
            _watches.RemoveAt(0);
        }
    }

    /// <summary>The number of a notification as one that never starts again.</summary>
    private ulong Extend(in Notification notification)
    {
        if (intake.LastTaken(options.Name, notification.Incarnation) is not { } last)
        {
            return notification.SequenceNumber;
        }

        var round = (last - 1) / SequenceNumbers * SequenceNumbers;
        var candidate = round + notification.SequenceNumber;
        var half = SequenceNumbers / 2;
        return candidate + half < last ? candidate + SequenceNumbers
            : candidate > last + half && candidate > SequenceNumbers ? candidate - SequenceNumbers
            : candidate;
    }

    /// <summary>What is known of one subscription.</summary>
    /// <param name="Incarnation">Its number.</param>
    /// <param name="Keys">The items' names by client handle.</param>
    /// <param name="Items">The items' numbers by client handle.</param>
    /// <param name="IsFirst">For each client handle, whether its next change is the first one of the subscription.</param>
    private sealed record Watch(ulong Incarnation, IReadOnlyList<string> Keys, int[] Items, bool[] IsFirst);
}
