using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Progress;

namespace ZfRepl.Collector.Fill;

/// <summary>Fills mailboxes from the local history: takes tasks, works them off beside what the sources bring, tells how far it is. Thread-safe.</summary>
internal sealed class FillService
{
    private const string HealthName = "fill";
    private static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(1);

    private readonly FillBook _book;
    private readonly Dictionary<string, MailboxFiller> _fillers;
    private readonly ServiceContext _context;
    private readonly LocalHistory? _history;

    /// <summary>A service that <see cref="RunAsync"/> brings to life.</summary>
    public FillService(
        FillBook book, IReadOnlyList<(Mailbox Mailbox, MailboxOptions Options)> mailboxes, LocalHistory? history, OidTable oids, ServiceContext context)
    {
        _book = book;
        _context = context;
        _history = history;
        _fillers = mailboxes.ToDictionary(
            m => m.Mailbox.Name, m => new MailboxFiller(m.Mailbox, m.Options, book, history, oids, context.Time), StringComparer.Ordinal);
    }

    /// <summary>True when there is something to fill from.</summary>
    public bool HasHistory => _history is not null;

    /// <summary>All tasks, oldest first.</summary>
    public IReadOnlyList<FillTask> Tasks => _book.All;

    /// <summary>What is being done for a mailbox's tasks at the moment.</summary>
    public string Doing(string mailbox) => _fillers.TryGetValue(mailbox, out var filler) ? filler.Doing : "paused: there is no such mailbox any more";

    /// <summary>How fast a task goes on, or null when nothing has been done for it yet.</summary>
    public WorkRate? RateOf(FillTask task) => _fillers.GetValueOrDefault(task.Mailbox)?.RateOf(task.Id);

    /// <summary>Takes a task, durably.</summary>
    /// <returns>The task, or the one with its id that is there; null when too many are open.</returns>
    public StorageResult<FillTask?> Add(FillTask task)
    {
        var added = _book.Add(task);
        _fillers[task.Mailbox].Wake();
        return added;
    }

    /// <summary>Ends a task, durably. What was filled stays.</summary>
    /// <returns>The task, or null when there is none with the id.</returns>
    public StorageResult<FillTask?> Cancel(string id)
    {
        var cancelled = _book.Cancel(id, UnixTime.FromDateTimeOffset(_context.Time.GetUtcNow()));
        if (cancelled is { IsOk: true, Value: { } task } && _fillers.TryGetValue(task.Mailbox, out var filler))
        {
            filler.Wake();
        }

        return cancelled;
    }

    /// <summary>Works until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Supervisor.RunAsync(
        cancellationToken,
        [.. _fillers.Values.Select(f => (Func<CancellationToken, Task>)f.RunAsync), ReportHealthAsync]);

    private async Task ReportHealthAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(HealthInterval, _context.Time, cancellationToken);
            var troubled = _fillers.Values.FirstOrDefault(f => f.Trouble is not null);
            var text = troubled is { Trouble: { } trouble } ? $"mailbox {troubled.Name}: {trouble}" : _book.Finding;
            _context.Health.Set(HealthName, text is null ? HealthState.Ok : HealthState.Degraded, text ?? "nothing is in the way");
        }
    }
}
