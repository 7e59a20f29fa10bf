namespace ZfRepl.Replicator.Fetch;

/// <summary>
/// What all sources together may have in memory at once. Blocks on their way and blocks that are unpacked are bounded apart, or what is on its
/// way could take the room that is needed to get rid of it.
/// </summary>
/// <param name="wireBytes">Bytes on their way, or arrived and not imported yet.</param>
/// <param name="sourceBytes">Of them, those of one source: what is under way when the round trip is long, far below what brokers queue.</param>
/// <param name="blockBytes">Bytes of blocks that are unpacked and being imported.</param>
internal sealed class FetchMemory(
    long wireBytes = FetchMemory.WireBytes, long sourceBytes = FetchMemory.SourceBytes, long blockBytes = FetchMemory.BlockBytes)
{
    public const long WireBytes = 6 * 1024 * 1024;

    public const long SourceBytes = 2 * 1024 * 1024;

    public const long BlockBytes = 16 * 1024 * 1024;

    /// <summary>For blocks as they travel.</summary>
    public FetchBudget Wire { get; } = new(wireBytes, sourceBytes);

    /// <summary>For unpacked blocks.</summary>
    public FetchBudget Blocks { get; } = new(blockBytes, blockBytes);
}
