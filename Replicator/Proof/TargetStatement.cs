using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;

namespace ZfRepl.Replicator.Proof;

/// <summary>Reads the target's books of a stream, and computes the chain over the blocks that it imported. Stateless.</summary>
internal static class TargetStatement
{
    private const int MaxListed = 256;
    private const int Page = 1000;

    /// <summary>Reads them.</summary>
    /// <param name="history">The history.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="source">The source's chain: it says from which block to which the chain goes.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static async Task<HistoryResult<(TargetBooks Books, ChainStatement Chain)>> ReadAsync(
        IHistoryDatabase history, StreamId stream, ChainStatement source, CancellationToken cancellation)
    {
        if (history is not IAppliedBook applied)
        {
            return new HistoryError(HistoryTrouble.Broken, $"{history.Name} does not list the blocks that it has.", "use one of the databases of docs/history.md");
        }

        var streams = await history.ReadStreamsAsync(stream, 1, cancellation);
        if (!streams.IsOk)
        {
            return streams.Error;
        }

        var (blocks, events, known, conflicts) = (0UL, 0UL, 0UL, 0UL);
        var chain = new Chain(stream, source);
        BlockKey? after = null;
        while (true)
        {
            var page = await applied.ReadAppliedAsync(stream, after, Page, cancellation);
            if (!page.IsOk)
            {
                return page.Error;
            }

            foreach (var block in page.Value)
            {
                unchecked
                {
                    blocks++;
                    events += (ulong)block.Counts.Events;
                    known += (ulong)block.Counts.Duplicates;
                    conflicts += (ulong)block.Counts.Conflicts;
                }

                chain.Add(block);
            }

            if (page.Value.Count < Page)
            {
                var account = streams.Value is [var only, ..] ? only : null;
                return (new TargetBooks(account?.Received ?? 0, account?.MissingCount ?? 0, blocks, events, known, conflicts), chain.End());
            }

            after = page.Value[^1].Block;
        }
    }

    /// <summary>The chain as it grows; of several forms in which one block arrived the one that the source confirmed counts.</summary>
    private sealed class Chain(StreamId stream, ChainStatement source)
    {
        // Whatever a source lists ends nothing here; what is wrong with it says the judgement.
        private readonly Dictionary<ulong, string> _confirmed = source.Listed.GroupBy(b => b.Index).ToDictionary(g => g.Key, g => g.Last().Hash);
        private readonly Queue<ChainBlock> _listed = [];
        private BlockChain _before = BlockChain.Empty;
        private BlockChain _chain = BlockChain.Empty;
        private AppliedBlock? _pending;

        public void Add(AppliedBlock block)
        {
            if (block.Block.Index < source.FirstIndex || block.Block.Index >= source.NextIndex)
            {
                return;
            }

            if (_pending is { } pending && pending.Block.Index == block.Block.Index)
            {
                _pending = IsBetter(block, pending) ? block : pending;
                return;
            }

            Take();
            _pending = block;
        }

        public ChainStatement End()
        {
            Take();
            return new ChainStatement(
                source.FirstIndex, source.NextIndex, _chain.Blocks, _chain.Value.ToString(), _before.Blocks, _before.Value.ToString(), [.. _listed]);
        }

        private bool IsBetter(AppliedBlock block, AppliedBlock other) => _confirmed.TryGetValue(block.Block.Index, out var hash)
            ? block.Block.Hash.ToString() == hash
            : (block.IsDelivered, block.AppliedNs).CompareTo((other.IsDelivered, other.AppliedNs)) > 0;

        private void Take()
        {
            if (_pending is not { } block)
            {
                return;
            }

            _pending = null;
            _chain = _chain.Add(stream, block.Block.Index, block.Block.Hash);
            _listed.Enqueue(new ChainBlock(
                block.Block.Index, "", block.FirstSequence, block.NextSequence, unchecked((ulong)block.Counts.Events), block.Block.Hash.ToString()));
            if (_listed.Count > MaxListed)
            {
                var oldest = _listed.Dequeue();
                if (!BlockHash.TryParse(oldest.Hash, out var hash))
                {
                    throw new InvalidOperationException($"Block {oldest.Index} has no hash.");
                }

                _before = _before.Add(stream, oldest.Index, hash!);
            }
        }
    }
}
