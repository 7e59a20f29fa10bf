using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>A notification that has arrived and was not handed over yet.</summary>
/// <param name="Number">Its number.</param>
/// <param name="PublishTime">When the server sent it.</param>
/// <param name="IsRepublished">True when it was asked for again.</param>
/// <param name="Batch">Its changes.</param>
internal readonly record struct ArrivedNotification(uint Number, UaDateTime PublishTime, bool IsRepublished, DataChangeBatch Batch);

/// <summary>
/// Where a subscription stands: the number that is due next, what has arrived ahead of it, and what is known to be missing. It lives
/// through reconnects within a process. Pure bookkeeping, for one caller.
/// </summary>
internal sealed class TrackedSubscription
{
    /// <summary>A number is given up when asking for it has ended so many connections: it would end each further one, too.</summary>
    private const int FatalEndsMax = 3;

    /// <summary>Among more missing numbers than this the oldest are taken for lost without asking: no server keeps so many.</summary>
    private const uint AskForAtMost = 8192;

    private readonly Dictionary<uint, ArrivedNotification> _arrived = [];
    private uint _notTaken;
    private uint _fatalNumber;
    private int _fatalEnds;

    /// <param name="saved">The subscription.</param>
    /// <param name="expected">The number that is due next; zero when nobody knows.</param>
    /// <param name="notTaken">
    /// The first number of which the host has nothing; those from <paramref name="expected"/> to here it may have in part, and they were
    /// acknowledged if the server does not have them. Zero when nobody knows.
    /// </param>
    public TrackedSubscription(SavedSubscription saved, uint expected, uint notTaken)
    {
        Saved = saved;
        Keys = [.. saved.Items.Select(i => i.Key)];
        Expected = expected;
        KnownNext = notTaken == 0 ? expected : notTaken;
        _notTaken = notTaken == expected ? 0 : notTaken;
    }

    public SavedSubscription Saved { get; }

    public uint Id => Saved.Id;

    public IReadOnlyList<string> Keys { get; }

    /// <summary>The number that is due next; zero when nobody knows.</summary>
    public uint Expected { get; private set; }

    /// <summary>Every number before this one was given out by the server.</summary>
    public uint KnownNext { get; private set; }

    /// <summary>The first number before <see cref="Expected"/> that the server does not have any more; zero when there is none.</summary>
    public uint MissingFirst { get; private set; }

    /// <summary>Why the numbers are missing.</summary>
    public string MissingCause { get; private set; } = "";

    /// <summary>How the last connection ended that a notification has ended.</summary>
    public string FatalCause { get; private set; } = "";

    /// <summary>The publish time of the last notification that was handed over; null time when there was none in this process.</summary>
    public UaDateTime LastPublishTime { get; private set; }

    /// <summary>True after a break, until the server was asked for everything it had sent into it.</summary>
    public bool IsTailUnknown { get; private set; }

    /// <summary>
    /// A number that may be missing without being a loss: some servers number the notice to the former session when a subscription is
    /// transferred. Zero when there is none.
    /// </summary>
    public uint NoticeOfTransfer { get; private set; }

    /// <summary>True until what earlier processes have left unacknowledged was looked for.</summary>
    public bool IsUnswept { get; set; }

    /// <summary>True while the subscription belongs to the present session.</summary>
    public bool IsAttached { get; set; }

    /// <summary>True when another subscription has taken its place, and only what it still holds is wanted.</summary>
    public bool IsRetiring { get; private set; }

    /// <summary>True when what it held when its successor began has arrived; what comes later is the successor's too.</summary>
    public bool IsDrained { get; private set; }

    /// <summary>
    /// The last Publish that was sent before the server had taken everything into messages that was in the items' queues when the successor began;
    /// null until that is sure. Servers do it once in a publishing interval, so the first answers may leave something behind.
    /// </summary>
    public long? RetiredAfterOrder { get; private set; }

    /// <summary>When the successor began.</summary>
    public long RetiredAt { get; private set; }

    public int ArrivedCount => _arrived.Count;

    /// <summary>True when a number that the server has given out is due and has not arrived.</summary>
    public bool HasGap => Expected != 0 && KnownNext != Expected && !_arrived.ContainsKey(Expected);

    /// <summary>The connection was broken: what was sent into the break has to be asked for.</summary>
    public void OnBreak()
    {
        IsAttached = false;
        IsTailUnknown = true;
        IsUnswept = true;
        NoticeOfTransfer = 0;
        RetiredAfterOrder = null;
    }

    /// <summary>Another subscription takes its place.</summary>
    public void Retire(long now)
    {
        IsRetiring = true;
        RetiredAfterOrder = null;
        RetiredAt = now;
    }

    /// <summary>Some publishing intervals have passed since the successor began: an answer to a later Publish may be the last one.</summary>
    public void OnQueuesTaken(long lastOrder) => RetiredAfterOrder ??= lastOrder;

    /// <summary>Notes if the answer to a Publish was the last one that matters of a subscription that is being drained.</summary>
    public void OnAnswer(long order, bool moreNotifications) =>
        IsDrained |= IsRetiring && RetiredAfterOrder is { } last && order > last && !moreNotifications;

    /// <summary>The subscription was moved to this session, and the server has told which numbers it holds.</summary>
    public void OnTransferred(uint[] available)
    {
        foreach (var number in available)
        {
            // The list is in order of sending: the first one is the oldest.
            BeginAt(number);
        }

        foreach (var number in available)
        {
            OnGivenOut(number);
        }

        NoticeOfTransfer = Expected == 0 ? 0 : KnownNext;
    }

