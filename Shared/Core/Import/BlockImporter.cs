using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>Where a test may look in, or end the world, in the middle of an import.</summary>
internal enum ImportStep
{
    /// <summary>The block is read and checked; nothing is written.</summary>
    Checked,

    /// <summary>A part of the events is durable.</summary>
    PartWritten,

    /// <summary>The ledger says that the block is applied.</summary>
    Applied,

    /// <summary>A sink took a part.</summary>
    PartDelivered,

    /// <summary>A sink has the whole block.</summary>
    SinkCompleted,

    /// <summary>The ledger says that the sinks have the block.</summary>
    Delivered,
}

/// <summary>What became of refused events that were tried again.</summary>
/// <param name="Imported">Events that are in the history database now.</param>
/// <param name="Refused">Events that are still refused.</param>
public readonly record struct RetriedEvents(long Imported, long Refused);

/// <summary>
/// Brings a block from a file into the history database and from there into the sinks, once in effect: check, write, note as applied,
/// deliver, note as delivered. The row that says "applied" is in the transaction of the last events. Wherever it is cut short, importing
/// the same file again goes on: what is in the database is recognised, and sinks that were not served are served. Thread-safe; blocks
/// are checked side by side and written one at a time.
/// </summary>
public sealed class BlockImporter : IDisposable
{
    private readonly IStorage _storage;
    private readonly IHistoryDatabase _history;
    private readonly IReadOnlyList<IEventSink> _sinks;
    private readonly TimeProvider _time;
    private readonly BlockImporterOptions _options;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private EventBatch _events = new(new OidTable(), 4096);

