using System.Globalization;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>
/// The tables, version by version. A version that was released is never edited: a change is a further step. Version 1 has the
/// events keyed by OID, time and number, a view of them for people, and the ledgers of imports.
/// </summary>
internal static class SqliteSchema
{
    /// <summary>Marks a SQLite file as ours, in its header: "ZfRh".</summary>
    public const int ApplicationId = 0x5A665268;

    /// <summary>The newest version that this program knows.</summary>
    public static int Version => Steps.Length;

    private static readonly string[] Steps = [Version1];

    private const string Version1 = """
        CREATE TABLE schema_version(version INTEGER NOT NULL);
        INSERT INTO schema_version VALUES(0);

        CREATE TABLE oid(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

        CREATE TABLE value_kind(id INTEGER PRIMARY KEY, name TEXT NOT NULL);

        -- The value has no declared type on purpose: SQLite then stores it as it comes.
        CREATE TABLE event(
          oid_id INTEGER NOT NULL, t INTEGER NOT NULL, n INTEGER NOT NULL,
          status INTEGER NOT NULL, quality INTEGER NOT NULL, kind INTEGER NOT NULL, value,
          boot INTEGER NOT NULL, counter INTEGER NOT NULL, flags INTEGER NOT NULL,
          PRIMARY KEY(oid_id, t, n)) WITHOUT ROWID;

        -- Events of one time beyond the first are rare, unless a device's clock stands still: then there are millions.
        CREATE INDEX event_by_origin ON event(oid_id, t, boot, counter) WHERE n > 0;
        CREATE INDEX event_by_content ON event(oid_id, t, kind, status, quality, value, boot, counter) WHERE n > 0;

        CREATE TABLE stream(
          id INTEGER PRIMARY KEY, tag INTEGER NOT NULL, low INTEGER NOT NULL, node TEXT NOT NULL, mailbox TEXT NOT NULL,
          highest INTEGER NOT NULL, UNIQUE(tag, low));

        CREATE TABLE applied(
          stream_id INTEGER NOT NULL, block_index INTEGER NOT NULL, hash BLOB NOT NULL,
          first_sequence INTEGER NOT NULL, next_sequence INTEGER NOT NULL,
          events INTEGER NOT NULL, inserted INTEGER NOT NULL, replays INTEGER NOT NULL, repeats INTEGER NOT NULL, conflicts INTEGER NOT NULL,
          applied_ns INTEGER NOT NULL, is_complete INTEGER NOT NULL, is_delivered INTEGER NOT NULL,
          PRIMARY KEY(stream_id, block_index, hash)) WITHOUT ROWID;

        CREATE TABLE received(
          stream_id INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(stream_id, first)) WITHOUT ROWID;

        CREATE TABLE loss(
          stream_id INTEGER NOT NULL, origin INTEGER NOT NULL, at_sequence INTEGER NOT NULL, digest BLOB NOT NULL, occurrence INTEGER NOT NULL,
          reason INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL, is_exact INTEGER NOT NULL,
          from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL, recorded_ns INTEGER NOT NULL, source TEXT NOT NULL, detail TEXT NOT NULL,
          PRIMARY KEY(stream_id, origin, at_sequence, digest, occurrence)) WITHOUT ROWID;

        CREATE VIEW history AS
          SELECT o.text AS oid,
            strftime('%Y-%m-%dT%H:%M:%S', e.t / 1000000000 - (e.t % 1000000000 < 0), 'unixepoch')
              || printf('.%09dZ', (e.t % 1000000000 + 1000000000) % 1000000000) AS time,
            e.n AS n, e.status AS status, printf('0x%08X', e.quality) AS quality, coalesce(k.name, e.kind) AS kind,
            CASE
              WHEN e.kind = 1 THEN CASE e.value WHEN 0 THEN 'false' ELSE 'true' END
              WHEN e.kind = 9 AND e.value < 0 THEN printf('%llu', e.value)
              WHEN e.kind = 13 AND e.value BETWEEN 0 AND 2650467743999999999 THEN
                strftime('%Y-%m-%dT%H:%M:%S', e.value / 10000000 - 11644473600, 'unixepoch') || printf('.%07dZ', e.value % 10000000)
              WHEN e.kind IN (10, 11) AND typeof(e.value) = 'blob' THEN 'NaN'
              WHEN typeof(e.value) = 'blob' THEN '0x' || hex(e.value)
              ELSE e.value
            END AS value,
            e.boot || '.' || e.counter AS ieid
          FROM event e JOIN oid o ON o.id = e.oid_id LEFT JOIN value_kind k ON k.id = e.kind;
        """;

    /// <summary>
    /// Creates the tables or brings them up to date. A file that is neither empty nor ours, and one of a newer version, is left as it is.
    /// </summary>
    /// <returns>Null, or why the file can't be used.</returns>
    public static HistoryError? Migrate(SqliteSession session)
    {
        var refused = Check(session, out var version);
        if (refused is not null || version == Version)
        {
            return refused;
        }

        session.Begin();
        // Another process may have been faster.
        refused = Check(session, out version);
        if (refused is not null)
        {
            session.Rollback();
            return refused;
        }

        for (; version < Version; version++)
        {
            session.Execute(Steps[version]);
            session.Execute(string.Create(CultureInfo.InvariantCulture, $"UPDATE schema_version SET version = {version + 1}"));
        }

        WriteKinds(session);
        session.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {ApplicationId}"));
        session.Commit();
        return null;
    }

    /// <summary>Looks whether the file may be used; changes nothing.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="version">The version of its tables, 0 for a new file.</param>
    /// <returns>Null, or why not.</returns>
    public static HistoryError? Check(SqliteSession session, out int version)
    {
        version = 0;
        var application = session.Number("PRAGMA application_id");
        if (application == 0 && session.Number("SELECT count(*) FROM sqlite_master") == 0)
        {
            return null;
        }

        if (application != ApplicationId)
        {
            return new HistoryError(
                HistoryTrouble.Broken,
                $"{session.Path} is a SQLite database of another program.",
                "point the configuration to another file; this one was left as it is");
        }

        var found = session.Number("SELECT version FROM schema_version");
        if (found is < 1 or > int.MaxValue || found > Version)
        {
            return new HistoryError(
                HistoryTrouble.Broken,
                $"The history database {session.Path} has version {found} of the tables, this program knows up to {Version}.",
                "update the program; the file was left as it is");
        }

        version = (int)found;
        return null;
    }

    private static void WriteKinds(SqliteSession session)
    {
        foreach (var kind in Enum.GetValues<ValueKind>())
        {
            session.Execute(string.Create(CultureInfo.InvariantCulture, $"INSERT OR IGNORE INTO value_kind VALUES({(int)kind}, '{kind}')"));
        }
    }
}
