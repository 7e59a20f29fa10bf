using ZfRepl.Hosting.Lifetime;

namespace ZfRepl.Cli.Blocks;

/// <summary>Prints what kept block files from being read, and decides about the exit code.</summary>
internal static class BlockProblems
{
    /// <summary>Prints missing paths and other problems on the error output.</summary>
    /// <param name="foundCount">How many files were found.</param>
    /// <param name="missing">Paths that are not there.</param>
    /// <param name="problems">What is wrong with those that are.</param>
    /// <returns>The exit code.</returns>
    public static int Report(int foundCount, IReadOnlyList<string> missing, IEnumerable<string> problems)
    {
        foreach (var path in missing)
        {
            Console.Error.WriteLine($"zfrepl: {path} is not there");
        }

        var clean = missing.Count == 0;
        foreach (var problem in problems)
        {
            clean = false;
            Console.Error.WriteLine($"zfrepl: {problem}");
        }

        return clean ? ExitCode.Ok : foundCount == 0 ? ExitCode.NotFound : ExitCode.Partial;
    }
}
