using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>What an event says, without its identity.</summary>
internal readonly record struct EventContent(short Status, uint Quality, TelemetryValue Value)
{
    public static EventContent Of(EventBatch batch, int index) => new(
        batch.Statuses[index],
        batch.Qualities[index],
        new TelemetryValue((ValueKind)batch.Kinds[index], batch.Bits[index], batch.References[index]));
}

/// <summary>
/// The rows of one OID and time in memory, for <see cref="IdentityRule"/>: those that were read and those that are being written. Each
/// question costs a look-up, however many rows there are. Not thread-safe.
/// </summary>
internal sealed class InstantRows : IRowsAtInstant
{
    private readonly List<(Ieid Ieid, EventContent Content)> _known = [];
    private readonly Dictionary<EventContent, bool> _contents = [];
    private readonly HashSet<long> _numbers = [];
    private EventContent _candidate;
    private long _free;

    /// <summary>Takes a row that is there, or was just decided on.</summary>
    public void Add(long number, Ieid ieid, in EventContent content)
    {
        _numbers.Add(number);
        var isUnknown = ieid == Ieid.Unknown;
        _contents[content] = isUnknown || (_contents.TryGetValue(content, out var known) && known);
        if (!isUnknown)
        {
            var at = IndexOf(ieid);
            if (at < 0)
            {
                _known.Insert(~at, (ieid, content));
            }
        }
    }

    /// <summary>What to do with an event. An instant without rows takes any.</summary>
    public EventVerdict Decide(Ieid ieid, EventFlags flags, in EventContent content)
    {
        _candidate = content;
        return _numbers.Count == 0 ? EventVerdict.Insert : IdentityRule.Decide(ieid, flags, this);
    }

    /// <summary>
    /// The lowest number that is free. When a write was cut short some numbers below others may be: the events that belong there come
    /// again, in the same order.
    /// </summary>
    public long NextNumber()
    {
        while (_numbers.Contains(_free))
        {
            _free++;
        }

        return _free;
    }

    public RowMatch WithIdentity(Ieid ieid) => IndexOf(ieid) is >= 0 and var at ? Match(at) : RowMatch.None;

    public RowMatch Before(Ieid ieid) => FirstNotBelow(ieid) is > 0 and var at ? Match(at - 1) : RowMatch.None;

    public RowMatch After(Ieid ieid)
    {
        var at = IndexOf(ieid);
        at = at < 0 ? ~at : at + 1;
        return at < _known.Count ? Match(at) : RowMatch.None;
    }

    public bool HasContentOfUnknown() => _contents.TryGetValue(_candidate, out var isUnknown) && isUnknown;

    public bool HasContent() => _contents.ContainsKey(_candidate);

    private RowMatch Match(int at) => _known[at].Content == _candidate ? RowMatch.SameContent : RowMatch.OtherContent;

    private int FirstNotBelow(Ieid ieid) => IndexOf(ieid) is >= 0 and var at ? at : ~IndexOf(ieid);

    private int IndexOf(Ieid ieid)
    {
        // The usual case: events arrive in the order of their origin.
        if (_known.Count == 0 || _known[^1].Ieid.CompareTo(ieid) < 0)
        {
            return ~_known.Count;
        }

        var (low, high) = (0, _known.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = _known[middle].Ieid.CompareTo(ieid);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}
