namespace ZfRepl.Mqtt.Client;

/// <summary>Which host is next: in the given order, or in a new random order each round.</summary>
internal sealed class HostRotation
{
    private readonly MqttHost[] _order;
    private readonly Random? _random;
    private int _next;

    /// <param name="hosts">At least one.</param>
    /// <param name="random">Null to keep the order.</param>
    public HostRotation(IEnumerable<MqttHost> hosts, Random? random)
    {
        _order = [.. hosts];
        _random = random;
        Restart();
    }

    /// <summary>True when every host of this round has been handed out, so that it is time for a delay.</summary>
    public bool IsRoundOver => _next == _order.Length;

    /// <summary>The next host; begins a new round when the last one is over.</summary>
    public MqttHost Next()
    {
        if (IsRoundOver)
        {
            Restart();
        }

        return _order[_next++];
    }

    /// <summary>Begins a new round.</summary>
    public void Restart()
    {
        _random?.Shuffle(_order);
        _next = 0;
    }
}
