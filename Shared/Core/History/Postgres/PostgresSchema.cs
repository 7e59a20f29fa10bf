using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History.Postgres;

/// <summary>
/// The tables, version by version, in a schema of their own. A version that was released is never edited: a change is a further step.
/// docs/history.md describes them.
/// </summary>
internal static class PostgresSchema
{
    /// <summary>The newest version that this program knows.</summary>
    public static int Version => Steps.Length;

    private const string Application = "zfrepl history";

    private static readonly string[] Steps = [Version1];

    private const string Version1 = """
        CREATE TABLE oid(
          id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text COLLATE "C" NOT NULL,
          -- Of any length, where a b-tree ends at 2,700 bytes.
          EXCLUDE USING hash (text WITH =));

        CREATE TABLE value_kind(id smallint PRIMARY KEY, name text NOT NULL);

        -- Wide columns first, so that no row has gaps. At most one of the value's columns is set.
        CREATE TABLE event(
          t bigint NOT NULL, boot bigint NOT NULL, counter bigint NOT NULL, "integer" bigint, number double precision,
          oid_id integer NOT NULL, n integer NOT NULL, quality integer NOT NULL,
          status smallint NOT NULL, kind smallint NOT NULL, flags smallint, "boolean" boolean,
          text text COLLATE "C", bytes bytea, digest bigint,
          PRIMARY KEY(oid_id, t, n));

        -- Events of one time beyond the first are rare, unless a device's clock stands still: then there are millions.
        CREATE INDEX event_by_origin ON event(oid_id, t, boot, counter) WHERE n > 0;
        -- The digest is of OID, time and content, so that it leads to the row without them.
        CREATE INDEX event_by_content ON event(digest, boot, counter) WHERE digest IS NOT NULL;

        CREATE TABLE stream(
          id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tag bigint NOT NULL, low bigint NOT NULL,
          node text COLLATE "C" NOT NULL, mailbox text COLLATE "C" NOT NULL, highest bigint NOT NULL, UNIQUE(tag, low));

        CREATE TABLE applied(
          stream_id integer NOT NULL, block_index bigint NOT NULL, hash bytea NOT NULL, first_sequence bigint NOT NULL, next_sequence bigint NOT NULL,
          events bigint NOT NULL, inserted bigint NOT NULL, replays bigint NOT NULL, repeats bigint NOT NULL, conflicts bigint NOT NULL,
          applied_ns bigint NOT NULL, is_complete boolean NOT NULL, is_delivered boolean NOT NULL, PRIMARY KEY(stream_id, block_index, hash));

        CREATE TABLE received(
          stream_id integer NOT NULL, first bigint NOT NULL, last bigint NOT NULL, PRIMARY KEY(stream_id, first));

        CREATE TABLE loss(
          stream_id integer NOT NULL, origin smallint NOT NULL, at_sequence bigint NOT NULL, digest bytea NOT NULL, occurrence integer NOT NULL,
          reason smallint NOT NULL, first bigint NOT NULL, last bigint NOT NULL, count bigint NOT NULL, is_exact boolean NOT NULL,
          from_ns bigint NOT NULL, to_ns bigint NOT NULL, recorded_ns bigint NOT NULL, source text NOT NULL, detail text NOT NULL,
          PRIMARY KEY(stream_id, origin, at_sequence, digest, occurrence));

        -- Which session wrote last: another one must not rely on what it remembers of the tables.
        CREATE TABLE turn(holder bigint NOT NULL);
        INSERT INTO turn VALUES(0);

        CREATE FUNCTION ns_of(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
          AS $$ SELECT (extract(epoch FROM $1) * 1000000000)::bigint $$;

        CREATE FUNCTION time_of(bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
          AS $$ SELECT timestamptz '1970-01-01 00:00:00Z' + ($1 / 1000 - CASE WHEN $1 % 1000 < 0 THEN 1 ELSE 0 END) * interval '1 microsecond' $$;

        CREATE VIEW history AS
          SELECT o.text AS oid, time_of(e.t) AS time, e.t AS time_ns, e.n, e.status, '0x' || lpad(upper(to_hex(e.quality)), 8, '0') AS quality,
            coalesce(k.name, e.kind::text) AS kind,
            CASE
              WHEN e."boolean" IS NOT NULL THEN e."boolean"::text
              WHEN e.kind = 9 AND e."integer" < 0 THEN (e."integer" + 18446744073709551616)::text
              WHEN e.kind = 13 AND e."integer" BETWEEN 0 AND 2650467743999999999 THEN
                to_char(timestamp '1601-01-01' + (e."integer" / 10000000) * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS')
                  || '.' || lpad((e."integer" % 10000000)::text, 7, '0') || 'Z'
              WHEN e."integer" IS NOT NULL THEN e."integer"::text
              WHEN e.number IS NOT NULL AND e.kind = 10 THEN e.number::real::text
              WHEN e.number IS NOT NULL THEN e.number::text
              WHEN e.text IS NOT NULL THEN e.text
              WHEN e.bytes IS NOT NULL THEN '0x' || upper(encode(e.bytes, 'hex'))
            END AS value,
            CASE
              WHEN e."boolean" IS NOT NULL THEN e."boolean"::integer::double precision
              WHEN e.kind = 9 AND e."integer" < 0 THEN (e."integer" + 18446744073709551616)::double precision
              WHEN e."integer" IS NOT NULL AND e.kind <> 13 THEN e."integer"::double precision
              ELSE e.number
            END AS number,
            e.boot || '.' || e.counter AS ieid
          FROM event e JOIN oid o ON o.id = e.oid_id LEFT JOIN value_kind k ON k.id = e.kind;
        """;

