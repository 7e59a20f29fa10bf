using System.Xml.Linq;
using ZfRepl.TestKit;

namespace ZfRepl.Repository.Tests;

/// <summary>Holds the one-way references of docs/architecture.md against the project files.</summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["ZfRepl.Core"] = [],
        ["ZfRepl.Mqtt"] = [],
        ["ZfRepl.OpcUa"] = [],
        ["ZfRepl.Hosting"] = ["ZfRepl.Core"],
        ["ZfRepl.Collector"] = ["ZfRepl.Core", "ZfRepl.OpcUa", "ZfRepl.Hosting"],
        ["ZfRepl.Replicator"] = ["ZfRepl.Core", "ZfRepl.Mqtt", "ZfRepl.Hosting"],
        ["ZfRepl.Standalone"] = ["ZfRepl.Core", "ZfRepl.Hosting"],
        ["ZfRepl.Cli"] =
            ["ZfRepl.Core", "ZfRepl.Mqtt", "ZfRepl.OpcUa", "ZfRepl.Hosting", "ZfRepl.Collector", "ZfRepl.Replicator", "ZfRepl.Standalone"],
    };

    public static IEnumerable<object[]> ProductProjects() => ProjectFiles().Select(file => new object[] { file });

    [Theory]
    [MemberData(nameof(ProductProjects))]
    public void A_project_references_only_what_its_layer_may(string projectFile)
    {
        var name = Path.GetFileNameWithoutExtension(projectFile);
        Assert.True(Allowed.TryGetValue(name, out var allowed), $"{name} has no row in the table of allowed references.");
        var references = XDocument.Load(Path.Combine(ProgramLookup.RepositoryRoot, projectFile)).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Empty(references.Except(allowed));
    }

    [Fact]
    public void Every_row_of_the_table_is_a_project() =>
        Assert.Equal(Allowed.Keys.Order(), ProjectFiles().Select(Path.GetFileNameWithoutExtension).Order());

    private static IEnumerable<string> ProjectFiles() =>
        Directory.EnumerateFiles(ProgramLookup.RepositoryRoot, "*.csproj", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(ProgramLookup.RepositoryRoot, file))
            .Where(file => !file.StartsWith("tests", StringComparison.Ordinal) && !file.StartsWith("artifacts", StringComparison.Ordinal));
}
