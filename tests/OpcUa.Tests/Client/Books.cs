using ZfRepl.OpcUa.Client;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>
/// What is durable at the host's side: it stays when a host is abandoned like a killed process, and the next host goes on with it.
/// </summary>
internal sealed class Books
{
    private readonly Lock _gate = new();
    private readonly List<string> _values = [];
    private readonly List<NotificationLoss> _losses = [];
    private readonly Dictionary<ulong, uint> _durable = [];
    private readonly HashSet<(ulong, uint)> _entered = [];

    public byte[]? State { get; set; }

    /// <summary>Notifications that were entered although they were in the books already.</summary>
    public int EnteredTwice { get; private set; }

    public IReadOnlyList<string> Values
    {
        get
        {
            lock (_gate)
            {
                return [.. _values];
            }
        }
    }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _values.Count;
            }
        }
    }

    public IReadOnlyList<NotificationLoss> Losses
    {
        get
        {
            lock (_gate)
            {
                return [.. _losses];
            }
        }
    }

    public uint? Durable(ulong incarnation)
    {
        lock (_gate)
        {
            return _durable.TryGetValue(incarnation, out var number) ? number : null;
        }
    }

    public void Enter(ulong incarnation, uint number, IReadOnlyList<string> values)
    {
        lock (_gate)
        {
            EnteredTwice += _entered.Add((incarnation, number)) ? 0 : 1;
            _values.AddRange(values);
            _durable[incarnation] = number;
        }
    }

    public void Enter(NotificationLoss loss)
    {
        lock (_gate)
        {
            _losses.Add(loss);
        }
    }

    /// <summary>As if the last notifications had been lost on this side after they were acknowledged.</summary>
    public void SetBack(uint count)
    {
        lock (_gate)
        {
            foreach (var incarnation in _durable.Keys.ToArray())
            {
                _durable[incarnation] -= count;
            }
        }
    }

    /// <summary>The changes of a log that are not in the books.</summary>
    public IReadOnlyList<string> Missing(IReadOnlyList<string> log)
    {
        var known = Values.ToHashSet(StringComparer.Ordinal);
        return [.. log.Where(l => !known.Contains(l))];
    }
}
