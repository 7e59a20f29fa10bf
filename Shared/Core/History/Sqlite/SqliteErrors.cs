using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>What SQLite's result codes mean for the caller. Codes that only a defect of this program can cause are not translated.</summary>
internal static class SqliteErrors
{
    /// <summary>The value for an exception, or null when it is a defect that must be seen.</summary>
    public static HistoryError? Translate(SqliteException exception, string path)
    {
        return exception.SqliteErrorCode switch
        {
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_PROTOCOL => new HistoryError(
                HistoryTrouble.Busy,
                $"The history database {path} is being written by another program.",
                "it is tried again; if it stays so, close programs that keep a transaction open on the file"),
            raw.SQLITE_FULL => Unavailable("The disk is full", "free space on its file system; it goes on by itself"),
            raw.SQLITE_IOERR => Unavailable(
                $"The disk failed ({exception.SqliteExtendedErrorCode})", "free space on its file system; check the disk and the kernel log"),
            raw.SQLITE_CANTOPEN => Unavailable(
                "The file can't be opened", "check that the folder exists and that the service's user may write there"),
            raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH => Unavailable(
                "The file can't be written",
                "give the service's user write permission on the file and its folder; check for a read-only file system"),
            raw.SQLITE_NOMEM => Unavailable("There is no memory left", "give the machine or the service more memory"),
            raw.SQLITE_NOTADB => Broken("is not a SQLite database", "point the configuration to another file; this one was left as it is"),
            raw.SQLITE_CORRUPT => Broken(
                "is damaged",
                "stop the service, keep a copy, and restore a backup or run `sqlite3 FILE .recover`; the file was left as it is"),
            // The statements are right, so a schema that they do not fit was changed by somebody.
            raw.SQLITE_ERROR or raw.SQLITE_SCHEMA or raw.SQLITE_MISMATCH => Broken(
                $"does not have the tables that it should ({exception.Message})", "somebody changed its schema: restore a backup"),
            _ => null,
        };

        HistoryError Unavailable(string what, string remedy) =>
            new(HistoryTrouble.Unavailable, $"{what}: history database {path}: {exception.Message}.", remedy);

        HistoryError Broken(string what, string remedy) => new(HistoryTrouble.Broken, $"The history database {path} {what}.", remedy);
    }
}
