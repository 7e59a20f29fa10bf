using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ZfRepl.Core.History.Sqlite;

/// <summary>How a connection is used.</summary>
internal enum SqliteAccess
{
    /// <summary>The writer of an existing file.</summary>
    Write,

    /// <summary>A reader beside the writer of the same process.</summary>
    Query,

    /// <summary>A reader that must not change anything, such as a command on a service's file.</summary>
    ReadOnly,
}

/// <summary>
/// One connection with its prepared statements. A session in which something failed is thrown away, and with it an open transaction,
/// so that no state of a failure survives. Not thread-safe.
/// </summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteStatement> _statements = new(StringComparer.Ordinal);

    private SqliteSession(SqliteConnection connection, string path)
    {
        _connection = connection;
        Path = path;
    }

    public string Path { get; }

    public sqlite3 Database => _connection.Handle!;

    /// <summary>Opens an existing file.</summary>
    /// <exception cref="SqliteException">It can't be opened, or is no database.</exception>
    public static SqliteSession Open(SqliteHistoryOptions options, SqliteAccess access)
    {
        SqliteNative.EnsureLoaded();
        var text = new SqliteConnectionStringBuilder
        {
            DataSource = options.Path,
            Mode = access == SqliteAccess.ReadOnly ? SqliteOpenMode.ReadOnly : SqliteOpenMode.ReadWrite,
            Pooling = false,
        };
        var session = new SqliteSession(new SqliteConnection(text.ToString()), options.Path);
        var isReady = false;
        try
        {
            session._connection.Open();
            raw.sqlite3_busy_timeout(session.Database, options.BusyTimeoutMs);
            session.Configure(options, access);
            isReady = true;
            return session;
        }
        finally
        {
            if (!isReady)
            {
                session.Dispose();
            }
        }
    }

    /// <summary>A statement, prepared once.</summary>
    public SqliteStatement Statement(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            statement = new SqliteStatement(Database, sql);
            _statements.Add(sql, statement);
        }

        return statement;
    }

    /// <summary>Runs statements that return nothing of interest.</summary>
    public void Execute(string sql)
    {
        var code = raw.sqlite3_exec(Database, sql);
        if (code != raw.SQLITE_OK)
        {
            throw new SqliteException(raw.sqlite3_errmsg(Database).utf8_to_string(), code, raw.sqlite3_extended_errcode(Database));
        }
    }

    /// <summary>The first column of the first row as a number; -1 without a row.</summary>
    public long Number(string sql)
    {
        using var statement = new SqliteStatement(Database, sql);
        return statement.Step() ? statement.Int64(0) : -1;
    }

    /// <summary>Begins a transaction that writes; waits for other writers as long as the busy timeout says.</summary>
    public void Begin() => Execute("BEGIN IMMEDIATE");

    public void Commit() => Execute("COMMIT");

    public void Rollback() => Execute("ROLLBACK");

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        _statements.Clear();
        _connection.Dispose();
    }

    private void Configure(SqliteHistoryOptions options, SqliteAccess access)
    {
        Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA cache_size = -{options.CacheKiB}"));
        if (access != SqliteAccess.Write)
        {
            Execute("PRAGMA query_only = 1");
            return;
        }

        // FULL syncs the log at every commit: a write that returned is on disk. The log is cut back to the limit after each checkpoint.
        Execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = OFF");
    }
}
