using System.Runtime.InteropServices;
using System.Text.Json;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>What is known of a series before a write.</summary>
internal interface ISeriesMarks
{
    /// <summary>Up to which time each of the OIDs may have been written; null where nothing was.</summary>
    Task<HistoryResult<long?[]>> FindAsync(IReadOnlyList<Oid> oids, CancellationToken cancellation);

    /// <summary>Raises marks durably, before anything is sent.</summary>
    Task<HistoryResult<bool>> RaiseAsync(IReadOnlyList<(string Oid, long TimeNs)> marks);
}

/// <summary>
/// Writes events as points, sorted by series and time. Above a series' mark every instant is free, so the events there are written as
/// they are; what lies at the mark or below is compared with what the database has, and <see cref="IdentityRule"/> decides. Not
/// thread-safe.
/// </summary>
internal sealed class InfluxEventWriter(InfluxConnection connection, InfluxStatements statements, ISeriesMarks marks, InfluxHistoryOptions options)
{
    private const int MaxInFlight = 2;
    private const int MaxBodyBytes = 4 * 1024 * 1024;
    private const int StatementsPerQuery = 100;

    // A span is read in parts where it has gaps of more than this share of it.
    private const int PartsOfSpan = 16;

    private readonly LineWriter _lines = new(options.Measurement);
    private readonly Stack<ByteWriter> _bodies = new();
    private readonly Dictionary<(int Item, long TimeNs), InstantRows> _instants = [];
    private Key[] _order = new Key[1024];
    private Action<int>? _inserted;

    /// <summary>Called before each request with points, by tests: its number in the write, from 0.</summary>
    public Action<int>? Probe { get; set; }

    /// <summary>Writes a part of a batch. After an error some of the events may be in the database: the same write again completes it.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="start">The first event.</param>
    /// <param name="count">How many events.</param>
    /// <param name="inserted">Is told the index of each new one, or null.</param>
    /// <param name="cancellation">Ends the write.</param>
    public async Task<HistoryResult<WriteCounts>> WriteAsync(EventBatch batch, int start, int count, Action<int>? inserted, CancellationToken cancellation)
    {
        _inserted = inserted;
        _lines.Begin(batch.Oids);
        _instants.Clear();
        var groups = Sort(batch, start, count);
        if (await MarkAsync(batch, groups, cancellation) is { } unmarked)
        {
            return unmarked;
        }

        if (await ReadTakenAsync(batch, groups, cancellation) is { } unread)
        {
            return unread;
        }

        var counts = new WriteCounts(count, 0, 0, 0, 0);
        var inFlight = new Queue<(Task<HistoryResult<bool>> Request, ByteWriter Body)>();
        HistoryError? error = null;
        try
        {
            for (var (group, at, requests) = (0, 0, 0); at < count && error is null; requests++)
            {
                var body = _bodies.Count > 0 ? _bodies.Pop() : new ByteWriter(MaxBodyBytes / 2);
                body.Clear();
                counts = Fill(body, batch, groups, ref group, ref at, counts);
                if (body.Length == 0)
                {
                    _bodies.Push(body);
                    break;
                }

                if (inFlight.Count == MaxInFlight)
                {
                    error = await NextAsync(inFlight);
                }

                if (error is not null)
                {
                    _bodies.Push(body);
                    break;
                }

                Probe?.Invoke(requests);
                inFlight.Enqueue((connection.WriteAsync(body.WrittenMemory, cancellation), body));
            }
        }
        finally
        {
            // Nothing is left on its way when the call returns: a later write must not be overtaken.
            while (inFlight.Count > 0)
            {
                error = await NextAsync(inFlight) is { } failed ? error ?? failed : error;
            }

            _instants.Clear();
        }

        cancellation.ThrowIfCancellationRequested();
        return error is null ? counts : error;
    }

    private async Task<HistoryError?> NextAsync(Queue<(Task<HistoryResult<bool>> Request, ByteWriter Body)> inFlight)
    {
        var (request, body) = inFlight.Dequeue();
        await ((Task)request).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _bodies.Push(body);
        return request.IsCanceled ? InfluxErrors.Unavailable($"{options}: the write was cancelled.", "it is tried again") : (await request).Error;
    }

    /// <summary>Fills a request with the next events' lines.</summary>
    private WriteCounts Fill(ByteWriter body, EventBatch batch, List<Group> groups, ref int group, ref int at, WriteCounts counts)
    {
        var (inserted, lines) = (0, 0);
        for (; at < groups[^1].End && lines < options.LinesPerRequest && body.Length < MaxBodyBytes; at++)
        {
            while (at >= groups[group].End)
            {
                group++;
            }

            ref readonly var key = ref _order[at];
            var isFirst = at == groups[group].First || _order[at - 1].TimeNs != key.TimeNs;
            var isLast = at + 1 == groups[group].End || _order[at + 1].TimeNs != key.TimeNs;
            if (at >= groups[group].Split && isFirst && isLast)
            {
                _lines.Append(body, batch, key.Index, 0);
                _inserted?.Invoke(key.Index);
                inserted++;
                lines++;
                continue;
            }

            var number = Settle(key, batch, ref counts);
            if (number >= 0)
            {
                _lines.Append(body, batch, key.Index, number);
                lines++;
            }
        }

        return counts with { Inserted = counts.Inserted + inserted };
    }

