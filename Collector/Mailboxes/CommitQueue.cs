using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>What goes to disk in one write and one sync. Owned by the committer until <see cref="Complete"/>.</summary>
internal sealed class Commit(ByteWriter frames, ulong firstSequence, ushort number)
{
    private readonly TaskCompletionSource _durable = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whole frames, numbered.</summary>
    public ByteWriter Frames { get; } = frames;

    /// <summary>Positions that the frames bring, or that only come along: of batches of which nothing was taken.</summary>
    public SourcePositionSet Positions { get; } = [];

    /// <summary>The sources of which events are in the frames.</summary>
    public HashSet<string> Sources { get; } = new(StringComparer.Ordinal);

    public ulong FirstSequence { get; } = firstSequence;

    /// <summary>The commit's number, modulo 65,536; frames carry it.</summary>
    public ushort Number { get; } = number;

    /// <summary>Where the last frame begins.</summary>
    public int LastFrameOffset { get; set; }

    public ulong NextSequence { get; set; }

    /// <summary>How many appends wait for it.</summary>
    public int Appends { get; set; }

    public uint FrameCount { get; set; }

    public uint EventCount { get; set; }

    public long MinTimeNs { get; set; } = long.MaxValue;

    public long MaxTimeNs { get; set; } = long.MinValue;

    /// <summary>Ends when everything here is durable.</summary>
    public Task Durable => _durable.Task;

    public FrameStats Stats => new(FrameCount, EventCount, NextSequence, MinTimeNs, MaxTimeNs);

    public void Complete() => _durable.SetResult();

    public void Abandon() => _durable.TrySetCanceled();
}

/// <summary>
/// Gathers appends from several sources into the next commit: encodes at once, so that the caller's batch is free again, and gives
/// the sequence numbers. Thread-safe.
/// </summary>
internal sealed class CommitQueue(MailboxOptions options, ulong streamTag, ulong nextSequence, IEnumerable<SourcePosition> positions)
{
    private const int FrameTargetBytes = 256 * 1024;
    private const int MaxRecentLosses = 1000;
    private const int SmallBufferBytes = 64 * 1024;

    // A buffer that a flood made large goes when so many commits in a row fill little of it.
    private const int CommitsUntilShrunk = 256;

    private readonly Lock _gate = new();
    private readonly EventFrameBuilder _builder = new();
    private readonly SourcePositionSet _taken = new(positions);
    private readonly Dictionary<LossReason, ulong> _losses = [];
    private readonly Queue<LossRecord> _recentLosses = new();
    private DroppedEvents _dropped;
    private Commit _next = new(new ByteWriter(SmallBufferBytes), nextSequence, 1);
    private Commit? _inFlight;
    private ByteWriter? _spare;
    private int _smallCommits;
    private OidTable? _oids;
    private ulong _nextSequence = nextSequence;
    private TaskCompletionSource _full = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the next commit is large enough to go at once.</summary>
    public Task Full
    {
        get
        {
            lock (_gate)
            {
                return _full.Task;
            }
        }
    }

    /// <summary>The commit to wait for before more may be appended, or null when there is room.</summary>
    public Task? Congestion
    {
        get
        {
            lock (_gate)
            {
                var bytes = PendingBytes + (_inFlight?.Frames.Length ?? 0);
                var appends = _next.Appends + (_inFlight?.Appends ?? 0);
                return bytes < options.MaxPendingBytes && appends < options.MaxPendingAppends ? null : (_inFlight ?? _next).Durable;
            }
        }
    }

    /// <summary>As <see cref="Congestion"/>, at a quarter of the limits: what may wait for its turn waits for this.</summary>
    public Task? Pressure
    {
        get
        {
            lock (_gate)
            {
                var bytes = PendingBytes + (_inFlight?.Frames.Length ?? 0);
                var appends = _next.Appends + (_inFlight?.Appends ?? 0);
                return bytes < options.MaxPendingBytes / 4 && appends < (options.MaxPendingAppends + 3) / 4 ? null : (_inFlight ?? _next).Durable;
            }
        }
    }

    /// <summary>Ends when everything that was appended so far is durable.</summary>
    public Task Pending
    {
        get
        {
            lock (_gate)
            {
                return _next.FrameCount > 0 || _builder.Count > 0 ? _next.Durable : _inFlight?.Durable ?? Task.CompletedTask;
            }
        }
    }

    /// <summary>Records of loss made so far, in events at least, by reason.</summary>
    public IReadOnlyDictionary<string, ulong> LossesByReason
    {
        get
        {
            lock (_gate)
            {
                return _losses.ToDictionary(l => l.Key.ToString(), l => l.Value, StringComparer.Ordinal);
            }
        }
    }

