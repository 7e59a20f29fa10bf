using System.Runtime.InteropServices;
using Npgsql;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>
/// Writes events within a transaction that its caller holds. What is newer than everything known of its OID can't collide with anything and
/// goes straight into the table, by COPY and in the order of the key. The rest is sent into a temporary table and compared there in one
/// statement; <see cref="IdentityRule"/> decides over the answers in the order of arrival, and what is new follows by COPY. Scalars
/// are written without allocation. Not thread-safe.
/// </summary>
internal sealed class PostgresEventWriter(PostgresSession session)
{
    private const string Into = $"COPY event({CopyRows.Columns}) FROM STDIN (FORMAT BINARY)";
    private const string IntoPart = $"COPY pg_temp.part({CopyRows.Columns}, seq) FROM STDIN (FORMAT BINARY)";

    private const string Instant = "e.oid_id = s.oid_id AND e.t = s.t";

    // Bit for bit: to PostgreSQL all NaNs are equal, and so are 0.0 and -0.0.
    private const string SameContent = """
        (e.status = s.status AND e.quality = s.quality AND e.kind = s.kind AND e."integer" IS NOT DISTINCT FROM s."integer"
          AND float8send(e.number) IS NOT DISTINCT FROM float8send(s.number) AND e."boolean" IS NOT DISTINCT FROM s."boolean"
          AND e.text IS NOT DISTINCT FROM s.text AND e.bytes IS NOT DISTINCT FROM s.bytes)
        """;

    // Asked about the other rows only where there are any and the first one does not have the answer.
    private const string HasOthers = "f.last > 0 AND ((f.boot, f.counter) <> (s.boot, s.counter) OR (s.boot = 0 AND s.counter = 0))";
    private const string Others = $"{HasOthers} AND {Instant} AND e.n > 0";

    // The sums keep the planner from looking through an instant with a million rows by its key.
    private const string Equal = $"{HasOthers} AND e.digest = s.digest AND e.oid_id + 0 = s.oid_id AND e.t + 0 = s.t AND {SameContent}";

    private const string IsKnown = "NOT (e.boot = 0 AND e.counter = 0)";

    internal const string Compare = $"""
        SELECT s.seq, f.boot, f.counter, f.is_equal, f.last, same.is_equal, b.boot, b.counter, b.is_equal, a.boot, a.counter, a.is_equal,
          EXISTS(SELECT 1 FROM event e WHERE {Equal}),
          EXISTS(SELECT 1 FROM event e WHERE {Equal} AND e.boot = 0 AND e.counter = 0)
        FROM pg_temp.part s
        CROSS JOIN LATERAL (SELECT e.boot, e.counter, {SameContent} AS is_equal, (SELECT max(m.n) FROM event m WHERE m.oid_id = s.oid_id AND m.t = s.t) AS last
          FROM event e WHERE {Instant} AND e.n = 0 LIMIT 1) f
        LEFT JOIN LATERAL (SELECT {SameContent} AS is_equal
          FROM event e WHERE {Others} AND e.boot = s.boot AND e.counter = s.counter AND {IsKnown} LIMIT 1) same ON true
        LEFT JOIN LATERAL (SELECT e.boot, e.counter, {SameContent} AS is_equal
          FROM event e WHERE {Others} AND (e.boot, e.counter) < (s.boot, s.counter) AND {IsKnown} ORDER BY e.boot DESC, e.counter DESC LIMIT 1) b ON true
        LEFT JOIN LATERAL (SELECT e.boot, e.counter, {SameContent} AS is_equal
          FROM event e WHERE {Others} AND (e.boot, e.counter) > (s.boot, s.counter) AND {IsKnown} ORDER BY e.boot, e.counter LIMIT 1) a ON true
        ORDER BY s.seq
        """;

