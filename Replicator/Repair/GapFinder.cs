using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Replicator.Repair;

/// <summary>What is searched.</summary>
/// <param name="Node">The source node.</param>
/// <param name="Target">This node: the name of its mailbox at the source.</param>
/// <param name="Heartbeats">The heartbeat items; none for sequence numbers alone.</param>
/// <param name="Range">The range of time.</param>
/// <param name="AllowedNs">The longest silence that is no gap.</param>
/// <param name="Force">True to find again what is in flight, what is over, and what nobody could fill.</param>
internal sealed record GapSearchPlan(string Node, string Target, IReadOnlyList<Oid> Heartbeats, TimeRange Range, long AllowedNs, bool Force);

/// <summary>What a search found.</summary>
/// <param name="Added">Gaps that are new.</param>
/// <param name="Removed">The known ones that they take the place of.</param>
/// <param name="Followed">Known ones that had an open end, and are followed by others now.</param>
/// <param name="HasMore">True when more sequence numbers are missing than were looked at.</param>
internal sealed record GapsFound(IReadOnlyList<Gap> Added, IReadOnlySet<string> Removed, IReadOnlyList<Gap> Followed, bool HasMore);

/// <summary>Searches the history for gaps that are not in the book yet. Changes nothing. Not thread-safe.</summary>
internal sealed class GapFinder(IHistoryDatabase history, GapBook book, SequenceMarks? marks)
{
    /// <summary>The most gaps made of one search: nearer ones become one, so that a link that flaps for hours is no flood of requests.</summary>
    public const int MaxGaps = 64;

    /// <summary>
    /// The most ranges of missing sequence numbers that are looked at in a stream. Those that were repaired stay missing and are among them.
    /// </summary>
    public const int MaxMissing = 10_000;

    private HashSet<(StreamId Stream, SequenceRange Range)> _missingBefore = [];

    public async Task<HistoryResult<GapsFound>> FindAsync(GapSearchPlan plan, long nowNs, CancellationToken cancellationToken)
    {
        var known = book.Of(plan.Node);
        var byHeartbeat = await FindSilencesAsync(plan, known, nowNs, cancellationToken);
        if (!byHeartbeat.IsOk)
        {
            return byHeartbeat.Error;
        }

        var holes = await FindHolesAsync(plan, known, nowNs, cancellationToken);
        if (!holes.IsOk)
        {
            return holes.Error;
        }

        Gap[] added = [.. byHeartbeat.Value.Added, .. holes.Value.Added];
        var removed = (plan.Force
            ? known.Where(k => added.Any(a => a.Kind == k.Kind && (a.Kind == GapKind.Heartbeat ? a.Range.Overlaps(k.Range) : OfOneHole(a, k)))).Select(k => k.Id)
            : []).ToHashSet(StringComparer.Ordinal);
        return new GapsFound(added, removed, [.. byHeartbeat.Value.Followed.Where(f => !removed.Contains(f.Id))], holes.Value.HasMore);
    }

    /// <summary>Which of the heartbeats' silences are still there in a gap.</summary>
    public async Task<HistoryResult<IReadOnlyList<Silence>>> RemainsAsync(Gap gap, CancellationToken cancellationToken)
    {
        var query = new GapQuery([.. gap.Heartbeats.Select(Oid.Parse)], gap.Range, gap.AllowedNs);
        var found = await GapSearch.FindAsync(history, query, cancellationToken);
        return found.IsOk ? found.Value.Where(s => s.BeforeNs > gap.FromNs).ToArray() : found.Error;
    }

