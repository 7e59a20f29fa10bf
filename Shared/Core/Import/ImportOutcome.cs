using ZfRepl.Core.Blocks;
using ZfRepl.Core.History;

namespace ZfRepl.Core.Import;

/// <summary>Why a block is not taken at all. Nothing was written.</summary>
public enum RefusalKind
{
    /// <summary>The file is not there.</summary>
    Missing,

    /// <summary>There is neither a block's header nor a frame in it.</summary>
    NotABlock,

    /// <summary>It was written by a newer version of the format.</summary>
    NewerFormat,

    /// <summary>It is larger than the limit.</summary>
    TooLarge,

    /// <summary>The content is not the one whose hash was named.</summary>
    WrongHash,

    /// <summary>It belongs to another stream.</summary>
    OtherStream,

    /// <summary>It is another block of the stream.</summary>
    OtherBlock,

    /// <summary>Another node collected it, or a damaged header does not tell which.</summary>
    OtherNode,

    /// <summary>It is for another node, or a damaged header does not tell for which.</summary>
    OtherMailbox,

    /// <summary>Its sequence numbers are beyond what a stream can reach.</summary>
    ImpossibleSequence,
}

/// <summary>What stood in the way of an import.</summary>
public enum ImportObstacle
{
    /// <summary>The block's file: it can't be opened or read.</summary>
    File,

    /// <summary>The history database.</summary>
    History,

    /// <summary>A sink. The history database has the block.</summary>
    Sink,
}

/// <summary>
/// What became of a block. The source may be told to forget it only after <see cref="Applied"/> and <see cref="AlreadyApplied"/>.
/// </summary>
public abstract record ImportOutcome
{
    private ImportOutcome()
    {
    }

    /// <summary>What is durable in the history database and delivered to the sinks.</summary>
    /// <param name="Receipt">The ledger row.</param>
    public abstract record InHistory(AppliedBlock Receipt) : ImportOutcome
    {
        /// <summary>What was left out because the source may not write it; null when nothing was, and when the block was applied before.</summary>
        public RefusedEvents? LeftOut { get; init; }

        /// <summary>
        /// What is kept aside because a rule of the history database keeps it out; null when nothing is, and when the block was applied before. The sinks
        /// have it.
        /// </summary>
        public RefusedEvents? RuledOut { get; init; }
    }

    /// <summary>Everything of a sealed block is durable in the history database and delivered to the sinks.</summary>
    /// <param name="Receipt">The ledger row.</param>
    /// <param name="Missing">Sequence numbers that the source itself has neither in the block nor among its losses.</param>
    public sealed record Applied(AppliedBlock Receipt, IReadOnlyList<SequenceRange> Missing) : InHistory(Receipt);

    /// <summary>It was applied before; at most, the sinks were served again.</summary>
    /// <param name="Receipt">The ledger row.</param>
    public sealed record AlreadyApplied(AppliedBlock Receipt) : InHistory(Receipt);

    /// <summary>Every intact event is durable and delivered, and the rest is entered as missing. The file is worth keeping.</summary>
    /// <param name="Receipt">The ledger row.</param>
    /// <param name="IsSealed">False for a block that was still being written when it was copied; alone that is no damage.</param>
    /// <param name="IsAsSealed">True when the hash proves that the source's own copy is no better.</param>
    /// <param name="Damages">What could not be read; the first of it where it is much.</param>
    /// <param name="TornTail">The end of an unsealed block, as a write that was cut short leaves it: none of it was ever accepted.</param>
    /// <param name="Missing">Sequence numbers that should be in the block and are not, as far as the source did not declare them lost.</param>
    public sealed record Partial(
        AppliedBlock Receipt,
        bool IsSealed,
        bool IsAsSealed,
        IReadOnlyList<BlockDamage> Damages,
        BlockDamage? TornTail,
        IReadOnlyList<SequenceRange> Missing)
        : InHistory(Receipt);

    /// <summary>Something stood in the way. Import the same file again later; what is there already is recognised.</summary>
    /// <param name="Obstacle">What.</param>
    /// <param name="Reason">What happened.</param>
    /// <param name="Remedy">What a person can do about it.</param>
    /// <param name="NeedsOperator">True when it will not pass by itself.</param>
    public sealed record TryLater(ImportObstacle Obstacle, string Reason, string Remedy, bool NeedsOperator) : ImportOutcome;

    /// <summary>The file is not what it should be.</summary>
    /// <param name="Kind">Why.</param>
    /// <param name="Reason">Why, as a sentence.</param>
    public sealed record Refused(RefusalKind Kind, string Reason) : ImportOutcome;
}
