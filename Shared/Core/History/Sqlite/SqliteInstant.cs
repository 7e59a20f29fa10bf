using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>
/// Answers the questions of <see cref="IdentityRule"/> about the rows of one OID and time. The first row is found by the key, the others
/// by two partial indexes, so that each answer costs a few page look-ups even when a stopped clock has put millions of rows there.
/// Not thread-safe.
/// </summary>
internal sealed class SqliteInstant(SqliteSession session) : IRowsAtInstant
{
    private const string Content = "status, quality, kind, value, boot, counter";
    private const string Others = "FROM event INDEXED BY event_by_origin WHERE oid_id = ?1 AND t = ?2 AND n > 0";
    private const string Equal = """
        SELECT value FROM event INDEXED BY event_by_content
        WHERE oid_id = ?1 AND t = ?2 AND kind = ?3 AND status = ?4 AND quality = ?5 AND value IS ?6 AND n > 0
        """;

    private const string IsKnown = "NOT (boot = 0 AND counter = 0)";

    private readonly SqliteStatement _first = session.Statement($"SELECT {Content} FROM event WHERE oid_id = ?1 AND t = ?2 AND n = 0");
    private readonly SqliteStatement _last = session.Statement("SELECT max(n) FROM event WHERE oid_id = ?1 AND t = ?2");
    private readonly SqliteStatement _same = session.Statement($"SELECT {Content} {Others} AND boot = ?3 AND counter = ?4 LIMIT 1");
    private readonly SqliteStatement _before = session.Statement(
        $"SELECT {Content} {Others} AND (boot, counter) < (?3, ?4) AND {IsKnown} ORDER BY boot DESC, counter DESC LIMIT 1");

    private readonly SqliteStatement _after = session.Statement(
        $"SELECT {Content} {Others} AND (boot, counter) > (?3, ?4) AND {IsKnown} ORDER BY boot, counter LIMIT 1");

    private readonly SqliteStatement _equal = session.Statement(Equal);
    private readonly SqliteStatement _equalUnknown = session.Statement($"{Equal} AND boot = 0 AND counter = 0");

    private readonly CellBuffer _value = new();
    private long _oidId;
    private long _timeNs;
    private long _status;
    private long _quality;
    private long _kind;
    private bool _isFirstEqual;
    private Ieid _firstIeid;

    /// <summary>Takes the event in question and reads the first row.</summary>
    public void Load(long oidId, EventBatch batch, int index)
    {
        _oidId = oidId;
        _timeNs = batch.TimesNs[index];
        _status = batch.Statuses[index];
        _quality = batch.Qualities[index];
        _kind = batch.Kinds[index];
        _value.Set((ValueKind)batch.Kinds[index], batch.Bits[index], batch.References[index]);
        BindInstant(_first);
        if (!_first.Step())
        {
            throw new InvalidOperationException($"An event of OID {oidId} at {_timeNs} is said to be there and has no first row.");
        }

        _isFirstEqual = IsEqual(_first);
        _firstIeid = IdentityOf(_first);
        _first.Reset();
    }

    /// <summary>The number that another event of this time gets.</summary>
    public long NextNumber()
    {
        BindInstant(_last);
        _last.Step();
        var next = _last.Int64(0) + 1;
        _last.Reset();
        return next;
    }

    public RowMatch WithIdentity(Ieid ieid) =>
        _firstIeid == ieid ? Match(_isFirstEqual) : Find(_same, ieid, out _);

    public RowMatch Before(Ieid ieid)
    {
        var other = Find(_before, ieid, out var found);
        var isFirst = _firstIeid != Ieid.Unknown && Compare(_firstIeid, ieid) < 0 && (other == RowMatch.None || Compare(_firstIeid, found) > 0);
        return isFirst ? Match(_isFirstEqual) : other;
    }

    public RowMatch After(Ieid ieid)
    {
        var other = Find(_after, ieid, out var found);
        var isFirst = _firstIeid != Ieid.Unknown && Compare(_firstIeid, ieid) > 0 && (other == RowMatch.None || Compare(_firstIeid, found) < 0);
        return isFirst ? Match(_isFirstEqual) : other;
    }

    public bool HasContentOfUnknown() => (_isFirstEqual && _firstIeid == Ieid.Unknown) || Exists(_equalUnknown);

    public bool HasContent() => _isFirstEqual || Exists(_equal);

    private static RowMatch Match(bool isEqual) => isEqual ? RowMatch.SameContent : RowMatch.OtherContent;

    private static Ieid IdentityOf(SqliteStatement row) => new(unchecked((ulong)row.Int64(4)), unchecked((ulong)row.Int64(5)));

    // In the order of the columns, which are signed.
    private static int Compare(Ieid a, Ieid b) => unchecked(
        a.Boot != b.Boot ? ((long)a.Boot).CompareTo((long)b.Boot) : ((long)a.Counter).CompareTo((long)b.Counter));

    private bool IsEqual(SqliteStatement row) =>
        row.Int64(0) == _status && row.Int64(1) == _quality && row.Int64(2) == _kind && _value.Matches(row, 3);

    private RowMatch Find(SqliteStatement statement, Ieid ieid, out Ieid found)
    {
        BindInstant(statement);
        statement.Bind(3, unchecked((long)ieid.Boot));
        statement.Bind(4, unchecked((long)ieid.Counter));
        var match = RowMatch.None;
        found = default;
        if (statement.Step())
        {
            match = Match(IsEqual(statement));
            found = IdentityOf(statement);
        }

        statement.Reset();
        return match;
    }

    private bool Exists(SqliteStatement statement)
    {
        BindInstant(statement);
        statement.Bind(3, _kind);
        statement.Bind(4, _status);
        statement.Bind(5, _quality);
        statement.Bind(6, _value);

        // SQLite finds 0.0 and -0.0 equal; here they are not.
        var isFound = false;
        while (!isFound && statement.Step())
        {
            isFound = _value.Matches(statement, 0);
        }

        statement.Reset();
        return isFound;
    }

    private void BindInstant(SqliteStatement statement)
    {
        statement.Bind(1, _oidId);
        statement.Bind(2, _timeNs);
    }
}
