using System.Text.RegularExpressions;

namespace ZfRepl.Hosting.Configuration;

/// <summary>Puts the values of environment variables in place of <c>${NAME}</c>; <c>$${</c> stands for <c>${</c> as it is.</summary>
/// <remarks>It happens after the YAML was read, so a value cannot add keys, and only once, so a value cannot name another variable.</remarks>
internal static partial class EnvironmentText
{
    /// <summary>The text with its variables, or null and the name of the first one that is not set or not closed.</summary>
    public static string? Expand(string text, Func<string, string?> environment, out string? problem)
    {
        string? found = null;
        var result = Variable().Replace(text, match =>
        {
            if (match.Value.StartsWith("$$", StringComparison.Ordinal))
            {
                return "${";
            }

            var name = match.Groups["name"].Value;
            if (!match.Value.EndsWith('}') || name.Length == 0)
            {
                found ??= $"`{OutsideText.Show(match.Value)}` is not the name of a variable in braces";
                return "";
            }

            var value = environment(name);
            found ??= value is null ? $"the environment variable {name} is not set" : null;
            return value ?? "";
        });
        problem = found;
        return problem is null ? result : null;
    }

    [GeneratedRegex(@"\$\$\{|\$\{(?<name>[A-Za-z0-9_]*)\}?", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Variable();
}
