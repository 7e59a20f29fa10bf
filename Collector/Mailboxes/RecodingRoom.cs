using ZfRepl.Core.Blocks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Collector.Mailboxes;

/// <summary>What became of re-coding a block.</summary>
/// <param name="Outcome">
/// With a block in it, that one is durable under its name. Otherwise, and after an error, the old file is still what counts.
/// </param>
/// <param name="Deleted">Whether the old file is gone, where it should be.</param>
internal readonly record struct Recoding(StorageResult<RecodeOutcome> Outcome, StorageResult Deleted);

/// <summary>
/// Where the blocks of all mailboxes of a collector are re-coded, one at a time, each on a thread of its own: so it takes one core at most and
/// the memory of one block, however many mailboxes there are, and no commit waits for it. Thread-safe.
/// </summary>
/// <param name="oids">The table of those who write into the mailboxes.</param>
/// <param name="scheduler">Who runs the work; null for the system's, which gives it a thread of its own.</param>
internal sealed class RecodingRoom(OidTable oids, TaskScheduler? scheduler = null)
{
    private readonly Lock _gate = new();
    private readonly BlockRecoder _recoder = new(oids);

    /// <summary>Writes a closed block aside, gives it its name, and deletes the file that it came from.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="folder">The mailbox's folder.</param>
    /// <param name="block">The block; not touched by anybody else meanwhile.</param>
    /// <param name="cancellationToken">Gives the work up, in order; the block is then as it was.</param>
    public Task<Recoding> RecodeAsync(
        IStorage storage, string folder, BlockAppender block, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () => Recode(storage, folder, block, cancellationToken),
            CancellationToken.None,
            TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            scheduler ?? TaskScheduler.Default);

    private Recoding Recode(IStorage storage, string folder, BlockAppender block, CancellationToken cancellationToken)
    {
        StorageResult<RecodeOutcome> written;
        lock (_gate)
        {
            written = _recoder.WriteAside(storage, folder, block.Closed(), cancellationToken);
        }

        if (written is not { IsOk: true, Value.Block: not null })
        {
            return new Recoding(written, StorageResult.Ok);
        }

        var placed = BlockRecoder.PutInPlace(storage, folder, block.Name);
        if (!placed.IsOk)
        {
            return new Recoding(placed.Error, StorageResult.Ok);
        }

        // Only now, with the new file's name on disk. A power loss may bring the old one back: the next start deletes it again.
        var deleted = storage.Delete(block.OpenPath);
        block.Dispose();
        return new Recoding(written, deleted);
    }
}
