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
/// question costs a look-up, however many rows there are; one row alone, the usual case, needs no tables. Not thread-safe.
/// </summary>
internal sealed class InstantRows : IRowsAtInstant
{
    private EventContent _candidate;
    private Row? _only;
    private Tables? _tables;

    /// <summary>Takes a row that is there, or was just decided on.</summary>
    public void Add(long number, Ieid ieid, in EventContent content)
    {
        if (_only is null && _tables is null)
        {
            _only = new Row(number, ieid, content);
            return;
        }

        if (_tables is null)
        {
            _tables = new Tables();
            _tables.Add(_only!.Value);
            _only = null;
        }

        _tables.Add(new Row(number, ieid, content));
    }

    /// <summary>What to do with an event. An instant without rows takes any.</summary>
    public EventVerdict Decide(Ieid ieid, EventFlags flags, in EventContent content)
    {
        _candidate = content;
        return _only is null && _tables is null ? EventVerdict.Insert : IdentityRule.Decide(ieid, flags, this);
    }

    /// <summary>
    /// The lowest number that is free. When a write was cut short some numbers below others may be: the events that belong there come
    /// again, in the same order.
    /// </summary>
    public long NextNumber() => _tables?.NextNumber() ?? (_only is { Number: 0 } ? 1 : 0);

    public RowMatch WithIdentity(Ieid ieid) => _tables is { } tables
        ? tables.WithIdentity(ieid) is { } row ? Match(row.Content) : RowMatch.None
        : _only is { } only && only.Ieid == ieid ? Match(only.Content) : RowMatch.None;

    public RowMatch Before(Ieid ieid) => _tables is { } tables
        ? tables.Before(ieid) is { } row ? Match(row.Content) : RowMatch.None
        : _only is { } only && only.Ieid != Ieid.Unknown && only.Ieid.CompareTo(ieid) < 0 ? Match(only.Content) : RowMatch.None;

    public RowMatch After(Ieid ieid) => _tables is { } tables
        ? tables.After(ieid) is { } row ? Match(row.Content) : RowMatch.None
        : _only is { } only && only.Ieid != Ieid.Unknown && only.Ieid.CompareTo(ieid) > 0 ? Match(only.Content) : RowMatch.None;

    public bool HasContentOfUnknown() => _tables is { } tables
        ? tables.HasContent(_candidate, ofUnknown: true)
        : _only is { } only && only.Ieid == Ieid.Unknown && only.Content == _candidate;

    public bool HasContent() => _tables is { } tables
        ? tables.HasContent(_candidate, ofUnknown: false)
        : _only is { } only && only.Content == _candidate;

    private RowMatch Match(in EventContent content) => content == _candidate ? RowMatch.SameContent : RowMatch.OtherContent;

    private readonly record struct Row(long Number, Ieid Ieid, EventContent Content);

    private sealed class Tables
    {
        private readonly List<Row> _known = [];
        private readonly Dictionary<EventContent, bool> _contents = [];
        private readonly HashSet<long> _numbers = [];
        private long _free;

        public void Add(in Row row)
        {
            _numbers.Add(row.Number);
            var isUnknown = row.Ieid == Ieid.Unknown;
            _contents[row.Content] = isUnknown || (_contents.TryGetValue(row.Content, out var known) && known);
            if (!isUnknown && IndexOf(row.Ieid) is < 0 and var at)
            {
                _known.Insert(~at, row);
            }
        }

        public long NextNumber()
        {
            while (_numbers.Contains(_free))
            {
                _free++;
            }

            return _free;
        }

        public Row? WithIdentity(Ieid ieid) => IndexOf(ieid) is >= 0 and var at ? _known[at] : null;

        public Row? Before(Ieid ieid)
        {
            var at = IndexOf(ieid);
            at = at < 0 ? ~at : at;
            return at > 0 ? _known[at - 1] : null;
        }

        public Row? After(Ieid ieid)
        {
            var at = IndexOf(ieid);
            at = at < 0 ? ~at : at + 1;
            return at < _known.Count ? _known[at] : null;
        }

        public bool HasContent(in EventContent content, bool ofUnknown) => _contents.TryGetValue(content, out var isUnknown) && (isUnknown || !ofUnknown);

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
}
