using Microsoft.Extensions.Logging;

namespace ZfRepl.Hosting.Logging;

/// <summary>Every text that the hosting itself logs. Event ids 1000 to 1099 are its own and never change their meaning.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(1000, LogLevel.Information, "Listening at {Socket}")]
    public static partial void Listening(ILogger logger, string socket);

    [LoggerMessage(1001, LogLevel.Information, "Ready")]
    public static partial void Ready(ILogger logger);

    [LoggerMessage(1002, LogLevel.Information, "Stopping, asked by {Whom}")]
    public static partial void Stopping(ILogger logger, string whom);

    [LoggerMessage(1003, LogLevel.Information, "Stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(1004, LogLevel.Error, "Failed: {Failure}; the process ends with exit code {ExitCode}")]
    public static partial void ServiceFailed(ILogger logger, string failure, int exitCode);

    [LoggerMessage(1005, LogLevel.Critical, "Ended by a defect; the process ends so that the supervisor restarts it and recovery runs")]
    public static partial void ServiceDefect(ILogger logger, Exception exception);

    [LoggerMessage(1006, LogLevel.Error, "Not stopped within {Seconds} s; the process ends anyway, and the next start recovers what is open")]
    public static partial void StopTookTooLong(ILogger logger, double seconds);

    [LoggerMessage(1007, LogLevel.Warning, "Ending at once because of a second signal; what is open is recovered at the next start")]
    public static partial void SecondSignal(ILogger logger);

    [LoggerMessage(1008, LogLevel.Warning, "The supervisor cannot be told about {State} at {Address}; check NOTIFY_SOCKET")]
    public static partial void NotifyFailed(ILogger logger, string state, string address, Exception exception);

    [LoggerMessage(1009, LogLevel.Warning, "Calls in progress did not end in time; their connections were cut")]
    public static partial void CallsCut(ILogger logger);

    [LoggerMessage(1010, LogLevel.Warning, "The socket {Socket} cannot be removed: {Problem}; the next start takes it over")]
    public static partial void SocketStays(ILogger logger, string socket, string problem);

    [LoggerMessage(1020, LogLevel.Error, "The method {Method} failed by a defect; the caller got an error, the service goes on")]
    public static partial void HandlerFailed(ILogger logger, string method, Exception exception);

    [LoggerMessage(1021, LogLevel.Debug, "A caller went away, or the service stops, before an answer was complete")]
    public static partial void CallerGone(ILogger logger);

    [LoggerMessage(1030, LogLevel.Information, "Health of {Check} is ok again: {Message}")]
    public static partial void HealthRestored(ILogger logger, string check, string message);

    [LoggerMessage(1031, LogLevel.Warning, "Health of {Check} is degraded: {Message}")]
    public static partial void HealthDegraded(ILogger logger, string check, string message);

    [LoggerMessage(1032, LogLevel.Error, "Health of {Check} is failed: {Message}")]
    public static partial void HealthFailed(ILogger logger, string check, string message);

    [LoggerMessage(1040, LogLevel.Warning, "Again {Count} times within {Minutes:0.##} min: {Cause}")]
    public static partial void CauseRepeated(ILogger logger, long count, double minutes, string cause);

    [LoggerMessage(1041, LogLevel.Warning, "{Count} more occurrences within {Minutes:0.##} min, of causes beyond the {Known} that are told apart")]
    public static partial void CausesBeyond(ILogger logger, long count, double minutes, int known);
}
