namespace ZfRepl.TestKit;

/// <summary>A real mosquitto on a free loopback port, with a configuration of the test's.</summary>
public sealed class MosquittoServer : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private ExternalProcess? _process;

    private MosquittoServer(int port) => Port = port;

    public int Port { get; }

    public string Folder => _folder.Path;

    public ExternalProcess Process => _process ?? throw new InvalidOperationException("Not started.");

    public static Task<MosquittoServer> StartAsync(params string[] settings) => StartAsync(_ => settings);

    /// <summary>Starts with the listener's settings that <paramref name="settings"/> derives from the server's folder.</summary>
    public static async Task<MosquittoServer> StartAsync(Func<string, IEnumerable<string>> settings)
    {
        var self = new MosquittoServer(FreePort.Next());
        string[] head =
        [
            "user root",
            "persistence false",
            "log_dest stderr",
            "log_type all",
            "max_queued_messages 0",
            "per_listener_settings false",
            $"listener {self.Port} 127.0.0.1",
        ];
        var lines = settings(self.Folder).ToList();
        if (!lines.Exists(l => l.StartsWith("allow_anonymous", StringComparison.Ordinal)))
        {
            lines.Add("allow_anonymous true");
        }

        await File.WriteAllLinesAsync(self._folder["mosquitto.conf"], head.Concat(lines));
        await self.StartAgainAsync();
        return self;
    }

    /// <summary>Starts the program, on the same port, after it was killed.</summary>
    public async Task StartAgainAsync()
    {
        _process = ExternalProcess.Start(ProgramLookup.Find("mosquitto")!, ["-c", _folder["mosquitto.conf"]]);
        await _process.WaitForLineAsync("running");
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
