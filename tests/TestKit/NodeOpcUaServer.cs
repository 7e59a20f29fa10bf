using System.Globalization;

namespace ZfRepl.TestKit;

/// <summary>The third-party OPC UA server of tests/servers, started by a test as its direct child; its head comment lists the options.</summary>
public sealed class NodeOpcUaServer : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private ExternalProcess? _process;

    /// <summary>The TCP port on 127.0.0.1.</summary>
    public int Port { get; } = FreePort.Next();

    public string EndpointUrl => $"opc.tcp://localhost:{Port}/plant";

    /// <summary>The server's own log of every change, one JSON line each; complete when <see cref="ChangeAsync"/> has returned.</summary>
    public string LogFile => _folder["changes.jsonl"];

    public string Output => _process?.Output ?? "";

    /// <summary>Starts the server, or starts it again with the same port, certificates and log.</summary>
    public async Task StartAsync(params string[] options)
    {
        string[] arguments =
        [
            Path.Combine(ProgramLookup.TestServersFolder, "opcua-server.mjs"),
            "--port", Port.ToString(CultureInfo.InvariantCulture), "--pki", _folder["pki"], "--log", LogFile, .. options,
        ];
        _process = ExternalProcess.Start("node", arguments, ProgramLookup.TestServersFolder);
        await _process.WaitForLineAsync("listening");
    }

    /// <summary>Makes so many changes at that rate and returns when the server has logged them all.</summary>
    public async Task ChangeAsync(int ratePerSecond, int count)
    {
        await StartChangesAsync(ratePerSecond, count);
        await WaitForChangesAsync();
    }

    public Task StartChangesAsync(int ratePerSecond, int count) =>
        Process.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"start {ratePerSecond} {count}"));

    /// <summary>Makes no more changes; returns when all that were made are in the log.</summary>
    public async Task StopChangesAsync()
    {
        await Process.WriteLineAsync("stop");
        await WaitForChangesAsync();
    }

    public Task WaitForChangesAsync() => Process.WaitForLineAsync("done");

    public Task KillAsync() => Process.KillAsync();

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
    }

    private ExternalProcess Process => _process ?? throw new InvalidOperationException("The server was not started.");
}
