using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>
/// An edge and a centre that run the ready configurations of <c>templates</c>, each in a folder of its own as on a machine of its own. Only
/// what a test must replace is replaced: addresses, and times that people have and tests have not.
/// </summary>
internal sealed class TemplateSite : IAsyncDisposable
{
    private readonly TempFolder _folder = new();

    public TemplateSite()
    {
        var bin = Directory.CreateDirectory(_folder["bin"]).FullName;
        Bin = bin;
        foreach (var name in new[] { "zfrepl", "eva", "svc" })
        {
            File.CreateSymbolicLink(Path.Combine(bin, name), ZfReplProgram.Path);
        }

        var key = ApiKey.Generate();
        Edge = new TemplateNode("edge", _folder["edge"], bin, key);
        Centre = new TemplateNode("centre", _folder["centre"], bin, key);
    }

    /// <summary>The folder in which the nodes find their programs: <c>zfrepl</c>, and links to it by the names that the manual uses.</summary>
    public string Bin { get; }

    public TemplateNode Edge { get; }

    public TemplateNode Centre { get; }

    /// <summary>A folder that belongs to none of the nodes.</summary>
    public string Stick => Directory.CreateDirectory(_folder["stick"]).FullName;

    public string Outputs => $"== edge\n{Edge.Process.Output}\n\n== centre\n{Centre.Process.Output}";

    public string HistoryPath => Path.Combine(Centre.Folder, "runtime", "zfrepl", "target", "history.db");

    public string LocalHistoryPath => Path.Combine(Edge.Folder, "runtime", "zfrepl", "local-history.db");

    public string MailboxPath => Path.Combine(Edge.Folder, "runtime", "zfrepl", "spool", "centre");

    public Task StartAsync() => Task.WhenAll(Edge.Process.StartAsync(), Centre.Process.StartAsync());

    /// <summary>The accounts of the edge's mailbox.</summary>
    public async Task<MailboxBooks> BooksAsync() =>
        MailboxBooks.Read((await Edge.CallAsync(TemplateNode.CollectorId, "status")).GetProperty("mailboxes")[0]);

    /// <summary>Waits until so many events were collected, whatever the mailbox did with them: the sources' subscriptions stand.</summary>
    public Task CollectsAsync(long events) => Eventually.TrueAsync(
        async () => (await Edge.CallAsync(TemplateNode.CollectorId, "status")).GetProperty("events").GetInt64() >= events,
        "the edge collects",
        TimeSpan.FromSeconds(60));

    public async ValueTask DisposeAsync()
    {
        await Centre.Process.DisposeAsync();
        await Edge.Process.DisposeAsync();
        _folder.Dispose();
    }
}
