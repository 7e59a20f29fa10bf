using System.Runtime.InteropServices;
using SQLitePCL;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>
/// Writes events within a transaction that its caller holds. They are inserted in the order of the key, which is what makes it fast, and
/// events of one OID and time in the order of their arrival. Every event is first tried as number 0 of its time; only where that is
/// taken, <see cref="IdentityRule"/> is asked. Scalars are written without allocation. Not thread-safe.
/// </summary>
internal sealed class SqliteEventWriter
{
    private const string Columns = "oid_id, t, n, status, quality, kind, value, boot, counter, flags";

    private readonly SqliteSession _session;
    private readonly OidIds _ids;
    private readonly SqliteInstant _instant;
    private readonly SqliteStatement _insertFirst;
    private readonly SqliteStatement _insertOther;
    private readonly CellBuffer _value = new();
    private Key[] _order = new Key[1024];

    public SqliteEventWriter(SqliteSession session)
    {
        _session = session;
        _ids = new OidIds(session);
        _instant = new SqliteInstant(session);
        _insertFirst = session.Statement($"INSERT INTO event({Columns}) VALUES(?1, ?2, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING");
        _insertOther = session.Statement($"INSERT INTO event({Columns}) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    }

    /// <summary>Writes a part of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="start">The first event.</param>
    /// <param name="count">How many events.</param>
    /// <param name="inserted">Is told the index of each new one, or null.</param>
    public WriteCounts Write(EventBatch batch, int start, int count, Action<int>? inserted)
    {
        var order = Sort(batch, start, count);
        var counts = new WriteCounts(count, 0, 0, 0, 0);
        foreach (ref readonly var key in order)
        {
            Bind(_insertFirst, key, batch);
            _insertFirst.Execute();
            var before = counts.Inserted;
            counts = raw.sqlite3_changes(_session.Database) > 0
                ? counts with { Inserted = counts.Inserted + 1 }
                : Settle(key, batch, counts);
            if (counts.Inserted > before)
            {
                inserted?.Invoke(key.Index);
            }
        }

        return counts;
    }

    private WriteCounts Settle(in Key key, EventBatch batch, in WriteCounts counts)
    {
        _instant.Load(key.OidId, batch, key.Index);
        var ieid = new Ieid(batch.Boots[key.Index], batch.Counters[key.Index]);
        switch (IdentityRule.Decide(ieid, (EventFlags)batch.Flags[key.Index], _instant))
        {
            case EventVerdict.Insert:
                Bind(_insertOther, key, batch);
                _insertOther.Bind(3, _instant.NextNumber());
                _insertOther.Execute();
                return counts with { Inserted = counts.Inserted + 1 };
            case EventVerdict.Replay:
                return counts with { Replays = counts.Replays + 1 };
            case EventVerdict.Repeat:
                return counts with { Repeats = counts.Repeats + 1 };
            default:
                return counts with { Conflicts = counts.Conflicts + 1 };
        }
    }

    private void Bind(SqliteStatement insert, in Key key, EventBatch batch)
    {
        var i = key.Index;
        _value.Set((ValueKind)batch.Kinds[i], batch.Bits[i], batch.References[i]);
        insert.BindKept(1, key.OidId);
        insert.Bind(2, key.TimeNs);
        insert.BindKept(4, batch.Statuses[i]);
        insert.BindKept(5, batch.Qualities[i]);
        insert.BindKept(6, batch.Kinds[i]);
        insert.Bind(7, _value);
        insert.BindKept(8, unchecked((long)batch.Boots[i]));
        insert.Bind(9, unchecked((long)batch.Counters[i]));
        insert.BindKept(10, batch.Flags[i]);
    }

    private ReadOnlySpan<Key> Sort(EventBatch batch, int start, int count)
    {
        if (_order.Length < count)
        {
            _order = new Key[count];
        }

        _ids.Begin();
        var order = _order.AsSpan(0, count);
        for (var i = 0; i < count; i++)
        {
            order[i] = new Key(_ids.GetOrAdd(batch.Oids, batch.Items[start + i]), batch.TimesNs[start + i], start + i);
        }

        order.Sort();
        return order;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Key(long OidId, long TimeNs, int Index) : IComparable<Key>
    {
        public int CompareTo(Key other)
        {
            var byOid = OidId.CompareTo(other.OidId);
            var byTime = byOid != 0 ? byOid : TimeNs.CompareTo(other.TimeNs);
            return byTime != 0 ? byTime : Index.CompareTo(other.Index);
        }
    }
}
