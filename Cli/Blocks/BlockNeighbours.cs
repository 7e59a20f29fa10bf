using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;

namespace ZfRepl.Cli.Blocks;

/// <summary>What a look at one file has found, as far as its neighbours are concerned.</summary>
/// <param name="Path">The file.</param>
/// <param name="Stream">Its stream.</param>
/// <param name="Index">Its number in the stream.</param>
/// <param name="FirstSequence">Its first sequence number.</param>
/// <param name="NextSequence">The sequence number behind its last event.</param>
/// <param name="Hash">The hash of a sealed block's content, else null.</param>
internal sealed record BlockPlace(string Path, StreamId Stream, ulong Index, ulong FirstSequence, ulong NextSequence, BlockHash? Hash);

/// <summary>What is wrong or odd between two files, or between a file and its folder's books.</summary>
/// <param name="Path">The file at which it is noticed.</param>
/// <param name="Kind">One word: number_twice, copy, left_over, overlap, repeated, hole or other_stream.</param>
/// <param name="IsDamage">False where nothing has to be done.</param>
/// <param name="Other">The other file, or the books.</param>
/// <param name="Text">What it is.</param>
/// <param name="Remedy">What to do about it.</param>
internal sealed record BlockFinding(string Path, string Kind, bool IsDamage, string Other, string Text, string Remedy);

/// <summary>Looks across block files: stream by stream, in the order of their sequence numbers. Stateless.</summary>
internal static class BlockNeighbours
{
    /// <summary>Finds what does not go together.</summary>
    /// <param name="blocks">The blocks, in any order.</param>
    /// <param name="booksOf">The stream in the books of a file's folder; null where there are none.</param>
    /// <param name="compare">What is different in the sequence numbers that two blocks have in common, or null for nothing.</param>
    public static IReadOnlyList<BlockFinding> Find(
        IReadOnlyCollection<BlockPlace> blocks, Func<string, (string Books, StreamId Stream)?> booksOf, Func<BlockPlace, BlockPlace, string?> compare)
    {
        var findings = new List<BlockFinding>();
        foreach (var block in blocks)
        {
            if (booksOf(block.Path) is { } books && books.Stream != block.Stream)
            {
                findings.Add(new BlockFinding(
                    block.Path,
                    "other_stream",
                    true,
                    books.Books,
                    $"it is of stream {block.Stream}, the folder's books are of stream {books.Stream}",
                    "it came from elsewhere, or the books did. The collector sets it aside at its next start; import it by process_dir from a folder of its own"));
            }
        }

        foreach (var stream in blocks.GroupBy(b => b.Stream))
        {
            // Of two that begin together the sealed one comes first: the other is compared with it.
            var ordered = stream.OrderBy(b => b.FirstSequence).ThenBy(b => b.Index).ThenBy(b => b.Hash is null).ThenBy(b => b.Path, StringComparer.Ordinal).ToList();
            FindTwice(ordered, compare, findings);
            FindAlong(ordered, compare, findings);
        }

        return findings;
    }

    private static void FindTwice(List<BlockPlace> ordered, Func<BlockPlace, BlockPlace, string?> compare, List<BlockFinding> findings)
    {
        foreach (var same in ordered.GroupBy(b => b.Index))
        {
            var first = same.OrderBy(b => b.Hash is null).First();
            foreach (var block in same.Where(b => b != first))
            {
                findings.Add(
                    block.Hash is not null && block.Hash.Equals(first.Hash)
                        ? new BlockFinding(block.Path, "copy", false, first.Path, $"block {block.Index} once more, the same", "nothing; importing both is harmless")
                        : (block.Hash is null || first.Hash is null) && compare(first, block) is null
                            ? new BlockFinding(
                                block.Path,
                                "left_over",
                                false,
                                first.Path,
                                $"block {block.Index} once more, not closed or damaged, with the same events as far as both can be read",
                                "nothing in a spool: it is only just being closed, or a crash left it so, and the collector's next start puts it right")
                            : new BlockFinding(
                                block.Path,
                                "number_twice",
                                true,
                                first.Path,
                                $"block {block.Index} is there twice, with different content",
                                "the target takes one of them alone. Keep both aside, compare them (zfrepl block cat), and import the one that is missing there by process_dir from a folder of its own"));
            }
        }
    }

    private static void FindAlong(List<BlockPlace> ordered, Func<BlockPlace, BlockPlace, string?> compare, List<BlockFinding> findings)
    {
        BlockPlace? reach = null;
        foreach (var block in ordered.Where(b => b.NextSequence > b.FirstSequence))
        {
            if (reach is not null && block.FirstSequence > reach.NextSequence)
            {
                findings.Add(new BlockFinding(
                    block.Path,
                    "hole",
                    false,
                    reach.Path,
                    $"sequence numbers {reach.NextSequence} to {block.FirstSequence - 1} are in no block here, {block.FirstSequence - reach.NextSequence} events",
                    "nothing, where those blocks were delivered: they are deleted then. The target's status says what is missing there, zfrepl loss ls what was given up"));
            }
            else if (reach is not null && block.FirstSequence < reach.NextSequence && block.Index != reach.Index)
            {
                var last = Math.Min(block.NextSequence, reach.NextSequence) - 1;
                var common = $"sequence numbers {block.FirstSequence} to {last} are in two blocks, {reach.Index} and {block.Index}";
                findings.Add(compare(reach, block) is { } difference
                    ? new BlockFinding(
                        block.Path,
                        "overlap",
                        true,
                        reach.Path,
                        $"{common}, and are not the same: {difference}",
                        "two collectors have written one stream, or an old copy of a spool was put back. Keep both aside and import them by process_dir: events are told apart by their identity")
                    : new BlockFinding(
                        block.Path, "repeated", false, reach.Path, $"{common}, and are the same", "nothing; importing both is harmless"));
            }

            reach = reach is null || block.NextSequence > reach.NextSequence ? block : reach;
        }
    }
}
