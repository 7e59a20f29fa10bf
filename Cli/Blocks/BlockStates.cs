using ZfRepl.Core.Blocks;

namespace ZfRepl.Cli.Blocks;

/// <summary>What a block file is, in one word.</summary>
internal static class BlockStates
{
    /// <summary>A block that was never sealed may end in a write that was cut short; one that has the name of a sealed block may not.</summary>
    public static string Of(string path, BlockReport report)
    {
        if (report.IsIntact)
        {
            return "intact";
        }

        var isSealedByName = BlockName.TryParse(Path.GetFileName(path), out _);
        if (!isSealedByName && report is { FrameCount: 0, Trailer: null, TornTail: null, Damages.Count: 0 })
        {
            return "empty";
        }

        return !isSealedByName && report is { Header: not null, Trailer: null, Damages.Count: 0, Missing.Count: 0 } ? "open" : "damaged";
    }
}
