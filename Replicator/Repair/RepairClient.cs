using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Fetch;

namespace ZfRepl.Replicator.Repair;

/// <summary>
/// Self-repair of the history of one source: searches for gaps by schedule or by hand, has the source fill them, waits until what was filled has
/// arrived, and looks whether the gap is closed. What it is about is in the book, so that a restart changes nothing. Thread-safe.
/// </summary>
internal sealed partial class RepairClient(
    FetchOptions fetch,
    RepairOptions options,
    FetchClient client,
    SourceLink link,
    IHistoryDatabase history,
    GapBook book,
    SequenceMarks? marks,
    TimeProvider time,
    ILogger logger) : IDisposable
{
    /// <summary>The most gaps that the source is asked to fill at the same time.</summary>
    private const int MaxAsked = 8;

    private const int MaxRepeats = 3;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPostponement = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(30);

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly SemaphoreSlim _searching = new(1, 1);
    private readonly GapFinder _finder = new(history, book, marks);
    private readonly Dictionary<string, string> _doing = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private volatile string? _searchTrouble;
    private volatile string? _fillTrouble;
    private long? _refusedAt;

    /// <summary>The source node.</summary>
    public string Node => fetch.Source;

    /// <summary>What is searched, and how often.</summary>
    public RepairOptions Options => options;

    /// <summary>Whether it works; a search by hand works all the same.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>What keeps it from repairing, or null.</summary>
    public string? Trouble => _searchTrouble ?? _fillTrouble;

    /// <summary>What the source says that it does about a gap, or nothing.</summary>
    public string Doing(string gap)
    {
        lock (_gate)
        {
            return _doing.GetValueOrDefault(gap, "");
        }
    }

    /// <summary>Searches now and enters what it finds.</summary>
    /// <returns>How many gaps are new.</returns>
    public async Task<HistoryResult<int>> SearchAsync(RepairOptions how, bool force, CancellationToken cancellationToken)
    {
        await _searching.WaitAsync(cancellationToken);
        try
        {
            // What is not here yet because it is only just being fetched is no gap.
            var allowed = how.Gap + how.Tolerance;
            var nowNs = NowNs();
            var toNs = Math.Max(0, nowNs - ToNs(allowed) - ToNs(fetch.Interval));
            var plan = new GapSearchPlan(
                fetch.Source, fetch.Target, how.Heartbeats, new TimeRange(Math.Max(0, toNs - ToNs(how.Range)), toNs), ToNs(allowed), force);
            var found = await _finder.FindAsync(plan, nowNs, cancellationToken);
            if (!found.IsOk)
            {
                return found.Error;
            }

            var saved = book.Change(found.Value.Added, found.Value.Removed);
            if (!saved.IsOk)
            {
                return new HistoryError(HistoryTrouble.Unavailable, $"What was found can't be noted: {saved.Error.Detail}.", saved.Error.Remedy);
            }

            foreach (var gap in found.Value.Added)
            {
                Found(logger, fetch.Source, Describe(gap));
            }

            _refusedAt = null;
            _wake.Writer.TryWrite(true);
            return found.Value.Added.Count(g => g.IsInFlight);
        }
        finally
        {
            _searching.Release();
        }
    }

    /// <summary>Enters what a proof found, and has the source asked for it.</summary>
    /// <returns>Null, or why it can't be noted.</returns>
    public string? Enter(IReadOnlyList<Gap> gaps)
    {
        var saved = book.Change(gaps, new HashSet<string>());
        _refusedAt = null;
        _wake.Writer.TryWrite(true);
        return saved.IsOk ? null : $"what is to be repaired can't be noted: {saved.Error}";
    }

    /// <summary>Takes out what is not repaired yet of what a proof found, so that nobody asks for it any more.</summary>
    public void Withdraw(IReadOnlySet<string> ids) => _ = book.Change([], ids);

    /// <inheritdoc/>
    public void Dispose() => _searching.Dispose();

    /// <summary>Searches and repairs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        long? searchedAt = null;
        while (true)
        {
            // What was not fetched because a watched service is down is no gap; and the search would burden a machine that is in trouble.
            var isSuspended = fetch.Suspended() is not null;
            if (Enabled && !isSuspended && options.Interval is { } interval && (searchedAt is not { } at || time.GetElapsedTime(at) >= interval) && !IsFetching(searchedAt ?? begun))
            {
                var searched = await SearchAsync(options, force: false, cancellationToken);
                _searchTrouble = searched.IsOk ? null : $"the history can't be searched for gaps: {searched.Error}";
                searchedAt = time.GetTimestamp();
            }

            if (Enabled)
            {
                await WorkAsync(cancellationToken);
            }

            var pause = isSuspended ? Step
                : book.Of(fetch.Source).Any(g => g.IsInFlight) ? Step
                : options.Interval is { } every ? every - time.GetElapsedTime(searchedAt ?? begun)
                : TimeSpan.FromHours(1);
            await PauseAsync(pause > Step ? pause : Step, cancellationToken);
        }
    }

    /// <summary>What waits at the source is no gap, and is here soon: that is waited for, though not for ever.</summary>
    private bool IsFetching(long since) =>
        client.State is { IsActive: true } state
        && (state.LastContact is null || state.BacklogBlocks > 0)
        && time.GetElapsedTime(since) < LongestPostponement;

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        var gaps = book.Of(fetch.Source);
        foreach (var gap in gaps.Where(g => g.State == GapState.Filled))
        {
            _fillTrouble = await FinishAsync(gap, cancellationToken);
            if (_fillTrouble is not null)
            {
                return;
            }
        }

        if (!client.State.IsActive || !link.HasSession || (_refusedAt is { } at && time.GetElapsedTime(at) < RefusedPause))
        {
            // Asked is in the next session.
            return;
        }

        var asked = gaps.Where(g => g.State == GapState.Asked);
        var room = Math.Max(0, MaxAsked - asked.Count());
        foreach (var gap in asked.Concat(gaps.Where(g => g.State == GapState.Found).Take(room)))
        {
            if (!await AskAsync(gap, cancellationToken))
            {
                return;
            }
        }
    }

    /// <summary>Asks the source to fill a gap, or how far it is.</summary>
    /// <returns>False when it makes no sense to ask for others now.</returns>
    private async Task<bool> AskAsync(Gap gap, CancellationToken cancellationToken)
    {
        // What else was lost began a little before the first heartbeat that is missing, and ended a little behind the last.
        var padNs = gap.AllowedNs;
        var wish = new FillWish(gap.Id, new TimeRange(Math.Max(0, gap.FromNs - padNs), gap.ToNs + padNs)) { Items = [.. gap.Items.Select(Oid.Parse)] };
        var answer = await link.FillAsync(wish, cancellationToken);
        if (!answer.IsOk)
        {
            var isSaid = answer.Status is LinkStatus.Refused or LinkStatus.NotFound || (answer.Status == LinkStatus.NotReady && client.State.Trouble is null);
            if (isSaid)
            {
                _fillTrouble = $"{fetch.Source} does not fill what is missing: {answer.Detail}";
                _refusedAt = time.GetTimestamp();
                SetDoing(gap.Id, answer.Detail);
            }

            return false;
        }

        var reply = answer.Value!;
        SetDoing(gap.Id, reply.Progress == FillProgress.Open ? reply.Doing : "");
        var next = reply.Progress switch
        {
            FillProgress.Done => gap with
            {
                State = GapState.Filled,
                Events = reply.Events,
                FillStream = reply.Stream!.Value.ToString(),
                FillNextSequence = reply.NextSequence,
                FilledNs = NowNs(),
                Detail = "",
            },
            FillProgress.Cancelled => Ended(gap, GapState.Unfillable, $"somebody ended the fill task at {fetch.Source}"),
            _ => gap with { State = GapState.Asked },
        };
        _fillTrouble = Save(next);
        return _fillTrouble is null;
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
            return WaitOn(gap);
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
            Closed(logger, fetch.Source, Describe(gap), gap.Events);
            return Save(Ended(gap, GapState.Closed, ""));
        }

        var detail = $"{fetch.Source} has nothing for it in its local history either";
        Gap[] left = [.. remains.Value.Select(r => Ended(gap, GapState.Unfillable, detail) with
        {
            Id = GapFinder.NewId(),
            FromNs = Math.Max(r.AfterNs, gap.FromNs),
            ToNs = r.BeforeNs,
            IsOpen = r.IsOpen && gap.IsOpen,
            Events = 0,
        })];
        foreach (var rest in left)
        {
            if (await EnterLossAsync(rest, facts ?? new StreamFacts(stream, fetch.Source, fetch.Target, 0), cancellationToken) is { } trouble)
            {
                return trouble;
            }

            Unfillable(logger, fetch.Source, Describe(rest));
        }

        return left is [var whole] && whole.Range == gap.Range
            ? Save(Ended(gap, GapState.Unfillable, detail))
            : Save(Ended(gap, GapState.Closed, "as far as the source could; the rest is a gap of its own, which nobody can fill"), left);
    }

    /// <summary>The source is done and its last blocks are not here: on their way, or gone before they were fetched.</summary>
    private string? WaitOn(Gap gap)
    {
        var state = client.State;
        var isDrained = state is { BacklogBlocks: 0, Trouble: null, LastContact: { } contact }
            && ToNs(contact - DateTimeOffset.UnixEpoch) > gap.FilledNs + ToNs(TimeSpan.FromMinutes(1) + (3 * fetch.Interval));
        if (!isDrained)
        {
            SetDoing(gap.Id, "filled; waits for its blocks");
            return null;
        }

        return Save(gap.Repeats >= MaxRepeats
            ? Ended(gap, GapState.Unfillable, $"{fetch.Source} has filled it {gap.Repeats + 1} times, and its blocks were gone before they could be fetched")
            : gap with { State = GapState.Found, Repeats = gap.Repeats + 1 },
            isNewTask: gap.Repeats < MaxRepeats);
    }

    /// <summary>What nobody can fill is a loss like any other, and stands with the others.</summary>
    private async Task<string?> EnterLossAsync(Gap gap, StreamFacts stream, CancellationToken cancellationToken)
    {
        var record = new LossRecord(
            LossReason.SourceGap, 0, 0, 0, IsExact: false, gap.FromNs, gap.ToNs, gap.FilledNs, gap.Node, "a gap by the heartbeats, which the source can't fill either");
        var written = await history.WriteAsync(
            new HistoryWrite
            {
                Events = new EventBatch(new OidTable(), 1),
                Count = 0,
                Stream = stream,
                Losses = [new LossEntry(LossOrigin.Import, stream.HighestSequence + 1, 0, record)],
            },
            cancellationToken);
        return written.IsOk ? null : written.Error.ToString();
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

    /// <summary>As <see cref="Save(Gap, IReadOnlyCollection{Gap})"/>; a new task gets a new id, since the source knows the old one as done.</summary>
    private string? Save(Gap gap, bool isNewTask)
    {
        if (!isNewTask)
        {
            return Save(gap);
        }

        var changed = book.Change([gap with { Id = GapFinder.NewId() }], new HashSet<string>([gap.Id], StringComparer.Ordinal));
        return changed.IsOk ? null : $"what has become of a gap can't be noted: {changed.Error}";
    }

    private void SetDoing(string gap, string doing)
    {
        lock (_gate)
        {
            if (doing.Length == 0)
            {
                _doing.Remove(gap);
            }
            else
            {
                _doing[gap] = doing;
            }
        }
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Task.Delay(pause, time, done.Token), _wake.Reader.ReadAsync(done.Token).AsTask());
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private long NowNs() => UnixTime.FromDateTimeOffset(time.GetUtcNow());

    private static long ToNs(TimeSpan span) => span.Ticks * 100;

    private static string Describe(Gap gap) => gap.Kind != GapKind.Sequence
        ? $"{UnixTime.FormatIso(gap.FromNs)} to {UnixTime.FormatIso(gap.ToNs)}"
        : $"sequence numbers {gap.FirstSequence} to {gap.LastSequence} of stream {gap.MissingStream}";

    [LoggerMessage(1290, LogLevel.Warning, "a gap in what came of {Source}: {Gap}; next: {Source} is asked to fill it")]
    private static partial void Found(ILogger logger, string source, string gap);

    [LoggerMessage(1291, LogLevel.Information, "a gap in what came of {Source} is closed: {Gap}, {Events} events were filled")]
    private static partial void Closed(ILogger logger, string source, string gap, ulong events);

    [LoggerMessage(1292, LogLevel.Error, "LOSS: a gap in what came of {Source} can't be filled by it: {Gap}; data: it stands in the loss ledger")]
    private static partial void Unfillable(ILogger logger, string source, string gap);
}
