using System.Text.RegularExpressions;

namespace ZfRepl.Cli.Tests.Pages;

/// <summary>
/// The template as text. Its lines are of three kinds: keys, keys that are switched off (a <c>#</c> directly before them), and words for
/// people (<c># </c>). A line <c># ---- role: NAME ----</c> begins the part of a role.
/// </summary>
internal static partial class TemplateText
{
    /// <summary>The template with one role and all of its keys switched on.</summary>
    public static string WithAllKeysOf(string template, string role)
    {
        var part = "";
        var lines = new List<string>();
        foreach (var line in template.Split('\n'))
        {
            part = RoleLine().Match(line) is { Success: true } match ? match.Groups["role"].Value : part;
            if (part.Length == 0 || part == role)
            {
                lines.Add(Off().Replace(line, "$1"));
            }
        }

        return string.Join('\n', lines);
    }

    /// <summary>The names of all keys, wherever they stand.</summary>
    public static IReadOnlySet<string> KeysOf(string yaml) =>
        yaml.Split('\n').Select(l => Key().Match(l)).Where(m => m.Success).Select(m => m.Groups["key"].Value).ToHashSet();

    [GeneratedRegex(@"^ *# ---- role: (?<role>\w+) ----$", RegexOptions.ExplicitCapture)]
    private static partial Regex RoleLine();

    [GeneratedRegex("^( *)#(?=[^ #])")]
    private static partial Regex Off();

    [GeneratedRegex(@"^ *(- )?(?<key>[a-z][a-z0-9_]*):( |$)", RegexOptions.ExplicitCapture)]
    private static partial Regex Key();
}
