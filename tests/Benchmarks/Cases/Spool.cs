using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Collector;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>A running mailbox with the settings that the product has by default, and the intake before it.</summary>
internal sealed class Spool : IAsyncDisposable
{
    private const int BatchEvents = 1000;
    private const int BatchesAhead = 64;

    private readonly CancellationTokenSource _end = new();
    private readonly Queue<(EventBatch Batch, Task<bool> Durable)> _waiting = new();
    private readonly Stack<EventBatch> _free;
    private Task _running = Task.CompletedTask;

    private Spool(Mailbox mailbox, OidTable oids)
    {
        Mailbox = mailbox;
        Intake = new Intake([mailbox], boot: 1, oids);
        _free = new Stack<EventBatch>(Enumerable.Range(0, BatchesAhead).Select(_ => new EventBatch(Intake.Oids, BatchEvents)));
    }

    /// <summary>The node's name.</summary>
    public const string Node = "edge1";

    /// <summary>The mailbox's name: the target.</summary>
    public const string Target = "centre";

    public Mailbox Mailbox { get; }

    public Intake Intake { get; }

    public static async Task<Spool> OpenAsync(string folder)
    {
        var aside = Quarantine.Open(DiskStorage.Instance, Path.Combine(folder, "quarantine"), TimeProvider.System).Value;
        var options = new MailboxOptions { Name = Target, Node = Node, Folder = Path.Combine(folder, "spool", Target) };
        var oids = new OidTable();
        var recoding = new RecodingRoom(oids);
        var spool = new Spool(new Mailbox(DiskStorage.Instance, aside, TimeProvider.System, options, NullLogger.Instance, recoding), oids);
        if (await spool.Mailbox.OpenAsync(CancellationToken.None) is { } error)
        {
            throw new InvalidOperationException(error.ToString());
        }

        spool._running = spool.Mailbox.RunAsync(spool._end.Token);
        return spool;
    }

    /// <summary>
    /// Hands in events as a source does: batch after batch, several of them on their way, each reused when it is durable. Returns when all
    /// of them are durable.
    /// </summary>
    public async Task TakeAsync(EventBatch events)
    {
        for (var start = 0; start < events.Count; start += BatchEvents)
        {
            var batch = await FreeBatchAsync();
            var end = Math.Min(start + BatchEvents, events.Count);
            for (var i = start; i < end; i++)
            {
                batch.AddFrom(events, i);
            }

            _waiting.Enqueue((batch, await Intake.TakeAsync(batch, position: null, CancellationToken.None)));
        }

        while (_waiting.Count > 0)
        {
            await FreeOldestAsync();
        }
    }

    /// <summary>Hands in each event when the one before is durable.</summary>
    public async Task TakeOneByOneAsync(EventBatch events)
    {
        var batch = new EventBatch(Intake.Oids, 1);
        for (var i = 0; i < events.Count; i++)
        {
            batch.Clear();
            batch.AddFrom(events, i);
            Expect(await await Intake.TakeAsync(batch, position: null, CancellationToken.None));
        }
    }

    /// <summary>Closes the open block.</summary>
    public async Task SealAsync() => Expect((await Mailbox.SealAsync(CancellationToken.None)).IsOk);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        await Mailbox.DisposeAsync();
        _end.Dispose();
    }

    private async ValueTask<EventBatch> FreeBatchAsync()
    {
        if (_free.Count == 0)
        {
            await FreeOldestAsync();
        }

        var batch = _free.Pop();
        batch.Clear();
        return batch;
    }

    private async Task FreeOldestAsync()
    {
        var (batch, durable) = _waiting.Dequeue();
        Expect(await durable);
        _free.Push(batch);
    }

    private static void Expect(bool isRight)
    {
        if (!isRight)
        {
            throw new InvalidOperationException("The mailbox did not take what it was given.");
        }
    }
}
