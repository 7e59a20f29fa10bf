using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The serving node: a spool and the block server before it.</summary>
internal sealed class Edge : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private Task _serving = Task.CompletedTask;

    private Edge(Spool spool) => Spool = spool;

    public Spool Spool { get; }

    public BlockServer? Server { get; private set; }

    public static async Task<Edge> OpenAsync(string folder) => new(await Spool.OpenAsync(folder));

    /// <summary>A key.</summary>
    public static ApiKey NewKey(string text, string id = "bench") =>
        ApiKey.TryCreate(id, text, out var key, out var error) ? key : throw new InvalidOperationException(error);

    public void Serve(IMessageBus bus, ApiKey key)
    {
        var options = new BlockServerOptions { Node = Spool.Node, Mailboxes = [new ServedMailbox(Spool.Target, key)] };
        Server = new BlockServer(
            bus, new MailboxBlocks(Spool.Mailbox), DiskStorage.Instance, TimeProvider.System, options, NullLogger.Instance,
            new CauseLog(NullLogger.Instance, TimeProvider.System));
        _serving = Server.RunAsync(_end.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        await Spool.DisposeAsync();
        _end.Dispose();
    }
}
