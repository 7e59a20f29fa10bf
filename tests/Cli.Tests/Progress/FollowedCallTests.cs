using System.Text.Json;
using System.Text.RegularExpressions;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Progress;

/// <summary>Calls that begin long work, as processes: what a terminal and what a script sees. A fill that waits for its target lasts as long as a test wants.</summary>
public sealed class FollowedCallTests : IAsyncLifetime, IAsyncDisposable
{
    private const string Id = "test.fill";
    private readonly TempFolder _folder = new();
    private ExternalProcess? _process;

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder["collector.yml"], $$"""
            id: {{Id}}
            system_name: edge1
            config:
              collector:
                path: spool
                history: {}
                mailboxes:
                  centre: {fill_max_backlog: 4096, coding: rows}
                sources:
                  beat: {kind: generator, oid: "sensor:edge1/heartbeat", interval: 10ms, value: counter}
            """);
        _process = await ZfReplProgram.StartAsync(_folder.Path, "collector.yml");
        await Eventually.TrueAsync(
            async () =>
            {
                using var status = JsonDocument.Parse((await CallAsync("status")).Output);
                return status.RootElement.GetProperty("mailboxes")[0].GetProperty("backlog_bytes").GetInt64() > 4096;
            },
            "the target has something to fetch");
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

    [Fact]
    public async Task Where_there_is_no_terminal_lines_on_the_error_output_say_how_far_it_is_and_the_output_is_JSON()
    {
        await using var running = ZfReplProgram.Begin(_folder.Path, "call", Id, "mailbox.fill", "i=centre", "id=long", "--progress", "0.2");
        await Eventually.TrueAsync(async () => (await TaskAsync("long")) is { } task && task.GetProperty("doing").GetString()!.Contains("has fetched", StringComparison.Ordinal), "the fill waits");
        var task = (await TaskAsync("long"))!.Value;
        foreach (var field in new[] { "events", "bytes", "percent", "elapsed_seconds", "events_per_second", "bytes_per_second" })
        {
            Assert.Equal(JsonValueKind.Number, task.GetProperty(field).ValueKind);
        }

        Assert.True(task.TryGetProperty("remaining_seconds", out _));
        await running.WaitForLineAsync("| waits until the target has fetched");
        Assert.False(running.HasExited);
        Assert.Equal(0, (await CallAsync("fill.cancel", "i=long")).ExitCode);
        var run = await running.WaitForRunAsync();
        Assert.Equal(1, run.ExitCode);
        using var answer = JsonDocument.Parse(run.Output);
        Assert.Equal("cancelled", answer.RootElement.GetProperty("state").GetString());
        Assert.Contains(run.ErrorLines, l => Regex.IsMatch(l, @"^zfrepl: filling centre \d+ % \| 0 events, 0/s \| 0 B, 0 B/s .*\| waits until the target has fetched"));
        Assert.Contains("was ended before it was done", run.ErrorLines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_waiting_the_task_is_there_at_once_and_short_work_says_nothing()
    {
        // Of a time in which there was nothing.
        var empty = await CallAsync("mailbox.fill", "i=centre", "t_start=2001-01-01", "t_end=2001-01-02");
        Assert.Equal((0, ""), (empty.ExitCode, empty.Error));
        using var done = JsonDocument.Parse(empty.Output);
        Assert.Equal("done", done.RootElement.GetProperty("state").GetString());

        var run = await CallAsync("mailbox.fill", "i=centre", "id=short", "--no-wait");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using var answer = JsonDocument.Parse(run.Output);
        Assert.Equal("open", answer.RootElement.GetProperty("state").GetString());
        Assert.Equal(0, (await CallAsync("fill.cancel", "i=short")).ExitCode);
    }

    [RequiresFact("script")]
    public async Task On_a_terminal_there_is_a_bar()
    {
        var command = $"{ZfReplProgram.Path} call {Id} mailbox.fill i=centre id=bar --bus {_folder["var", "bus.ipc"]}";
        await using var running = ExternalProcess.Start("script", ["--quiet", "--return", "--flush", "--command", command, "/dev/null"], _folder.Path);
        await running.WaitForLineAsync("━");

        // By then it has asked several times how far the task is, and shown it; a frame has no end of line that could be waited for.
        await Eventually.TrueAsync(
            async () => await TaskAsync("bar") is { } task && task.GetProperty("elapsed_seconds").GetDouble() > 3, "the task is followed for a while");
        Assert.Equal(0, (await CallAsync("fill.cancel", "i=bar")).ExitCode);
        var run = await running.WaitForRunAsync();
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("━", run.Output, StringComparison.Ordinal);

        // On a narrow terminal what is filled goes before what is waited for.
        Assert.Contains("waits until", run.Output, StringComparison.Ordinal);
    }

    private Task<ProgramRun> CallAsync(params string[] arguments) => ZfReplProgram.RunAsync(_folder.Path, ["call", Id, .. arguments]);

    private async Task<JsonElement?> TaskAsync(string id)
    {
        var run = await CallAsync("fill.list");
        using var document = JsonDocument.Parse(run.Output);
        var found = document.RootElement.EnumerateArray().FirstOrDefault(t => t.GetProperty("id").GetString() == id);
        return found.ValueKind == JsonValueKind.Undefined ? null : found.Clone();
    }
}
