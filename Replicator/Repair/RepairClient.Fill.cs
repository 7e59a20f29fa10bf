using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Fetch;

namespace ZfRepl.Replicator.Repair;

/// <content>Has the source fill the gaps, and sees them closed.</content>
internal sealed partial class RepairClient
{
    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        var notWithdrawn = Withdraw();
        HashSet<string> withdrawn;
        lock (_gate)
        {
            withdrawn = _withdrawn.ToHashSet(StringComparer.Ordinal);
        }

        var gaps = book.Of(fetch.Source).Where(g => !withdrawn.Contains(g.Id)).ToList();
        string? trouble = null;
        foreach (var gap in gaps.Where(g => g.State == GapState.Filled).TakeWhile(_ => trouble is null))
        {
            trouble = await FinishAsync(gap, cancellationToken);
        }

        _bookTrouble = trouble ?? (await AskAllAsync(gaps, cancellationToken) ?? notWithdrawn);

        // What was taken out while the source was asked about it is of no interest any more.
        var left = book.Of(fetch.Source).Where(g => g.IsInFlight).Select(g => g.Id).ToHashSet(StringComparer.Ordinal);
        lock (_gate)
        {
            foreach (var id in _doing.Keys.Where(id => !left.Contains(id)).ToList())
            {
                _doing.Remove(id);
            }
        }
    }

    /// <summary>Asks the source about the gaps, one after the other. One that it refuses keeps no other from being asked for.</summary>
    /// <returns>What keeps from noting what it says, or null.</returns>
    private async Task<string?> AskAllAsync(List<Gap> gaps, CancellationToken cancellationToken)
    {
        var open = gaps.Where(g => g.State is GapState.Asked or GapState.Found).ToList();
        if (open.Count == 0)
        {
            _refusal = null;
            _refused.Clear();
            return null;
        }

        if (!client.State.IsActive || !link.HasSession)
        {
            // Asked is in the next session.
            return null;
        }

        // Where something was refused a moment ago, only what was not is looked after.
        var isPaused = Volatile.Read(ref _refusedAt) is not 0 and var at && time.GetElapsedTime(at) < RefusedPause;
        var asked = open.Where(g => g.State == GapState.Asked).ToList();
        var next = isPaused
            ? asked.Where(g => !_refused.ContainsKey(g.Id))
            : asked.Concat(open.Where(g => g.State == GapState.Found).OrderBy(g => _refused.GetValueOrDefault(g.Id)).Take(Math.Max(0, MaxAsked - asked.Count)));
        _round++;
        string? refusal = null;
        foreach (var gap in next.ToList())
        {
            var said = await AskAsync(gap, cancellationToken);
            if (said.Refusal is not null)
            {
                refusal ??= said.Refusal;
                _refused[gap.Id] = _round;
            }
            else if (!said.GoesOn)
            {
                return said.Trouble;
            }
            else
            {
                _refused.Remove(gap.Id);
            }
        }

        if (refusal is not null)
        {
            Volatile.Write(ref _refusedAt, time.GetTimestamp());
        }

        _refusal = refusal ?? (open.Exists(g => _refused.ContainsKey(g.Id)) ? _refusal : null);
        return null;
    }

    /// <summary>Asks the source to fill a gap, or how far it is.</summary>
    private async Task<Asked> AskAsync(Gap gap, CancellationToken cancellationToken)
    {
        // What else was lost began a little before the first heartbeat that is missing, and ended a little behind the last.
        var padNs = gap.AllowedNs;
        var wish = new FillWish(gap.Id, new TimeRange(Math.Max(0, gap.FromNs - padNs), gap.ToNs + padNs)) { Items = [.. gap.Items.Select(Oid.Parse)] };
        var answer = await link.FillAsync(wish, cancellationToken);
        if (!answer.IsOk)
        {
            var isSaid = answer.Status is LinkStatus.Refused or LinkStatus.NotFound || (answer.Status == LinkStatus.NotReady && client.State.Trouble is null);
            if (!isSaid)
            {
                // It makes no sense to ask for others now.
                return new Asked(GoesOn: false, null, null);
            }

            SetDoing(gap.Id, answer.Detail);
            return new Asked(GoesOn: true, $"{fetch.Source} does not fill what is missing: {answer.Detail}", null);
        }

        var reply = answer.Value!;
        SetDoing(gap.Id, reply.Progress == FillProgress.Open ? reply.Doing : "");
        var trouble = reply switch
        {
            { Progress: FillProgress.Done, Stream: { } stream } => Save(gap with
            {
                State = GapState.Filled,
                Events = reply.Events,
                FillStream = stream.ToString(),
                FillNextSequence = reply.NextSequence,
                FilledNs = NowNs(),
                Detail = "",
            }),
            { Progress: FillProgress.Cancelled } => await GiveUpAsync(gap, $"somebody ended the fill task at {fetch.Source}", null, cancellationToken),
            _ => Save(gap with { State = GapState.Asked }),
        };
        return new Asked(trouble is null, null, trouble);
    }

    /// <summary>Once everything that was filled has arrived: is the gap closed?</summary>
    /// <returns>What keeps it from finding out, or null.</returns>
    private async Task<string?> FinishAsync(Gap gap, CancellationToken cancellationToken)
    {
        if (!StreamId.TryParse(gap.FillStream, out var stream))
        {
            throw new InvalidOperationException($"Gap {gap.Id} is filled and names no stream.");
        }

        var streams = await history.ReadStreamsAsync(stream, 1, cancellationToken);
        if (!streams.IsOk)
        {
            return streams.Error.ToString();
        }

        var facts = streams.Value is [var account, ..] ? account.Facts : null;
        if ((facts?.HighestSequence ?? 0) + 1 < gap.FillNextSequence)
        {
            return await WaitOnAsync(gap, facts ?? new StreamFacts(stream, fetch.Source, fetch.Target, 0), cancellationToken);
        }

        if (gap.Kind == GapKind.Sequence)
        {
            return Save(Ended(
                gap, GapState.Closed, "the source has filled the time around them; what it has came under new numbers, the old ones stay missing in the account"));
        }

        if (gap.Kind == GapKind.Proof)
        {
            return Save(Ended(gap, GapState.Closed, "the source has filled it again; a proof tells whether it is whole"));
        }

        var remains = await _finder.RemainsAsync(gap, cancellationToken);
        if (!remains.IsOk)
        {
            return remains.Error.ToString();
        }

        if (remains.Value.Count == 0)
        {
            RepairLog.Closed(logger, fetch.Source, gap);
            return Save(Ended(gap, GapState.Closed, ""));
        }

        var detail = $"{fetch.Source} has nothing for it in its local history either";
        Gap[] left = [.. remains.Value.Select(r => Ended(gap, GapState.Unfillable, detail) with
        {
            Id = GapFinder.NewId(),
            FromNs = Math.Max(r.AfterNs, gap.FromNs),
            ToNs = r.BeforeNs,
            IsOpen = r.IsOpen && gap.IsOpen,
            IsFirst = r.IsFirst,
            Events = 0,
        })];
        var begin = default(LinkAnswer<BeginReply>);
        if (left.Any(r => r.IsFirst))
        {
            begin = await link.BeginAsync([.. gap.Heartbeats.Select(Oid.Parse)], cancellationToken);
            if (!begin.IsOk && begin.Status is not (LinkStatus.Refused or LinkStatus.NotFound))
            {
                // What is given up must be a loss, and what is not, none: the source has to say so.
                SetDoing(gap.Id, $"filled; waits until {fetch.Source} says since when it knows the heartbeats");
                return null;
            }

            left = [.. left.Zip(remains.Value).SelectMany(r => FirstGaps.Split(r.First, endsAtHeartbeat: !r.Second.IsOpen, begin.Value ?? BeginReply.Unknown))];
        }

        foreach (var rest in left.Where(r => r.State == GapState.Unfillable))
        {
            if (await _losses.EnterAsync(rest, facts ?? new StreamFacts(stream, fetch.Source, fetch.Target, 0), cancellationToken) is { } trouble)
            {
                return trouble;
            }
        }

        var unsaved = left is [var whole] && whole.Range == gap.Range
            ? Save(Ended(gap, whole.State, whole.Detail) with { IsOpen = whole.IsOpen })
            : Save(Ended(gap, GapState.Closed, "as far as the source could; what is left of it stands by itself"), left);
        foreach (var rest in unsaved is null ? left : [])
        {
            if (rest.State == GapState.NotKnown)
            {
                RepairLog.NotKnown(logger, fetch.Source, rest, isNever: begin.Value is { Knowledge: BeginKnowledge.Never });
            }
            else
            {
                RepairLog.GivenUp(logger, fetch.Source, rest);
            }
        }

        return unsaved;
    }

    /// <summary>The source is done and its last blocks are not here: on their way, or gone before they were fetched.</summary>
    private async Task<string?> WaitOnAsync(Gap gap, StreamFacts stream, CancellationToken cancellationToken)
    {
        var state = client.State;
        var isDrained = state is { BacklogBlocks: 0, Trouble: null, LastContact: { } contact }
            && ToNs(contact - DateTimeOffset.UnixEpoch) > gap.FilledNs + ToNs(TimeSpan.FromMinutes(1) + (3 * fetch.Interval));
        if (!isDrained)
        {
            SetDoing(gap.Id, "filled; waits for its blocks");
            return null;
        }

        if (gap.Repeats >= MaxRepeats)
        {
            var detail = $"{fetch.Source} has filled it {gap.Repeats + 1} times, and its blocks were gone before they could be fetched";
            return await GiveUpAsync(gap, detail, stream, cancellationToken);
        }

        // A new task gets a new id, since the source knows the old one as done.
        var again = gap with { Id = GapFinder.NewId(), State = GapState.Found, Repeats = gap.Repeats + 1 };
        var replaced = new HashSet<string>([gap.Id], StringComparer.Ordinal);
        var changed = book.Change([again], replaced);
        if (changed.IsOk)
        {
            Forget(replaced);
        }

        return changed.IsOk ? null : $"what has become of a gap can't be noted: {changed.Error}";
    }

    /// <summary>Nobody fills it: a loss, if it is one, stands in the ledger before the book says so.</summary>
    private async Task<string?> GiveUpAsync(Gap gap, string detail, StreamFacts? stream, CancellationToken cancellationToken)
    {
        var ended = Ended(gap, GapState.Unfillable, detail);
        var trouble = await _losses.EnterAsync(ended, stream, cancellationToken) ?? Save(ended);
        if (trouble is null)
        {
            RepairLog.GivenUp(logger, fetch.Source, ended);
        }

        return trouble;
    }

    private Gap Ended(Gap gap, GapState state, string detail) => gap with { State = state, EndedNs = NowNs(), Detail = detail };

    private string? Save(Gap gap, params IReadOnlyCollection<Gap> added)
    {
        var saved = book.Update(gap, added);
        if (saved.IsOk && !gap.IsInFlight)
        {
            SetDoing(gap.Id, "");
        }

        return saved.IsOk ? null : $"what has become of a gap can't be noted: {saved.Error}";
    }

    /// <summary>What came of asking.</summary>
    /// <param name="GoesOn">False when it makes no sense to ask for others now.</param>
    /// <param name="Refusal">What the source says when it does not fill this one, or null.</param>
    /// <param name="Trouble">What keeps from noting the answer, or null.</param>
    private readonly record struct Asked(bool GoesOn, string? Refusal, string? Trouble);
}
