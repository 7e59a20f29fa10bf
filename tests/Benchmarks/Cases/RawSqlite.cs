using SQLitePCL;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// The baseline of every import: the same rows into a table of the same shape by one prepared statement, in transactions of the same size,
/// with a write-ahead log and a sync at each commit, idempotent, and nothing else.
/// </summary>
internal static class RawSqlite
{
    private const int EventsPerTransaction = 65_536;

    public static void Insert(string path, EventBatch events, bool isSorted)
    {
        _ = SqliteHistory.LibraryVersion;
        Check(raw.sqlite3_open(path, out var database));
        using (database)
        {
            Check(raw.sqlite3_exec(database, """
                PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;
                CREATE TABLE event(
                  oid_id INTEGER NOT NULL, t INTEGER NOT NULL, n INTEGER NOT NULL,
                  status INTEGER NOT NULL, quality INTEGER NOT NULL, kind INTEGER NOT NULL, value,
                  boot INTEGER NOT NULL, counter INTEGER NOT NULL, flags INTEGER NOT NULL,
                  PRIMARY KEY(oid_id, t, n)) WITHOUT ROWID
                """));
            Check(raw.sqlite3_prepare_v2(
                database, "INSERT INTO event VALUES(?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING", out var insert));
            using (insert)
            {
                for (var start = 0; start < events.Count; start += EventsPerTransaction)
                {
                    InsertPart(database, insert, events, start, Math.Min(EventsPerTransaction, events.Count - start), isSorted);
                }
            }
        }
    }

    private static void InsertPart(sqlite3 database, sqlite3_stmt insert, EventBatch events, int start, int count, bool isSorted)
    {
        var order = Enumerable.Range(start, count).ToArray();
        if (isSorted)
        {
            var keys = order.Select(i => ((long)events.Items[i] << 44) + (events.TimesNs[i] - events.TimesNs[start]) / 1_000_000).ToArray();
            Array.Sort(keys, order);
        }

        Check(raw.sqlite3_exec(database, "BEGIN IMMEDIATE"));
        foreach (var i in order)
        {
            raw.sqlite3_bind_int64(insert, 1, events.Items[i]);
            raw.sqlite3_bind_int64(insert, 2, events.TimesNs[i]);
            raw.sqlite3_bind_int64(insert, 3, events.Statuses[i]);
            raw.sqlite3_bind_int64(insert, 4, events.Qualities[i]);
            raw.sqlite3_bind_int64(insert, 5, events.Kinds[i]);
            if ((ValueKind)events.Kinds[i] == ValueKind.Double)
            {
                raw.sqlite3_bind_double(insert, 6, BitConverter.UInt64BitsToDouble(events.Bits[i]));
            }
            else
            {
                raw.sqlite3_bind_int64(insert, 6, unchecked((long)events.Bits[i]));
            }

            raw.sqlite3_bind_int64(insert, 7, unchecked((long)events.Boots[i]));
            raw.sqlite3_bind_int64(insert, 8, unchecked((long)events.Counters[i]));
            raw.sqlite3_bind_int64(insert, 9, events.Flags[i]);
            if (raw.sqlite3_step(insert) != raw.SQLITE_DONE)
            {
                throw new InvalidOperationException(raw.sqlite3_errmsg(database).utf8_to_string());
            }

            raw.sqlite3_reset(insert);
        }

        Check(raw.sqlite3_exec(database, "COMMIT"));
    }

    private static void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw new InvalidOperationException($"SQLite says {code}.");
        }
    }
}
