using Microsoft.Extensions.Logging;
using ZfRepl.Core.Import;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Replicator.Fetch;

/// <summary>What is said of the events of a block that stay out while the rest is imported.</summary>
internal static partial class RefusedLog
{
    /// <summary>Says which events stay out, and why.</summary>
    /// <returns>How many they are.</returns>
    public static long Say(ILogger logger, ImportOutcome outcome, string block, string source)
    {
        var (leftOut, ruledOut) = outcome is ImportOutcome.InHistory some ? (some.LeftOut, some.RuledOut) : (null, null);
        if (leftOut is not null)
        {
            LeftOut(logger, leftOut.Events, block, source, leftOut.First);
        }

        if (ruledOut is not null)
        {
            RuledOut(logger, ruledOut.Events, block, source, ruledOut.First);
        }

        return (leftOut?.Events ?? 0) + (ruledOut?.Events ?? 0);
    }

    [LoggerMessage(
        1236,
        LogLevel.Warning,
        "{Events} events of block {Block} of {Source} are refused: the source is not trusted and its key may not write {Item}; "
            + "data: they are in the quarantine, the rest is imported; next: quarantine.retry, after the key's access list was changed")]
    private static partial void LeftOut(ILogger logger, long events, string block, string source, Oid item);

    [LoggerMessage(
        1241,
        LogLevel.Warning,
        "{Events} events of block {Block} of {Source} are refused by a rule that somebody gave the history database, the first of {Item}; "
            + "data: they are in the quarantine, the rest is imported; next: quarantine.list says which rule, quarantine.retry after it was changed")]
    private static partial void RuledOut(ILogger logger, long events, string block, string source, Oid item);
}
