using System.Text.RegularExpressions;
using ZfRepl.TestKit;

namespace ZfRepl.Repository.Tests;

/// <summary>Things that no compiler sees and that people look for at night.</summary>
public sealed partial class TidyTests
{
    private static readonly string[] Extensions = [".cs", ".md", ".yml", ".sh", ".mjs", ".csproj", ".props", ".json"];

    [Fact]
    public void Every_log_message_has_an_event_id_of_its_own()
    {
        var ids = Sources()
            .Where(f => !f.StartsWith("tests", StringComparison.Ordinal))
            .SelectMany(f => EventId().Matches(Read(f)).Select(m => (Id: m.Groups[1].Value, File: f)))
            .ToList();
        Assert.InRange(ids.Count, 40, int.MaxValue);
        Assert.Empty(ids.GroupBy(i => i.Id).Where(g => g.Count() > 1).Select(g => $"{g.Key}: {string.Join(", ", g.Select(i => i.File))}"));
    }

    [Fact]
    public void Nothing_is_left_for_later_in_the_code() =>
        Assert.DoesNotContain(Sources(), f => f.EndsWith(".cs", StringComparison.Ordinal) && LeftOver().IsMatch(Read(f)));

    [Fact]
    public void No_merge_was_left_half_done() =>
        Assert.DoesNotContain(Sources(), f => MergeMark().IsMatch(Read(f)));

    [Fact]
    public void Lock_files_name_no_registry() =>
        Assert.DoesNotContain(
            Sources(),
            f => f.EndsWith("package-lock.json", StringComparison.Ordinal) && Read(f).Contains("\"resolved\"", StringComparison.Ordinal));

    private static IEnumerable<string> Sources() =>
        Directory.EnumerateFiles(ProgramLookup.RepositoryRoot, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(ProgramLookup.RepositoryRoot, f))
            .Where(f => Extensions.Contains(Path.GetExtension(f))
                && !f.StartsWith("artifacts", StringComparison.Ordinal)
                && !f.StartsWith(".git", StringComparison.Ordinal)
                && !f.Contains("node_modules", StringComparison.Ordinal));

    private static string Read(string file) => File.ReadAllText(Path.Combine(ProgramLookup.RepositoryRoot, file));

    [GeneratedRegex(@"LoggerMessage\(\s*(\d+)")]
    private static partial Regex EventId();

    [GeneratedRegex(@"//\s*(?:TODO|FIXME|HACK|XXX)\b|NotImplementedException\(")]
    private static partial Regex LeftOver();

    [GeneratedRegex(@"^(?:<{7}|>{7}) ", RegexOptions.Multiline)]
    private static partial Regex MergeMark();
}