    private async Task<HistoryResult<(Gap[] Added, List<Gap> Followed)>> FindSilencesAsync(
        GapSearchPlan plan, IReadOnlyList<Gap> known, long nowNs, CancellationToken cancellationToken)
    {
        if (plan.Heartbeats.Count == 0)
        {
            return (Array.Empty<Gap>(), new List<Gap>());
        }

        var found = await GapSearch.FindAsync(history, new GapQuery(plan.Heartbeats, plan.Range, plan.AllowedNs), cancellationToken);
        if (!found.IsOk)
        {
            return found.Error;
        }

        var taken = plan.Force
            ? []
            : known.Where(g => g.Kind == GapKind.Heartbeat && (g.IsInFlight || g.State is GapState.Unfillable or GapState.NotKnown)).Select(g => g.Range).ToList();
        var pieces = found.Value
            .SelectMany(s => new TimeRange(s.AfterNs, s.BeforeNs).Without(taken).Select(r => (Range: r, IsOpen: s.IsOpen && r.ToNs == s.BeforeNs, s.IsFirst)))
            .Where(p => p.Range.ToNs - p.Range.FromNs > plan.AllowedNs)
            .ToList();
        var followed = await FollowAsync(plan, known, pieces, cancellationToken);
        if (!followed.IsOk)
        {
            return followed.Error;
        }

        pieces.Sort((a, b) => a.Range.FromNs.CompareTo(b.Range.FromNs));
        var added = Coarsen(pieces).Select(p => New(plan, GapKind.Heartbeat, p.Range, nowNs) with
        {
            IsOpen = p.IsOpen,
            IsFirst = p.IsFirst,
            Heartbeats = [.. plan.Heartbeats.Select(h => h.Text)],
            AllowedNs = plan.AllowedNs,
        }).ToArray();
        return (added, followed.Value);
    }

    /// <summary>
    /// The source filled a gap with an open end while the silence went on: what is behind the part that it filled may be shorter than any gap, and
    /// is missing all the same. It ends at the first heartbeat behind that part.
    /// </summary>
    /// <returns>The gaps that are followed by others now; what follows them is added to the pieces.</returns>
    private async Task<HistoryResult<List<Gap>>> FollowAsync(
        GapSearchPlan plan, IReadOnlyList<Gap> known, List<(TimeRange Range, bool IsOpen, bool IsFirst)> pieces, CancellationToken cancellationToken)
    {
        var followed = new List<Gap>();
        foreach (var gap in known.Where(g => g is { Kind: GapKind.Heartbeat, IsOpen: true, IsInFlight: false }))
        {
            var filledToNs = gap.ToNs + gap.AllowedNs;
            if (!known.Any(k => k.Kind == GapKind.Heartbeat && k.Id != gap.Id && Covers(k.Range, filledToNs)) && !pieces.Exists(p => Covers(p.Range, filledToNs)))
            {
                var first = await FirstAsync([.. gap.Heartbeats.Select(Oid.Parse)], filledToNs, plan.Range.ToNs, cancellationToken);
                if (!first.IsOk)
                {
                    return first.Error;
                }

                if (first.Value is not { } firstNs)
                {
                    continue;
                }

                pieces.Add((new TimeRange(gap.ToNs, firstNs), false, false));
            }

            followed.Add(gap with { IsOpen = false });
        }

        return followed;
    }

    /// <summary>The first time behind an instant at which one of the items was heard, or null.</summary>
    private async Task<HistoryResult<long?>> FirstAsync(IReadOnlyList<Oid> items, long behindNs, long toNs, CancellationToken cancellationToken)
    {
        var page = new EventBatch(new OidTable(), 1);
        long? first = null;
        foreach (var item in behindNs < toNs ? items : [])
        {
            page.Clear();
            var read = await history.ReadEventsAsync(item, HistoryCursor.Before(behindNs + 1), toNs, limit: 1, page, cancellationToken);
            if (!read.IsOk)
            {
                return read.Error;
            }

            first = page.Count > 0 ? Math.Min(first ?? long.MaxValue, page.TimesNs[0]) : first;
        }

        return first;
    }

    private static bool Covers(TimeRange range, long timeNs) => range.FromNs <= timeNs && timeNs <= range.ToNs;

