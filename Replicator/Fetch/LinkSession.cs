using System.Collections.Concurrent;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>One session with a source: numbers, pending answers, the running transfer. Thread-safe.</summary>
internal sealed class LinkSession(UInt128 id, SessionKeys keys, HelloReply terms, TimeProvider time)
{
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<TransferReply>> _pending = new();
    private readonly ReplayWindow _replies = new();
    private readonly Lock _gate = new();
    private ulong _number;
    private long _lastHeard = time.GetTimestamp();

    public UInt128 Id => id;

    public SessionKeys Keys => keys;

    public HelloReply Terms => terms;

    /// <summary>How long nothing has come that only the source can have sent.</summary>
    public TimeSpan Silence => time.GetElapsedTime(Interlocked.Read(ref _lastHeard));

    /// <summary>True when the source said that it started anew and nothing of this session has come since.</summary>
    public bool IsSuspect { get; set; }

    public void Heard()
    {
        IsSuspect = false;
        Interlocked.Exchange(ref _lastHeard, time.GetTimestamp());
    }

    /// <summary>The transfer whose chunks are taken now.</summary>
    public ActiveTransfer? Transfer { get; set; }

    /// <summary>A new request number, and the answer to it, which may never come.</summary>
    public (ulong Number, Task<TransferReply> Answer) Begin()
    {
        var number = Interlocked.Increment(ref _number);
        var answer = new TaskCompletionSource<TransferReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[number] = answer;
        return (number, answer.Task);
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
        if (_pending.TryRemove(reply.RequestNumber, out var answer))
        {
            answer.SetResult(reply);
        }
    }

    public bool TakeNumber(ulong number)
    {
        lock (_gate)
        {
            return _replies.TryTake(number);
        }
    }
}

/// <summary>A transfer within a session.</summary>
internal sealed record ActiveTransfer(ulong Id, DirectionKey Key, BlockDownload Download, Action Arrived);
