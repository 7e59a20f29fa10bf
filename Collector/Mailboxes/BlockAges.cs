using ZfRepl.Core.Blocks;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>
/// How old blocks are, by the clock that does not step: a machine that starts with its clock in 1970 and sets it later must not give up what it
/// has just collected. Only how old a block of an earlier process was at the start is by the wall clock. Not thread-safe.
/// </summary>
internal sealed class BlockAges
{
    // 2024-01-01: no block was made before, except with a clock that was not set, and that says nothing of its age.
    private const long EarliestNs = 1_704_067_200 * UnixTime.NsPerSecond;

    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Dictionary<ulong, (TimeSpan Age, long At)> _seen = [];

    /// <param name="time">The clock.</param>
    /// <param name="found">The blocks of earlier processes.</param>
    public BlockAges(TimeProvider time, IEnumerable<SealedBlock> found)
    {
        _time = time;
        _start = time.GetTimestamp();
        foreach (var block in found)
        {
            _seen[block.Header.Index] = (block.Header.CreatedNs < EarliestNs ? TimeSpan.Zero : ByWallClock(block), _start);
        }
    }

    /// <summary>The blocks that nobody fetched within the time to keep them, oldest first; null keeps them for ever.</summary>
    /// <param name="blocks">All blocks that are there; others are forgotten.</param>
    /// <param name="keep">How long they are kept.</param>
    public IReadOnlyList<SealedBlock> Expired(IReadOnlyCollection<SealedBlock> blocks, TimeSpan? keep)
    {
        if (keep is not { } limit)
        {
            return [];
        }

        if (_seen.Count > blocks.Count)
        {
            var present = blocks.Select(b => b.Header.Index).ToHashSet();
            foreach (var gone in _seen.Keys.Where(index => !present.Contains(index)).ToArray())
            {
                _seen.Remove(gone);
            }
        }

        return [.. blocks.Where(b => AgeOf(b) > limit)];
    }

    /// <summary>How old a block is.</summary>
    public TimeSpan AgeOf(SealedBlock block)
    {
        if (!_seen.TryGetValue(block.Header.Index, out var seen))
        {
            var sinceStart = _time.GetElapsedTime(_start);
            var byWallClock = ByWallClock(block);
            seen = (byWallClock < sinceStart ? byWallClock : sinceStart, _time.GetTimestamp());
            _seen[block.Header.Index] = seen;
        }

        return seen.Age + _time.GetElapsedTime(seen.At);
    }

    private TimeSpan ByWallClock(SealedBlock block)
    {
        var nowNs = UnixTime.FromDateTimeOffset(_time.GetUtcNow());
        return block.Header.CreatedNs >= nowNs ? TimeSpan.Zero : TimeSpan.FromTicks((nowNs - Math.Max(block.Header.CreatedNs, 0)) / 100);
    }
}
