using System.Text.Json;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Services;

/// <summary>How services end, and what of them is left.</summary>
public sealed class StopTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly EdgeCollector _collector = new();

    public Task InitializeAsync() => _collector.InitializeAsync();

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _collector.DisposeAsync();

    [Fact]
    public async Task SIGTERM_ends_with_0_and_everything_accepted_is_in_blocks()
    {
        await _collector.CollectSomeAsync();
        Assert.Equal(0, await _collector.Process.TerminateAsync());
        await AssertAllIsOnDiskAsync();
        Assert.Equal(69, (await _collector.CallAsync("test")).ExitCode);
    }

    [Fact]
    public async Task The_method_stop_ends_with_0_and_everything_accepted_is_in_blocks()
    {
        await _collector.CollectSomeAsync();
        Assert.Equal(0, (await _collector.CallAsync("stop")).ExitCode);
        Assert.Equal(0, await _collector.Process.WaitForExitAsync());
        await AssertAllIsOnDiskAsync();
    }

    [Fact]
    public async Task A_killed_service_is_told_from_one_that_never_ran_and_loses_nothing_accepted()
    {
        await _collector.CollectSomeAsync();
        var accepted = (await _collector.AccountAsync("centre")).GetProperty("accepted_events").GetUInt64();
        await _collector.Process.KillAsync();
        var call = await _collector.CallAsync("test");
        Assert.Equal(69, call.ExitCode);
        Assert.Contains("has died (look into its log and start it again)", call.Error, StringComparison.Ordinal);
        var status = await _collector.RunAsync("status");
        Assert.Equal(69, status.ExitCode);
        Assert.Matches($@"(?m)^\s+{EdgeCollector.Id}\s+gone", status.Output);

        await using var again = await ZfReplProgram.StartAsync(_collector.Folder, "collector.yml");
        Assert.True((await _collector.AccountAsync("centre")).GetProperty("accepted_events").GetUInt64() >= accepted);
    }

    /// <summary>The heartbeat counts 1, 2, 3…, so the blocks prove by themselves that nothing is missing.</summary>
    private async Task AssertAllIsOnDiskAsync()
    {
        var cat = await _collector.RunAsync("block", "cat", _collector.Mailbox);
        Assert.Equal((0, ""), (cat.ExitCode, cat.Error));
        var values = cat.Lines.Select(line =>
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.GetProperty("value").GetInt64();
        }).ToArray();
        Assert.Equal(Enumerable.Range(1, values.Length).Select(v => (long)v), values);
        Assert.DoesNotContain(Directory.EnumerateFiles(_collector.Mailbox), f => f.EndsWith(".open", StringComparison.Ordinal));
    }
}
