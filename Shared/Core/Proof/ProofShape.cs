using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Core.Proof;

/// <summary>
/// Refuses what a signed content may say in JSON and no program of ours would: whoever works with it may rely on its lists and numbers then. Whether
/// they fit each other is judged later. Pure.
/// </summary>
internal static class ProofShape
{
    /// <summary>What is wrong with a statement, or null.</summary>
    public static string? Problem(SourceStatement statement)
    {
        if (!StreamId.TryParse(statement.Stream, out _))
        {
            return "it names no stream";
        }

        if (statement.StatedNs < 0)
        {
            return "the time at which it was stated is none";
        }

        if (statement.Hours.Any(h => h is null))
        {
            return "an hour of it is null";
        }

        var isCounted = IsCounted(statement.Accounts) && IsCounted(statement.OtherHours) && statement.Hours.All(h => IsCount(h.Blocks) && IsCounted(h.Events));
        return isCounted ? Problem(statement.Chain) : "a number of its accounts is none that can be counted";
    }

    /// <summary>What is wrong with a proof, or null.</summary>
    public static string? Problem(ProofContent content)
    {
        if (content.StatedNs < 0)
        {
            return "the time at which it was stated is none";
        }

        var books = content.Books;
        if (!new[] { books.Received, books.Missing, books.Blocks, books.Events, books.Known, books.Conflicts }.All(IsCount))
        {
            return "a number of the books is none that can be counted";
        }

        if (content.Repair is { } repair && (repair.Cells < 0 || repair.Events < 0 || repair.Tasks < 0))
        {
            return "a number of what was repaired is negative";
        }

        return Problem(content.Chain) ?? (content.Digest is { } digest ? Problem(digest) : null);
    }

    private static string? Problem(ChainStatement chain)
    {
        if (!BlockHash.TryParse(chain.Value, out _) || !BlockHash.TryParse(chain.ValueBefore, out _))
        {
            return "a value of its chain is no hash";
        }

        // Adding the blocks that are listed to those before must not go beyond.
        if (!IsCount(chain.Blocks) || chain.BlocksBefore > long.MaxValue - (ulong)chain.Listed.Count)
        {
            return "the number of blocks of its chain is none that can be counted";
        }

        ulong? last = null;
        foreach (var block in chain.Listed)
        {
            if (block is null || block.Index <= last || !IsCount(block.Events) || !BlockHash.TryParse(block.Hash, out _))
            {
                return "a block of its chain is none, or stands in the wrong place";
            }

            last = block.Index;
        }

        return null;
    }

    private static string? Problem(DigestResult digest)
    {
        if (digest.Hours.Any(h => h is null) || digest.Differing.Any(c => c is null))
        {
            return "an hour or an item of the comparison is null";
        }

        long[] numbers = [digest.Items, digest.MissingCells, digest.MissingEvents, digest.AlteredCells, digest.MoreCells];
        var events = digest.Hours.SelectMany(h => new[] { h.SourceEvents, h.TargetEvents })
            .Concat(digest.Differing.SelectMany(c => new[] { c.SourceEvents, c.TargetEvents }))
            .Concat(numbers);
        var sum = (UInt128)0;
        foreach (var number in events)
        {
            if (number < 0)
            {
                return "a number of the comparison is negative";
            }

            sum += (UInt128)number;
        }

        return sum <= long.MaxValue ? null : "the numbers of the comparison are none that can be counted";
    }

    private static bool IsCount(ulong number) => number <= long.MaxValue;

    private static bool IsCounted(EventAccounts events) =>
        IsCount(events.Accepted) && IsCount(events.Delivered) && IsCount(events.Backlog) && IsCount(events.Lost) && IsCount(events.Quarantined);
}
