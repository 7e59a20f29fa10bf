using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Simulation;

/// <summary>A row of the simulated history.</summary>
internal readonly record struct HistoryRow(Ieid Ieid, short Status, uint Quality, TelemetryValue Value)
{
    public bool HasContentOf(in HistoryRow other) =>
        Status == other.Status && Quality == other.Quality && Value.Kind == other.Value.Kind && Value.Bits == other.Value.Bits
        && Equals(Value.Reference, other.Value.Reference);
}

/// <summary>The books of one stream.</summary>
internal sealed class StreamBooks
{
    public required StreamFacts Facts { get; set; }

    public SequenceSet Received { get; } = new();

    public HashSet<LossEntry> Losses { get; } = [];

    public SequenceSet DeclaredLost()
    {
        var lost = new SequenceSet();
        lost.AddAll(Losses.Where(l => l.Record.FirstSequence > 0).Select(l => new SequenceRange(l.Record.FirstSequence, l.Record.LastSequence)));
        return lost;
    }
}

/// <summary>What a history database holds durably. Changes are made as a whole, or not at all.</summary>
/// <param name="hasUniqueKey">False takes the rule away that knows an event again.</param>
/// <param name="keepsLosses">False lets the entries of the loss ledger go.</param>
internal sealed class HistoryStore(string name, bool hasUniqueKey, bool keepsLosses)
{
    private readonly Dictionary<(string Oid, long TimeNs), List<HistoryRow>> _rows = [];
    private readonly Dictionary<BlockKey, AppliedBlock> _applied = [];

    public string Name { get; } = name;

    public Dictionary<StreamId, StreamBooks> Streams { get; } = [];

    /// <summary>Told of every new row.</summary>
    public Action<TelemetryEvent>? Inserted { get; set; }

    /// <summary>How many rows there are.</summary>
    public long Rows { get; private set; }

    public AppliedBlock? FindApplied(BlockKey block) => _applied.GetValueOrDefault(block);

    public void MarkDelivered(BlockKey block)
    {
        if (_applied.TryGetValue(block, out var row))
        {
            _applied[block] = row with { IsDelivered = true };
        }
    }

    public WriteReceipt Commit(HistoryWrite write, IReadOnlyList<TelemetryEvent> events)
    {
        var counts = new WriteCounts(events.Count, 0, 0, 0, 0);
        foreach (var e in events)
        {
            switch (Put(e))
            {
                case EventVerdict.Insert:
                    counts = counts with { Inserted = counts.Inserted + 1 };
                    break;
                case EventVerdict.Replay:
                    counts = counts with { Replays = counts.Replays + 1 };
                    break;
                case EventVerdict.Repeat:
                    counts = counts with { Repeats = counts.Repeats + 1 };
                    break;
                default:
                    counts = counts with { Conflicts = counts.Conflicts + 1 };
                    break;
            }
        }

        AppliedBlock? applied = null;
        if (write.Stream is { } facts)
        {
            Book(facts, write);
            applied = Apply(write, counts);
        }

        return new WriteReceipt(counts, applied);
    }

    private AppliedBlock? Apply(HistoryWrite write, in WriteCounts counts)
    {
        if (write.Applied is not { } applied)
        {
            return null;
        }

        applied = applied with { Counts = applied.Counts + counts };
        _applied[applied.Block] = applied;
        return applied;
    }

    private void Book(StreamFacts facts, HistoryWrite write)
    {
        if (!Streams.TryGetValue(facts.Id, out var books))
        {
            Streams.Add(facts.Id, books = new StreamBooks { Facts = facts });
        }

        books.Facts = facts with { HighestSequence = Math.Max(facts.HighestSequence, books.Facts.HighestSequence) };
        books.Received.AddAll(write.Received);
        if (keepsLosses)
        {
            books.Losses.UnionWith(write.Losses);
        }
    }

    private EventVerdict Put(in TelemetryEvent e)
    {
        var row = new HistoryRow(e.Ieid, e.Status, e.Quality, e.Value);
        if (!_rows.TryGetValue((e.Oid.Text, e.TimeNs), out var rows))
        {
            _rows.Add((e.Oid.Text, e.TimeNs), rows = []);
        }

        var verdict = rows.Count == 0 || !hasUniqueKey ? EventVerdict.Insert : IdentityRule.Decide(e.Ieid, e.Flags, new Instant(rows, row));
        if (verdict == EventVerdict.Insert)
        {
            rows.Add(row);
            Rows++;
            Inserted?.Invoke(e);
        }

        return verdict;
    }

    private readonly struct Instant(List<HistoryRow> rows, HistoryRow row) : IRowsAtInstant
    {
        private readonly List<HistoryRow> _rows = rows;
        private readonly HistoryRow _row = row;

        public RowMatch WithIdentity(Ieid ieid) => Match(_rows.FindIndex(r => r.Ieid == ieid));

        public RowMatch Before(Ieid ieid)
        {
            var found = -1;
            for (var i = 0; i < _rows.Count; i++)
            {
                if (_rows[i].Ieid != Ieid.Unknown && _rows[i].Ieid.CompareTo(ieid) < 0 && (found < 0 || _rows[i].Ieid.CompareTo(_rows[found].Ieid) > 0))
                {
                    found = i;
                }
            }

            return Match(found);
        }

        public RowMatch After(Ieid ieid)
        {
            var found = -1;
            for (var i = 0; i < _rows.Count; i++)
            {
                if (_rows[i].Ieid.CompareTo(ieid) > 0 && (found < 0 || _rows[i].Ieid.CompareTo(_rows[found].Ieid) < 0))
                {
                    found = i;
                }
            }

            return Match(found);
        }

        public bool HasContentOfUnknown()
        {
            var wanted = _row;
            return _rows.Exists(r => r.Ieid == Ieid.Unknown && r.HasContentOf(wanted));
        }

        public bool HasContent()
        {
            var wanted = _row;
            return _rows.Exists(r => r.HasContentOf(wanted));
        }

        private RowMatch Match(int index) => index < 0 ? RowMatch.None
            : _rows[index].HasContentOf(_row) ? RowMatch.SameContent
            : RowMatch.OtherContent;
    }
}
