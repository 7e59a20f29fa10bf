using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ZfRepl.Benchmarks.Plotting;
using ZfRepl.TestKit;

namespace ZfRepl.Benchmarks.Tests;

/// <summary>docs/benchmarks.md says what was measured: its tables and plots are those of the figures that are committed beside it.</summary>
public sealed partial class PageTests
{
    private static readonly string Docs = Path.Combine(ProgramLookup.RepositoryRoot, "docs");

    [Fact]
    public void The_tables_are_those_of_the_figures()
    {
        var page = Read("benchmarks.md");
        Assert.Equal(Tables.Fill(page, Figures()), page);
    }

    [Fact]
    public void The_plots_are_those_of_the_figures()
    {
        var page = Read("benchmarks.md");
        Assert.All(Plots.Draw(Figures()), plot =>
        {
            Assert.Equal(plot.Value, Read("images", plot.Key));
            Assert.Contains($"images/{plot.Key}", page, StringComparison.Ordinal);
            Assert.Equal("svg", XDocument.Parse(plot.Value).Root!.Name.LocalName);
        });
    }

    [Fact]
    public void Every_figure_that_the_page_names_was_measured()
    {
        var figures = Figures();
        var prose = Table().Replace(Read("benchmarks.md"), "");
        var named = FigureName().Matches(prose).Select(m => m.Groups[1].Value).Distinct().ToArray();
        Assert.InRange(named.Length, 5, 200);
        Assert.All(named, name => Assert.True(figures.ContainsKey(name), name));
    }

    [Fact]
    public void The_names_of_all_benchmarks_are_explained() =>
        Assert.All(Cases.All.Benchmarks, b => Assert.Contains($"`{b.Name}`", Read("benchmarks.md"), StringComparison.Ordinal));

    private static JsonObject Figures()
    {
        var all = new JsonObject();
        foreach (var (name, value) in new[] { "benchmarks.json", "benchmarks-peers.json" }.SelectMany(f => JsonNode.Parse(Read("figures", f))!.AsObject()))
        {
            all[name] = value?.DeepClone();
        }

        return all;
    }

    private static string Read(params string[] parts) => File.ReadAllText(Path.Combine([Docs, .. parts]));

    [GeneratedRegex(@"`([a-z0-9]+(?:_[a-z0-9]+)+)`")]
    private static partial Regex FigureName();

    [GeneratedRegex(@"<!-- figures: (\w+) -->.*?<!-- end of figures: \1 -->", RegexOptions.Singleline)]
    private static partial Regex Table();
}
