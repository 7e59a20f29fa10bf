using ZfRepl.TestKit;

namespace ZfRepl.Repository.Tests;

/// <summary>install.sh as somebody uses it, into a folder of the test's own.</summary>
public sealed class InstallTests : IDisposable
{
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(8);
    private static readonly string Script = Path.Combine(ProgramLookup.RepositoryRoot, "install.sh");

    private readonly TempFolder _folder = new();

    private string Prefix => _folder["prefix"];

    private string Program => Path.Combine(Prefix, "bin", "zfrepl");

    public void Dispose() => _folder.Dispose();

    [RequiresFact("bash", "dotnet")]
    public async Task What_is_installed_works_can_be_installed_over_and_leaves_nothing_when_it_is_removed()
    {
        AssertOk(await InstallAsync("--prefix", Prefix));
        await AssertWorksAsync();
        var first = Everything();

        // The same again, and a later version: services that run may still need the files of the one before.
        AssertOk(await InstallAsync("--prefix", Prefix, "--from", PublishedProgram()));
        Assert.Equal(first, Everything());
        var later = _folder["later"];
        CopyFolder(PublishedProgram(), later);
        await File.AppendAllTextAsync(Path.Combine(later, "zfrepl.deps.json"), "\n");
        await File.AppendAllTextAsync(Path.Combine(later, "zfrepl.dll"), "\n");
        AssertOk(await InstallAsync("--prefix", Prefix, "--from", later));
        await AssertWorksAsync();
        Assert.Equal(2, Directory.GetDirectories(Path.Combine(Prefix, "lib", "zfrepl"), "*-*").Length);

        AssertOk(await InstallAsync("--uninstall", "--prefix", Prefix));
        Assert.Empty(Everything());
    }

    [RequiresFact("bash", "dotnet")]
    public async Task What_somebody_else_put_there_or_changed_stays()
    {
        Directory.CreateDirectory(Path.Combine(Prefix, "bin"));
        await File.WriteAllTextAsync(Path.Combine(Prefix, "bin", "other"), "of somebody");
        AssertOk(await InstallAsync("--prefix", Prefix, "--from", BuiltProgram()));
        var template = Path.Combine(Prefix, "share", "zfrepl", "templates", "broker.yml");
        await File.WriteAllTextAsync(template, "mine");
        AssertOk(await InstallAsync("--prefix", Prefix, "--from", BuiltProgram()));
        Assert.Equal("mine", await File.ReadAllTextAsync(template + ".saved"));
        var changed = Path.Combine(Prefix, "share", "zfrepl", "svc-tpl-zfrepl.yml");
        await File.WriteAllTextAsync(changed, "mine too");
        var removed = await InstallAsync("--uninstall", "--prefix", Prefix);
        AssertOk(removed);
        Assert.Contains($"kept, because it was changed: {changed}", removed.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["bin/other", "share/zfrepl/svc-tpl-zfrepl.yml", "share/zfrepl/templates/broker.yml.saved"],
            Everything().Where(p => File.Exists(Path.Combine(Prefix, p))));
    }

    [RequiresFact("bash")]
    public async Task Without_the_SDK_it_says_what_to_do()
    {
        var tools = _folder["tools"];
        Directory.CreateDirectory(tools);
        foreach (var tool in new[] { "bash", "dirname", "id", "cat", "env", "sed" })
        {
            File.CreateSymbolicLink(Path.Combine(tools, tool), ProgramLookup.Find(tool)!);
        }

        var run = await ProgramRun.RunAsync(
            Path.Combine(tools, "bash"), [Script, "--prefix", Prefix], environment: new Dictionary<string, string?> { ["PATH"] = tools });
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("the .NET 10 SDK is missing. Install the package dotnet-sdk-10.0", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Prefix));
    }

    [RequiresTheory("bash")]
    [InlineData(0, "--help")]
    [InlineData(1, "--uninstal")]
    [InlineData(1, "--prefix")]
    [InlineData(1, "--uninstall", "--prefix", "/nowhere")]
    public async Task Its_options_are_checked(int exitCode, params string[] arguments)
    {
        var run = await InstallAsync(arguments);
        Assert.Equal(exitCode, run.ExitCode);
        Assert.NotEqual("", run.Output + run.Error);
    }

    [RequiresFact("bash")]
    public async Task Its_syntax_is_clean()
    {
        foreach (var script in new[] { "install.sh", "tests/run", "tests/bench", "tests/Benchmarks/Peers/run", ".ci/run" })
        {
            AssertOk(await ProgramRun.RunAsync("bash", ["-n", Path.Combine(ProgramLookup.RepositoryRoot, script)]));
        }
    }

    private static Task<ProgramRun> InstallAsync(params string[] arguments) => ProgramRun.RunAsync("bash", [Script, .. arguments], limit: BuildLimit);

    /// <summary>What the last real installation built.</summary>
    private static string PublishedProgram() => Directory.GetDirectories(Path.Combine(ProgramLookup.RepositoryRoot, "artifacts"), "install-*")
        .Select(d => Path.Combine(d, "program"))
        .Where(Directory.Exists)
        .MaxBy(Directory.GetLastWriteTimeUtc)!;

    /// <summary>The program of the build that the tests are part of.</summary>
    private static string BuiltProgram() =>
        Path.Combine(ProgramLookup.RepositoryRoot, "artifacts", "bin", "ZfRepl.Cli", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')));

    private async Task AssertWorksAsync()
    {
        var version = await ProgramRun.RunAsync(Program, ["version"]);
        AssertOk(version);
        Assert.Contains("block format 2", version.Lines);
        var templates = Path.Combine(Prefix, "share", "zfrepl");
        var checkedFolder = _folder["checked"];
        Directory.CreateDirectory(Path.Combine(checkedFolder, "etc", "zfrepl"));
        var key = Path.Combine(checkedFolder, "etc", "zfrepl", "default.key");
        await File.WriteAllTextAsync(key, (await ProgramRun.RunAsync(Program, ["key", "new"])).Output);
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        AssertOk(await ProgramRun.RunAsync(Program, ["key", "new", "edge1", "--write", "sensor:plant/#", "--store", Path.Combine(checkedFolder, "etc", "zfrepl", "keys.yml")]));
        foreach (var file in Directory.GetFiles(Path.Combine(templates, "templates"), "*.yml").Append(Path.Combine(templates, "svc-tpl-zfrepl.yml")))
        {
            AssertOk(await ProgramRun.RunAsync(Program, ["check", "--dir", checkedFolder, file]));
        }
    }

    private string[] Everything() => Directory.Exists(Prefix)
        ?
        [
            .. Directory.EnumerateFileSystemEntries(Prefix, "*", SearchOption.AllDirectories)
                .Select(p => Path.GetRelativePath(Prefix, p))
                .Order(StringComparer.Ordinal),
        ]
        : [];

    private static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static void AssertOk(ProgramRun run) => Assert.True(run.ExitCode == 0, $"exit code {run.ExitCode}\n{run.Output}\n{run.Error}");
}
