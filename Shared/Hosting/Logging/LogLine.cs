using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace ZfRepl.Hosting.Logging;

/// <summary>The form of a log line: UTC time, level, category, event id, message, type and message of the exception.</summary>
internal static class LogLine
{
    private const int LengthMax = 8192;

    /// <summary>The line with its end; with <paramref name="withStack"/> the exception's stack follows on indented lines.</summary>
    public static string Format(
        DateTimeOffset time, LogLevel level, string category, EventId eventId, string message, Exception? exception, bool withStack)
    {
        var line = new StringBuilder(128);
        line.Append(CultureInfo.InvariantCulture, $"{time.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fff}Z {Name(level)} {category}");
        if (eventId.Id != 0)
        {
            line.Append(CultureInfo.InvariantCulture, $"[{eventId.Id}]");
        }

        AppendOnOneLine(line.Append(' '), message);
        for (var e = exception; e is not null; e = e.InnerException)
        {
            AppendOnOneLine(line.Append(CultureInfo.InvariantCulture, $" | {e.GetType().Name}: "), e.Message);
        }

        line.Append('\n');
        return withStack && exception is not null ? line.Append(Stack(exception)).ToString() : line.ToString();
    }

    /// <summary>The last part of a type's name; other categories, such as service ids, stay as they are.</summary>
    public static string ShortCategory(string category) =>
        category.StartsWith("ZfRepl.", StringComparison.Ordinal) || category.StartsWith("Microsoft.", StringComparison.Ordinal)
            ? category[(category.LastIndexOf('.') + 1)..]
            : category;

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace => "TRACE",
        LogLevel.Debug => "DEBUG",
        LogLevel.Information => "INFO ",
        LogLevel.Warning => "WARN ",
        LogLevel.Error => "ERROR",
        _ => "CRIT ",
    };

    /// <summary>Outside text may be in a message, so nothing in it may look like a second line.</summary>
    private static void AppendOnOneLine(StringBuilder line, string text)
    {
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, LengthMax)))
        {
            _ = c switch
            {
                '\n' => line.Append("\\n"),
                '\r' => line.Append("\\r"),
                '\t' => line.Append(' '),
                _ when char.IsControl(c) => line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => line.Append(c),
            };
        }

        if (text.Length > LengthMax)
        {
            line.Append('…');
        }
    }

    private static string Stack(Exception exception) =>
        string.Concat(exception.ToString().Split('\n').Select(row => $"    {row.TrimEnd('\r')}\n"));
}
