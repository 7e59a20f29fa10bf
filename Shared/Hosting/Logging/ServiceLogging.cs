using Microsoft.Extensions.Logging;

namespace ZfRepl.Hosting.Logging;

/// <summary>The process's log: single lines on stderr.</summary>
/// <remarks>
/// <c>2026-01-01T00:00:00.000Z WARN  edge.collector[1030] message | IOException: text</c>. Stack traces are added at levels debug and
/// trace. Lines are written at once by whoever logs, so a reader of stderr that stops reading stops the process as well.
/// </remarks>
public static class ServiceLogging
{
    /// <summary>The names of levels that <see cref="TryParseLevel"/> knows, from most to least.</summary>
    public static IReadOnlyList<string> LevelNames { get; } = ["trace", "debug", "info", "warn", "error", "critical", "none"];

    /// <summary>Makes the log; the caller disposes it at the process's end.</summary>
    /// <param name="level">Least level to write. The framework's own lines need warning or more, except at trace.</param>
    /// <param name="time">The clock of the lines; the system's by default.</param>
    /// <param name="output">Where lines go; stderr by default.</param>
    public static ILoggerFactory Create(LogLevel level, TimeProvider? time = null, TextWriter? output = null)
    {
        var framework = level == LogLevel.Trace || level > LogLevel.Warning ? level : LogLevel.Warning;
        return LoggerFactory.Create(builder => builder
            .SetMinimumLevel(level)
            .AddFilter("Microsoft", framework)
            .AddProvider(new LineLoggerProvider(output ?? Console.Error, time ?? TimeProvider.System, level <= LogLevel.Debug)));
    }

    /// <summary>Reads a level by name, in any case; <c>information</c> and <c>warning</c> are known as well.</summary>
    public static bool TryParseLevel(string text, out LogLevel level)
    {
        LogLevel? found = text.ToUpperInvariant() switch
        {
            "TRACE" => LogLevel.Trace,
            "DEBUG" => LogLevel.Debug,
            "INFO" or "INFORMATION" => LogLevel.Information,
            "WARN" or "WARNING" => LogLevel.Warning,
            "ERROR" => LogLevel.Error,
            "CRITICAL" => LogLevel.Critical,
            "NONE" => LogLevel.None,
            _ => null,
        };
        level = found ?? LogLevel.Information;
        return found is not null;
    }
}
