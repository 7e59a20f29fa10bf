namespace ZfRepl.Core.Schedule;

/// <summary>Why a schedule could not be read, and where.</summary>
/// <param name="Column">Position of the offending character in the given text, counted from 1.</param>
/// <param name="Message">What was found and what is expected, one sentence without a full stop.</param>
public sealed record CronError(int Column, string Message)
{
    /// <summary>Message and column in one line.</summary>
    public override string ToString() => $"column {Column}: {Message}";
}
