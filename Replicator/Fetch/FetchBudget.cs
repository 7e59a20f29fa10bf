namespace ZfRepl.Replicator.Fetch;

/// <summary>
/// One bound for the bytes that several sources' blocks take at once. Whoever wants some waits for its turn; the turns go round
/// the sources, so that a large backlog of one does not keep the others from getting theirs. Thread-safe.
/// </summary>
internal sealed class FetchBudget
{
    /// <summary>
    /// What a small block counts at least: each is two messages at the broker, and brokers bound messages as well as bytes
    /// (Mosquitto queues 1,000 for a client).
    /// </summary>
    public const long MinBytes = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Lane> _lanes = new(StringComparer.Ordinal);
    private readonly LinkedList<Lane> _turns = [];
    private readonly long _totalBytes;
    private readonly long _sourceBytes;
    private long _used;

    /// <summary>A budget of which nothing is used.</summary>
    /// <param name="totalBytes">The bound for all sources together.</param>
    /// <param name="sourceBytes">The bound for one of them.</param>
    public FetchBudget(long totalBytes, long sourceBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(totalBytes, MinBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceBytes, MinBytes);
        _totalBytes = totalBytes;
        _sourceBytes = sourceBytes;
    }

    /// <summary>What is used now, in bytes; a block that is larger than the whole counts as the whole.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_gate)
            {
                return _used;
            }
        }
    }

    /// <summary>Waits for a share. What is larger than the whole gets the whole, alone.</summary>
    public async Task<Lease> TakeAsync(string source, long bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var waiter = new Waiter(Math.Clamp(bytes, MinBytes, _totalBytes));
        lock (_gate)
        {
            if (!_lanes.TryGetValue(source, out var lane))
            {
                _lanes.Add(source, lane = new Lane());
            }

            lane.Waiting.Enqueue(waiter);
            if (lane.Waiting.Count == 1)
            {
                _turns.AddLast(lane);
            }

            Grant();
        }

        await using var registration = cancellationToken.UnsafeRegister(
            (_, token) =>
            {
                if (waiter.Granted.TrySetCanceled(token))
                {
                    lock (_gate)
                    {
                        Grant();
                    }
                }
            },
            null);
        return await waiter.Granted.Task;
    }

    /// <summary>Gives shares away as long as the next one whose turn it is finds room.</summary>
    private void Grant()
    {
        var node = _turns.First;
        while (node is not null)
        {
            var lane = node.Value;
            while (lane.Waiting.TryPeek(out var gone) && gone.Granted.Task.IsCompleted)
            {
                lane.Waiting.Dequeue();
            }

            if (!lane.Waiting.TryPeek(out var waiter))
            {
                var empty = node;
                node = node.Next;
                _turns.Remove(empty);
                continue;
            }

            if (lane.Used > 0 && lane.Used + waiter.Bytes > _sourceBytes)
            {
                // It has its part: the others go on without it.
                node = node.Next;
                continue;
            }

            if (_used > 0 && _used + waiter.Bytes > _totalBytes)
            {
                // Whose turn it is waits until there is room: were smaller ones let past, it might wait for ever.
                return;
            }

            if (waiter.Granted.TrySetResult(new Lease(this, lane, waiter.Bytes)))
            {
                lane.Used += waiter.Bytes;
                _used += waiter.Bytes;
            }

            lane.Waiting.Dequeue();
            _turns.Remove(node);
            if (lane.Waiting.Count > 0)
            {
                _turns.AddLast(node);
            }

            node = _turns.First;
        }
    }

    private void GiveBack(Lane lane, long bytes)
    {
        lock (_gate)
        {
            lane.Used -= bytes;
            _used -= bytes;
            Grant();
        }
    }

    /// <summary>A share of the budget; disposing gives it back.</summary>
    internal sealed class Lease : IDisposable
    {
        private readonly FetchBudget _budget;
        private readonly Lane _lane;
        private long _bytes;

        internal Lease(FetchBudget budget, Lane lane, long bytes)
        {
            _budget = budget;
            _lane = lane;
            _bytes = bytes;
        }

        /// <summary>Gives back what turned out not to be needed.</summary>
        public void Shrink(long bytes)
        {
            var wanted = Math.Max(bytes, MinBytes);
            while (Interlocked.Read(ref _bytes) is var held && wanted < held)
            {
                if (Interlocked.CompareExchange(ref _bytes, wanted, held) == held)
                {
                    _budget.GiveBack(_lane, held - wanted);
                    return;
                }
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _bytes, 0) is > 0 and var held)
            {
                _budget.GiveBack(_lane, held);
            }
        }
    }

    /// <summary>One source's share, and who of it waits.</summary>
    internal sealed class Lane
    {
        public Queue<Waiter> Waiting { get; } = new();

        public long Used { get; set; }
    }

    /// <summary>Somebody who waits.</summary>
    internal sealed record Waiter(long Bytes)
    {
        public TaskCompletionSource<Lease> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
