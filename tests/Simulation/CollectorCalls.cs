using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Simulation;

/// <summary>
/// The socket between replicator and collector of an edge: calls take time, reach whoever is the collector then, and stay unanswered when that dies.
/// </summary>
internal sealed class CollectorCalls(SimLoop loop, SimProcess caller, Func<EdgeCollector?> collector, Controls controls, Random random) : IBlockSource
{
    private static readonly TimeSpan MostOfACall = TimeSpan.FromMilliseconds(4);

    public Task<SourceAnswer<ReadyBlocks>> ReadyAsync(string mailbox, ReadyQuery query, CancellationToken cancellationToken) => CallAsync(
        mailbox,
        async called =>
        {
            var after = query.After is { } block ? (block.Stream, block.Index) : default((Core.Frames.StreamId, ulong)?);
            var ready = await called.ReadyAsync(after, query.Limit, query.Rotate, cancellationToken);
            return ready.IsOk
                ? new SourceAnswer<ReadyBlocks>(
                    SourceStatus.Ok,
                    new ReadyBlocks([.. ready.Value.Blocks.Select(Describe)], (ulong)ready.Value.TotalBlocks, ready.Value.TotalEvents),
                    null)
                : Failed<ReadyBlocks>(ready.Error);
        },
        cancellationToken);

    public Task<SourceAnswer<bool>> ConfirmAsync(string mailbox, string blockName, BlockHash hash, CancellationToken cancellationToken) => CallAsync(
        mailbox,
        async called =>
        {
            if (!BlockName.TryParse(blockName, out var name))
            {
                return new SourceAnswer<bool>(SourceStatus.NotFound, false, blockName);
            }

            var removed = await called.ConfirmAsync(name, await HashAsync(called, name, hash), cancellationToken);
            if (!removed.IsOk)
            {
                return Failed<bool>(removed.Error);
            }

            loop.Trace($"{caller.Name}: confirmation of {mailbox}/{blockName}: {removed.Value}");
            return removed.Value switch
            {
                RemoveResult.Removed => new SourceAnswer<bool>(SourceStatus.Ok, true, null),
                RemoveResult.WrongHash => new SourceAnswer<bool>(SourceStatus.WrongHash, false, "another content"),
                _ => new SourceAnswer<bool>(SourceStatus.NotFound, false, "no such block"),
            };
        },
        cancellationToken);

    public Task<SourceAnswer<bool>> RepairAsync(string mailbox, string blockName, CancellationToken cancellationToken) => CallAsync(
        mailbox,
        async called =>
        {
            if (!BlockName.TryParse(blockName, out var name))
            {
                return new SourceAnswer<bool>(SourceStatus.NotFound, false, blockName);
            }

            var repaired = await called.RepairAsync(name, cancellationToken);
            return repaired.IsOk ? new SourceAnswer<bool>(SourceStatus.Ok, true, null) : Failed<bool>(repaired.Error);
        },
        cancellationToken);

    private static SourceBlock Describe(ReadyBlock ready) => new(
        new BlockKey(ready.Block.Header.Stream, ready.Block.Header.Index, ready.Block.Trailer.Hash),
        ready.Block.Name.ToString(),
        ready.Path,
        ready.Block.Trailer.FirstSequence,
        ready.Block.Trailer.NextSequence,
        ready.Block.Trailer.EventCount,
        ready.Block.LengthBytes);

    private static SourceAnswer<T> Failed<T>(StorageError error) => new(SourceStatus.Unavailable, default, error.ToString());

    /// <summary>The hash that was named, or, for the control, that of whatever block bears the name.</summary>
    private async Task<BlockHash> HashAsync(Mailbox mailbox, BlockName name, BlockHash named) => controls.IsOff(Control.ConfirmHash)
        ? (await mailbox.ListAsync(CancellationToken.None)).FirstOrDefault(b => b.Block.Name == name)?.Block.Trailer.Hash ?? named
        : named;

    private async Task<SourceAnswer<T>> CallAsync<T>(string mailbox, Func<Mailbox, Task<SourceAnswer<T>>> call, CancellationToken cancellationToken)
    {
        caller.Enter();
        await loop.PauseAsync(MostOfACall * random.NextDouble(), caller);
        cancellationToken.ThrowIfCancellationRequested();
        if (collector() is not { IsOpen: true } process || process.Mailboxes.FirstOrDefault(m => m.Name == mailbox) is not { } called)
        {
            return new SourceAnswer<T>(SourceStatus.Unavailable, default, "the collector does not answer");
        }

        var answering = AnswerAsync(called, call);
        await Task.WhenAny(answering, process.Process.Died);
        await loop.PauseAsync(MostOfACall * random.NextDouble(), caller);
        caller.Enter();
        return answering.IsCompleted && process.Process.IsAlive
            ? await answering
            : new SourceAnswer<T>(SourceStatus.Unavailable, default, "the collector did not answer");
    }

    private static async Task<SourceAnswer<T>> AnswerAsync<T>(Mailbox mailbox, Func<Mailbox, Task<SourceAnswer<T>>> call)
    {
        try
        {
            return await call(mailbox);
        }
        catch (Exception e) when (e is SimulatedCrashException or InvalidOperationException)
        {
            // It died, or is ending.
            return new SourceAnswer<T>(SourceStatus.Unavailable, default, e.Message);
        }
    }
}
