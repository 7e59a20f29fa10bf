using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>The import of one block that was checked: first into the history database, then into the sinks.</summary>
internal sealed class ImportJob(
    IHistoryDatabase history,
    IReadOnlyList<IEventSink> sinks,
    IStorageFile file,
    BlockCheck check,
    StreamFacts stream,
    BlockKey key,
    EventBatch events,
    int maxEvents,
    GuardedEvents? guarded,
    RuledOutEvents? ruledOut,
    ImportDigests? digests,
    Action<ImportStep>? probe)
{
    private readonly SequenceSet _received = new();
    private readonly SequenceSet _declaredLost = new();

    /// <summary>Writes every intact event, part by part; the last part notes the block as applied.</summary>
    public async ValueTask<ImportOutcome> ApplyAsync(long nowNs, CancellationToken cancellation)
    {
        var opened = OpenReader();
        if (!opened.IsOk)
        {
            return ImportTrouble.With(opened.Error);
        }

        var reader = opened.Value;
        var counts = default(WriteCounts);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var next = reader.Next();
            if (!next.IsOk)
            {
                return ImportTrouble.With(next.Error);
            }

            var parted = Part(reader, nowNs);
            if (!parted.IsOk)
            {
                return ImportTrouble.With(parted.Error);
            }

            var (written, trouble) = await WriteAsync(reader, counts, nowNs, cancellation);
            if (written is null)
            {
                return trouble!;
            }

            counts += written.Counts;
            probe?.Invoke(written.Applied is null ? ImportStep.PartWritten : ImportStep.Applied);
            if (written.Applied is { } receipt)
            {
                return Conclude(receipt, reader);
            }
        }
    }

    /// <summary>Serves the sinks a block that is in the history database, unless they have it.</summary>
    /// <param name="outcome">What became of the block in the history database.</param>
    /// <param name="cancellation">Looked at between parts.</param>
    /// <returns>The outcome for the caller.</returns>
    public async ValueTask<ImportOutcome> DeliverAsync(ImportOutcome outcome, CancellationToken cancellation)
    {
        if (outcome is not ImportOutcome.InHistory { Receipt.IsDelivered: false } inHistory)
        {
            return outcome;
        }

        var failed = await ServeSinksAsync(cancellation);
        if (failed is not null)
        {
            return failed;
        }

        var marked = await history.MarkDeliveredAsync(key, cancellation);
        if (!marked.IsOk)
        {
            return ImportTrouble.With(marked.Error);
        }

        probe?.Invoke(ImportStep.Delivered);
        return inHistory with { Receipt = inHistory.Receipt with { IsDelivered = true } };
    }

    private StorageResult<BlockEventReader> OpenReader() =>
        BlockEventReader.Open(file, stream.Id, events, maxEvents, check.Report.TornTail?.Offset ?? long.MaxValue);

    /// <summary>
    /// Writes a part. What a rule of the database keeps out of it is left out; all of that is durable aside before the block is noted as applied.
    /// </summary>
    private async ValueTask<(WriteReceipt? Written, ImportOutcome.TryLater? Trouble)> WriteAsync(
        BlockEventReader reader, WriteCounts before, long nowNs, CancellationToken cancellation)
    {
        var batch = new SinkBatch(new SinkBlock(key, stream.Node, stream.Mailbox), guarded?.Allowed ?? reader.Events, guarded?.Runs ?? reader.Runs);
        while (true)
        {
            if (reader.IsLast && ruledOut?.Flush(nowNs) is { } full)
            {
                return (null, full);
            }

            var written = await WriteAsync(reader, batch, before, nowNs, cancellation);
            if (written.IsOk)
            {
                return (written.Value, null);
            }

            if (ruledOut is null || written.Error.Refused.Count == 0)
            {
                return (null, ImportTrouble.With(written.Error));
            }

            cancellation.ThrowIfCancellationRequested();
            var (others, trouble) = ruledOut.Take(batch.Events, batch.Runs, written.Error, nowNs);
            if (others is null)
            {
                return (null, trouble);
            }

            batch = batch with { Events = others.Events, Runs = others.Runs };
        }
    }

    /// <summary>Writes events, and enters what was new of them into the book of what was imported, where one is kept.</summary>
    private async ValueTask<HistoryResult<WriteReceipt>> WriteAsync(
        BlockEventReader reader, SinkBatch batch, WriteCounts before, long nowNs, CancellationToken cancellation)
    {
        if (digests is null)
        {
            return await history.WriteAsync(MakeWrite(reader, batch, before, nowNs, null), cancellation);
        }

        using var entry = await digests.BeginAsync(cancellation);
        var written = await history.WriteAsync(MakeWrite(reader, batch, before, nowNs, entry.Inserted), cancellation);
        if (written.IsOk)
        {
            entry.Book(stream.Id, batch.Events);
        }

        return written;
    }

    private HistoryWrite MakeWrite(BlockEventReader reader, SinkBatch batch, in WriteCounts before, long nowNs, Action<int>? inserted)
    {
        var part = new SequenceSet();
        part.AddAll(reader.Runs.Select(run => new SequenceRange(run.FirstSequence, run.FirstSequence + (ulong)run.Count - 1)));
        _received.AddAll(part.Ranges);
        _declaredLost.AddAll(reader.Losses
            .Where(IsNumbered)
            .Select(loss => new SequenceRange(loss.Record.FirstSequence, loss.Record.LastSequence)));
        return new HistoryWrite
        {
            Events = batch.Events,
            Start = batch.Runs.Count == 0 ? 0 : batch.Runs[0].Start,
            Count = batch.Runs.Sum(r => r.Count),
            Inserted = inserted,
            Stream = stream,
            Received = part.Ranges,
            Losses = reader.IsLast ? [.. reader.Losses, .. FoundLosses(reader, nowNs), .. Refusals(nowNs)] : reader.Losses,
            Applied = reader.IsLast
                ? new AppliedBlock(
                    key, check.Report.FirstSequence, check.NextSequence, before, nowNs, IsComplete(reader), IsDelivered: sinks.Count == 0)
                : null,
        };
    }

    /// <summary>Leaves out what the source may not write. What is refused is durable aside before the block is noted as applied.</summary>
    private StorageResult Part(BlockEventReader reader, long nowNs)
    {
        if (guarded is null)
        {
            return StorageResult.Ok;
        }

        var parted = guarded.Part(reader.Events, reader.Runs, keep: true, nowNs);
        return parted.IsOk && reader.IsLast ? guarded.Flush(nowNs) : parted;
    }

    private IEnumerable<LossEntry> Refusals(long nowNs)
    {
        if (guarded is { Refused: > 0 })
        {
            yield return guarded.Entry(check.Report.FirstSequence, nowNs);
        }

        if (ruledOut is { Count: > 0 })
        {
            yield return ruledOut.Entry(check.Report.FirstSequence, nowNs);
        }
    }

    private ImportOutcome.InHistory Conclude(AppliedBlock receipt, BlockEventReader reader)
    {
        var missing = Missing().Take(BlockEventReader.MaxListed).ToArray();
        ImportOutcome.InHistory outcome = IsComplete(reader)
            ? new ImportOutcome.Applied(receipt, missing)
            : new ImportOutcome.Partial(
                receipt, check.Report.Trailer is not null, check.IsAsSealed, [.. Damages(reader)], check.Report.TornTail, missing);
        return outcome with
        {
            LeftOut = guarded is { Refused: > 0, FirstRefused: { } refused } ? new RefusedEvents(guarded.Refused, refused) : null,
            RuledOut = ruledOut is { Count: > 0, First: { } first } ? new RefusedEvents(ruledOut.Count, first) : null,
        };
    }

    private bool IsComplete(BlockEventReader reader) => check.IsIntact && reader.Unreadable.Count == 0;

    /// <summary>What the block should hold and does not, as far as the source did not declare it lost.</summary>
    private IEnumerable<SequenceRange> Missing()
    {
        var first = check.Report.FirstSequence;
        if (check.NextSequence <= first)
        {
            return [];
        }

        var known = new SequenceSet();
        known.AddAll(_received.Ranges);
        known.AddAll(_declaredLost.Ranges);
        return known.Holes(new SequenceRange(first, check.NextSequence - 1));
    }

    private IEnumerable<LossEntry> FoundLosses(BlockEventReader reader, long nowNs)
    {
        var because = Damages(reader).FirstOrDefault();
        var detail = because is null ? "absent without damage" : $"offset {because.Offset}, {because.LengthBytes} bytes: {because.Reason}";
        var source = $"block {key.Index} of stream {key.Stream}";

        // The books count what is missing by themselves; these rows say why, and a few of them are enough for that.
        return Missing().Take(BlockEventReader.MaxListed).Select(range => new LossEntry(
            LossOrigin.Import,
            range.First,
            0,
            new LossRecord(LossReason.Damaged, range.First, range.Last, range.Count, IsExact: true, 0, 0, nowNs, source, detail)));
    }

    private IEnumerable<BlockDamage> Damages(BlockEventReader reader) =>
        check.Report.Damages.Concat(reader.Unreadable).Take(BlockEventReader.MaxListed);

    private async ValueTask<ImportOutcome?> ServeSinksAsync(CancellationToken cancellation)
    {
        var block = new SinkBlock(key, stream.Node, stream.Mailbox);
        var opened = OpenReader();
        if (!opened.IsOk)
        {
            return ImportTrouble.With(opened.Error);
        }

        var reader = opened.Value;
        do
        {
            cancellation.ThrowIfCancellationRequested();
            var next = reader.Next();
            if (!next.IsOk)
            {
                return ImportTrouble.With(next.Error);
            }

            var batch = new SinkBatch(block, events, reader.Runs);
            if (guarded is not null)
            {
                _ = guarded.Part(reader.Events, reader.Runs, keep: false, nowNs: 0);
                batch = new SinkBatch(block, guarded.Allowed, guarded.Runs);
            }

            foreach (var sink in batch.Runs.Count > 0 ? sinks : [])
            {
                if (await sink.DeliverAsync(batch, cancellation) is { } error)
                {
                    return ImportTrouble.With(error);
                }

                probe?.Invoke(ImportStep.PartDelivered);
            }
        }
        while (!reader.IsLast);

        foreach (var sink in sinks)
        {
            if (await sink.CompleteAsync(block, cancellation) is { } error)
            {
                return ImportTrouble.With(error);
            }

            probe?.Invoke(ImportStep.SinkCompleted);
        }

        return null;
    }

    private static bool IsNumbered(LossEntry loss) =>
        loss.Record.FirstSequence > 0 && loss.Record.LastSequence >= loss.Record.FirstSequence && loss.Record.LastSequence <= long.MaxValue;
}
