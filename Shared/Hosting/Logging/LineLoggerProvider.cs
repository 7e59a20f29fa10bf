using Microsoft.Extensions.Logging;

namespace ZfRepl.Hosting.Logging;

/// <summary>Writes log lines to a text writer, one call per line and at once, so that a killed process has said all it said.</summary>
internal sealed class LineLoggerProvider(TextWriter output, TimeProvider time, bool withStacks) : ILoggerProvider
{
    private readonly Lock _gate = new();

    public ILogger CreateLogger(string categoryName) => new LineLogger(this, LogLine.ShortCategory(categoryName));

    public void Dispose()
    {
        lock (_gate)
        {
            output.Flush();
        }
    }

    private void Write(LogLevel level, string category, EventId eventId, string message, Exception? exception)
    {
        var line = LogLine.Format(time.GetUtcNow(), level, category, eventId, message, exception, withStacks);
        lock (_gate)
        {
            output.Write(line);
            output.Flush();
        }
    }

    private sealed class LineLogger(LineLoggerProvider owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                owner.Write(logLevel, category, eventId, formatter(state, exception), exception);
            }
        }
    }
}
