namespace ZfRepl.TestKit;

/// <summary>Finds the programs and test servers that tests start.</summary>
public static class ProgramLookup
{
    /// <summary>The pseudo program name for the npm packages under tests/servers.</summary>
    public const string NodeOpcUa = "node-opcua";

    private const string PostgresRoot = "/usr/lib/postgresql";

    // The server's programs of PostgreSQL are in no path, since several versions may be there; the newest comes first.
    private static readonly string[] ExtraFolders =
    [
        "/usr/sbin", "/sbin", "/usr/local/sbin",
        .. Directory.Exists(PostgresRoot) ? Directory.GetDirectories(PostgresRoot).OrderByDescending(VersionOf).Select(f => Path.Combine(f, "bin")) : [],
    ];

    /// <summary>The checkout's root folder, found from the test assembly upwards.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>The folder with the npm packages of the test servers.</summary>
    public static string TestServersFolder => Path.Combine(RepositoryRoot, "tests", "servers");

    /// <summary>The full path of a program, or null.</summary>
    public static string? Find(string program)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return folders.Concat(ExtraFolders).Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
    }

    /// <summary>Null when all are there; else a sentence that says what is missing and how to get it.</summary>
    public static string? WhyMissing(params string[] programs)
    {
        var missing = programs.Where(p => p == NodeOpcUa
            ? !Directory.Exists(Path.Combine(TestServersFolder, "node_modules", "node-opcua-server"))
            : Find(p) is null).ToArray();
        return missing.Length == 0 ? null : $"NOT RUN, missing on this machine: {string.Join(", ", missing)}. `tests/run` installs them.";
    }

    private static int VersionOf(string folder) => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0;

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ZfRepl.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("The tests must run from a folder below the checkout (ZfRepl.sln was not found above the test assembly).");
    }
}
