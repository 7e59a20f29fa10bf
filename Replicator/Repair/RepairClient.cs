using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using ZfRepl.Core.History;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
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

    /// <summary>Timers know no more than 49 days.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly SemaphoreSlim _searching = new(1, 1);
    private readonly GapFinder _finder = new(history, book, marks);
    private readonly GapLosses _losses = new(history, fetch, time);
    private readonly Dictionary<string, string> _doing = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    /// <summary>What the source has refused, and in which round last: the others come before it.</summary>
    private readonly Dictionary<string, long> _refused = new(StringComparer.Ordinal);

    /// <summary>What is not repaired any more and still has to be taken out of the book.</summary>
    private readonly HashSet<string> _withdrawn = new(StringComparer.Ordinal);

    private volatile string? _searchTrouble;
    private volatile string? _holeTrouble;
    private volatile string? _bookTrouble;
    private volatile string? _refusal;
    private long _round;

    /// <summary>When a round in which the source refused something ended; 0 when it is to be asked at once.</summary>
    private long _refusedAt;

    /// <summary>The source node.</summary>
    public string Node => fetch.Source;

    /// <summary>What is searched, and how often.</summary>
    public RepairOptions Options => options;

    /// <summary>Whether it works; a search by hand works all the same.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>What keeps it from repairing, or null.</summary>
    public string? Trouble => _searchTrouble ?? _bookTrouble ?? _refusal ?? _holeTrouble;

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
            var allowed = how.Allowed;
            var nowNs = NowNs();
            var toNs = Math.Max(0, nowNs - ToNs(allowed) - ToNs(fetch.Interval));
            var plan = new GapSearchPlan(
                fetch.Source, fetch.Target, how.Heartbeats, new TimeRange(Math.Max(0, toNs - ToNs(how.Range)), toNs), ToNs(allowed), force);
            var found = await _finder.FindAsync(plan, nowNs, cancellationToken);
            if (!found.IsOk)
            {
                return found.Error;
            }

            var gone = found.Value.Removed.ToHashSet(StringComparer.Ordinal);
            gone.UnionWith(GapBook.Outdated(book.Of(fetch.Source), toNs - ToNs(how.Range > options.Range ? how.Range : options.Range)));
            gone.UnionWith(found.Value.Followed.Select(f => f.Id));
            var saved = book.Change([.. found.Value.Added, .. found.Value.Followed], gone);
            if (!saved.IsOk)
            {
                return new HistoryError(HistoryTrouble.Unavailable, $"What was found can't be noted: {saved.Error.Detail}.", saved.Error.Remedy);
            }

            _holeTrouble = found.Value.HasMore
                ? $"more than {GapFinder.MaxMissing} ranges of sequence numbers of {fetch.Source} are missing, and those behind them are not looked at"
                : null;
            Forget(gone);
            foreach (var gap in found.Value.Added)
            {
                RepairLog.Found(logger, fetch.Source, gap);
            }

            AskAtOnce();
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
        AskAtOnce();
        return saved.IsOk ? null : $"what is to be repaired can't be noted: {saved.Error}";
    }

    /// <summary>Takes out what is not repaired yet of what a proof found, so that nobody asks for it any more.</summary>
    /// <returns>Null, or why the book still has it; it is tried again, and nobody asks for it meanwhile.</returns>
    public string? Withdraw(IReadOnlySet<string> ids)
    {
        lock (_gate)
        {
            _withdrawn.UnionWith(ids);
        }

        return Withdraw();
    }

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
                : LongestPause;
            await PauseAsync(pause < Step ? Step : pause > LongestPause ? LongestPause : pause, cancellationToken);
        }
    }

    /// <summary>What waits at the source is no gap, and is here soon: that is waited for, though not for ever.</summary>
    private bool IsFetching(long since) =>
        client.State is { IsActive: true } state
        && (state.LastContact is null || state.BacklogBlocks > 0)
        && time.GetElapsedTime(since) < LongestPostponement;

    private string? Withdraw()
    {
        HashSet<string> ids;
        lock (_gate)
        {
            if (_withdrawn.Count == 0)
            {
                return null;
            }

            ids = _withdrawn.ToHashSet(StringComparer.Ordinal);
        }

        var changed = book.Change([], ids);
        if (!changed.IsOk)
        {
            return $"what is not to be repaired any more can't be noted: {changed.Error}";
        }

        lock (_gate)
        {
            _withdrawn.ExceptWith(ids);
        }

        Forget(ids);
        return null;
    }

    private void AskAtOnce()
    {
        Volatile.Write(ref _refusedAt, 0);
        _wake.Writer.TryWrite(true);
    }

    private void Forget(IReadOnlySet<string> ids)
    {
        foreach (var id in ids)
        {
            SetDoing(id, "");
        }
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
}
