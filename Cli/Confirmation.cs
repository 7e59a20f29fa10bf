using System.Diagnostics.CodeAnalysis;

namespace ZfRepl.Cli;

/// <summary>Asks before something is deleted for good.</summary>
internal static class Confirmation
{
    /// <summary>Asks a question that only the word yes answers.</summary>
    /// <param name="question">The question.</param>
    /// <param name="refusal">What to say when the answer is another one, or there is nobody to ask.</param>
    /// <returns>True for yes.</returns>
    public static bool Ask(string question, [NotNullWhen(false)] out string? refusal)
    {
        if (Console.IsInputRedirected)
        {
            refusal = $"{question} There is no terminal to ask; --yes says that it is meant";
            return false;
        }

        Console.Error.Write($"{question} (yes/no): ");
        refusal = string.Equals(Console.ReadLine()?.Trim(), "yes", StringComparison.OrdinalIgnoreCase) ? null : "nothing was done";
        return refusal is null;
    }
}
