namespace ZfRepl.Benchmarks.Running;

/// <summary>A server that a benchmark starts.</summary>
/// <param name="Program">The program's name.</param>
/// <param name="Package">The Debian package that has it.</param>
internal sealed record Server(string Program, string Package)
{
    // Debian keeps PostgreSQL's programs, in several versions, out of the path.
    private static readonly string[] ExtraFolders =
    [
        "/usr/sbin", "/usr/local/sbin",
        .. Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")) : [],
    ];

    /// <summary>Whether this machine has it.</summary>
    public bool IsInstalled => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Concat(ExtraFolders)
        .Any(folder => File.Exists(Path.Combine(folder, Program)));
}
