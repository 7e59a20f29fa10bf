using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Simulation;

/// <summary>Which history database the simulated one is.</summary>
internal sealed record SimHistoryOptions : HistoryOptions;

/// <summary>What goes wrong in a database at present.</summary>
internal sealed class HistoryFaults
{
    /// <summary>Nothing can be reached.</summary>
    public bool IsDown { get; set; }

    /// <summary>The share of calls that fail before they have an effect.</summary>
    public double Fail { get; set; }

    /// <summary>The share of commits that are done and whose answer is lost.</summary>
    public double LoseAnswer { get; set; }

    /// <summary>How long a statement takes at most.</summary>
    public TimeSpan Slowness { get; set; } = TimeSpan.FromMilliseconds(5);
}

/// <summary>
/// A history database as one process of the centre sees it: statements take time, fail, or are done without anybody learning of it; the process may
/// die between any two of them. A server commits what was sent to it also when the one who sent it has died meanwhile.
/// </summary>
internal sealed class SimHistory(
    SimLoop loop, SimProcess process, HistoryStore store, HistoryFaults faults, Controls controls, bool isServer, Random random) : IHistoryDatabase
{
    private readonly SemaphoreSlim _writing = new(1, 1);

    public string Name => $"simulated {store.Name}";

    public async ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation);
        try
        {
            if (await BeginAsync("write") is { } error)
            {
                return error;
            }

            var events = new TelemetryEvent[write.Count];
            for (var i = 0; i < write.Count; i++)
            {
                var given = write.Events[write.Start + i];
                events[i] = controls.IsOff(Control.RightValues) && given.Value.Kind == ValueKind.Double
                    ? given with { Value = TelemetryValue.From(given.Value.AsDouble + 0.25) }
                    : given;
            }

            process.Enter();
            return controls.IsOff(Control.AckAfterCommit) ? AnswerEarly(write, events) : await CommitAsync(write, events);
        }
        finally
        {
            _writing.Release();
        }
    }

    public async ValueTask<HistoryResult<AppliedBlock?>> FindAppliedAsync(BlockKey block, CancellationToken cancellation) =>
        await BeginAsync("find") is { } error ? error : HistoryResult.Of(store.FindApplied(block));

    public async ValueTask<HistoryResult<bool>> MarkDeliveredAsync(BlockKey block, CancellationToken cancellation)
    {
        if (await BeginAsync("mark") is { } error)
        {
            return error;
        }

        store.MarkDelivered(block);
        process.Enter();
        return true;
    }

    public ValueTask<HistoryResult<StreamFacts?>> FindStreamAsync(ulong tag, CancellationToken cancellation) => throw new NotSupportedException();

    public async ValueTask<HistoryResult<IReadOnlyList<StreamAccount>>> ReadStreamsAsync(
        StreamId? only, int maxMissing, CancellationToken cancellation)
    {
        if (await BeginAsync("streams") is { } error)
        {
            return error;
        }

        return store.Streams.Values.Where(s => only is null || s.Facts.Id == only).Select(s => Account(s, maxMissing)).ToArray();
    }

    public ValueTask<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation) => throw new NotSupportedException();

    public ValueTask<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public ValueTask<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public ValueTask<HistoryResult<IReadOnlyList<BookedLoss>>> ReadLossesAsync(string? node, int limit, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static StreamAccount Account(StreamBooks books, int maxMissing)
    {
        var known = books.DeclaredLost();
        known.AddAll(books.Received.Ranges);
        var missing = books.Facts.HighestSequence == 0 ? [] : known.Holes(new SequenceRange(1, books.Facts.HighestSequence)).ToArray();
        var losses = books.Losses.GroupBy(l => (l.Origin, l.Record.Reason)).Select(g => new LossSum(
            g.Key.Origin, g.Key.Reason, g.Count(), g.Aggregate(0UL, (s, l) => s + l.Record.Count), g.All(l => l.Record.IsExact)));
        return new StreamAccount(
            books.Facts, books.Received.Count, missing.Aggregate(0UL, (s, m) => s + m.Count), [.. missing.Take(maxMissing)], [.. losses]);
    }

    private async Task<HistoryError?> BeginAsync(string what)
    {
        process.Enter();
        await loop.PauseAsync(faults.Slowness * random.NextDouble(), process);
        process.Enter();
        if (!faults.IsDown && random.NextDouble() >= faults.Fail)
        {
            return null;
        }

        loop.Trace($"{process.Name}: {what} in {store.Name} fails");
        return new HistoryError(HistoryTrouble.Unavailable, "The simulated database can't be reached.", "wait");
    }

    private async Task<HistoryResult<WriteReceipt>> CommitAsync(HistoryWrite write, TelemetryEvent[] events)
    {
        var answer = new TaskCompletionSource<HistoryResult<WriteReceipt>>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.After(faults.Slowness * random.NextDouble(), () =>
        {
            if (!isServer && !process.IsAlive)
            {
                return;
            }

            var receipt = store.Commit(write, events);
            loop.Trace($"{store.Name}: committed {events.Length} events, {receipt.Counts.Inserted} new{(receipt.Applied is null ? "" : ", block applied")}");
            var isLost = random.NextDouble() < faults.LoseAnswer;
            answer.SetResult(isLost
                ? new HistoryError(HistoryTrouble.Unavailable, "The connection to the simulated database broke.", "wait")
                : receipt);
        });
        var answered = await answer.Task;
        process.Enter();
        return answered;
    }

    private HistoryResult<WriteReceipt> AnswerEarly(HistoryWrite write, TelemetryEvent[] events)
    {
        loop.After(TimeSpan.FromSeconds(0.2 + random.NextDouble()), () =>
        {
            if (process.IsAlive)
            {
                store.Commit(write, events);
            }
        });
        var counts = new WriteCounts(events.Length, events.Length, 0, 0, 0);
        return new WriteReceipt(counts, write.Applied is { } applied ? applied with { Counts = applied.Counts + counts } : null);
    }
}
