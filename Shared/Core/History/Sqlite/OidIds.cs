using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>
/// OIDs ↔ their numbers in the database, remembered up to a bound. Within one write each OID is looked up once, by its item number.
/// Numbers given in a transaction that was rolled back are forgotten with the session. Not thread-safe.
/// </summary>
internal sealed class OidIds(SqliteSession session, int maxRemembered = 200_000)
{
    private readonly Dictionary<string, long> _ids = new(StringComparer.Ordinal);
    private long[] _idByItem = new long[256];
    private int[] _runByItem = new int[256];
    private int _run;

    /// <summary>Starts a write: item numbers of the one before mean nothing any more.</summary>
    public void Begin()
    {
        if (++_run == int.MaxValue)
        {
            _run = 1;
            Array.Clear(_runByItem);
        }

        if (_ids.Count > maxRemembered)
        {
            _ids.Clear();
        }
    }

    /// <summary>The number of an item's OID, given now if it had none. Only within a transaction.</summary>
    public long GetOrAdd(OidTable oids, int item)
    {
        if (item >= _idByItem.Length)
        {
            var size = Math.Max(item + 1, _idByItem.Length * 2);
            Array.Resize(ref _idByItem, size);
            Array.Resize(ref _runByItem, size);
        }

        if (_runByItem[item] != _run)
        {
            _idByItem[item] = GetOrAdd(oids[item]);
            _runByItem[item] = _run;
        }

        return _idByItem[item];
    }

    /// <summary>The number of an OID, or null when the database has none for it.</summary>
    public static long? Find(SqliteSession session, Oid oid)
    {
        var find = session.Statement("SELECT id FROM oid WHERE text = ?1");
        find.BindText(1, oid.Utf8Text);
        long? id = find.Step() ? find.Int64(0) : null;
        find.Reset();
        return id;
    }

    private long GetOrAdd(Oid oid)
    {
        if (_ids.TryGetValue(oid.Text, out var id))
        {
            return id;
        }

        id = Find(session, oid) ?? Add(oid);
        _ids[oid.Text] = id;
        return id;
    }

    private long Add(Oid oid)
    {
        var add = session.Statement("INSERT INTO oid(text) VALUES(?1)");
        add.BindText(1, oid.Utf8Text);
        add.Execute();
        return Find(session, oid) ?? throw new InvalidOperationException($"The OID {oid} was just written and is not there.");
    }
}