    /// <summary>
    /// Sequence numbers that are missing. They count when two searches have found them: what is only on its way arrives meanwhile.
    /// </summary>
    private async Task<HistoryResult<(List<Gap> Added, bool HasMore)>> FindHolesAsync(
        GapSearchPlan plan, IReadOnlyList<Gap> known, long nowNs, CancellationToken cancellationToken)
    {
        if (marks is null)
        {
            return (new List<Gap>(), false);
        }

        var streams = await history.ReadStreamsAsync(only: null, MaxMissing, cancellationToken);
        if (!streams.IsOk)
        {
            return streams.Error;
        }

        var accounts = streams.Value.Where(s => s.Facts.Node == plan.Node && s.Facts.Mailbox == plan.Target).ToList();
        var missing = accounts.SelectMany(s => s.Missing.Select(m => (s.Facts.Id, m))).ToHashSet();
        var holes = known.Where(k => k.Kind == GapKind.Sequence).ToLookup(k => k.MissingStream, StringComparer.Ordinal);
        var wholly = known.Where(k => k.Kind == GapKind.Sequence).Select(k => (k.MissingStream, k.FirstSequence, k.LastSequence)).ToHashSet();
        var before = _missingBefore;
        _missingBefore = missing;
        var gaps = new List<Gap>();
        foreach (var (stream, range) in missing.Where(m => plan.Force || before.Contains(m)))
        {
            var times = marks.RangeOf(stream, range);
            var gap = New(plan, GapKind.Sequence, times ?? default, nowNs) with
            {
                MissingStream = stream.ToString(),
                FirstSequence = range.First,
                LastSequence = range.Last,
            };
            // Nearly all of them are known as they are: looking through all that is known for each would take its square.
            if (!plan.Force
                && (wholly.Contains((gap.MissingStream, gap.FirstSequence, gap.LastSequence)) || holes[gap.MissingStream].Any(k => OfOneHole(gap, k))))
            {
                continue;
            }

            gaps.Add(times is not null ? gap : gap with
            {
                State = GapState.Unfillable,
                EndedNs = nowNs,
                Detail = "from which time they are is not known here; fill a range that is wide enough by hand (mailbox.fill at the source)",
            });
        }

        return (gaps, accounts.Exists(s => s.Missing.Aggregate(0UL, (sum, m) => sum + m.Count) < s.MissingCount));
    }

    private static bool OfOneHole(Gap a, Gap b) =>
        a.MissingStream == b.MissingStream && a.FirstSequence <= b.LastSequence && b.FirstSequence <= a.LastSequence;

    /// <summary>Makes the nearest neighbours one until there are few enough.</summary>
    private static List<(TimeRange Range, bool IsOpen, bool IsFirst)> Coarsen(List<(TimeRange Range, bool IsOpen, bool IsFirst)> pieces)
    {
        if (pieces.Count <= MaxGaps)
        {
            return pieces;
        }

        var bridged = Enumerable.Range(1, pieces.Count - 1)
            .OrderBy(i => pieces[i].Range.FromNs - pieces[i - 1].Range.ToNs)
            .Take(pieces.Count - MaxGaps)
            .ToHashSet();
        var coarse = new List<(TimeRange Range, bool IsOpen, bool IsFirst)>();
        for (var i = 0; i < pieces.Count; i++)
        {
            if (bridged.Contains(i))
            {
                coarse[^1] = coarse[^1] with
                {
                    Range = new TimeRange(coarse[^1].Range.FromNs, Math.Max(coarse[^1].Range.ToNs, pieces[i].Range.ToNs)),
                    IsOpen = coarse[^1].IsOpen || pieces[i].IsOpen,
                };
            }
            else
            {
                coarse.Add(pieces[i]);
            }
        }

        return coarse;
    }

    private static Gap New(GapSearchPlan plan, GapKind kind, TimeRange range, long nowNs) => new()
    {
        Id = NewId(),
        Node = plan.Node,
        Kind = kind,
        FromNs = range.FromNs,
        ToNs = range.ToNs,
        FoundNs = nowNs,
    };

    public static string NewId() => System.Security.Cryptography.RandomNumberGenerator.GetHexString(16, lowercase: true);
}
