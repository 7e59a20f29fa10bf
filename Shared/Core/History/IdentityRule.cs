using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.History;

/// <summary>What to do with an event whose OID and time are in the database already.</summary>
internal enum EventVerdict
{
    /// <summary>It is another event of the same time: keep it under the next number.</summary>
    Insert,

    /// <summary>It is there: the same event arrives again.</summary>
    Replay,

    /// <summary>It says what is known: a source that was asked again repeats itself, or the event arrived on another way.</summary>
    Repeat,

    /// <summary>It bears the identity of one that is there and says something else: the first one stays, and this one is counted.</summary>
    Conflict,
}

/// <summary>How a row compares with the event in question.</summary>
internal enum RowMatch
{
    /// <summary>There is no such row.</summary>
    None,

    /// <summary>Its content (status, quality, kind, value) is the same, bit for bit.</summary>
    SameContent,

    /// <summary>Its content differs.</summary>
    OtherContent,
}

/// <summary>
/// What the rule asks about the rows that have the OID and the time of the event in question. At least one row is there. Each answer
/// costs a look-up, so it is asked only for what matters.
/// </summary>
internal interface IRowsAtInstant
{
    /// <summary>The row with an identity that is not unknown.</summary>
    RowMatch WithIdentity(Ieid ieid);

    /// <summary>Among the rows with a known identity the one with the greatest below the given one.</summary>
    RowMatch Before(Ieid ieid);

    /// <summary>Among the rows with a known identity the one with the smallest above the given one.</summary>
    RowMatch After(Ieid ieid);

    /// <summary>True when a row of unknown identity has the content.</summary>
    bool HasContentOfUnknown();

    /// <summary>True when any row has the content.</summary>
    bool HasContent();
}

/// <summary>
/// When two events are one. Events are keyed by OID and time; a number tells apart different events that bear the same time. This is
/// the only place that decides which is the case, for every database. Pure.
/// </summary>
/// <remarks>
/// <list type="table">
/// <item><term>same identity, same content</term><description>replay</description></item>
/// <item><term>same identity, other content</term><description>conflict: the first stays, the second is counted</description></item>
/// <item><term>no identity, or a refresh after a new subscription</term><description>repeat if any row has the content, else
/// insert</description></item>
/// <item><term>another identity</term><description>repeat if a row without identity has the content, or the row just before or just after
/// it in the order of its origin; else insert</description></item>
/// </list>
/// The neighbour in the order of origin is compared, not the row that arrived last. With A(1), A(2), B(3) at one time, A(2) is a repeat
/// of A(1) and leaves no row; when all three arrive again, A(2) still follows A(1), while the row that arrived last is B(3) and would make
/// a new event of A(2). Rows are never deleted, so whatever arrives in the order of its origin leaves the same rows however often
/// parts of it are repeated; A(1), B(2), A(3) stays three events.
/// </remarks>
internal static class IdentityRule
{
    /// <summary>Decides.</summary>
    /// <param name="ieid">The event's identity.</param>
    /// <param name="flags">The event's flags.</param>
    /// <param name="rows">The rows with its OID and time.</param>
    public static EventVerdict Decide<TRows>(Ieid ieid, EventFlags flags, TRows rows)
        where TRows : IRowsAtInstant
    {
        if (ieid != Ieid.Unknown)
        {
            var same = rows.WithIdentity(ieid);
            if (same != RowMatch.None)
            {
                return same == RowMatch.SameContent ? EventVerdict.Replay : EventVerdict.Conflict;
            }
        }

        var isRepeat = ieid == Ieid.Unknown || (flags & EventFlags.Refresh) != EventFlags.None
            ? rows.HasContent()
            : rows.Before(ieid) == RowMatch.SameContent || rows.After(ieid) == RowMatch.SameContent || rows.HasContentOfUnknown();
        return isRepeat ? EventVerdict.Repeat : EventVerdict.Insert;
    }
}
