using System.Collections.Concurrent;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>A history database that only counts, and knows the blocks that it was given: what is left is all that comes before a database.</summary>
internal sealed class CountingHistory : IHistoryDatabase
{
    private static readonly Oid Everything = Oid.Parse("sensor:everything");

    private readonly ConcurrentDictionary<BlockKey, AppliedBlock> _applied = new();
    private long _events;
    private long _check;

    public string Name => "a counter";

    /// <summary>Depends on all times and items that were given, so that nobody leaves decoding them out.</summary>
    public long Check => Interlocked.Read(ref _check);

    public ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation)
    {
        var check = 0L;
        for (var i = write.Start; i < write.Start + write.Count; i++)
        {
            check ^= write.Events.TimesNs[i] + write.Events.Items[i];
        }

        Interlocked.Add(ref _check, check);
        Interlocked.Add(ref _events, write.Count);
        var counts = new WriteCounts(write.Count, write.Count, 0, 0, 0);
        AppliedBlock? applied = null;
        if (write.Applied is { } last)
        {
            applied = last with { Counts = last.Counts + counts };
            _applied[last.Block] = applied;
        }

        return ValueTask.FromResult<HistoryResult<WriteReceipt>>(new WriteReceipt(counts, applied));
    }

    public ValueTask<HistoryResult<AppliedBlock?>> FindAppliedAsync(BlockKey block, CancellationToken cancellation) =>
        ValueTask.FromResult<HistoryResult<AppliedBlock?>>(_applied.GetValueOrDefault(block));

    public ValueTask<HistoryResult<bool>> MarkDeliveredAsync(BlockKey block, CancellationToken cancellation) =>
        ValueTask.FromResult<HistoryResult<bool>>(true);

    public ValueTask<HistoryResult<StreamFacts?>> FindStreamAsync(ulong tag, CancellationToken cancellation) =>
        ValueTask.FromResult<HistoryResult<StreamFacts?>>((StreamFacts?)null);

    public ValueTask<HistoryResult<IReadOnlyList<StreamAccount>>> ReadStreamsAsync(StreamId? only, int maxMissing, CancellationToken cancellation) =>
        throw new NotSupportedException("A counter keeps no books.");

    public ValueTask<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation) =>
        throw new NotSupportedException("A counter keeps no events.");

    public ValueTask<HistoryResult<IReadOnlyList<BookedLoss>>> ReadLossesAsync(string? node, int limit, CancellationToken cancellation) =>
        throw new NotSupportedException("A counter keeps no books.");

    public ValueTask<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation) =>
        throw new NotSupportedException("A counter keeps no events.");

    public ValueTask<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation) =>
        ValueTask.FromResult<HistoryResult<IReadOnlyList<OidCount>>>(new[] { new OidCount(Everything, Interlocked.Read(ref _events), 0, 0) });

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
