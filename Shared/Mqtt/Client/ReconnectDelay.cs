namespace ZfRepl.Mqtt.Client;

/// <summary>Exponential back-off with jitter: each delay is a random half to whole of a bound that doubles up to the longest.</summary>
internal sealed class ReconnectDelay(TimeSpan min, TimeSpan max, Random random)
{
    private TimeSpan? _bound;

    /// <summary>The delay now; the one after it is longer.</summary>
    public TimeSpan Next()
    {
        var bound = _bound ?? min;
        _bound = bound >= max / 2 ? max : bound * 2;
        return Jitter(bound);
    }

    /// <summary>The delay after a refusal, which waiting for seconds does not cure.</summary>
    public TimeSpan AfterRefusal() => Jitter(max);

    /// <summary>The last connection was stable: start again at the shortest.</summary>
    public void Reset() => _bound = null;

    private TimeSpan Jitter(TimeSpan bound) => bound * (0.5 + (random.NextDouble() / 2));
}
