using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>A row of an instant, as far as the rule asks about it.</summary>
/// <param name="Ieid">Its identity.</param>
/// <param name="IsEqual">True when its content is that of the event in question.</param>
internal readonly record struct RowFacts(Ieid Ieid, bool IsEqual);

/// <summary>What the database said about the instant of an event.</summary>
internal struct StoredRows
{
    /// <summary>The row with the number 0; null when there is none, and with it no other.</summary>
    public RowFacts? First;

    /// <summary>The highest number.</summary>
    public int LastNumber;

    /// <summary>The row beyond the first one with the event's identity.</summary>
    public RowFacts? Same;

    /// <summary>The neighbours beyond the first one.</summary>
    public RowFacts? Before;

    public RowFacts? After;

    /// <summary>Whether one beyond the first has the content.</summary>
    public bool HasContent;

    /// <summary>Whether one beyond the first has the content and no identity.</summary>
    public bool HasContentOfUnknown;
}

/// <summary>
/// Answers the questions of <see cref="IdentityRule"/> from what the database said and from the events of the same instant that came
/// before in the same batch. Not thread-safe.
/// </summary>
internal sealed class InstantRows : IRowsAtInstant
{
    private readonly Dictionary<Identity, UInt128> _known = [];
    private readonly List<Identity> _order = [];
    private readonly HashSet<UInt128> _contents = [];
    private readonly HashSet<UInt128> _contentsOfUnknown = [];
    private StoredRows _stored;
    private UInt128 _content;

    /// <summary>Whether any row is there: without one the event is new, and nothing has to be asked.</summary>
    public bool IsEmpty => _stored.First is null && _contents.Count == 0;

    /// <summary>Starts another instant.</summary>
    public void Clear()
    {
        _known.Clear();
        _order.Clear();
        _contents.Clear();
        _contentsOfUnknown.Clear();
    }

    /// <summary>Takes the event in question.</summary>
    public void Ask(in StoredRows stored, UInt128 content)
    {
        _stored = stored;
        _content = content;
    }

    /// <summary>Notes an event as a row from now on.</summary>
    public void Add(Ieid ieid, UInt128 content)
    {
        _contents.Add(content);
        if (ieid == Ieid.Unknown)
        {
            _contentsOfUnknown.Add(content);
            return;
        }

        var identity = new Identity(ieid);
        _known.Add(identity, content);
        var place = _order.BinarySearch(identity);
        _order.Insert(~place, identity);
    }

    public RowMatch WithIdentity(Ieid ieid) =>
        _stored.First is { } first && first.Ieid == ieid ? Match(first)
        : _stored.Same is { } same ? Match(same)
        : _known.TryGetValue(new Identity(ieid), out var content) ? Match(content)
        : RowMatch.None;

    public RowMatch Before(Ieid ieid)
    {
        var limit = new Identity(ieid);
        var place = ~_order.BinarySearch(limit) - 1;
        return Nearest(_stored.Before, place, candidate => candidate.CompareTo(limit) < 0, (a, b) => a.CompareTo(b) > 0);
    }

    public RowMatch After(Ieid ieid)
    {
        var limit = new Identity(ieid);
        var place = ~_order.BinarySearch(limit);
        return Nearest(_stored.After, place, candidate => candidate.CompareTo(limit) > 0, (a, b) => a.CompareTo(b) < 0);
    }

    public bool HasContentOfUnknown() =>
        (_stored.First is { } first && first.IsEqual && first.Ieid == Ieid.Unknown) || _stored.HasContentOfUnknown || _contentsOfUnknown.Contains(_content);

    public bool HasContent() => _stored.First is { IsEqual: true } || _stored.HasContent || _contents.Contains(_content);

    private RowMatch Nearest(RowFacts? stored, int place, Func<Identity, bool> isOnSide, Func<Identity, Identity, bool> isNearer)
    {
        (Identity Identity, RowMatch Match)? nearest = stored is { } row ? (new Identity(row.Ieid), Match(row)) : null;
        if (_stored.First is { } first && first.Ieid != Ieid.Unknown)
        {
            Take(new Identity(first.Ieid), Match(first));
        }

        if (place >= 0 && place < _order.Count)
        {
            Take(_order[place], Match(_known[_order[place]]));
        }

        return nearest?.Match ?? RowMatch.None;

        void Take(Identity candidate, RowMatch match)
        {
            if (isOnSide(candidate) && (nearest is not { } other || isNearer(candidate, other.Identity)))
            {
                nearest = (candidate, match);
            }
        }
    }

    private static RowMatch Match(RowFacts row) => row.IsEqual ? RowMatch.SameContent : RowMatch.OtherContent;

    private RowMatch Match(UInt128 content) => content == _content ? RowMatch.SameContent : RowMatch.OtherContent;

    /// <summary>In the order of the columns, which are signed.</summary>
    private readonly record struct Identity(long Boot, long Counter) : IComparable<Identity>
    {
        public Identity(Ieid ieid)
            : this(unchecked((long)ieid.Boot), unchecked((long)ieid.Counter))
        {
        }

        public int CompareTo(Identity other) => Boot != other.Boot ? Boot.CompareTo(other.Boot) : Counter.CompareTo(other.Counter);
    }
}