    private readonly OidNumbers _oids = new(session);
    private readonly CopyRows _rows = new();
    private readonly ContentDigest _digest = new();
    private readonly InstantRows _instant = new();
    private readonly List<EventRow> _new = [];
    private readonly List<Key> _others = [];
    private readonly List<UInt128> _contents = [];
    private Key[] _order = new Key[1024];
    private bool _hasPart;

    /// <summary>Forgets what it remembers of the tables: another session wrote, or something was rolled back.</summary>
    public void Forget()
    {
        _oids.Forget();
        _hasPart = false;
    }

    /// <summary>Makes room for a further part within the same transaction.</summary>
    public Task ClearAsync() => _hasPart ? session.ExecuteAsync("DELETE FROM pg_temp.part") : Task.CompletedTask;

    /// <summary>Begins and ends a load without a row: only what is wrong with the table as a whole is thrown.</summary>
    public async Task LoadNothingAsync()
    {
        await using var stream = await session.LoadAsync(Into);
        _rows.Begin();
        _rows.End();
        await stream.WriteAsync(_rows.Written);
    }

    /// <summary>Writes a part of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="start">The first event.</param>
    /// <param name="count">How many events.</param>
    /// <param name="inserted">Is told the index of each new one, or null.</param>
    public async Task<WriteCounts> WriteAsync(EventBatch batch, int start, int count, Action<int>? inserted)
    {
        if (count == 0)
        {
            return default;
        }

        await _oids.LoadAsync(batch, start, count);
        Sort(batch, start, count);
        Part(batch, count);
        await CopyAsync(batch, inserted);
        var counts = new WriteCounts(count, _new.Count, 0, 0, 0);
        return _others.Count == 0 ? counts : counts + await SettleAsync(batch, inserted);
    }

    private void Sort(EventBatch batch, int start, int count)
    {
        if (_order.Length < count)
        {
            _order = new Key[count];
        }

        for (var i = 0; i < count; i++)
        {
            _order[i] = new Key(_oids[batch.Items[start + i]].Id, batch.TimesNs[start + i], start + i);
        }

        _order.AsSpan(0, count).Sort();
    }

    private void Part(EventBatch batch, int count)
    {
        _new.Clear();
        _others.Clear();
        foreach (ref readonly var key in _order.AsSpan(0, count))
        {
            var oid = _oids[batch.Items[key.Index]];
            if (key.TimeNs > oid.LastNs)
            {
                oid.LastNs = key.TimeNs;
                _new.Add(new EventRow(key.Index, key.OidId, 0, Digest: null));
            }
            else
            {
                _others.Add(key);
            }
        }
    }

    /// <summary>Loads the new rows.</summary>
    private async Task CopyAsync(EventBatch batch, Action<int>? inserted)
    {
        if (_new.Count == 0)
        {
            return;
        }

        await using var stream = await session.LoadAsync(Into);
        _rows.Begin();
        for (var i = 0; i < _new.Count; i++)
        {
            _rows.Append(batch, _new[i]);
            inserted?.Invoke(_new[i].Index);
            if (_rows.IsFull)
            {
                await stream.WriteAsync(_rows.Written);
                _rows.Clear();
            }
        }

        _rows.End();
        await stream.WriteAsync(_rows.Written);
    }

    private async Task<WriteCounts> SettleAsync(EventBatch batch, Action<int>? inserted)
    {
        await CopyOthersAsync(batch);
        _new.Clear();
        var counts = await JudgeAsync(batch);
        await CopyAsync(batch, inserted);
        return counts;
    }

    private async Task CopyOthersAsync(EventBatch batch)
    {
        if (!_hasPart)
        {
            await session.ExecuteAsync(PostgresSchema.Part);
            _hasPart = true;
        }

        _contents.Clear();
        await using var stream = await session.LoadAsync(IntoPart);
        _rows.Begin();
        for (var i = 0; i < _others.Count; i++)
        {
            var content = _digest.Of(batch, _others[i].OidId, _others[i].Index);
            _contents.Add(content);
            _rows.Append(batch, new EventRow(_others[i].Index, _others[i].OidId, 0, Lower(content)), sequence: i);
            if (_rows.IsFull)
            {
                await stream.WriteAsync(_rows.Written);
                _rows.Clear();
            }
        }

        _rows.End();
        await stream.WriteAsync(_rows.Written);
    }

