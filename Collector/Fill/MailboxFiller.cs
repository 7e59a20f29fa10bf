using System.Threading.Channels;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Progress;

namespace ZfRepl.Collector.Fill;

/// <summary>
/// Works off the fill tasks of one mailbox: in one sweep over time, so that what several tasks want is read once. Each stretch is durable in
/// the mailbox before it counts. What is wrong never ends it: it pauses, says so, and tries again.
/// </summary>
internal sealed class MailboxFiller(Mailbox mailbox, MailboxOptions options, FillBook book, LocalHistory? history, OidTable oids, TimeProvider time)
{
    private const ulong ManyEvents = 20_000;
    private const ulong FewEvents = 4_000;
    private const long ShortestNs = 1_000_000;
    private const long LongestNs = 3650L * 86_400 * UnixTime.NsPerSecond;
    private static readonly TimeSpan RoomInterval = TimeSpan.FromSeconds(1);

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly RetryDelay _retry = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), seed: 1);
    private readonly FillPaces _paces = new(time);
    private long _stretchNs = 60 * UnixTime.NsPerSecond;
    private volatile string _doing = "";
    private volatile string? _trouble;

    /// <summary>The mailbox's name.</summary>
    public string Name => mailbox.Name;

    /// <summary>What it does at the moment, or what it waits for.</summary>
    public string Doing => _trouble is { } trouble ? $"paused: {trouble}" : _doing;

    /// <summary>What keeps it from going on, or null.</summary>
    public string? Trouble => _trouble;

    /// <summary>How fast an open task goes on, or null when nothing has been done for it yet.</summary>
    public WorkRate? RateOf(string id) => _paces.Of(id);

    /// <summary>There is a new task, or one less.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var open = book.OpenOf(Name);
                if (open.Count == 0)
                {
                    (_doing, _trouble) = ("", null);
                    _paces.Note(open);
                    await _wake.Reader.ReadAsync(cancellationToken);
                    continue;
                }

                _trouble = await SweepAsync(open.Select(t => t.Id).ToHashSet(StringComparer.Ordinal), cancellationToken);
                if (_trouble is null)
                {
                    _retry.Reset();
                }
                else
                {
                    await PauseAsync(_retry.Next(), cancellationToken);
                }
            }
        }
        finally
        {
            // How far it came; if this fails, the next process fills a little of it again.
            _ = book.Save();
        }
    }

    /// <summary>Works off some tasks. Those that come in meanwhile may want what was accepted since, and get a sweep of their own.</summary>
    /// <returns>What keeps it from going on, or null.</returns>
    private async Task<string?> SweepAsync(HashSet<string> ids, CancellationToken cancellationToken)
    {
        if (history is null)
        {
            return "this collector has no local history any more; add `history` to its configuration, or end the task by fill.cancel";
        }

        _doing = "waits until the local history has taken in what was collected";
        var caughtUp = history.CaughtUpAsync(cancellationToken);
        while (await Task.WhenAny(caughtUp, Task.Delay(RoomInterval, time, cancellationToken)) != caughtUp)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _trouble = history.Trouble is { } trouble ? $"the local history can't be read: {trouble}" : null;
            if (!book.OpenOf(Name).Any(t => ids.Contains(t.Id)))
            {
                return null;
            }
        }

        _trouble = null;
        _paces.Note(book.OpenOf(Name));
        var opened = await FillSource.OpenAsync(await caughtUp, mailbox.Takes, oids, cancellationToken);
        if (!opened.IsOk)
        {
            return $"the local history can't be read: {opened.Error}";
        }

        while (book.OpenOf(Name).Where(t => ids.Contains(t.Id)).ToList() is { Count: > 0 } tasks)
        {
            if (await FillStretchAsync(opened.Value, tasks, ids, cancellationToken) is { } trouble)
            {
                return trouble;
            }

            if (book.OpenOf(Name).Any(t => !ids.Contains(t.Id)))
            {
                // Newcomers join in as soon as the history has what they want: then everybody goes on together, in order of time.
                return null;
            }
        }

        return null;
    }

    private async Task<string?> FillStretchAsync(FillSource source, List<FillTask> tasks, HashSet<string> ids, CancellationToken cancellationToken)
    {
        var fromNs = tasks.Min(t => t.NextNs);
        var endNs = tasks.Where(t => t.NextNs <= fromNs).Max(t => t.EndNs);
        var filled = default(FilledEvents);
        long toNs;
        if (source.FirstFrom(fromNs) is not { } firstNs || firstNs > endNs)
        {
            toNs = endNs;
        }
        else if (firstNs > fromNs)
        {
            toNs = firstNs - 1;
        }
        else
        {
            toNs = endNs - fromNs < _stretchNs ? endNs : fromNs + _stretchNs - 1;
            _doing = $"fills from {UnixTime.FormatIso(fromNs)} on";
            var (read, trouble) = await source.ReadAsync(
                fromNs, toNs, WantedItems(tasks, fromNs, toNs), batch => PutAsync(batch, cancellationToken), cancellationToken);
            if (trouble is not null)
            {
                return trouble;
            }

            filled = read;
            _stretchNs = filled.Events > ManyEvents ? Math.Max(_stretchNs / 2, ShortestNs)
                : filled.Events < FewEvents ? Math.Min(_stretchNs * 2, LongestNs)
                : _stretchNs;
        }

        // Not by the status, which may be an earlier one while the disk hangs: the target would end its gap at a number before what was filled.
        var (stream, next) = await mailbox.DurableEndAsync(cancellationToken);
        var saved = book.Advance(ids, Name, fromNs, toNs, filled, new StreamEnd(stream.ToString(), next, ToNs(time.GetUtcNow())));
        _paces.Note(book.OpenOf(Name));
        return saved.IsOk ? null : $"how far the filling came can't be noted: {saved.Error}";
    }

    /// <summary>The items that any of the tasks wants of a stretch of time; null for all.</summary>
    private static HashSet<string>? WantedItems(List<FillTask> tasks, long fromNs, long toNs)
    {
        var wanted = tasks.Where(t => t.NextNs <= toNs && t.EndNs >= fromNs).ToList();
        return wanted.Exists(t => t.Items.Count == 0) ? null : wanted.SelectMany(t => t.Items).ToHashSet(StringComparer.Ordinal);
    }

    private async Task<string?> PutAsync(EventBatch batch, CancellationToken cancellationToken)
    {
        var doing = _doing;
        while (await WaitsForAsync(cancellationToken) is { } waitsFor)
        {
            _doing = waitsFor;
            await Task.Delay(RoomInterval, time, cancellationToken);
        }

        _doing = doing;
        if (await mailbox.FillAsync(batch, cancellationToken) == AppendResult.Accepted)
        {
            return null;
        }

        cancellationToken.ThrowIfCancellationRequested();
        return "the mailbox is closing";
    }

    /// <summary>Filling must neither take the disk that new readings need, nor pile up what the target does not fetch.</summary>
    private async Task<string?> WaitsForAsync(CancellationToken cancellationToken)
    {
        if (mailbox.FreeForFilling() is < 0)
        {
            return "waits for free space: the rest of the disk is kept for new readings";
        }

        var waiting = (await mailbox.StatusAsync(cancellationToken)).BacklogBytes;
        return waiting > options.FillBacklogBytes
            ? $"waits until the target has fetched: {waiting} bytes are there, fill_max_backlog is {options.FillBacklogBytes}"
            : null;
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Task.Delay(pause, time, done.Token), _wake.Reader.ReadAsync(done.Token).AsTask());
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static long ToNs(DateTimeOffset instant) => UnixTime.FromDateTimeOffset(instant);
}
