using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.History;

/// <summary>A history that lists the blocks in its applied ledger.</summary>
public interface IAppliedBook
{
    /// <summary>The applied blocks of a stream, ordered by number and hash.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="after">The last block of the page before; null for the first page.</param>
    /// <param name="limit">How many at most, from 1.</param>
    /// <param name="cancellation">Ends the call.</param>
    ValueTask<HistoryResult<IReadOnlyList<AppliedBlock>>> ReadAppliedAsync(
        StreamId stream, BlockKey? after, int limit, CancellationToken cancellation);
}
