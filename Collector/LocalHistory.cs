using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Storage;
using ZfRepl.Hosting.History;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Collector;

/// <summary>
/// The optional history database beside the collector. It is fed like a target: through a mailbox of its own, whose blocks are imported
/// here and removed then, so that a slow or broken database neither holds the plant's readings up nor loses any.
/// </summary>
internal sealed class LocalHistory(Mailbox mailbox, IStorage storage, HistoryOptions options, ServiceContext context) : IAsyncDisposable
{
    private const string HealthName = "local history";
    private static readonly TimeSpan ImportInterval = TimeSpan.FromSeconds(1);

    private readonly RetryDelay _retry = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), seed: 1);
    private IHistoryDatabase? _database;
    private BlockImporter? _importer;

    /// <summary>The mailbox that feeds it; not shown to operators as one of theirs.</summary>
    public Mailbox Mailbox => mailbox;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var trouble = await ImportAllAsync(cancellationToken);
            if (trouble is null)
            {
                _retry.Reset();
            }

            context.Health.Set(HealthName, trouble is null ? HealthState.Ok : HealthState.Failed, trouble ?? "up to date");
            await Task.Delay(trouble is null ? ImportInterval : _retry.Next(), context.Time, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _importer?.Dispose();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    private async Task<string?> ImportAllAsync(CancellationToken cancellationToken)
    {
        if (_importer is null)
        {
            var opened = await HistoryDatabases.OpenAsync(options, cancellationToken);
            if (!opened.IsOk)
            {
                return opened.Error.ToString();
            }

            _database = opened.Value;
            _importer = new BlockImporter(storage, _database, [], context.Time);
        }

        while (true)
        {
            var next = await mailbox.NextAsync(rotate: true, cancellationToken);
            if (!next.IsOk)
            {
                return next.Error.ToString();
            }

            if (next.Value is not { } ready)
            {
                return null;
            }

            var outcome = await _importer.ImportAsync(ready.Path, BlockExpectation.Anything, cancellationToken);
            if (outcome is not ImportOutcome.InHistory)
            {
                if (outcome is ImportOutcome.TryLater later)
                {
                    return $"{later.Reason} ({later.Remedy})";
                }

                // Damaged on disk: what is intact of it comes back as a block of its own.
                var repaired = await mailbox.RepairAsync(ready.Block.Name, cancellationToken);
                return repaired.IsOk ? $"block {ready.Block.Name} could not be imported: {outcome}" : repaired.Error.ToString();
            }

            var removed = await mailbox.ConfirmAsync(ready.Block.Name, ready.Block.Trailer.Hash, cancellationToken);
            if (!removed.IsOk)
            {
                return removed.Error.ToString();
            }
        }
    }
}
