using System.Text;

namespace ZfRepl.Cli;

/// <summary>Asks for the value of a parameter without showing what is typed, so that a secret stands in no history of commands.</summary>
internal static class SecretPrompt
{
    private const int MaxChars = 4096;

    /// <summary>The answer; null when there is no terminal to ask.</summary>
    public static string? Ask(string name)
    {
        if (Console.IsInputRedirected)
        {
            return null;
        }

        Console.Error.Write($"{name}: ");
        var text = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key && text.Length < MaxChars)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                text.Length = Math.Max(0, text.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                text.Append(key.KeyChar);
            }
        }

        Console.Error.WriteLine();
        return text.ToString();
    }
}
