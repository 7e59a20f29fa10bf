using System.Globalization;
using System.Text;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Influx;

/// <summary>Reads events and counts. Thread-safe.</summary>
internal sealed class InfluxQueries(InfluxConnection connection, InfluxStatements statements, InfluxHistoryOptions options)
{
    private const int OidsPerPage = 10_000;
    private const int OidsPerQuery = 50;

    /// <summary>As <see cref="IHistoryDatabase.ReadEventsAsync"/>.</summary>
    public async Task<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation)
    {
        var page = new Page(oid, after, toNs, limit, target);

        // What is left of the instant where the page before ended.
        if (after.Number >= 0 && after.TimeNs <= toNs)
        {
            if (await ReadInstantAsync(page, after.TimeNs, after.Number + 1, cancellation) is { } error)
            {
                return error;
            }
        }

        // The instants that InfluxDB can't hold are read one by one, the others at once.
        for (var beyond = long.MinValue; beyond < PointPlace.MinNs && !page.IsFull; beyond++)
        {
            if (page.Wants(beyond) && await ReadInstantAsync(page, beyond, 0, cancellation) is { } error)
            {
                return error;
            }
        }

        if (!page.IsFull && await ReadInstantsAsync(page, cancellation) is { } failed)
        {
            return failed;
        }

        if (!page.IsFull && page.Wants(long.MaxValue) && await ReadInstantAsync(page, long.MaxValue, 0, cancellation) is { } last)
        {
            return last;
        }

        return page.IsFull ? page.Last : (HistoryCursor?)null;
    }

    /// <summary>As <see cref="IHistoryDatabase.ListOidsAsync"/>.</summary>
    public async Task<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        var oids = await NextOidsAsync(after, limit, cancellation);
        if (!oids.IsOk)
        {
            return oids.Error;
        }

        var beyond = new TextRows();
        var asked = await connection.QueryAsync(statements.SeriesBeyond(), options.Database, beyond, cancellation);
        if (!asked.IsOk)
        {
            return asked.Error;
        }

        var extremes = beyond.Rows
            .Select(row => (Tag: row.Tags["oid"], TimeNs: BeyondOf(row.Tags["k"])))
            .ToLookup(row => row.Tag, row => row.TimeNs, StringComparer.Ordinal);
        var spans = new List<OidSpan>(oids.Value.Count);
        foreach (var part in oids.Value.Chunk(OidsPerQuery))
        {
            var rows = new TextRows();
            var text = string.Join(';', part.Select(oid => $"{statements.Edge(oid, isLast: false)};{statements.Edge(oid, isLast: true)}"));
            var read = await connection.QueryAsync(text, options.Database, rows, cancellation);
            if (!read.IsOk)
            {
                return read.Error;
            }

            var byStatement = rows.Rows.ToLookup(row => row.Statement / 2, row => Number(row.Columns[0]));
            for (var i = 0; i < part.Length; i++)
            {
                long[] times = [.. byStatement[i], .. extremes[OidTag.Encode(part[i])]];
                spans.Add(times.Length == 0 ? OidSpan.Empty(part[i]) : new OidSpan(part[i], times.Min(), times.Max()));
            }
        }

        return spans;
    }

    /// <summary>As <see cref="IHistoryDatabase.CountByOidAsync"/>.</summary>
    public async Task<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        var spans = await ListOidsAsync(after, limit, cancellation);
        if (!spans.IsOk)
        {
            return spans.Error;
        }

        var counts = new List<OidCount>(spans.Value.Count);
        foreach (var part in spans.Value.Chunk(OidsPerQuery))
        {
            var rows = new TextRows();
            var read = await connection.QueryAsync(
                string.Join(';', part.Select(span => statements.Count(span.Oid))), options.Database, rows, cancellation);
            if (!read.IsOk)
            {
                return read.Error;
            }

            var byStatement = rows.Rows.ToLookup(row => row.Statement, row => Number(row.Columns[1]));
            counts.AddRange(part.Select((span, i) => span.IsEmpty
                ? new OidCount(span.Oid, 0, 0, 0)
                : new OidCount(span.Oid, byStatement[i].Sum(), span.FirstNs, span.LastNs)));
        }

        return counts;
    }

    /// <summary>Reads the events of one instant, from a number on, as far as the page takes them.</summary>
    private async Task<HistoryError?> ReadInstantAsync(Page page, long timeNs, long fromNumber, CancellationToken cancellation)
    {
        var number = fromNumber;
        if (number == 0 && !PointPlace.IsBeyond(timeNs))
        {
            throw new ArgumentOutOfRangeException(nameof(fromNumber), fromNumber, "The first event of an instant is read with the others.");
        }

        while (!page.IsFull)
        {
            var run = number / PointPlace.Shift;
            var rows = new RowCollector(new EventBatch(page.Target.Oids), page.Oid);
            var statement = statements.RowsOfRun(
                page.Oid, timeNs, run, PointPlace.Base(timeNs) + (number % PointPlace.Shift), page.Room);
            var read = await connection.QueryAsync(statement, options.Database, rows, cancellation);
            if (!read.IsOk)
            {
                return read.Error;
            }

            for (var i = 0; i < rows.Places.Count; i++)
            {
                page.Add(rows.Events, i, rows.Places[i]);
            }

            if (rows.Places.Count == 0)
            {
                return null;
            }

            number = (run + 1) * PointPlace.Shift;
        }

        return null;
    }

    /// <summary>Reads the instants behind the page's last event.</summary>
    private async Task<HistoryError?> ReadInstantsAsync(Page page, CancellationToken cancellation)
    {
        var (from, to) = (Math.Max(page.NextNs, PointPlace.MinNs), Math.Min(page.ToNs, PointPlace.MaxNs));
        if (page.NextNs > PointPlace.MaxNs || from > to)
        {
            return null;
        }

        var first = new RowCollector(new EventBatch(page.Target.Oids), page.Oid);
        var read = await connection.QueryAsync(
            statements.Rows(page.Oid, from, to, isShifted: false, page.Room), options.Database, first, cancellation);
        if (!read.IsOk || first.Places.Count == 0)
        {
            return read.Error;
        }

        var others = new RowCollector(new EventBatch(page.Target.Oids), page.Oid);
        var lastNs = first.Places[^1].TimeNs;
        var room = page.Room;
        read = await connection.QueryAsync(
            statements.Rows(page.Oid, PointPlace.Base(first.Places[0].TimeNs), PointPlace.Base(lastNs) + PointPlace.Shift - 1, isShifted: true, room),
            options.Database,
            others,
            cancellation);
        if (!read.IsOk)
        {
            return read.Error;
        }

        var endNs = others.Places.Count == room ? FirstUnsure(first.Places, others.Places) : long.MaxValue;
        var byInstant = Enumerable.Range(0, others.Places.Count).ToLookup(i => others.Places[i].TimeNs);
        for (var i = 0; i < first.Places.Count && !page.IsFull; i++)
        {
            var place = first.Places[i];
            page.Add(first.Events, i, place);
            if (place.TimeNs >= endNs)
            {
                page.End();
            }

            foreach (var other in byInstant[place.TimeNs].OrderBy(o => others.Places[o].Number))
            {
                if (!page.IsFull)
                {
                    page.Add(others.Events, other, others.Places[other]);
                }
            }
        }

        return null;
    }

    /// <summary>
    /// When there may be more shifted rows than were read: the first instant that has some, or may have some. The page ends with its first
    /// event, and the next one reads the rest of it. An instant's second event stands 1 ns behind it, so what was read tells of all instants
    /// before the last row.
    /// </summary>
    private static long FirstUnsure(List<HistoryCursor> instants, List<HistoryCursor> shifted)
    {
        var readTo = PointPlace.Of(shifted[^1].TimeNs, shifted[^1].Number).PointNs - 2;
        var unread = instants.Select(p => p.TimeNs).FirstOrDefault(t => t > readTo, long.MaxValue);
        return shifted.Select(p => p.TimeNs).Where(t => t >= instants[0].TimeNs && !PointPlace.IsBeyond(t)).Append(unread).Min();
    }

    /// <summary>The next OIDs in the order of their bytes.</summary>
    private async Task<HistoryResult<IReadOnlyList<Oid>>> NextOidsAsync(Oid? after, int limit, CancellationToken cancellation)
    {
        var next = new SortedSet<Oid>(Comparer<Oid>.Create(ByBytes));
        for (var offset = 0; ; offset += OidsPerPage)
        {
            var page = new TextRows();
            var read = await connection.QueryAsync(statements.Oids(offset, OidsPerPage), options.Database, page, cancellation);
            if (!read.IsOk)
            {
                return read.Error;
            }

            foreach (var (_, _, columns) in page.Rows)
            {
                if (columns is not [_, { } tag] || OidTag.Decode(tag) is not { } oid)
                {
                    return InfluxErrors.Broken(
                        $"{options} holds a series of '{InfluxErrors.Shorten(columns[^1] ?? "")}', which is no OID.",
                        "another program writes into this measurement: give a measurement of its own");
                }

                if (after is null || ByBytes(oid, after) > 0)
                {
                    next.Add(oid);
                    if (next.Count > limit)
                    {
                        next.Remove(next.Max!);
                    }
                }
            }

            if (page.Rows.Count < OidsPerPage)
            {
                return next.ToArray();
            }
        }
    }

    private static int ByBytes(Oid? a, Oid? b) => Encoding.UTF8.GetBytes(a!.Text).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b!.Text));

    private static long BeyondOf(string tag) => Number(tag[(tag.IndexOf('@', StringComparison.Ordinal) + 1)..]);

    private static long Number(string? text) => long.Parse(text!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    /// <summary>One page that is being read.</summary>
    private sealed class Page(Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target)
    {
        private readonly int _start = target.Count;
        private bool _isEnded;

        public Oid Oid => oid;

        public long ToNs => toNs;

        public EventBatch Target => target;

        public HistoryCursor Last { get; private set; } = after;

        /// <summary>True when nothing more goes onto it; there may be more events.</summary>
        public bool IsFull => _isEnded || Room == 0;

        public int Room => limit - (target.Count - _start);

        /// <summary>The first time that was not looked at yet.</summary>
        public long NextNs => Last.Number < 0 ? Last.TimeNs : Last.TimeNs == long.MaxValue ? long.MaxValue : Last.TimeNs + 1;

        public bool Wants(long timeNs) => timeNs <= toNs && (timeNs > Last.TimeNs || (timeNs == Last.TimeNs && Last.Number < 0));

        public void Add(EventBatch events, int index, HistoryCursor place)
        {
            target.AddFrom(events, index);
            Last = place;
        }

        public void End() => _isEnded = true;
    }
}
