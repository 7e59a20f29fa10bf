using System.Threading.Channels;
using ZfRepl.Collector.Fill;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.History;
using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Collector;

/// <summary>
/// The optional history database beside the collector. It is fed like a target: through a mailbox of its own, whose blocks are imported
/// here and removed then, so that a slow or broken database neither holds the plant's readings up nor loses any.
/// </summary>
internal sealed class LocalHistory(Mailbox mailbox, IStorage storage, HistoryOptions options, HistoryBegin begin, ServiceContext context) : IAsyncDisposable
{
    private const string HealthName = "local history";
    private static readonly TimeSpan ImportInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly RetryDelay _retry = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), seed: 1);
    private volatile IHistoryDatabase? _database;
    private BlockImporter? _importer;
    private List<TaskCompletionSource<IHistoryDatabase>> _waiting = [];
    private volatile string? _trouble;

    /// <summary>The mailbox that feeds it; not shown to operators as one of theirs.</summary>
    public Mailbox Mailbox => mailbox;

    /// <summary>What keeps it from taking in what was collected, or null.</summary>
    public string? Trouble => _trouble;

    /// <summary>Waits until everything that was accepted before the call is in the database.</summary>
    /// <returns>The database, to be read only.</returns>
    public async Task<IHistoryDatabase> CaughtUpAsync(CancellationToken cancellationToken)
    {
        if (await mailbox.FlushAsync().WaitAsync(cancellationToken) == AppendResult.Closed)
        {
            // The service ends: nobody will catch up any more.
            await Task.Delay(Timeout.InfiniteTimeSpan, context.Time, cancellationToken);
        }

        var caughtUp = new TaskCompletionSource<IHistoryDatabase>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting.Add(caughtUp);
        }

        _wake.Writer.TryWrite(true);
        return await caughtUp.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Since when it has any of some items, as far as it knows.</summary>
    public async Task<HistoryResult<BeginReply>> SinceAsync(IReadOnlyList<Oid> items, CancellationToken cancellationToken) =>
        _database is { } database
            ? await begin.SinceAsync(database, items, cancellationToken)
            : new HistoryError(HistoryTrouble.Busy, "The local history is not open yet.", "ask again in a moment");

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // Only a round that begins after the question can answer it.
            List<TaskCompletionSource<IHistoryDatabase>> asked;
            lock (_gate)
            {
                (asked, _waiting) = (_waiting, []);
            }

            var trouble = await ImportAllAsync(cancellationToken);
            if (trouble is null)
            {
                _retry.Reset();
                asked.ForEach(a => a.TrySetResult(_database!));
            }
            else
            {
                lock (_gate)
                {
                    _waiting.AddRange(asked);
                }
            }

            _trouble = trouble;
            context.Health.Set(HealthName, trouble is null ? HealthState.Ok : HealthState.Failed, trouble ?? "up to date");
            await PauseAsync(trouble is null, cancellationToken);
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

    private async Task PauseAsync(bool isWell, CancellationToken cancellationToken)
    {
        if (!isWell)
        {
            await Task.Delay(_retry.Next(), context.Time, cancellationToken);
            return;
        }

        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Task.Delay(ImportInterval, context.Time, done.Token), _wake.Reader.ReadAsync(done.Token).AsTask());
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
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

        if (await begin.OpenAsync(_database!, mailbox, cancellationToken) is { } unknown)
        {
            return unknown;
        }

        // Once a round, whatever comes in meanwhile: with steady readings there is always an open block. And only behind what is ready, so that a
        // database that is down does not make many small blocks.
        var isClosed = false;
        var isTidy = false;
        while (true)
        {
            var next = await mailbox.NextAsync(rotate: false, cancellationToken);
            if (!next.IsOk)
            {
                return next.Error.ToString();
            }

            if (next.Value is null && isClosed)
            {
                return isTidy ? null : "a block of what was collected waits to be closed";
            }

            if (next.Value is not { } ready)
            {
                var closed = await mailbox.SealAsync(cancellationToken);
                if (!closed.IsOk)
                {
                    return closed.Error.ToString();
                }

                isClosed = true;
                isTidy = await mailbox.IsTidyAsync(cancellationToken);
                continue;
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

            // Before the block is gone: nobody could tell the first readings from others afterwards.
            if (await begin.ImportedAsync(_database!, cancellationToken) is { } notNoted)
            {
                return notNoted;
            }

            var removed = await mailbox.ConfirmAsync(ready.Block.Name, ready.Block.Trailer.Hash, cancellationToken);
            if (!removed.IsOk)
            {
                return removed.Error.ToString();
            }
        }
    }
}
