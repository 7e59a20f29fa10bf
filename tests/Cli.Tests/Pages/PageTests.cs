using System.Text.RegularExpressions;
using ZfRepl.Core.Transfer;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Pages;

/// <summary>The pages as a whole: their links lead somewhere, their configurations are right, and every key is explained.</summary>
public sealed partial class PageTests
{
    /// <summary>Keys that people choose: names of mailboxes, sources, accounts and keys in the template.</summary>
    private static readonly string[] Names =
        ["node1", "node_remote", "heartbeat", "plant", "default", "edge1", "config", "collector", "replicator", "standalone", "broker"];

    [Theory]
    [MemberData(nameof(Documents.Pages), MemberType = typeof(Documents))]
    public void Links_lead_to_files_of_the_checkout(string page)
    {
        var folder = Path.GetDirectoryName(Path.Combine(ProgramLookup.RepositoryRoot, page))!;
        Assert.All(Documents.Links(Documents.Read(page.Split('/'))), l => Assert.True(Path.Exists(Path.Combine(folder, l)), $"{page} links to {l}"));
    }

    [Theory]
    [MemberData(nameof(Documents.Pages), MemberType = typeof(Documents))]
    public void Configurations_in_pages_pass_check(string page)
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["etc", "zfrepl"]);
        File.WriteAllText(folder["etc", "zfrepl", "default.key"], ApiKey.Generate());
        File.SetUnixFileMode(folder["etc", "zfrepl", "default.key"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var yaml in Documents.CodeBlocks(Documents.Read(page.Split('/')), "yaml"))
        {
            File.WriteAllText(folder["service.yml"], yaml);
            Assert.Empty(ServiceFiles.Load(folder["service.yml"], baseFolder: null).Document.Errors);
        }
    }

    [Theory]
    [InlineData("collector")]
    [InlineData("replicator")]
    [InlineData("standalone")]
    [InlineData("broker")]
    public void Every_key_is_explained(string role)
    {
        var page = Documents.Read("docs", "configuration.md");
        var explained = Quoted().Matches(page).SelectMany(m => m.Groups["key"].Value.Split('.', '[', ']')).ToHashSet();
        var keys = TemplateText.KeysOf(TemplateText.WithAllKeysOf(Documents.Read("svc-tpl-zfrepl.yml"), role));
        Assert.Empty(keys.Except(Names).Except(explained));
    }

    [Fact]
    public void Programs_and_files_of_the_readme_are_there()
    {
        var readme = Documents.Read("README.md");
        foreach (var file in new[] { "install.sh", "tests/run", "tests/servers/opcua-server.mjs", "templates", "svc-tpl-zfrepl.yml", "LICENSE" })
        {
            Assert.Contains(file, readme, StringComparison.Ordinal);
            Assert.True(Path.Exists(Path.Combine(ProgramLookup.RepositoryRoot, file)), file);
        }
    }

    [GeneratedRegex("`(?<key>[A-Za-z_.\\[\\]]+)`", RegexOptions.ExplicitCapture)]
    private static partial Regex Quoted();
}
