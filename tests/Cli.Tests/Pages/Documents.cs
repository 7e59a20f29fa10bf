using System.Text.RegularExpressions;
using ZfRepl.TestKit;

namespace ZfRepl.Cli.Tests.Pages;

/// <summary>The pages for people, and what in them can be checked.</summary>
internal static partial class Documents
{
    /// <summary>README and everything in docs, by path below the checkout.</summary>
    public static TheoryData<string> Pages =>
    [
        .. Directory.EnumerateFiles(Path.Combine(ProgramLookup.RepositoryRoot, "docs"), "*.md", SearchOption.AllDirectories)
            .Append(Path.Combine(ProgramLookup.RepositoryRoot, "README.md"))
            .Select(p => Path.GetRelativePath(ProgramLookup.RepositoryRoot, p))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>A page's text.</summary>
    public static string Read(params string[] parts) => File.ReadAllText(Path.Combine([ProgramLookup.RepositoryRoot, .. parts]));

    /// <summary>The contents of the code blocks of a language.</summary>
    public static IEnumerable<string> CodeBlocks(string page, string language) =>
        CodeBlock().Matches(page).Where(m => m.Groups["language"].Value == language).Select(m => m.Groups["code"].Value);

    /// <summary>The calls of zfrepl in a text, without redirections, comments and what the shell does around them.</summary>
    public static IEnumerable<string> CommandLines(string text) => text.Split('\n')
        .Select(l => CommandText().Match(Redirection().Replace(l, "")))
        .Where(m => m.Success)
        .Select(m => m.Groups["command"].Value.Trim());

    /// <summary>The targets of a page's links to other files.</summary>
    public static IEnumerable<string> Links(string page) => Link().Matches(page).Select(m => m.Groups["target"].Value);

    [GeneratedRegex(@"^```(?<language>\w+)[^\n]*\n(?<code>.*?)^```", RegexOptions.ExplicitCapture | RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"(?<![/\w-])(?<command>zfrepl [a-z-][^#;)|<]*)", RegexOptions.ExplicitCapture)]
    private static partial Regex CommandText();

    [GeneratedRegex("(#.*| [0-9]?>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Redirection();

    [GeneratedRegex(@"\]\((?<target>(?!https?:)[^)#]+)(#[^)]*)?\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();
}