    /// <summary>The newest entries of the ledger that this process made or carried over, the oldest first.</summary>
    public IReadOnlyList<LossRecord> RecentLosses
    {
        get
        {
            lock (_gate)
            {
                return [.. _recentLosses];
            }
        }
    }

    private int PendingBytes => _next.Frames.Length + (_builder.Count > 0 ? _builder.EstimatedBytes : 0);

    /// <summary>
    /// Appends the matching events of a batch.
    /// </summary>
    /// <param name="batch">The events; not kept.</param>
    /// <param name="matches">For each item number of the batch's table, whether it is taken.</param>
    /// <param name="position">Where the batch stands in its source's numbering, or null.</param>
    /// <param name="nowNs">The wall clock, for records of loss.</param>
    /// <returns>Ends when the events are durable; an ended task when there is nothing to wait for.</returns>
    public Task Append(EventBatch batch, Func<int, bool> matches, SourcePosition? position, long nowNs)
    {
        lock (_gate)
        {
            if (position is { } p && _taken.Covers(p))
            {
                return _next.Sources.Contains(p.Source) ? _next.Durable : _inFlight?.Durable ?? Task.CompletedTask;
            }

            UseTable(batch.Oids);
            var before = (_next.FrameCount, _builder.Count);
            for (var i = 0; i < batch.Count; i++)
            {
                if (matches(batch.Items[i]))
                {
                    AppendEvent(batch, i, nowNs);
                }
            }

            // Where nothing was taken the position comes along with the next commit, whenever that is: else the next process would take
            // what was acknowledged since the last match for a gap.
            var isTaken = before != (_next.FrameCount, _builder.Count);
            if (position is { } taken)
            {
                _taken.Set(taken);
                _next.Positions.Set(taken);
                if (isTaken)
                {
                    _next.Sources.Add(taken.Source);
                }
            }

            if (!isTaken)
            {
                return Task.CompletedTask;
            }

            _next.Appends++;
            SignalWhenFull();
            return _next.Durable;
        }
    }

    /// <summary>
    /// Gives the matching events of a batch up because the queue is full. They share one entry of the ledger with the others that are given up until
    /// the next commit, so that what is dropped needs no room in the queue either.
    /// </summary>
    /// <returns>Ends when the entry is durable; an ended task when nothing matched, or the batch was taken before.</returns>
    public Task Drop(EventBatch batch, Func<int, bool> matches, SourcePosition? position, long nowNs)
    {
        lock (_gate)
        {
            if (position is { } p && _taken.Covers(p))
            {
                return _next.Sources.Contains(p.Source) ? _next.Durable : _inFlight?.Durable ?? Task.CompletedTask;
            }

            var before = _dropped.Count;
            for (var i = 0; i < batch.Count; i++)
            {
                if (matches(batch.Items[i]))
                {
                    _dropped.Add(batch.TimesNs[i], nowNs);
                }
            }

            if (position is { } taken)
            {
                _taken.Set(taken);
                _next.Positions.Set(taken);
                if (_dropped.Count != before)
                {
                    _next.Sources.Add(taken.Source);
                }
            }

            return _dropped.Count == before ? Task.CompletedTask : _next.Durable;
        }
    }

    /// <summary>Appends an entry of the loss ledger.</summary>
    /// <param name="record">The entry.</param>
    /// <param name="isCarriedOver">True for one that was counted before, in a block that is given up.</param>
    /// <returns>Ends when it is durable.</returns>
    public Task AppendLoss(LossRecord record, bool isCarriedOver = false)
    {
        lock (_gate)
        {
            FinishFrame();
            WriteLoss(record, isCarriedOver);
            return _next.Durable;
        }
    }

    /// <summary>How far a source's notifications were taken; null when none of this incarnation was.</summary>
    public ulong? LastTaken(string source, ulong incarnation)
    {
        lock (_gate)
        {
            return _taken.LastOf(source, incarnation);
        }
    }

    /// <summary>True when a position of this source is known, of whatever incarnation.</summary>
    public bool HasTaken(string source)
    {
        lock (_gate)
        {
            return _taken.Knows(source);
        }
    }

