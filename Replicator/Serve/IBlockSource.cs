using ZfRepl.Core.Blocks;

namespace ZfRepl.Replicator.Serve;

/// <summary>A block of the collector next door.</summary>
/// <param name="Identity">What names it on the wire.</param>
/// <param name="Name">Its name at the collector.</param>
/// <param name="Path">Its file, readable from here.</param>
/// <param name="FirstSequence">Its first sequence number.</param>
/// <param name="NextSequence">The sequence number behind its last event.</param>
/// <param name="EventCount">Its events.</param>
/// <param name="LengthBytes">Its size.</param>
public sealed record SourceBlock(
    BlockKey Identity, string Name, string Path, ulong FirstSequence, ulong NextSequence, ulong EventCount, long LengthBytes);

/// <summary>How a question to the collector ended.</summary>
public enum SourceStatus
{
    /// <summary>As asked.</summary>
    Ok,

    /// <summary>There is no such mailbox or block.</summary>
    NotFound,

    /// <summary>The confirmation names other content than the block has.</summary>
    WrongHash,

    /// <summary>The collector does not answer, or can't at present.</summary>
    Unavailable,
}

/// <summary>An answer of the collector.</summary>
/// <param name="Status">How the question ended.</param>
/// <param name="Value">The answer, when it ended well.</param>
/// <param name="Detail">For people, when it did not.</param>
/// <typeparam name="T">The answer's type.</typeparam>
public readonly record struct SourceAnswer<T>(SourceStatus Status, T? Value, string? Detail);

/// <summary>Where served blocks come from. Only the collector writes or deletes in a mailbox: this asks it. Thread-safe.</summary>
public interface IBlockSource
{
    /// <summary>The blocks that are ready, oldest first.</summary>
    /// <param name="mailbox">The mailbox.</param>
    /// <param name="rotate">When there are none: have the open block closed, so that it becomes ready.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<SourceAnswer<IReadOnlyList<SourceBlock>>> ReadyAsync(string mailbox, bool rotate, CancellationToken cancellationToken);

    /// <summary>Has the open block closed, also while others are ready; without one this does nothing.</summary>
    Task<SourceAnswer<bool>> SealAsync(string mailbox, CancellationToken cancellationToken);

    /// <summary>Has a block removed, as the target confirmed the import of just this content.</summary>
    Task<SourceAnswer<bool>> ConfirmAsync(string mailbox, string blockName, BlockHash hash, CancellationToken cancellationToken);

    /// <summary>Has a block looked at that turned out to be damaged; its intact frames come back as a new block.</summary>
    Task<SourceAnswer<bool>> RepairAsync(string mailbox, string blockName, CancellationToken cancellationToken);
}
