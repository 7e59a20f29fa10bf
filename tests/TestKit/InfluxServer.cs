namespace ZfRepl.TestKit;

/// <summary>A real InfluxDB 1.x on a free loopback port, with its data in a folder of its own.</summary>
public sealed class InfluxServer : IAsyncDisposable
{
    /// <summary>The program's name, for <see cref="RequiresFactAttribute"/>.</summary>
    public const string Program = "influxd";

    private readonly TempFolder _folder = new();
    private readonly int _backupPort = FreePort.Next();
    private readonly string _scheme;
    private ExternalProcess? _process;

    private InfluxServer(int port, string scheme)
    {
        Port = port;
        _scheme = scheme;
    }

    public int Port { get; }

    public string Folder => _folder.Path;

    public Uri Url => new($"{_scheme}://127.0.0.1:{Port}");

    public ExternalProcess Process => _process ?? throw new InvalidOperationException("Not started.");

    /// <summary>Starts a server without users.</summary>
    /// <param name="http">More settings of the section http, such as <c>auth-enabled = true</c>.</param>
    /// <param name="data">More settings of the section data.</param>
    /// <param name="scheme">https when the settings make it so.</param>
    /// <param name="folder">Where its data lies; null for a temporary folder.</param>
    public static async Task<InfluxServer> StartAsync(
        Func<string, IEnumerable<string>>? http = null, IEnumerable<string>? data = null, string scheme = "http", string? folder = null)
    {
        var self = new InfluxServer(FreePort.Next(), scheme);
        string[] lines =
        [
            "reporting-disabled = true",
            $"bind-address = \"127.0.0.1:{self._backupPort}\"",
            "[meta]",
            $"  dir = \"{Path.Combine(folder ?? self.Folder, "meta")}\"",
            "[data]",
            $"  dir = \"{Path.Combine(folder ?? self.Folder, "data")}\"",
            $"  wal-dir = \"{Path.Combine(folder ?? self.Folder, "wal")}\"",
            "  query-log-enabled = false",
            .. data ?? [],
            "[monitor]",
            "  store-enabled = false",
            "[http]",
            $"  bind-address = \"127.0.0.1:{self.Port}\"",
            "  log-enabled = false",
            .. http?.Invoke(self.Folder) ?? [],
        ];
        await File.WriteAllLinesAsync(self._folder["influxdb.conf"], lines);
        await self.StartAgainAsync();
        return self;
    }

    /// <summary>Starts the program, on the same port with the same data, after it was killed.</summary>
    public async Task StartAgainAsync()
    {
        _process = ExternalProcess.Start(ProgramLookup.Find(Program)!, ["-config", _folder["influxdb.conf"]]);
        await _process.WaitForLineAsync("Listening on HTTP");
    }

    /// <summary>Runs a statement and returns the answer's text.</summary>
    public async Task<string> QueryAsync(string statement, string? database = null, string? login = null)
    {
        using var http = new HttpClient();
        if (login is not null)
        {
            http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(login)));
        }

        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string> { ["q"] = statement, ["db"] = database ?? "", ["epoch"] = "ns" });
        using var response = await http.PostAsync(new Uri(Url, "/query"), form);
        return (await response.Content.ReadAsStringAsync()).Trim();
    }

    /// <summary>Writes lines as another program would, and returns status and text of the answer.</summary>
    public async Task<string> WriteAsync(string lines, string database)
    {
        using var http = new HttpClient();
        using var response = await http.PostAsync(new Uri(Url, $"/write?db={database}"), new StringContent(lines));
        return $"{(int)response.StatusCode} {(await response.Content.ReadAsStringAsync()).Trim()}";
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
    }
}