    /// <summary>Takes what was gathered; it must be completed before the next is taken. Null when there is nothing.</summary>
    /// <param name="isLast">True at an orderly end: then positions alone are worth a commit.</param>
    public Commit? Take(bool isLast = false)
    {
        lock (_gate)
        {
            if (_inFlight is not null)
            {
                throw new InvalidOperationException("The commit before was not completed.");
            }

            FinishFrame();
            if (_dropped.Count > 0)
            {
                WriteLoss(_dropped.ToRecord(), isCarriedOver: false);
                _dropped = default;
            }

            if (_next.FrameCount == 0 && !(isLast && _next.Positions.Count > 0))
            {
                return null;
            }

            foreach (var position in _next.Positions)
            {
                position.AppendFrame(BeginFrame(), streamTag, _nextSequence, _next.Number);
            }

            FrameHeader.MarkCommitEnd(_next.Frames.Patch(_next.LastFrameOffset, FrameHeader.SizeBytes));

            _inFlight = _next;
            _inFlight.NextSequence = _nextSequence;
            _next = new Commit(_spare ?? new ByteWriter(SmallBufferBytes), _nextSequence, unchecked((ushort)(_inFlight.Number + 1)));
            _spare = null;
            _full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _inFlight;
        }
    }

    /// <summary>The taken commit is durable.</summary>
    public void Completed(Commit commit)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(commit, _inFlight))
            {
                throw new InvalidOperationException("Another commit is in flight.");
            }

            _inFlight = null;
            _smallCommits = commit.Frames.Length < commit.Frames.Capacity / 8 ? _smallCommits + 1 : 0;
            if (_smallCommits < CommitsUntilShrunk || commit.Frames.Capacity <= SmallBufferBytes)
            {
                commit.Frames.Clear();
                _spare = commit.Frames;
            }
            else
            {
                _smallCommits = 0;
            }
        }

        commit.Complete();
    }

    /// <summary>Nothing more will be written: everybody who waits learns that it was not accepted.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            _inFlight?.Abandon();
            _next.Abandon();
        }
    }

    private void AppendEvent(EventBatch batch, int index, long nowNs)
    {
        if (batch.References[index] is { } reference && !EventLimits.Fits(reference))
        {
            FinishFrame();
            var oid = batch.Oids[batch.Items[index]].Text;
            var timeNs = batch.TimesNs[index];
            WriteLoss(
                new LossRecord(
                    LossReason.TooLarge, 0, 0, 1, IsExact: true, timeNs, timeNs, nowNs, oid,
                    $"the value is larger than {EventLimits.MaxValueBytes} bytes or nested too deep"),
                isCarriedOver: false);
            return;
        }

        _builder.Append(batch, index);
        if (_builder.EstimatedBytes >= FrameTargetBytes)
        {
            FinishFrame();
        }
    }

    private void WriteLoss(LossRecord record, bool isCarriedOver)
    {
        record.AppendFrame(BeginFrame(), streamTag, _nextSequence, _next.Number);
        if (!isCarriedOver)
        {
            _losses[record.Reason] = _losses.GetValueOrDefault(record.Reason) + record.Count;
        }

        if (_recentLosses.Count == MaxRecentLosses)
        {
            _recentLosses.Dequeue();
        }

        _recentLosses.Enqueue(record);
    }

    private void UseTable(OidTable oids)
    {
        if (!ReferenceEquals(oids, _oids))
        {
            FinishFrame();
            _oids = oids;
        }
    }

    private void FinishFrame()
    {
        if (_builder.Count == 0)
        {
            return;
        }

        var count = (uint)_builder.Count;
        _next.MinTimeNs = Math.Min(_next.MinTimeNs, _builder.MinTimeNs);
        _next.MaxTimeNs = Math.Max(_next.MaxTimeNs, _builder.MaxTimeNs);
        _builder.Finish(BeginFrame(), streamTag, _nextSequence, _next.Number);
        _nextSequence += count;
        _next.EventCount += count;
    }

    private ByteWriter BeginFrame()
    {
        _next.LastFrameOffset = _next.Frames.Length;
        _next.FrameCount++;
        return _next.Frames;
    }

    private void SignalWhenFull()
    {
        if (PendingBytes >= options.CommitBytes || _next.Appends >= options.MaxPendingAppends / 2)
        {
            _full.TrySetResult();
        }
    }

    /// <summary>Events that were given up since the last commit because the queue was full.</summary>
    private struct DroppedEvents
    {
        private long _minTimeNs;
        private long _maxTimeNs;
        private long _sinceNs;

        public ulong Count { get; private set; }

        public void Add(long timeNs, long nowNs)
        {
            (_minTimeNs, _maxTimeNs, _sinceNs) = Count == 0
                ? (timeNs, timeNs, nowNs)
                : (Math.Min(_minTimeNs, timeNs), Math.Max(_maxTimeNs, timeNs), _sinceNs);
            Count++;
        }

        public readonly LossRecord ToRecord() => new(
            LossReason.QueueFull, 0, 0, Count, IsExact: true, _minTimeNs, _maxTimeNs, _sinceNs, "",
            "the mailbox's queue was full and queue_full is drop; a larger queue_size or a faster disk helps");
    }
}