    /// <summary>What is there for a session that writes: the room in which events are compared.</summary>
    public const string Part = "CREATE TEMPORARY TABLE IF NOT EXISTS part(LIKE event, seq integer NOT NULL) ON COMMIT DELETE ROWS";

    /// <summary>Creates the tables or brings them up to date. A schema of a newer version is left as it is.</summary>
    /// <returns>Null, or why it can't be used.</returns>
    public static async Task<HistoryError?> MigrateAsync(PostgresSession session, CancellationToken cancellation)
    {
        var refused = Check(session, await ReadVersionAsync(session, cancellation), out var version);
        if (refused is not null || version == Version)
        {
            return refused;
        }

        await session.BeginMigrationAsync();

        // Another process may have been faster.
        refused = Check(session, await ReadVersionAsync(session, CancellationToken.None), out version);
        if (refused is not null || version == Version)
        {
            await session.RollbackAsync();
            return refused;
        }

        await MakeSchemaAsync(session);
        for (; version < Version; version++)
        {
            await session.ExecuteAsync(Steps[version]);
            await session.ExecuteAsync("UPDATE schema_version SET version = $1", PostgresSession.Parameter(version + 1));
        }

        foreach (var kind in Enum.GetValues<ValueKind>())
        {
            await session.ExecuteAsync(
                "INSERT INTO value_kind VALUES($1, $2) ON CONFLICT DO NOTHING",
                PostgresSession.Parameter((short)kind),
                PostgresSession.Parameter(kind.ToString()));
        }

        await session.CommitAsync();
        return null;
    }

    private static HistoryError? Check(PostgresSession session, int? found, out int version)
    {
        version = found ?? 0;
        return version >= 0 && version <= Version
            ? null
            : new HistoryError(
                HistoryTrouble.Broken,
                $"The history database {session.Options} has version {version} of the tables, this program knows up to {Version}.",
                "update the program; nothing was changed");
    }

    private static async Task<int?> ReadVersionAsync(PostgresSession session, CancellationToken cancellation)
    {
        // Not by to_regclass, which can still answer from before the lock was waited for.
        const string Exists = """
            SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'schema_version'
            """;
        return await session.ValueAsync(Exists, cancellation, PostgresSession.Parameter(session.Options.Schema)) is null
            ? null
            : (int?)await session.ValueAsync(
                "SELECT version FROM schema_version WHERE application = $1", cancellation, PostgresSession.Parameter(Application)) ?? 0;
    }

    private static async Task MakeSchemaAsync(PostgresSession session)
    {
        // Asked first, since the statement needs the right to create even where there is nothing to do.
        var schema = session.Options.Schema;
        if (await session.ValueAsync(
            "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = $1", CancellationToken.None, PostgresSession.Parameter(schema)) is null)
        {
            await session.ExecuteAsync($"CREATE SCHEMA {PostgresSession.Quote(schema)}");
        }

        await session.ExecuteAsync("CREATE TABLE IF NOT EXISTS schema_version(application text NOT NULL PRIMARY KEY, version integer NOT NULL)");
        await session.ExecuteAsync(
            "INSERT INTO schema_version VALUES($1, 0) ON CONFLICT DO NOTHING", PostgresSession.Parameter(Application));
    }
}
