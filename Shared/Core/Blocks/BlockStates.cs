namespace ZfRepl.Core.Blocks;

/// <summary>What a block file is, in one word: intact, open, empty or damaged. Stateless.</summary>
public static class BlockStates
{
    /// <summary>A block that was never sealed may end in a write that was cut short; one that has the name of a sealed block may not.</summary>
    /// <param name="path">The file; its name tells whether it should be sealed.</param>
    /// <param name="report">What is in it.</param>
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