    /// <summary>An importer.</summary>
    /// <param name="storage">Where the block files are.</param>
    /// <param name="history">Where the events go; stays the caller's to dispose.</param>
    /// <param name="sinks">Where they go next, in this order.</param>
    /// <param name="time">The clock, for the ledger.</param>
    /// <param name="options">Bounds.</param>
    public BlockImporter(
        IStorage storage, IHistoryDatabase history, IReadOnlyList<IEventSink> sinks, TimeProvider time, BlockImporterOptions? options = null)
    {
        _options = options ?? new BlockImporterOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.MaxEventsPerTransaction, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.MaxOids, nameof(options));
        _storage = storage;
        _history = history;
        _sinks = sinks;
        _time = time;
    }

    /// <summary>Called between the steps, by tests.</summary>
    internal Action<ImportStep>? Probe { get; set; }

    /// <summary>Imports one block.</summary>
    /// <param name="path">The file; it is read only and must not change meanwhile.</param>
    /// <param name="expected">What is known of it.</param>
    /// <param name="cancellation">Looked at between the parts of a block; what was written until then is recognised the next time.</param>
    /// <exception cref="OperationCanceledException">The import was cancelled; the block is not noted as applied, or not as delivered.</exception>
    public async ValueTask<ImportOutcome> ImportAsync(string path, BlockExpectation expected, CancellationToken cancellation)
    {
        var opened = _storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return FileTrouble(opened.Error);
        }

        using var file = opened.Value;
        return await ImportAsync(file, expected, cancellation);
    }

    /// <summary>Imports one block from an open file.</summary>
    /// <param name="file">The file; it is read only, must not change meanwhile, and stays the caller's to close.</param>
    /// <param name="expected">What is known of it.</param>
    /// <param name="cancellation">Looked at between the parts of a block; what was written until then is recognised the next time.</param>
    /// <exception cref="OperationCanceledException">The import was cancelled; the block is not noted as applied, or not as delivered.</exception>
    public async ValueTask<ImportOutcome> ImportAsync(IStorageFile file, BlockExpectation expected, CancellationToken cancellation)
    {
        // Checked before its turn, so that one block is read while another one is written.
        var check = await Task.Run(() => BlockCheck.Read(file, expected, _options.MaxBlockBytes), cancellation);
        if (!check.IsOk)
        {
            return FileTrouble(check.Error);
        }

        if (check.Value.Check is not { } block)
        {
            return check.Value.Refusal!;
        }

        await _gate.WaitAsync(cancellation);
        try
        {
            return await ImportAsync(file, block, expected, cancellation);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// Imports those of the refused events in a file of the quarantine that their source may write by now. What is there already is recognised;
    /// the file stays.
    /// </summary>
    /// <param name="path">A file of <see cref="QuarantineKind.RefusedEvents"/>.</param>
    /// <param name="cancellation">Looked at between parts.</param>
    /// <returns>How many events are in now and how many are still refused; or what stands in the way.</returns>
    public async ValueTask<(RetriedEvents Done, ImportOutcome.TryLater? Trouble)> RetryRefusedAsync(string path, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            var (imported, refused) = (0L, 0L);
            var read = await KeptEvents.ReadAsync(_storage, path, async batch =>
            {
                cancellation.ThrowIfCancellationRequested();
                var allowed = batch;
                if (_options.Guards.TryGetValue(batch.Block.Node, out var guard))
                {
                    var guarded = new GuardedEvents(guard, quarantine: null, batch.Block, path, batch.Events.Oids);
                    _ = guarded.Part(batch.Events, batch.Runs, keep: false, nowNs: 0);
                    allowed = batch with { Events = guarded.Allowed, Runs = guarded.Runs };
                    refused += guarded.Refused;
                }

                var (ruledOut, trouble) = await WriteAsync(allowed, cancellation);
                refused += ruledOut;
                imported += allowed.Runs.Sum(r => r.Count) - ruledOut;
                return trouble;
            });
            return (new RetriedEvents(imported, refused), read.IsOk ? read.Value : ImportTrouble.With(read.Error));
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    /// <summary>Writes events and serves them to the sinks, but for those that a rule of the database keeps out still.</summary>
    private async ValueTask<(long RuledOut, ImportOutcome.TryLater? Trouble)> WriteAsync(SinkBatch batch, CancellationToken cancellation)
    {
        var ruledOut = 0L;
        while (batch.Runs.Count > 0 && await WriteEventsAsync(batch, cancellation) is { } failed)
        {
            if (failed.Refused.Count == 0)
            {
                return (ruledOut, ImportTrouble.With(failed));
            }

            ruledOut += failed.Refused.Count;
            var others = EventPart.Without(batch.Events, batch.Runs, failed.Refused, left: null);
            batch = batch with { Events = others.Events, Runs = others.Runs };
        }

        foreach (var sink in batch.Runs.Count > 0 ? _sinks : [])
        {
            if ((await sink.DeliverAsync(batch, cancellation) ?? await sink.CompleteAsync(batch.Block, cancellation)) is { } error)
            {
                return (ruledOut, ImportTrouble.With(error));
            }
        }

        return (ruledOut, null);
    }

    /// <summary>Writes events, and enters what was new of them into the book of what was imported, where one is kept.</summary>
    private async ValueTask<HistoryError?> WriteEventsAsync(SinkBatch batch, CancellationToken cancellation)
    {
        using var entry = _options.Digests is { } digests ? await digests.BeginAsync(cancellation) : null;

        // Runs lie one behind the other in their batch.
        var write = new HistoryWrite
        {
            Events = batch.Events,
            Start = batch.Runs[0].Start,
            Count = batch.Runs.Sum(r => r.Count),
            Inserted = entry?.Inserted,
        };
        var written = await _history.WriteAsync(write, cancellation);
        if (written.IsOk)
        {
            entry?.Book(batch.Block.Key.Stream, batch.Events);
        }

        return written.Error;
    }

    private async ValueTask<ImportOutcome> ImportAsync(
        IStorageFile file, BlockCheck check, BlockExpectation expected, CancellationToken cancellation)
    {
        Probe?.Invoke(ImportStep.Checked);
        var stream = await ResolveStreamAsync(check, expected, cancellation);
        if (!stream.IsOk)
        {
            return ImportTrouble.With(stream.Error);
        }

        if (check.Report.Header is null && BlockCheck.CompareNames(expected, stream.Value.Node, stream.Value.Mailbox) is { } refusal)
        {
            return refusal;
        }

        var key = new BlockKey(stream.Value.Id, check.Report.Header?.Index ?? expected.Index ?? 0, check.Hash);
        var found = await _history.FindAppliedAsync(key, cancellation);
        if (!found.IsOk)
        {
            return ImportTrouble.With(found.Error);
        }

        if (_events.Oids.Count > _options.MaxOids)
        {
            _events = new EventBatch(new OidTable(), 4096);
        }

        // What a bringer may not write, it may not write in another node's name either; what is kept aside is kept in the name that the guard has.
        var guardedNode = expected.Bringer is { } bringer && _options.Guards.ContainsKey(bringer) ? bringer : stream.Value.Node;
        var guarded = _options.Guards.TryGetValue(guardedNode, out var guard)
            ? new GuardedEvents(guard, _options.Quarantine, new SinkBlock(key, guardedNode, stream.Value.Mailbox), file.Path, _events.Oids)
            : null;
        var ruledOut = _options.Quarantine is { } quarantine
            ? new RuledOutEvents(quarantine, new SinkBlock(key, guardedNode, stream.Value.Mailbox), file.Path)
            : null;
        var job = new ImportJob(
            _history, _sinks, file, check, stream.Value, key, _events, _options.MaxEventsPerTransaction, guarded, ruledOut, _options.Digests, Probe);
        var outcome = found.Value is { IsComplete: true } applied
            ? new ImportOutcome.AlreadyApplied(applied)
            : await job.ApplyAsync(UnixTime.FromDateTimeOffset(_time.GetUtcNow()), cancellation);
        return await job.DeliverAsync(outcome, cancellation);
    }

    /// <summary>
    /// The stream by the header; where that is damaged by what the caller knows, by what the ledger knows, or by the frames' tag alone.
    /// </summary>
    private async ValueTask<HistoryResult<StreamFacts>> ResolveStreamAsync(
        BlockCheck check, BlockExpectation expected, CancellationToken cancellation)
    {
        var highest = Math.Max(check.NextSequence, 1) - 1;
        if (check.Report.Header is { } header)
        {
            return new StreamFacts(header.Stream, header.Node, header.Mailbox, highest);
        }

        var known = await _history.FindStreamAsync(expected.Stream?.High ?? check.Report.StreamTag, cancellation);
        if (!known.IsOk)
        {
            return known.Error;
        }

        var facts = known.Value ?? new StreamFacts(new StreamId(check.Report.StreamTag, 0), "", "", 0);
        return facts with { Id = expected.Stream ?? facts.Id, HighestSequence = highest };
    }

    private static ImportOutcome FileTrouble(StorageError error) =>
        error.IsNotFound ? new ImportOutcome.Refused(RefusalKind.Missing, error.Detail) : ImportTrouble.With(error);
}
