using ZfRepl.Core.Blocks;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>
/// How old blocks are, by the clock that does not step: a machine that starts with its clock in 1970 and sets it later must not give up what it
/// has just collected. Only how old a block of an earlier process was at the start is by the wall clock; and as that may be far ahead until somebody
/// sets it, such a block is given up only after a second look, by what the clock says then. Not thread-safe.
/// </summary>
internal sealed class BlockAges
{
    // 2024-01-01: no block was made before, except with a clock that was not set, and that says nothing of its age.
    private const long EarliestNs = 1_704_067_200 * UnixTime.NsPerSecond;

    // Time enough for a time service to set the clock after the start.
    private static readonly TimeSpan SecondLook = TimeSpan.FromMinutes(10);

    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Dictionary<ulong, (TimeSpan Age, long At, bool IsFound)> _seen = [];

    /// <param name="time">The clock.</param>
    /// <param name="found">The blocks of earlier processes.</param>
    public BlockAges(TimeProvider time, IEnumerable<SealedBlock> found)
    {
        _time = time;
        _start = time.GetTimestamp();
        foreach (var block in found)
        {
            _seen[block.Header.Index] = (block.Header.CreatedNs < EarliestNs ? TimeSpan.Zero : ByWallClock(block.Header.CreatedNs, time), _start, true);
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

        return [.. blocks.Where(b => IsExpired(b, limit))];
    }

    /// <summary>
    /// Whether a block of an earlier process was kept long enough: it is as old as the wall clock said at the start or says now, whichever is less, but at
    /// least as old as this process.
    /// </summary>
    /// <param name="keep">How long blocks are kept.</param>
    /// <param name="ageAtStart">How old it was at the start, by the wall clock.</param>
    /// <param name="sinceStart">How long ago that was, by the clock that does not step.</param>
    /// <param name="byWallClock">How old it is by the wall clock now.</param>
    public static bool IsExpired(TimeSpan keep, TimeSpan ageAtStart, TimeSpan sinceStart, TimeSpan byWallClock)
    {
        var age = ageAtStart + sinceStart < byWallClock ? ageAtStart + sinceStart : byWallClock;
        return sinceStart > keep || (sinceStart > SecondLook && age > keep);
    }

    /// <summary>How old something is by the wall clock; nothing is younger than now.</summary>
    public static TimeSpan ByWallClock(long sinceNs, TimeProvider time)
    {
        var nowNs = UnixTime.FromDateTimeOffset(time.GetUtcNow());
        return sinceNs >= nowNs ? TimeSpan.Zero : TimeSpan.FromTicks((nowNs - Math.Max(sinceNs, 0)) / 100);
    }

    private bool IsExpired(SealedBlock block, TimeSpan keep)
    {
        if (!_seen.TryGetValue(block.Header.Index, out var seen))
        {
            var sinceStart = _time.GetElapsedTime(_start);
            var byWallClock = ByWallClock(block.Header.CreatedNs, _time);
            seen = (byWallClock < sinceStart ? byWallClock : sinceStart, _time.GetTimestamp(), false);
            _seen[block.Header.Index] = seen;
        }

        var since = _time.GetElapsedTime(seen.At);
        return seen.IsFound ? IsExpired(keep, seen.Age, since, ByWallClock(block.Header.CreatedNs, _time)) : seen.Age + since > keep;
    }
}
