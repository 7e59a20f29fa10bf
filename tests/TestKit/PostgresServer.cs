using System.Globalization;
using Npgsql;
using ZfRepl.Core.History.Postgres;

namespace ZfRepl.TestKit;

/// <summary>
/// A real PostgreSQL cluster of a test's own: made in a temporary folder, on a free loopback port, run by the account <c>postgres</c>
/// where the tests are run by root, which PostgreSQL refuses. Its role and database are both called <c>zfrepl</c>.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>The programs that it takes, for <see cref="RequiresFactAttribute"/>.</summary>
    public const string Programs = "initdb";

    public const string Password = "plant 7:@/secret";

    private const string Account = "postgres";
    private static readonly string[] AsAccount = ["--reuid", Account, "--regid", Account, "--clear-groups", "--"];

    private readonly TempFolder _folder = new();
    private readonly string[] _settings;
    private readonly string _data;
    private ExternalProcess? _process;

    private PostgresServer(string[] settings, string? data)
    {
        _settings = settings;
        _data = data ?? _folder["data"];
    }

    public int Port { get; } = FreePort.Next();

    /// <summary>The folder of its Unix socket, where nobody is asked for a password.</summary>
    public string SocketFolder => _folder.Path;

    public ExternalProcess Process => _process ?? throw new InvalidOperationException("Not started.");

    /// <summary>How the product gets there.</summary>
    public PostgresHistoryOptions Options => new() { Host = "127.0.0.1", Port = Port, Password = Password, Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Makes a cluster and starts it.</summary>
    /// <param name="settings">Settings as in postgresql.conf, such as <c>fsync=off</c>.</param>
    public static Task<PostgresServer> StartAsync(params string[] settings) => StartInAsync(null, settings);

    /// <summary>Makes a cluster in a folder that does not exist yet, and starts it.</summary>
    /// <param name="data">Its data; null for a temporary folder.</param>
    /// <param name="settings">Settings as in postgresql.conf.</param>
    public static async Task<PostgresServer> StartInAsync(string? data, params string[] settings)
    {
        var self = new PostgresServer(settings, data);
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync("chown", [Account, self._folder.Path]);
            if (data is not null)
            {
                Directory.CreateDirectory(data);
                await RunAsync("chown", [Account, data]);
            }
        }

        var (program, arguments) = Under(
            "initdb", "-D", self._data, "-U", Account, "-E", "UTF8", "--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync");
        await RunAsync(program, arguments);
        await self.StartAgainAsync();
        await self.ExecuteAsync($"CREATE ROLE zfrepl LOGIN PASSWORD '{Password}'", "postgres");
        await self.ExecuteAsync("CREATE DATABASE zfrepl OWNER zfrepl", "postgres");
        return self;
    }

    /// <summary>Starts the cluster, on the same port, after it was killed or stopped.</summary>
    public async Task StartAgainAsync()
    {
        string[] settings =
        [
            $"port={Port.ToString(CultureInfo.InvariantCulture)}", "listen_addresses=127.0.0.1", $"unix_socket_directories={SocketFolder}",
            "lc_messages=C", "log_min_messages=warning", .. _settings,
        ];
        var (program, arguments) = Under("postgres", ["-D", _data, .. settings.SelectMany(s => new[] { "-c", s })]);
        var isReady = false;
        await Eventually.TrueAsync(
            async () =>
            {
                // The children of a server that was killed hold its memory for a moment.
                if (_process is { HasExited: true })
                {
                    await _process.DisposeAsync();
                    _process = null;
                }

                _process ??= ExternalProcess.Start(program, arguments);
                isReady = _process.Output.Contains("ready to accept connections", StringComparison.Ordinal);
                return isReady;
            },
            "PostgreSQL accepts connections");
    }

    /// <summary>Ends it as a power cut would, as far as processes go: the children notice and end by themselves.</summary>
    public Task KillAsync() => Process.KillAsync();

    /// <summary>Ends it in order, at once.</summary>
    public async Task StopAsync()
    {
        // SIGINT, the fast shutdown; SIGTERM would wait for clients to leave.
        await RunAsync("kill", ["-INT", Process.Id.ToString(CultureInfo.InvariantCulture)]);
        await Process.WaitForExitAsync();
    }

    /// <summary>A connection of the superuser over the socket.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(string database = "zfrepl")
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
        {
            Host = SocketFolder,
            Port = Port,
            Database = database,
            Username = Account,
            Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Runs statements as the superuser.</summary>
    public async Task ExecuteAsync(string sql, string database = "zfrepl")
    {
        await using var connection = await ConnectAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The rows of a query as the superuser, each value in its text form, separated by bars.</summary>
    public async Task<List<string>> QueryAsync(string sql, string database = "zfrepl")
    {
        await using var connection = await ConnectAsync(database);
        await using var command = new NpgsqlCommand(sql, connection) { AllResultTypesAreUnknown = true };
        await using var row = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await row.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, row.FieldCount).Select(i => row.IsDBNull(i) ? "" : row.GetString(i))));
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await StopAsync();
        }

        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
    }

    private static (string Program, string[] Arguments) Under(string program, params string[] arguments)
    {
        var path = ProgramLookup.Find(program)!;
        return Environment.IsPrivilegedProcess ? (ProgramLookup.Find("setpriv")!, [.. AsAccount, path, .. arguments]) : (path, arguments);
    }

    private static async Task RunAsync(string program, string[] arguments)
    {
        var run = await ProgramRun.RunAsync(ProgramLookup.Find(program) ?? program, arguments, workingFolder: "/");
        if (run.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {run.ExitCode}: {run.Error}");
        }
    }
}
