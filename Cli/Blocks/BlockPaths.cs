using ZfRepl.Core.Blocks;

namespace ZfRepl.Cli.Blocks;

/// <summary>The block files that the paths on the command line mean.</summary>
internal static class BlockPaths
{
    /// <summary>A file as it is; of a folder the files that are named like blocks, in the order of their names.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="missing">The paths that are not there.</param>
    /// <remarks>A folder without a block is named on the error output: it may be a drained mailbox, or the wrong folder.</remarks>
    public static IReadOnlyList<string> Find(IEnumerable<string> paths, out IReadOnlyList<string> missing)
    {
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
                    Console.Error.WriteLine($"zfrepl: no blocks in {path}");
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
        return files;
    }

    private static BlockName? NameOf(string fileName) =>
        BlockName.TryParse(fileName, out var name) || BlockName.TryParseOpen(fileName, out name) ? name : null;
}
