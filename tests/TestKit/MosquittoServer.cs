namespace ZfRepl.TestKit;

/// <summary>A real mosquitto on a free loopback port, with a configuration of the test's.</summary>
public sealed class MosquittoServer : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly IReadOnlyList<string> _under;
    private ExternalProcess? _process;

    private MosquittoServer(int port, IReadOnlyList<string> under) => (Port, _under) = (port, under);

    public int Port { get; }

    public string Folder => _folder.Path;

    public ExternalProcess Process => _process ?? throw new InvalidOperationException("Not started.");

    public static Task<MosquittoServer> StartAsync(params string[] settings) => StartAsync(_ => settings);

    /// <summary>Starts with the listener's settings that <paramref name="settings"/> derives from the server's folder.</summary>
    /// <param name="settings">More lines of the configuration.</param>
    /// <param name="address">Where it listens.</param>
    /// <param name="under">A program and its arguments that start it and become it, such as <c>nsenter --net=FILE</c>.</param>
    public static async Task<MosquittoServer> StartAsync(
        Func<string, IEnumerable<string>> settings, string address = "127.0.0.1", IReadOnlyList<string>? under = null)
    {
        var self = new MosquittoServer(FreePort.Next(), under ?? []);
        string[] head =
        [
            "user root",
            "persistence false",
            "log_dest stderr",
            "log_type all",
            "max_queued_messages 0",
            "per_listener_settings false",
            $"listener {self.Port} {address}",
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
        string[] command = [.. _under, ProgramLookup.Find("mosquitto")!, "-c", _folder["mosquitto.conf"]];
        _process = ExternalProcess.Start(command[0], command[1..]);
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