    /// <summary>Decides about every event that was sent for comparison; what is to be kept is among the new rows afterwards.</summary>
    private async Task<WriteCounts> JudgeAsync(EventBatch batch)
    {
        await using var command = session.Command(Compare);
        await using var answer = await command.ExecuteReaderAsync();
        var hasAnswer = await answer.ReadAsync();
        var counts = default(WriteCounts);
        var next = 0;
        for (var i = 0; i < _others.Count; i++)
        {
            // A time that the database does not know has no line of answer.
            var stored = default(StoredRows);
            if (hasAnswer && answer.GetInt32(0) == i)
            {
                stored = Read(answer, IeidOf(batch, i));
                hasAnswer = await answer.ReadAsync();
            }

            if (i == 0 || !_others[i].IsSameInstant(_others[i - 1]))
            {
                _instant.Clear();
                next = stored.First is null ? 0 : checked(stored.LastNumber + 1);
            }

            _instant.Ask(stored, _contents[i]);
            var verdict = _instant.IsEmpty
                ? EventVerdict.Insert
                : IdentityRule.Decide(IeidOf(batch, i), (EventFlags)batch.Flags[_others[i].Index], _instant);
            if (verdict == EventVerdict.Insert)
            {
                _new.Add(new EventRow(_others[i].Index, _others[i].OidId, next, next == 0 ? null : Lower(_contents[i])));
                next++;
                if (i + 1 < _others.Count && _others[i + 1].IsSameInstant(_others[i]))
                {
                    _instant.Add(IeidOf(batch, i), _contents[i]);
                }
            }

            counts = verdict switch
            {
                EventVerdict.Insert => counts with { Inserted = counts.Inserted + 1 },
                EventVerdict.Replay => counts with { Replays = counts.Replays + 1 },
                EventVerdict.Repeat => counts with { Repeats = counts.Repeats + 1 },
                _ => counts with { Conflicts = counts.Conflicts + 1 },
            };
        }

        return counts;
    }

    private static StoredRows Read(NpgsqlDataReader row, Ieid ieid) => new()
    {
        First = new RowFacts(IeidAt(row, 1), row.GetBoolean(3)),
        LastNumber = row.GetInt32(4),
        Same = row.IsDBNull(5) ? null : new RowFacts(ieid, row.GetBoolean(5)),
        Before = row.IsDBNull(6) ? null : new RowFacts(IeidAt(row, 6), row.GetBoolean(8)),
        After = row.IsDBNull(9) ? null : new RowFacts(IeidAt(row, 9), row.GetBoolean(11)),
        HasContent = row.GetBoolean(12),
        HasContentOfUnknown = row.GetBoolean(13),
    };

    private static Ieid IeidAt(NpgsqlDataReader row, int column) =>
        new(unchecked((ulong)row.GetInt64(column)), unchecked((ulong)row.GetInt64(column + 1)));

    private Ieid IeidOf(EventBatch batch, int other) => new(batch.Boots[_others[other].Index], batch.Counters[_others[other].Index]);

    private static long Lower(UInt128 digest) => unchecked((long)(ulong)digest);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Key(int OidId, long TimeNs, int Index) : IComparable<Key>
    {
        public bool IsSameInstant(in Key other) => OidId == other.OidId && TimeNs == other.TimeNs;

        public int CompareTo(Key other)
        {
            var byOid = OidId.CompareTo(other.OidId);
            var byTime = byOid != 0 ? byOid : TimeNs.CompareTo(other.TimeNs);
            return byTime != 0 ? byTime : Index.CompareTo(other.Index);
        }
    }
}
