using ZfRepl.Core.History.Sqlite;

namespace ZfRepl.Core.History.Influx;

/// <summary>
/// Up to which time each OID was written, beside the ledger. InfluxDB overwrites a point that is written again, so before an event is
/// written it must be known whether its instant is taken. Above the mark none is, so nothing has to be read. A mark is raised, durably,
/// before the points are sent: it may be too high after a crash, never too low. Not thread-safe; its caller holds the session's lock.
/// </summary>
internal sealed class SeriesMarks(SqliteSession session)
{
    private const int MaxRemembered = 200_000;

    private const string Tables = """
        CREATE TABLE IF NOT EXISTS influx_ledger(
          id INTEGER PRIMARY KEY CHECK(id = 1), name TEXT NOT NULL, target TEXT NOT NULL, is_adopted INTEGER NOT NULL,
          generation INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS influx_mark(oid TEXT PRIMARY KEY, t INTEGER NOT NULL) WITHOUT ROWID;
        """;

    private readonly Dictionary<string, long?> _marks = new(StringComparer.Ordinal);
    private long _generation = -1;

    /// <summary>Makes the tables and, once, the ledger's name.</summary>
    public void Prepare(string newName)
    {
        session.Begin();
        session.Execute(Tables);
        var insert = session.Statement("INSERT OR IGNORE INTO influx_ledger VALUES(1, ?1, '', 0, 0)");
        insert.BindText(1, newName);
        insert.Execute();
        session.Commit();
    }

    /// <summary>
    /// The ledger's name, the target that it was used with last, and whether that held data of another ledger. What is remembered is
    /// forgotten if another program has changed the marks.
    /// </summary>
    public (string Name, string Target, bool IsAdopted) Read()
    {
        var row = session.Statement("SELECT name, target, is_adopted, generation FROM influx_ledger");
        var found = row.Step()
            ? (row.Text(0), row.Text(1), row.Int64(2) != 0, row.Int64(3))
            : throw new InvalidOperationException("The ledger's own row was just written and is not there.");
        row.Reset();
        if (_generation != found.Item4)
        {
            _marks.Clear();
            _generation = found.Item4;
        }

        return (found.Item1, found.Item2, found.Item3);
    }

    /// <summary>
    /// Takes a target: nothing is known of its OIDs, and there is nothing of them unless it is adopted. Does nothing if another program
    /// has taken one since.
    /// </summary>
    /// <param name="before">The target that was read.</param>
    /// <param name="target">The new one.</param>
    /// <param name="isAdopted">True when it may hold data.</param>
    public void Claim(string before, string target, bool isAdopted)
    {
        _generation = -1;
        session.Begin();
        if (session.Number("SELECT count(*) FROM influx_ledger WHERE target = '" + before.Replace("'", "''", StringComparison.Ordinal) + "'") == 1)
        {
            session.Execute("DELETE FROM influx_mark");
            var update = session.Statement("UPDATE influx_ledger SET target = ?1, is_adopted = ?2, generation = generation + 1");
            update.BindText(1, target);
            update.Bind(2, isAdopted ? 1 : 0);
            update.Execute();
        }

        session.Commit();
    }

    /// <summary>The last time that may have been written, or null when nothing was.</summary>
    public long? Find(string oid)
    {
        if (_marks.TryGetValue(oid, out var mark))
        {
            return mark;
        }

        if (_marks.Count >= MaxRemembered)
        {
            _marks.Clear();
        }

        var row = session.Statement("SELECT t FROM influx_mark WHERE oid = ?1");
        row.BindText(1, oid);
        mark = row.Step() ? row.Int64(0) : null;
        row.Reset();
        _marks[oid] = mark;
        return mark;
    }

    /// <summary>Raises marks durably.</summary>
    public void Raise(IReadOnlyList<(string Oid, long TimeNs)> marks)
    {
        if (marks.Count == 0)
        {
            return;
        }

        session.Begin();
        var put = session.Statement("INSERT INTO influx_mark VALUES(?1, ?2) ON CONFLICT(oid) DO UPDATE SET t = max(t, excluded.t)");
        foreach (var (oid, timeNs) in marks)
        {
            put.BindText(1, oid);
            put.Bind(2, timeNs);
            put.Execute();
        }

        session.Execute("UPDATE influx_ledger SET generation = generation + 1");
        session.Commit();
        _generation++;
        foreach (var (oid, timeNs) in marks)
        {
            _marks[oid] = _marks.TryGetValue(oid, out var known) && known > timeNs ? known : timeNs;
        }
    }
}
