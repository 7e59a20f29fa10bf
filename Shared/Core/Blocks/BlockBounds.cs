namespace ZfRepl.Core.Blocks;

/// <summary>Where the sequence numbers of a block lie, known from its neighbours. After a crash a file may hold old content of the disk at its end.</summary>
/// <param name="FirstSequence">The first at the earliest. Where a block's own header is intact, that one counts.</param>
/// <param name="NextSequence">The first that is no more the block's; null where that is not known.</param>
public readonly record struct BlockBounds(ulong FirstSequence, ulong? NextSequence = null);
