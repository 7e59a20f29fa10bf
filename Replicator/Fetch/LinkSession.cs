using System.Collections.Concurrent;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>One session with a source: numbers, pending answers, running transfers. Thread-safe.</summary>
internal sealed class LinkSession(UInt128 id, ApiKey key, SessionKeys keys, HelloReply terms, TimeProvider time)
{
    private readonly ConcurrentDictionary<ulong, Pending> _pending = new();
    private readonly ConcurrentDictionary<ulong, ActiveTransfer> _transfers = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ReplayWindow _replies = new();
    private readonly Lock _gate = new();
    private ulong _number;
    private long _lastHeard = time.GetTimestamp();
    private long _served;

    public UInt128 Id => id;

    /// <summary>What the session's keys were derived from.</summary>
    public ApiKey Key => key;

    public SessionKeys Keys => keys;

    public HelloReply Terms => terms;

    /// <summary>How long nothing has come that only the source can have sent.</summary>
    public TimeSpan Silence => time.GetElapsedTime(Interlocked.Read(ref _lastHeard));

    /// <summary>True when the source said that it started anew and nothing of this session has come since.</summary>
    public bool IsSuspect { get; set; }

    /// <summary>Ends when nobody uses the session any more: no answer will come.</summary>
    public Task Ended => _ended.Task;

    /// <summary>True while chunks are awaited.</summary>
    public bool HasTransfers => !_transfers.IsEmpty;

    /// <summary>The request whose chunks came last: what was asked for before it and is not here got lost, as far as the bus keeps the order.</summary>
    public ulong Served => (ulong)Interlocked.Read(ref _served);

    public void Heard()
    {
        IsSuspect = false;
        Interlocked.Exchange(ref _lastHeard, time.GetTimestamp());
    }

    public void End() => _ended.TrySetResult();

    /// <summary>Takes chunks of a transfer from now on.</summary>
    public void Add(ActiveTransfer transfer) => _transfers[transfer.Id] = transfer;

    /// <summary>Takes none any more.</summary>
    public void Remove(ActiveTransfer transfer) => _transfers.TryRemove(transfer.Id, out _);

    public ActiveTransfer? FindTransfer(ulong transferId) => _transfers.GetValueOrDefault(transferId);

    /// <summary>A chunk of a transfer has come.</summary>
    public void ServedChunk(ActiveTransfer transfer)
    {
        var asked = (long)transfer.AskedBy;
        while (Interlocked.Read(ref _served) is var served && asked > served)
        {
            if (Interlocked.CompareExchange(ref _served, asked, served) == served)
            {
                return;
            }
        }
    }

    /// <summary>A new request number, and the answer to it, which may never come.</summary>
    /// <param name="taken">Called with the answer before the next message is looked at; null where that does not matter.</param>
    public (ulong Number, Task<TransferReply> Answer) Begin(Action<TransferReply>? taken = null)
    {
        var number = Interlocked.Increment(ref _number);
        var pending = new Pending(taken);
        _pending[number] = pending;
        return (number, pending.Answer.Task);
    }

    /// <summary>Nobody waits for these answers any more.</summary>
    public void End(IEnumerable<ulong> numbers)
    {
        foreach (var number in numbers)
        {
            _pending.TryRemove(number, out _);
        }
    }

    /// <summary>Gives an answer to who waits for it; one that nobody waits for is dropped.</summary>
    public void Complete(TransferReply reply)
    {
        if (_pending.TryRemove(reply.RequestNumber, out var pending))
        {
            pending.Taken?.Invoke(reply);
            pending.Answer.SetResult(reply);
        }
    }

    public bool TakeNumber(ulong number)
    {
        lock (_gate)
        {
            return _replies.TryTake(number);
        }
    }

    private sealed record Pending(Action<TransferReply>? Taken)
    {
        public TaskCompletionSource<TransferReply> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>A transfer within a session.</summary>
internal sealed record ActiveTransfer(ulong Id, DirectionKey Key, BlockDownload Download, Action Arrived)
{
    private ulong _askedBy;

    /// <summary>The number of the request that asked for its chunks last.</summary>
    public ulong AskedBy
    {
        get => Volatile.Read(ref _askedBy);
        set => Volatile.Write(ref _askedBy, value);
    }
}
