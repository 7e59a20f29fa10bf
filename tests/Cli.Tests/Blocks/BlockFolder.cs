using System.Text.Json;
using ZfRepl.Cli.Tests.Services;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Blocks;

/// <summary>Blocks that a collector made: three sealed ones in the order of their numbers.</summary>
public sealed class BlockFolder : IAsyncLifetime, IAsyncDisposable
{
    private readonly EdgeCollector _collector = new();

    public string Folder => _collector.Mailbox;

    public IReadOnlyList<string> Files { get; private set; } = [];

    public IReadOnlyList<int> Events { get; private set; } = [];

    public async Task InitializeAsync()
    {
        await _collector.InitializeAsync();
        for (var i = 0; i < 3; i++)
        {
            await _collector.CollectSomeAsync();
            await _collector.AskAsync("mailbox.seal", "i=centre");
        }

        await _collector.AskAsync("mailbox.disable", "i=*");
        Assert.Equal(0, await _collector.Process.TerminateAsync());
        var listed = await ZfReplProgram.RunAsync("/", "block", "ls", "--json", Folder);
        using var document = JsonDocument.Parse(listed.Output);
        Files = [.. document.RootElement.EnumerateArray().Select(b => b.GetProperty("path").GetString()!)];
        Events = [.. document.RootElement.EnumerateArray().Select(b => b.GetProperty("events").GetInt32())];
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _collector.DisposeAsync();
}
