using ZfRepl.Core.Blocks;

namespace ZfRepl.Cli.Blocks;

/// <summary>The block files that the paths on the command line mean.</summary>
internal static class BlockPaths
{
    /// <summary>A file as it is; of a folder the files that are named like blocks, in the order of their names.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="missing">The paths that are not there.</param>
    /// <remarks>A folder without a block is named on the error output: it may be a drained mailbox, or the wrong folder.</remarks>
    /// <returns>The files; null where a folder of mailboxes was named, which is wrong use and was said.</returns>
    public static IReadOnlyList<string>? Find(IEnumerable<string> paths, out IReadOnlyList<string> missing)
    {
        var hasMailboxes = false;
        var files = new List<string>();
        var notThere = new List<string>();
        foreach (var path in paths)
        {
            if (Directory.Exists(path))
            {
                var before = files.Count;
                files.AddRange(Directory.EnumerateFiles(path)
                    .Select(f => (File: f, Name: NameOf(Path.GetFileName(f))))
                    .Where(f => f.Name is not null)
                    .OrderBy(f => f.Name)
                    .ThenBy(f => f.File, StringComparer.Ordinal)
                    .Select(f => f.File));
                if (files.Count == before)
                {
                    // Who names the spool means its mailboxes: nothing was looked at, and that is no success.
                    var below = Directory.EnumerateDirectories(path)
                        .Where(d => Directory.EnumerateFiles(d).Any(f => NameOf(Path.GetFileName(f)) is not null))
                        .Order(StringComparer.Ordinal)
                        .ToList();
                    Console.Error.WriteLine(
                        $"zfrepl: no blocks in {path}{(below.Count == 0 ? "" : $": each mailbox has a folder of its own, such as {below[0]}; name these")}");
                    hasMailboxes |= below.Count > 0;
                }
            }
            else if (File.Exists(path))
            {
                files.Add(path);
            }
            else
            {
                notThere.Add(path);
            }
        }

        missing = notThere;
        return hasMailboxes ? null : files;
    }

    private static BlockName? NameOf(string fileName) =>
        BlockName.TryParse(fileName, out var name) || BlockName.TryParseOpen(fileName, out name) ? name : null;
}
