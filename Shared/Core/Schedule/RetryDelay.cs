using System.Text;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.Schedule;

/// <summary>Exponential back-off with jitter: a pure sequence of delays from a seed. Not thread-safe; one instance per link.</summary>
/// <remarks>
/// The n-th delay is <c>first · factor^(n-1)</c>, at most the cap, then shortened by a random share of up to
/// <c>jitter</c>, so that many nodes that lost the same broker do not come back in the same moment. A delay is therefore never
/// above the cap. The same seed gives the same sequence.
/// </remarks>
public sealed class RetryDelay
{
    private static readonly TimeSpan LongestCap = TimeSpan.FromDays(365);

    private readonly TimeSpan _first;
    private readonly TimeSpan _cap;
    private readonly double _factor;
    private readonly double _jitter;
    private readonly Random _random;
    private double _nextTicks;

    /// <summary>Makes the sequence; nothing runs.</summary>
    /// <param name="first">The first delay, above zero.</param>
    /// <param name="cap">The longest delay, not below <paramref name="first"/> and not above 365 days.</param>
    /// <param name="seed">Seed of the jitter; take it from the identity of the node, so that nodes differ.</param>
    /// <param name="factor">Growth per attempt, at least 1.</param>
    /// <param name="jitter">The largest share by which a delay is shortened, from 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value lies outside the range that is named here.</exception>
    public RetryDelay(TimeSpan first, TimeSpan cap, int seed, double factor = 2, double jitter = 0.3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(first, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(cap, first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cap, LongestCap);
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(jitter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(jitter, 1);
        _first = first;
        _cap = cap;
        _factor = factor;
        _jitter = jitter;
        _random = new Random(seed);
        _nextTicks = first.Ticks;
    }

    /// <summary>A seed from a node's name: the same in every process, so that a run can be repeated, and another one for each node.</summary>
    public static int SeedOf(string name) => unchecked((int)Crc32C.Compute(Encoding.UTF8.GetBytes(name)));

    /// <summary>How many delays were handed out since the start or the last <see cref="Reset"/>.</summary>
    public long Attempts { get; private set; }

    /// <summary>The delay before the next attempt.</summary>
    public TimeSpan Next()
    {
        Attempts++;
        var ticks = _nextTicks;
        _nextTicks = Math.Min(ticks * _factor, _cap.Ticks);
        return TimeSpan.FromTicks((long)(ticks * (1 - (_jitter * _random.NextDouble()))));
    }

    /// <summary>Starts again with the first delay; to be called after a success. The random sequence goes on.</summary>
    public void Reset()
    {
        Attempts = 0;
        _nextTicks = _first.Ticks;
    }
}
