using Microsoft.Extensions.Logging;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Replicator.Repair;

/// <summary>What self-repair says in the log.</summary>
internal static partial class RepairLog
{
    /// <summary>A gap was found.</summary>
    public static void Found(ILogger logger, string source, Gap gap)
    {
        if (gap is { IsInFlight: true, IsFirst: true })
        {
            First(logger, source, Describe(gap));
        }
        else if (gap.IsInFlight)
        {
            Found(logger, source, Describe(gap));
        }
        else
        {
            GivenUp(logger, source, Describe(gap), gap.Detail);
        }
    }

    /// <summary>A gap is closed.</summary>
    public static void Closed(ILogger logger, string source, Gap gap) => Closed(logger, source, Describe(gap), gap.Events);

    /// <summary>Nobody fills a gap; when it is one of the heartbeats, it is in the ledger.</summary>
    public static void GivenUp(ILogger logger, string source, Gap gap)
    {
        if (gap.Kind == GapKind.Heartbeat)
        {
            Unfillable(logger, source, Describe(gap), gap.Detail);
        }
        else
        {
            GivenUp(logger, source, Describe(gap), gap.Detail);
        }
    }

    /// <summary>A time before the first heartbeat of all is no gap.</summary>
    public static void NotKnown(ILogger logger, string source, Gap gap, bool isNever) =>
        NotKnown(logger, isNever ? LogLevel.Warning : LogLevel.Information, source, Describe(gap), gap.Detail);

    /// <summary>What is kept for later could not be written at the end.</summary>
    [LoggerMessage(1294, LogLevel.Warning, "{Trouble}; data: none is touched, times of missing sequence numbers are known less exactly")]
    public static partial void NotSaved(ILogger logger, string trouble);

    private static string Describe(Gap gap) => gap.Kind != GapKind.Sequence
        ? $"{UnixTime.FormatIso(gap.FromNs)} to {UnixTime.FormatIso(gap.ToNs)}"
        : $"sequence numbers {gap.FirstSequence} to {gap.LastSequence} of stream {gap.MissingStream}";

    [LoggerMessage(1290, LogLevel.Warning, "a gap in what came of {Source}: {Gap}; next: {Source} is asked to fill it")]
    private static partial void Found(ILogger logger, string source, string gap);

    [LoggerMessage(1295, LogLevel.Information, "no heartbeat of {Source} is here from before {Gap}; next: {Source} is asked whether it has anything of that time")]
    private static partial void First(ILogger logger, string source, string gap);

    [LoggerMessage(EventId = 1296, Message = "of {Source} nothing is known from {Gap}: {Detail}; data: none is missing, no loss is counted")]
    private static partial void NotKnown(ILogger logger, LogLevel level, string source, string gap, string detail);

    [LoggerMessage(1291, LogLevel.Information, "a gap in what came of {Source} is closed: {Gap}, {Events} events were filled")]
    private static partial void Closed(ILogger logger, string source, string gap, ulong events);

    [LoggerMessage(1292, LogLevel.Error, "LOSS: a gap in what came of {Source} can't be filled by it: {Gap}: {Detail}; data: it stands in the loss ledger")]
    private static partial void Unfillable(ILogger logger, string source, string gap, string detail);

    [LoggerMessage(1293, LogLevel.Warning, "a gap in what came of {Source} is not filled: {Gap}: {Detail}; data: it is not there, nothing else is touched")]
    private static partial void GivenUp(ILogger logger, string source, string gap, string detail);
}
