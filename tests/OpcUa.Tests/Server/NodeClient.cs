using System.Globalization;
using System.Text.Json;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>The third-party client of tests/servers/opcua-client.mjs as the test's direct child; its head comment lists the commands.</summary>
internal sealed class NodeClient(NodeClientCertificate certificate) : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private ExternalProcess? _process;

    /// <summary>Every change that has arrived, one JSON line each.</summary>
    public string LogFile => _folder["arrived.jsonl"];

    public string Output => _process!.Output;

    /// <summary>Starts the client.</summary>
    /// <returns>Its first line: "connected URI" or "refused REASON".</returns>
    public async Task<string> StartAsync(int port, params string[] options)
    {
        string[] arguments =
        [
            Path.Combine(ProgramLookup.TestServersFolder, "opcua-client.mjs"),
            "--url", string.Create(CultureInfo.InvariantCulture, $"opc.tcp://127.0.0.1:{port}/plant"), "--pki", certificate.Folder, "--log", LogFile, .. options,
        ];
        _process = ExternalProcess.Start("node", arguments, ProgramLookup.TestServersFolder);
        while (true)
        {
            var line = await _process.WaitForLineAsync("");
            if (line.StartsWith("connected", StringComparison.Ordinal) || line.StartsWith("refused", StringComparison.Ordinal))
            {
                return line;
            }
        }
    }

    /// <summary>Sends a command and gives what stands after the expected word in the answer.</summary>
    public async Task<string> AskAsync(string command, string answer)
    {
        await _process!.WriteLineAsync(command);
        while (true)
        {
            // The library prints warnings of its own in between.
            var line = await _process.WaitForLineAsync("", TimeSpan.FromSeconds(30));
            Assert.False(line.StartsWith("error", StringComparison.Ordinal), line);
            if (line.StartsWith(answer, StringComparison.Ordinal))
            {
                return line[answer.Length..].Trim();
            }
        }
    }

    public async Task<List<JsonElement>> ReadAsync(params string[] nodes) =>
        [.. JsonDocument.Parse(await AskAsync("read " + string.Join(' ', nodes), "read")).RootElement.EnumerateArray()];

    /// <summary>Subscribes and gives the answer.</summary>
    public async Task<JsonElement> SubscribeAsync(object settings) =>
        JsonDocument.Parse(await AskAsync("subscribe " + JsonSerializer.Serialize(settings), "subscribed")).RootElement;

    public Task WaitAsync(int changes) => AskAsync(string.Create(CultureInfo.InvariantCulture, $"wait {changes}"), "have");

    /// <summary>What has arrived, in the order of arrival.</summary>
    public List<JsonElement> Arrived() => [.. File.ReadLines(LogFile).Select(l => JsonDocument.Parse(l).RootElement)];

    /// <summary>True when a change with that value is in the log.</summary>
    public bool HasArrived(string value)
    {
        using var log = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(log);
        return reader.ReadToEnd().Contains($"\"value\":\"{value}\"", StringComparison.Ordinal);
    }

    public Task ExitAsync() => AskAsync("exit", "bye");

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
    }
}

/// <summary>The certificate that all third-party clients of a class share, because making its key takes a second.</summary>
public sealed class NodeClientCertificate : IDisposable
{
    private readonly TempFolder _folder = new();

    public string Folder => _folder["pki"];

    public void Dispose() => _folder.Dispose();
}