    /// <summary>The server was asked for everything that it sent into a break.</summary>
    public void OnTailKnown() => IsTailUnknown = false;

    /// <summary>A notification has arrived.</summary>
    /// <returns>False when it was there before; the caller keeps the batch.</returns>
    public bool OnArrived(in ArrivedNotification notification, uint[] available)
    {
        BeginAtLowest(available, notification.Number);
        if (notification.Number == 0 || IsBefore(notification.Number) || !_arrived.TryAdd(notification.Number, notification))
        {
            return false;
        }

        OnGivenOut(notification.Number);
        return true;
    }

    /// <summary>A keep-alive has arrived; it names the number that the next notification will have.</summary>
    public void OnKeepAlive(uint next, uint[] available)
    {
        if (next == 0)
        {
            return;
        }

        BeginAtLowest(available, next);
        if (NotificationNumbers.IsAfter(next, KnownNext))
        {
            KnownNext = next;
        }
    }

    /// <summary>True when the number was handed over or given up.</summary>
    public bool IsBefore(uint number) => Expected != 0 && NotificationNumbers.IsAfter(Expected, number);

    /// <summary>The notification that is due, if it has arrived.</summary>
    public bool TryPeek(out ArrivedNotification notification) => _arrived.TryGetValue(Expected, out notification);

    /// <summary>The notification that is due was handed over.</summary>
    public void OnTaken(in ArrivedNotification notification)
    {
        _arrived.Remove(notification.Number);
        LastPublishTime = notification.PublishTime;
        Advance(notification.Number);
        if (NotificationNumbers.IsAfter(Expected, KnownNext))
        {
            KnownNext = Expected;
        }

        if (IsBefore(NoticeOfTransfer))
        {
            NoticeOfTransfer = 0;
        }
    }

    /// <summary>The server does not have the number that is due.</summary>
    public void OnMissing(string cause)
    {
        // Before that number the host has it in part or as a whole, and what is not at the server any more was acknowledged.
        if (MissingFirst == 0 && _notTaken == 0)
        {
            MissingFirst = Expected;
            MissingCause = cause;
        }

        Advance(Expected);
    }

    /// <summary>The answer to a Republish of this number has ended the connection, and the answer itself was the cause.</summary>
    public void OnFatal(uint number, string cause)
    {
        _fatalEnds = number == _fatalNumber ? _fatalEnds + 1 : 1;
        _fatalNumber = number;
        FatalCause = cause;
    }

    /// <summary>With no memory of the subscription, this number is the first one.</summary>
    public void BeginAt(uint number)
    {
        if (Expected == 0 && number != 0)
        {
            Expected = KnownNext = number;
        }
    }

    /// <summary>True when the number must not be asked for any more.</summary>
    public bool IsFatal(uint number) => number == _fatalNumber && _fatalEnds >= FatalEndsMax;

    /// <summary>
    /// Gives up the number that is due although the server has it: it is a loss wherever it is not known to be durable, so it counts as missing
    /// also among those that the host has in part. What was missing before must be in the books.
    /// </summary>
    public void OnGivenUp()
    {
        MissingFirst = Expected;
        MissingCause = FatalCause;
        NoticeOfTransfer = NoticeOfTransfer == Expected ? 0 : NoticeOfTransfer;
        Advance(Expected);
        if (NotificationNumbers.IsAfter(Expected, KnownNext))
        {
            KnownNext = Expected;
        }

        (_fatalNumber, _fatalEnds) = (0, 0);
    }

    /// <summary>Gives up the oldest of very many missing numbers, so that a wild number does not mean millions of requests.</summary>
    public void SkipHopeless()
    {
        var first = _arrived.Count == 0 ? KnownNext : _arrived.Keys.MinBy(n => NotificationNumbers.Distance(Expected, n));
        var distance = NotificationNumbers.Distance(Expected, first);
        if (distance > AskForAtMost && _notTaken == 0)
        {
            MissingFirst = MissingFirst == 0 ? Expected : MissingFirst;
            MissingCause = "so many numbers were skipped that nobody keeps them";
            Expected = unchecked(Expected + (distance - AskForAtMost));
            Expected = Expected == 0 ? 1 : Expected;
        }
    }

    /// <summary>The missing numbers were entered into the books.</summary>
    public void OnMissingRecorded()
    {
        MissingFirst = 0;
        MissingCause = "";
    }

    /// <summary>What has arrived in order of numbers, for handing over what can't be completed any more.</summary>
    public IReadOnlyList<ArrivedNotification> ArrivedInOrder() =>
        [.. _arrived.Values.OrderBy(a => NotificationNumbers.Distance(Expected == 0 ? 1 : Expected, a.Number))];

    private void Advance(uint done)
    {
        Expected = NotificationNumbers.Next(done);
        _notTaken = Expected == _notTaken ? 0 : _notTaken;
    }

    private void OnGivenOut(uint number)
    {
        var next = NotificationNumbers.Next(number);
        if (Expected != 0 && NotificationNumbers.IsAfter(next, KnownNext))
        {
            KnownNext = next;
        }
    }

    /// <summary>With no memory of the subscription, the oldest that the server still has is the first one.</summary>
    private void BeginAtLowest(uint[] available, uint number)
    {
        if (Expected == 0)
        {
            Expected = KnownNext = available.Append(number).Where(n => n != 0 && !NotificationNumbers.IsAfter(n, number))
                .DefaultIfEmpty(number).MaxBy(n => NotificationNumbers.Distance(n, number));
        }
    }
}
