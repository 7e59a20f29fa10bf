using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ZfRepl.TestKit;

/// <summary>Keeps log lines for a test to look at.</summary>
public sealed class ListLogger : ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _lines = new();

    public IReadOnlyList<(LogLevel Level, string Text)> Lines => [.. _lines];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((logLevel, exception is null ? formatter(state, exception) : $"{formatter(state, exception)} {exception}"));

    public override string ToString() => string.Join('\n', _lines.Select(l => $"{l.Level}: {l.Text}"));
}
