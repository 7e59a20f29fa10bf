using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Core.History.Postgres;

/// <summary>
/// One connection, with the settings that the promises need. Not pooled: after any failure it is closed and a new one is opened, so that
/// nobody goes on in a half-done transaction. Not thread-safe.
/// </summary>
internal sealed class PostgresSession : IAsyncDisposable
{
    /// <summary>"ZfRh": the first key of the locks, which are of the database as a whole; the second one is made of the schema's name.</summary>
    private const int LockClass = 0x5A665268;

    private const int OldestVersion = 140_000;
    private const int BufferBytes = 64 * 1024;

    private readonly int _timeoutSeconds;
    private readonly string _lock;
    private readonly string _begin;

    private PostgresSession(NpgsqlConnection connection, PostgresHistoryOptions options)
    {
        Connection = connection;
        Options = options;
        _timeoutSeconds = Seconds(options.Timeout);
        var lockNumber = unchecked((int)Crc32C.Compute(Encoding.UTF8.GetBytes(options.Schema)));
        var id = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
        _lock = string.Create(CultureInfo.InvariantCulture, $"BEGIN; SELECT pg_advisory_xact_lock({LockClass}, {lockNumber})");
        _begin = string.Create(CultureInfo.InvariantCulture, $"{_lock}; UPDATE turn SET holder = {id} WHERE holder <> {id}");
    }

    public NpgsqlConnection Connection { get; }

    public PostgresHistoryOptions Options { get; }

    /// <summary>False when the connection was found broken.</summary>
    public bool IsOpen => Connection.State == System.Data.ConnectionState.Open;

    /// <summary>Connects and checks that the server keeps what it confirms.</summary>
    /// <returns>The session; an error when the server must not be used. What the server or the network say is thrown.</returns>
    public static async Task<HistoryResult<PostgresSession>> OpenAsync(PostgresHistoryOptions options, CancellationToken cancellation)
    {
        var connection = new NpgsqlConnection(ConnectionText(options));
        var session = new PostgresSession(connection, options);
        var isKept = false;
        try
        {
            await connection.OpenAsync(cancellation);
            var refused = await session.ConfigureAsync(cancellation);
            if (refused is not null)
            {
                return refused;
            }

            isKept = true;
            return session;
        }
        finally
        {
            if (!isKept)
            {
                await session.DisposeAsync();
            }
        }
    }

    /// <summary>A command. Its parameters are $1, $2…</summary>
    public NpgsqlCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlCommand(sql, Connection) { CommandTimeout = _timeoutSeconds };
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>Runs a command that returns nothing of interest.</summary>
    /// <returns>How many rows were changed.</returns>
    public async Task<int> ExecuteAsync(string sql, params NpgsqlParameter[] parameters)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>A stream into a COPY; disposing it ends the load and throws what the server found wrong with it.</summary>
    public async Task<NpgsqlRawCopyStream> LoadAsync(string sql)
    {
        var stream = await Connection.BeginRawBinaryCopyAsync(sql);
        stream.ReadTimeout = stream.WriteTimeout = _timeoutSeconds * 1000;
        return stream;
    }