    private long Settle(in Key key, EventBatch batch, ref WriteCounts counts)
    {
        ref var rows = ref CollectionsMarshal.GetValueRefOrAddDefault(_instants, (key.Item, key.TimeNs), out _);
        rows ??= new InstantRows();
        var ieid = new Ieid(batch.Boots[key.Index], batch.Counters[key.Index]);
        var content = EventContent.Of(batch, key.Index);
        switch (rows.Decide(ieid, (EventFlags)batch.Flags[key.Index], content))
        {
            case EventVerdict.Insert:
                var number = rows.NextNumber();
                rows.Add(number, ieid, content);
                counts = counts with { Inserted = counts.Inserted + 1 };
                _inserted?.Invoke(key.Index);
                return number;
            case EventVerdict.Replay:
                counts = counts with { Replays = counts.Replays + 1 };
                return -1;
            case EventVerdict.Repeat:
                counts = counts with { Repeats = counts.Repeats + 1 };
                return -1;
            default:
                counts = counts with { Conflicts = counts.Conflicts + 1 };
                return -1;
        }
    }

    /// <summary>Finds each group's mark, and raises those that will be passed.</summary>
    private async Task<HistoryError?> MarkAsync(EventBatch batch, List<Group> groups, CancellationToken cancellation)
    {
        var found = await marks.FindAsync([.. groups.Select(g => batch.Oids[g.Item])], cancellation);
        if (!found.IsOk)
        {
            return found.Error;
        }

        var raised = new List<(string Oid, long TimeNs)>();
        for (var i = 0; i < groups.Count; i++)
        {
            var (group, mark) = (groups[i], found.Value[i]);
            var last = _order[group.End - 1].TimeNs;
            if (mark is null || last > mark)
            {
                raised.Add((batch.Oids[group.Item].Text, last));
            }

            groups[i] = group with { Split = mark is { } known ? FirstAbove(group, known) : group.First };
        }

        return (await marks.RaiseAsync(raised)).Error;
    }

    private int FirstAbove(in Group group, long mark)
    {
        var (low, high) = (group.First, group.End);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _order[middle].TimeNs <= mark ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    /// <summary>Reads the rows of the instants that may be taken.</summary>
    private async Task<HistoryError?> ReadTakenAsync(EventBatch batch, List<Group> groups, CancellationToken cancellation)
    {
        var asked = new List<(string Statement, int Item)>();
        foreach (var group in groups.Where(g => g.Split > g.First))
        {
            for (var i = group.First; i < group.Split; i++)
            {
                _instants.TryAdd((group.Item, _order[i].TimeNs), new InstantRows());
            }

            asked.AddRange(Spans(group).Select(span => (
                statements.Rows(batch.Oids[group.Item], PointPlace.Base(span.From), PointPlace.Base(span.To) + PointPlace.Shift - 1, isShifted: null, limit: null),
                group.Item)));
        }

        foreach (var part in asked.Chunk(StatementsPerQuery))
        {
            var reader = new TakenReader(_instants, [.. part.Select(p => p.Item)]);
            var read = await connection.QueryAsync(string.Join(';', part.Select(p => p.Statement)), options.Database, reader, cancellation);
            if (!read.IsOk)
            {
                return read.Error;
            }
        }

        return null;
    }

    private IEnumerable<(long From, long To)> Spans(Group group)
    {
        var span = (Int128)_order[group.Split - 1].TimeNs - _order[group.First].TimeNs;
        var from = _order[group.First].TimeNs;
        for (var i = group.First + 1; i < group.Split; i++)
        {
            if (((Int128)_order[i].TimeNs - _order[i - 1].TimeNs) * PartsOfSpan > span)
            {
                yield return (from, _order[i - 1].TimeNs);
                from = _order[i].TimeNs;
            }
        }

        yield return (from, _order[group.Split - 1].TimeNs);
    }

    private List<Group> Sort(EventBatch batch, int start, int count)
    {
        if (_order.Length < count)
        {
            _order = new Key[count];
        }

        var order = _order.AsSpan(0, count);
        for (var i = 0; i < count; i++)
        {
            order[i] = new Key(batch.Items[start + i], batch.TimesNs[start + i], start + i);
        }

        order.Sort();
        var groups = new List<Group>();
        var first = 0;
        for (var i = 1; i <= count; i++)
        {
            if (i == count || order[i].Item != order[first].Item)
            {
                groups.Add(new Group(order[first].Item, first, i, first));
                first = i;
            }
        }

        return groups;
    }

    /// <summary>The events of an OID in the order of time; those before the split are compared with what is there.</summary>
    private readonly record struct Group(int Item, int First, int End, int Split);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Key(int Item, long TimeNs, int Index) : IComparable<Key>
    {
        public int CompareTo(Key other)
        {
            var byItem = Item.CompareTo(other.Item);
            var byTime = byItem != 0 ? byItem : TimeNs.CompareTo(other.TimeNs);
            return byTime != 0 ? byTime : Index.CompareTo(other.Index);
        }
    }

    /// <summary>Keeps the rows of the instants in question, and lets go of the others as they come.</summary>
    private sealed class TakenReader(Dictionary<(int Item, long TimeNs), InstantRows> instants, int[] items) : IInfluxReader
    {
        private readonly InfluxRow _row = new();
        private readonly EventBatch _event = new(new OidTable(), 1);
        private int _item;

        public void Series(int statement, IReadOnlyDictionary<string, string> tags, IReadOnlyList<string> columns) => _item = items[statement];

        public string? Row(ref Utf8JsonReader json)
        {
            if (_row.TryRead(ref json) is { } unread)
            {
                return unread;
            }

            if (!instants.TryGetValue((_item, _row.Place.TimeNs), out var rows))
            {
                return null;
            }

            _event.Clear();
            if (_row.TryAddTo(_event, 0) is { } wrong)
            {
                return wrong;
            }

            rows.Add(_row.Place.Number, new Ieid(_event.Boots[0], _event.Counters[0]), EventContent.Of(_event, 0));
            return null;
        }
    }
}
