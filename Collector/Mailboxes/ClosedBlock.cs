using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>A block that takes no more commits and waits for being sealed. Everything in it is as durable as it was accepted.</summary>
/// <param name="block">The block.</param>
/// <param name="isToBeRecoded">True to write it once more in its final coding; false to seal it as it is.</param>
internal sealed class ClosedBlock(BlockAppender block, bool isToBeRecoded)
{
    private readonly TaskCompletionSource<StorageResult> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public BlockAppender Block { get; } = block;

    /// <summary>False once it is to be sealed as it is.</summary>
    public bool IsToBeRecoded { get; private set; } = isToBeRecoded;

    /// <summary>Ends when the block is sealed, or when that failed and will be tried again.</summary>
    public Task<StorageResult> Settled => _settled.Task;

    public void Keep() => IsToBeRecoded = false;

    public void Settle(StorageResult result) => _settled.TrySetResult(result);
}
