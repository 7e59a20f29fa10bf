using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Repair;

/// <summary>What is to be thought of a time before the first heartbeat that is known here, which the source can't fill either. Pure.</summary>
internal static class FirstGaps
{
    /// <summary>Cuts off what was before the source itself knew the heartbeats: that is no loss.</summary>
    /// <param name="gap">What is left of a gap when the source has filled what it could; it is given up as a loss.</param>
    /// <param name="endsAtHeartbeat">True when a heartbeat that is here ends it.</param>
    /// <param name="begin">What the source knows of its beginning.</param>
    /// <returns>
    /// The gap as it is where it is not the first one, or where the source knows nothing, knows less than came here, or had the heartbeats before. Else what is not known, and behind it
    /// what is a loss, if that is longer than a heartbeat may be silent.
    /// </returns>
    public static IReadOnlyList<Gap> Split(Gap gap, bool endsAtHeartbeat, BeginReply begin)
    {
        var endNs = begin.Knowledge switch
        {
            BeginKnowledge.Never => gap.ToNs,
            BeginKnowledge.Since => Math.Min(begin.SinceNs, gap.ToNs),
            _ => gap.FromNs,
        };
        if (!gap.IsFirst || endNs <= gap.FromNs || (endsAtHeartbeat && IsRefuted(gap, begin)))
        {
            return [gap];
        }

        var isWhole = gap.ToNs - endNs <= gap.AllowedNs;
        var before = gap with
        {
            State = GapState.NotKnown,
            ToNs = isWhole ? gap.ToNs : endNs,
            // Behind what the source never had there is nothing to be followed up.
            IsOpen = isWhole && endNs < gap.ToNs && gap.IsOpen,
            Detail = begin.Knowledge == BeginKnowledge.Never
                ? $"not known before {UnixTime.FormatIso(gap.ToNs)}: {gap.Node} had no reading of the heartbeats by then either; if that stays so, look at self_repair.oid"
                : $"not known before {UnixTime.FormatIso(begin.SinceNs)}: that is the first reading of the heartbeats that {gap.Node} has ever had",
        };
        return isWhole ? [before] : [before, gap with { Id = GapFinder.NewId(), FromNs = endNs, IsFirst = false }];
    }

    /// <summary>
    /// True where the heartbeats came here before the source's history has any, as through a relay or before that history was begun: it does not know of all
    /// that its node had, and so not of the time before either.
    /// </summary>
    private static bool IsRefuted(Gap gap, BeginReply begin) =>
        begin.Knowledge == BeginKnowledge.Never || (begin.Knowledge == BeginKnowledge.Since && begin.SinceNs - gap.AllowedNs > gap.ToNs);
}
