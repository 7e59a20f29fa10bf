using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Blocks;

/// <summary>What names a block: a confirmation speaks of exactly this content.</summary>
/// <param name="Stream">The stream; its second half is 0 where only the first one is known.</param>
/// <param name="Index">The number in the stream, 0 where the block's header is damaged.</param>
/// <param name="Hash">The hash in the trailer where the content matches it, else SHA-256 of the whole file.</param>
public sealed record BlockKey(StreamId Stream, ulong Index, BlockHash Hash)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Stream}/{Index}";
}