    /// <summary>The first column of the first row, or null.</summary>
    public async Task<object?> ValueAsync(string sql, CancellationToken cancellation, params NpgsqlParameter[] parameters)
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteScalarAsync(cancellation) is { } value and not DBNull ? value : null;
    }

    /// <summary>Begins a transaction, as soon as no other program of ours has one open that writes in this schema.</summary>
    public Task BeginMigrationAsync() => ExecuteAsync(_lock);

    /// <summary>Begins a transaction that writes, as soon as no other program of ours has one open in this schema.</summary>
    /// <returns>True when another session wrote since this one did, or this one never has.</returns>
    public async Task<bool> BeginAsync() => await ExecuteAsync(_begin) > 0;

    public Task CommitAsync() => ExecuteAsync("COMMIT");

    public Task RollbackAsync() => ExecuteAsync("ROLLBACK");

    public ValueTask DisposeAsync() => Connection.DisposeAsync();

    public static NpgsqlParameter Parameter<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    /// <summary>A name as it stands in a statement.</summary>
    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));

    private static string ConnectionText(PostgresHistoryOptions options) => new NpgsqlConnectionStringBuilder
    {
        Host = options.Host,
        Port = options.Port,
        Database = options.Database,
        Username = options.UserName,
        Password = options.Password,
        ApplicationName = "zfrepl",
        SslMode = options.Tls switch
        {
            PostgresTls.Off => SslMode.Disable,
            PostgresTls.Prefer => SslMode.Prefer,
            PostgresTls.Require => SslMode.Require,
            _ => SslMode.VerifyFull,
        },
        RootCertificate = options.CaFile,
        GssEncryptionMode = GssEncryptionMode.Disable,
        Timeout = Math.Min(15, Seconds(options.Timeout)),
        CommandTimeout = Seconds(options.Timeout),
        CancellationTimeout = 2000,
        // By the system, so that a connection never changes on its own while nobody uses it.
        TcpKeepAlive = true,
        TcpKeepAliveTime = 30,
        TcpKeepAliveInterval = 10,
        Pooling = false,
        Enlist = false,
        WriteBufferSize = BufferBytes,
        ReadBufferSize = BufferBytes,
    }.ConnectionString;

    private async Task<HistoryError?> ConfigureAsync(CancellationToken cancellation)
    {
        // The server gives up before this side does, and no lock outlives a client that is gone. An index is always the right way here;
        // statistics of tables that were empty a moment ago must not talk the planner out of it, nor its price bring on a compiler.
        var timeoutMs = (long)_timeoutSeconds * 1000;
        await using (var settings = Command(string.Create(CultureInfo.InvariantCulture, $"""
            SET synchronous_commit = on; SET default_transaction_isolation = 'read committed'; SET search_path = {Quote(Options.Schema)};
            SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off; SET client_min_messages = warning;
            SET statement_timeout = {timeoutMs}; SET lock_timeout = {timeoutMs / 2}; SET idle_in_transaction_session_timeout = {timeoutMs * 2};
            SET temp_buffers = '32MB'
            """)))
        {
            await settings.ExecuteNonQueryAsync(cancellation);
        }

        await using var facts = Command("""
            SELECT current_setting('server_version_num')::integer, current_setting('server_version'), current_setting('server_encoding'),
              current_setting('fsync'), current_setting('full_page_writes'), pg_is_in_recovery()
            """);
        await using var row = await facts.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        if (row.GetInt32(0) < OldestVersion)
        {
            return Refuse($"is PostgreSQL {row.GetString(1)}; this program needs 14 or later", "update the server");
        }

        if (row.GetString(2) != "UTF8")
        {
            return Refuse(
                $"is in the encoding {row.GetString(2)}, which does not hold every text", $"create a database in UTF8: createdb -E UTF8 -T template0 {Options.Database}");
        }

        var off = string.Join(" and ", new[] { ("fsync", row.GetString(3)), ("full_page_writes", row.GetString(4)) }.Where(s => s.Item2 == "off").Select(s => s.Item1));
        if (off.Length > 0 && !Options.AllowUnsafeServer)
        {
            return Refuse(
                $"runs with {off} off: it can lose what it has confirmed, and the source has removed it by then",
                $"set {off} to on in postgresql.conf and reload the server; for a test, `allow_unsafe_server: true`");
        }

        return row.GetBoolean(5)
            ? new HistoryError(
                HistoryTrouble.Unavailable,
                $"The history database {Options} is a standby, which can't be written.",
                "point `url` to the primary server, or promote this one; it is tried again by itself")
            : null;
    }

    private HistoryError Refuse(string what, string remedy) =>
        new(HistoryTrouble.Broken, $"The history database {Options} {what}.", remedy);
}
