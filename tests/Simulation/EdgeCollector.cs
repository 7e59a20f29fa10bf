using Microsoft.Extensions.Logging;
using ZfRepl.Collector;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Sources;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Simulation;

/// <summary>One run of an edge's collector: the product's mailboxes, recovery, re-coding and intake, put together as the service does it.</summary>
internal sealed class EdgeCollector(SimProcess process, IStorage storage, IReadOnlyList<MailboxOptions> mailboxes, ITelemetrySource source, ILogger logger)
{
    public const string Spool = "/spool";
    public const string QuarantineFolder = "/spool-quarantine";

    private static readonly TimeSpan OpenRetry = TimeSpan.FromSeconds(5);

    private readonly List<Mailbox> _mailboxes = [];

    public SimProcess Process => process;

    /// <summary>The mailboxes, once all are open.</summary>
    public IReadOnlyList<Mailbox> Mailboxes => IsOpen ? _mailboxes : [];

    public bool IsOpen { get; private set; }

    /// <summary>Raised when a block may have become ready.</summary>
    public Action<string>? BecameReady { get; set; }

    /// <summary>Runs until it is stopped.</summary>
    /// <returns>Null, or why it can't be started.</returns>
    public async Task<string?> RunAsync()
    {
        var stop = process.Stop.Token;
        StorageResult<(IDisposable Lock, Quarantine Quarantine, ulong Boot)> spool;
        while (true)
        {
            spool = OpenSpool();
            if (spool.IsOk)
            {
                break;
            }

            if (!spool.Error.IsNoSpace)
            {
                return spool.Error.ToString();
            }

            await Task.Delay(OpenRetry, process.Time, stop);
        }

        using var locked = spool.Value.Lock;
        var oids = new OidTable();
        var recoding = new RecodingRoom(oids, PoolScheduler.Instance);
        _mailboxes.AddRange(mailboxes.Select(m => new Mailbox(storage, spool.Value.Quarantine, process.Time, m, logger, recoding)));
        try
        {
            foreach (var mailbox in _mailboxes)
            {
                while (await mailbox.OpenAsync(stop) is { } error)
                {
                    if (!error.IsNoSpace)
                    {
                        return error.ToString();
                    }

                    await Task.Delay(OpenRetry, process.Time, stop);
                }

                mailbox.BecameReady += () => BecameReady?.Invoke(mailbox.Name);
            }

            IsOpen = true;
            await RunAllAsync(new Intake(_mailboxes, spool.Value.Boot, oids), stop);
            return null;
        }
        finally
        {
            IsOpen = false;
            foreach (var mailbox in _mailboxes)
            {
                await mailbox.DisposeAsync();
            }
        }
    }

    private async Task RunAllAsync(Intake intake, CancellationToken stop)
    {
        // Sources end first, so that what they have handed in can still become durable and be acknowledged.
        using var mailboxEnd = new CancellationTokenSource();
        var writing = Supervisor.RunAsync(mailboxEnd.Token, [.. _mailboxes.Select(m => (Func<CancellationToken, Task>)m.RunAsync)]);
        using var sourceEnd = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var reading = Supervisor.RunAsync(sourceEnd.Token, token => source.RunAsync(intake, token));
        var first = await Task.WhenAny(writing, reading);
        await sourceEnd.CancelAsync();
        try
        {
            await reading;
        }
        finally
        {
            await mailboxEnd.CancelAsync();
            await writing;
        }

        await first;
    }

    private StorageResult<(IDisposable Lock, Quarantine Quarantine, ulong Boot)> OpenSpool()
    {
        var created = storage.CreateFolder(Spool);
        if (!created.IsOk)
        {
            return created.Error;
        }

        var locked = storage.Lock(Path.Combine(Spool, "spool.lock"));
        if (!locked.IsOk)
        {
            return locked.Error;
        }

        var quarantine = Quarantine.Open(storage, QuarantineFolder, process.Time);
        var boot = quarantine.IsOk ? BootCounter.Next(storage, Spool, process.Time) : quarantine.Error;
        if (boot.IsOk)
        {
            return (locked.Value, quarantine.Value, boot.Value);
        }

        locked.Value.Dispose();
        return boot.Error;
    }

    /// <summary>Runs tasks on the pool whatever they wish: there is one worker.</summary>
    private sealed class PoolScheduler : TaskScheduler
    {
        public static PoolScheduler Instance { get; } = new();

        protected override void QueueTask(Task task) => ThreadPool.UnsafeQueueUserWorkItem(_ => TryExecuteTask(task), null);

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

        protected override IEnumerable<Task> GetScheduledTasks() => [];
    }
}
