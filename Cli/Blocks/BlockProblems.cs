namespace ZfRepl.Cli.Blocks;

/// <summary>Prints what kept block files from being read.</summary>
internal static class BlockProblems
{
    /// <summary>Prints missing paths and other problems on the error output.</summary>
    /// <returns>True when there was none.</returns>
    public static bool Report(IReadOnlyList<string> missing, IEnumerable<string> problems)
    {
        var clean = missing.Count == 0;
        foreach (var path in missing)
        {
            Console.Error.WriteLine($"zfrepl: {path} is not there");
        }

        foreach (var problem in problems)
        {
            clean = false;
            Console.Error.WriteLine($"zfrepl: {problem}");
        }

        return clean;
    }
}
