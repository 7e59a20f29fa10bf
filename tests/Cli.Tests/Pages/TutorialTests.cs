using System.Globalization;
using System.Text.Json;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Pages;

/// <summary>
/// The README's tutorial, command by command as it is printed there; only the ports are free ones, since a machine may have a broker
/// already.
/// </summary>
public sealed class TutorialTests : IAsyncLifetime, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly TempFolder _folder = new();
    private readonly string _mqttPort = FreePort.Next().ToString(CultureInfo.InvariantCulture);
    private readonly string _opcUaPort = FreePort.Next().ToString(CultureInfo.InvariantCulture);
    private readonly List<ExternalProcess> _processes = [];
    private readonly Queue<string> _steps;

    public TutorialTests()
    {
        var readme = Documents.Read("README.md");
        var tutorial = readme[readme.IndexOf("## Ten minutes", StringComparison.Ordinal)..readme.IndexOf("## Prove it", StringComparison.Ordinal)];
        _steps = new Queue<string>(Documents.CodeBlocks(tutorial, "sh").Select(WithFreePorts));
    }

    public Task InitializeAsync()
    {
        Directory.CreateDirectory(_folder["templates"]);
        foreach (var template in Directory.EnumerateFiles(Path.Combine(ProgramLookup.RepositoryRoot, "templates")))
        {
            File.WriteAllText(_folder["templates", Path.GetFileName(template)], WithFreePorts(File.ReadAllText(template)));
        }

        Directory.CreateDirectory(_folder["tests"]);
        File.CreateSymbolicLink(_folder["tests", "servers"], ProgramLookup.TestServersFolder);
        return Task.CompletedTask;
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        _folder.Dispose();
    }

    [RequiresFact("bash", "node", "mosquitto", "mosquitto_sub", ProgramLookup.NodeOpcUa)]
    public async Task The_tutorial_works_as_it_is_printed()
    {
        // 1 to 3: files and keys, plant, broker, edge, centre.
        await RunAsync(_steps.Dequeue());
        await StartAsync(_steps.Dequeue(), "listening");
        var brokerCommand = _steps.Dequeue();
        var broker = await StartAsync(brokerCommand, "running");
        var edgeCommand = _steps.Dequeue();
        var edge = await StartAsync(edgeCommand, "ready ");
        await StartAsync(_steps.Dequeue(), "ready ");

        // 4: look.
        await EventuallyAsync("centre", s => Stream(s).GetProperty("received").GetInt64() > 100, "readings arrive at the centre");
        var seen = await RunAsync(_steps.Dequeue());
        Assert.Contains("= delivered", seen.Output, StringComparison.Ordinal);
        Assert.Contains("ST/RAR/sensor/plant/Var", seen.Output, StringComparison.Ordinal);

        // 5: break it.
        Assert.Equal(0, await broker.TerminateAsync());
        await EventuallyAsync("edge", s => Mailbox(s).GetProperty("backlog_events").GetInt64() > 300, "the backlog grows");
        seen = await RunAsync(_steps.Dequeue());
        Assert.Contains("{\"oid\":\"sensor:plant/Var", seen.Output, StringComparison.Ordinal);
        await edge.KillAsync();
        edge = await StartAsync(edgeCommand, "ready ");
        await StartAsync(brokerCommand, "running");
        await RunAsync(_steps.Dequeue());
        var accepted = Mailbox(await StatusAsync("edge")).GetProperty("accepted_events").GetInt64();
        await EventuallyAsync("edge", s => Mailbox(s).GetProperty("delivered_events").GetInt64() >= accepted, "everything drains");
        Assert.Equal(0, Mailbox(await StatusAsync("edge")).GetProperty("lost_events").GetInt64());
        Assert.Equal(0, Stream(await StatusAsync("centre")).GetProperty("missing").GetInt64());

        // 6: encrypt it.
        Assert.Equal(0, await edge.TerminateAsync());
        var configuration = _folder["tutorial", "edge", "edge-collector.yml"];
        var text = await File.ReadAllTextAsync(configuration);
        Assert.Contains("security_policy: None ", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(configuration, text.Replace("security_policy: None ", "security_policy: Basic256Sha256 ", StringComparison.Ordinal));
        edge = await StartAsync(edgeCommand, "ready ");
        await edge.WaitForLineAsync("is not in the trust list");
        await RunAsync(_steps.Dequeue());
        await edge.WaitForLineAsync("(Basic256Sha256, SignAndEncrypt)");

        // 7: carry it.
        await EventuallyAsync("edge", s => Mailbox(s).GetProperty("accepted_events").GetInt64() > accepted, "readings come encrypted");
        Assert.Equal(0, await edge.TerminateAsync());
        seen = await RunAsync(_steps.Dequeue());
        Assert.Contains(": intact: ", seen.Output, StringComparison.Ordinal);
        Assert.Contains("\"refused\": 0", seen.Output, StringComparison.Ordinal);

        // 8: prove it.
        await StartAsync(edgeCommand, "ready ");
        seen = await RunAsync(_steps.Dequeue());
        Assert.Contains("every accepted event is in one place", seen.Output, StringComparison.Ordinal);
        Assert.Contains("the file is unchanged since it was signed", seen.Output, StringComparison.Ordinal);
        Assert.Empty(_steps);
    }

    private async Task<ProgramRun> RunAsync(string script)
    {
        var lines = script.Split('\n').Where(l => !l.StartsWith("sqlite3 ", StringComparison.Ordinal) || ProgramLookup.Find("sqlite3") is not null);
        var run = await ProgramRun.RunAsync("bash", ["-euo", "pipefail", "-c", string.Join('\n', lines)], _folder.Path, Environment());
        Assert.True(run.ExitCode == 0, $"{script}\nexit code {run.ExitCode}\n{run.Output}\n{run.Error}");
        return run;
    }

    /// <summary>Starts the last command of a step, which goes on; what stands before it is part of the tests' own preparation.</summary>
    private async Task<ExternalProcess> StartAsync(string script, string readyText)
    {
        var command = script.TrimEnd('\n').Split('\n')[^1];
        var process = ExternalProcess.Start("bash", ["-c", $"exec {command}"], _folder.Path, Environment());
        _processes.Add(process);
        await process.WaitForLineAsync(readyText);
        return process;
    }

    private async Task<JsonElement[]> StatusAsync(string node)
    {
        var run = await ZfReplProgram.RunAsync(_folder.Path, "status", "--json", "--bus", _folder["tutorial", node, "var"]);
        using var document = JsonDocument.Parse(run.Output);
        return [.. document.RootElement.EnumerateArray().Select(s => s.GetProperty("status").Clone())];
    }

    private Task EventuallyAsync(string node, Func<JsonElement[], bool> condition, string what) => Eventually.TrueAsync(
        async () => condition(await StatusAsync(node)), $"{what}; {string.Join("\n", _processes.Select(p => p.Output))}", Patience);

    private static JsonElement Mailbox(JsonElement[] services) =>
        services.SelectMany(s => s.TryGetProperty("mailboxes", out var list) ? list.EnumerateArray().ToArray() : []).Single();

    private static JsonElement Stream(JsonElement[] services) =>
        services.SelectMany(s => s.TryGetProperty("streams", out var list) ? list.EnumerateArray().ToArray() : [])
            .DefaultIfEmpty(JsonDocument.Parse("""{"received":0,"missing":0}""").RootElement)
            .Single();

    private string WithFreePorts(string text) => text
        .Replace("1883", _mqttPort, StringComparison.Ordinal)
        .Replace("4840", _opcUaPort, StringComparison.Ordinal)
        .Replace("mosquitto_sub -t", $"mosquitto_sub -p {_mqttPort} -t", StringComparison.Ordinal);

    private static Dictionary<string, string?> Environment() => new()
    {
        ["PATH"] = $"{AppContext.BaseDirectory}:{System.Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin",
        ["ZFREPL_DIR"] = null,
    };
}
