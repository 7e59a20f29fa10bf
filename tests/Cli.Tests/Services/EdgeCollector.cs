using System.Text.Json;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Services;

/// <summary>A running collector that is fed by a fast heartbeat, and the commands that an operator gives it.</summary>
public sealed class EdgeCollector : IAsyncLifetime, IAsyncDisposable
{
    public const string Id = "test.collector";

    private readonly TempFolder _folder = new();
    private ExternalProcess? _process;

    public string Folder => _folder.Path;

    public string Mailbox => _folder["spool", "centre"];

    public ExternalProcess Process => _process ?? throw new InvalidOperationException("The collector does not run.");

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder["collector.yml"], $$"""
            id: {{Id}}
            system_name: edge1
            config:
              collector:
                path: spool
                mailboxes:
                  centre: {coding: rows} # several frames, one of which a test can damage
                  second: {auto_enabled: false}
                sources:
                  beat: {kind: generator, oid: "sensor:edge1/heartbeat", interval: 10ms, value: counter}
            """);
        _process = await ZfReplProgram.StartAsync(Folder, "collector.yml");
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
    }

    public Task<ProgramRun> RunAsync(params string[] arguments) => ZfReplProgram.RunAsync(Folder, arguments);

    public Task<ProgramRun> CallAsync(params string[] arguments) => RunAsync(["call", Id, .. arguments]);

    /// <summary>Calls a method that must succeed, and gives its answer.</summary>
    public async Task<JsonElement> AskAsync(params string[] arguments)
    {
        var run = await CallAsync(arguments);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using var document = JsonDocument.Parse(run.Output.Length == 0 ? "null" : run.Output);
        return document.RootElement.Clone();
    }

    /// <summary>The mailbox's account, as `status` gives it.</summary>
    public async Task<JsonElement> AccountAsync(string mailbox)
    {
        var status = await AskAsync("status");
        return status.GetProperty("mailboxes").EnumerateArray().Single(m => m.GetProperty("name").GetString() == mailbox);
    }

    /// <summary>Waits until the mailbox has collected something since its last seal.</summary>
    public Task CollectSomeAsync(string mailbox = "centre", int count = 5)
    {
        ulong? before = null;
        return Eventually.TrueAsync(
            async () =>
            {
                var accepted = (await AccountAsync(mailbox)).GetProperty("accepted_events").GetUInt64();
                before ??= accepted;
                return accepted >= before + (ulong)count;
            },
            $"the mailbox {mailbox} takes readings");
    }
}
