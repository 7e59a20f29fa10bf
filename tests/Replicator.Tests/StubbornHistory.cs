using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Replicator.Tests;

/// <summary>A real database that can be made to refuse.</summary>
internal sealed class StubbornHistory(string path) : IHistoryDatabase
{
    private static readonly HistoryError Down = new(HistoryTrouble.Unavailable, "away for a test", "wait");

    private SqliteHistory? _inner;

    public bool IsDown { get; set; }

    /// <summary>Waited for before a block is looked for.</summary>
    public Func<BlockKey, Task>? BeforeFind { get; set; }

    public string Name => "stubborn";

    public async Task OpenAsync() =>
        _inner = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = path })).Value;

    public ValueTask<HistoryResult<WriteReceipt>> WriteAsync(HistoryWrite write, CancellationToken cancellation) =>
        IsDown ? ValueTask.FromResult<HistoryResult<WriteReceipt>>(Down) : _inner!.WriteAsync(write, cancellation);

    public async ValueTask<HistoryResult<AppliedBlock?>> FindAppliedAsync(BlockKey block, CancellationToken cancellation)
    {
        await (BeforeFind?.Invoke(block) ?? Task.CompletedTask);
        return await _inner!.FindAppliedAsync(block, cancellation);
    }

    public ValueTask<HistoryResult<bool>> MarkDeliveredAsync(BlockKey block, CancellationToken cancellation) =>
        _inner!.MarkDeliveredAsync(block, cancellation);

    public ValueTask<HistoryResult<StreamFacts?>> FindStreamAsync(ulong tag, CancellationToken cancellation) =>
        _inner!.FindStreamAsync(tag, cancellation);

    public ValueTask<HistoryResult<IReadOnlyList<StreamAccount>>> ReadStreamsAsync(
        StreamId? only, int maxMissing, CancellationToken cancellation) => _inner!.ReadStreamsAsync(only, maxMissing, cancellation);

    public ValueTask<HistoryResult<HistoryCursor?>> ReadEventsAsync(
        Oid oid, HistoryCursor after, long toNs, int limit, EventBatch target, CancellationToken cancellation) =>
        _inner!.ReadEventsAsync(oid, after, toNs, limit, target, cancellation);

    public ValueTask<HistoryResult<IReadOnlyList<BookedLoss>>> ReadLossesAsync(string? node, int limit, CancellationToken cancellation) =>
        _inner!.ReadLossesAsync(node, limit, cancellation);

    public ValueTask<HistoryResult<IReadOnlyList<OidSpan>>> ListOidsAsync(Oid? after, int limit, CancellationToken cancellation) =>
        _inner!.ListOidsAsync(after, limit, cancellation);

    public ValueTask<HistoryResult<IReadOnlyList<OidCount>>> CountByOidAsync(Oid? after, int limit, CancellationToken cancellation) =>
        _inner!.CountByOidAsync(after, limit, cancellation);

    public ValueTask DisposeAsync() => _inner?.DisposeAsync() ?? ValueTask.CompletedTask;
}
