using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Replicator.Serve;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>Serves a mailbox of the same process: what the product does over the collector's socket, without the socket.</summary>
internal sealed class MailboxBlocks(Mailbox mailbox) : IBlockSource
{
    public async Task<SourceAnswer<ReadyBlocks>> ReadyAsync(string name, ReadyQuery query, CancellationToken cancellationToken)
    {
        var after = query.After is { } block ? (block.Stream, block.Index) : ((StreamId, ulong)?)null;
        var ready = await mailbox.ReadyAsync(after, query.Limit, query.Rotate, cancellationToken);
        return ready.IsOk
            ? new SourceAnswer<ReadyBlocks>(
                SourceStatus.Ok, new ReadyBlocks([.. ready.Value.Blocks.Select(Describe)], (ulong)ready.Value.TotalBlocks, ready.Value.TotalEvents), null)
            : new SourceAnswer<ReadyBlocks>(SourceStatus.Unavailable, null, ready.Error.ToString());
    }

    public async Task<SourceAnswer<bool>> ConfirmAsync(string name, string blockName, BlockHash hash, CancellationToken cancellationToken)
    {
        var removed = BlockName.TryParse(blockName, out var block) ? await mailbox.ConfirmAsync(block, hash, cancellationToken) : RemoveResult.NotFound;
        return removed.IsOk && removed.Value == RemoveResult.Removed
            ? new SourceAnswer<bool>(SourceStatus.Ok, true, null)
            : new SourceAnswer<bool>(SourceStatus.Unavailable, false, "not removed");
    }

    public Task<SourceAnswer<bool>> RepairAsync(string name, string blockName, CancellationToken cancellationToken) =>
        Task.FromResult(new SourceAnswer<bool>(SourceStatus.Unavailable, false, "nothing is damaged in a benchmark"));

    private static SourceBlock Describe(ReadyBlock ready)
    {
        var (header, trailer) = (ready.Block.Header, ready.Block.Trailer);
        return new SourceBlock(
            new BlockKey(header.Stream, header.Index, trailer.Hash), ready.Block.Name.ToString(), ready.Path, trailer.FirstSequence,
            trailer.NextSequence, trailer.EventCount, ready.Block.LengthBytes);
    }
}
