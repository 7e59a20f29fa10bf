using System.Security.Cryptography;

namespace ZfRepl.OpcUa.Client;

/// <summary>
/// The pauses between attempts to connect: doubling up to a limit, each shortened at random so that many clients do not come at once.
/// </summary>
internal sealed class ReconnectDelay
{
    private const int JitterSteps = 1000;
    private readonly TimeSpan _min;
    private readonly TimeSpan _max;
    private TimeSpan _next;

    public ReconnectDelay(TimeSpan min, TimeSpan max)
    {
        _min = min;
        _max = max;
        _next = min;
    }

    public TimeSpan Next()
    {
        var present = _next;
        _next = TimeSpan.FromTicks(Math.Min(_max.Ticks, Math.Max(1, present.Ticks) * 2));
        return present * (0.5 + (RandomNumberGenerator.GetInt32(JitterSteps) / (2.0 * JitterSteps)));
    }

    public void Reset() => _next = _min;

    /// <summary>The next pause is the longest one, as when somebody else is using what is ours.</summary>
    public void StretchToMax() => _next = _max;
}
