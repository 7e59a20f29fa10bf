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
    BlockKey Identity, string Name, string Path, ulong FirstSequence, ulong NextSequence, ulong EventCount, long LengthBytes)
{
    /// <summary>The nodes that it has passed, this one last; null for a block that was collected here.</summary>
    public BlockWay? Way { get; init; }
}

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

/// <summary>Which blocks are wanted.</summary>
/// <param name="Limit">The most blocks, from 1.</param>
/// <param name="After">
/// Only blocks of this one's stream with a higher number; null for all. Where the mailbox has another stream, all.
/// </param>
/// <param name="Rotate">Where there are none: have the open block closed, so that it becomes ready.</param>
public readonly record struct ReadyQuery(int Limit, BlockKey? After = null, bool Rotate = false);

/// <summary>Blocks that are ready.</summary>
/// <param name="Blocks">Those that were asked for, oldest first.</param>
/// <param name="TotalBlocks">How many there are in all.</param>
/// <param name="TotalEvents">The events in all of them.</param>
public sealed record ReadyBlocks(IReadOnlyList<SourceBlock> Blocks, ulong TotalBlocks, ulong TotalEvents);

/// <summary>Where served blocks come from. Only the collector writes or deletes in a mailbox: this asks it. Thread-safe.</summary>
public interface IBlockSource
{
    /// <summary>The blocks that are ready. What it costs depends on how many are asked for, not on how many there are.</summary>
    Task<SourceAnswer<ReadyBlocks>> ReadyAsync(string mailbox, ReadyQuery query, CancellationToken cancellationToken);

    /// <summary>Has a block removed, as the target confirmed the import of just this content.</summary>
    Task<SourceAnswer<bool>> ConfirmAsync(string mailbox, string blockName, BlockHash hash, CancellationToken cancellationToken);

    /// <summary>Has a block looked at that turned out to be damaged; its intact frames come back as a new block.</summary>
    Task<SourceAnswer<bool>> RepairAsync(string mailbox, string blockName, CancellationToken cancellationToken);
}
