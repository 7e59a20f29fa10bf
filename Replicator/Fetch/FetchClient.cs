using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>
/// Fetches one source's mailbox: starts by schedule or by hand, and then, as long as the session lasts, asks for what is ready, downloads,
/// imports, confirms. Thread-safe.
/// </summary>
public sealed partial class FetchClient : IFetchBooks
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SuspendedPause = TimeSpan.FromSeconds(1);

    // A delay is cut to whole milliseconds: less than one would be none, again and again.
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ClockCheck = TimeSpan.FromSeconds(30);

    // More than an announcement that came late can still offer.
    private const int RememberedConfirmations = 256;

    private readonly SourceLink _link;
    private readonly BlockIntake _intake;
    private readonly FetchMemory _memory;
    private readonly IMessageBus _bus;
    private readonly TimeProvider _time;
    private readonly FetchOptions _options;
    private readonly ILogger _logger;
    private readonly RetryDelay _retry;
    private readonly Channel<bool> _start = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentDictionary<BlockKey, string> _refused = new();
    private readonly HashSet<BlockKey> _confirmed = [];
    private readonly Queue<BlockKey> _confirmedOrder = new();
    private readonly Lock _gate = new();
    private BlockKey? _behind;
    private long? _rotatedAt;
    private CancellationTokenSource? _session;
    private FetchState _state;
    private SessionProgress? _progress;
    private bool _isEnabled = true;
    private bool _isImportTroubled;

    /// <summary>A client that <see cref="RunAsync"/> brings to life.</summary>
    /// <param name="link">The line to the source.</param>
    /// <param name="intake">Where blocks go.</param>
    /// <param name="memory">What it may have in memory, together with the other clients.</param>
    /// <param name="bus">The bus that the link uses.</param>
    /// <param name="time">The clock.</param>
    /// <param name="options">The settings.</param>
    /// <param name="logger">The log.</param>
    internal FetchClient(
        SourceLink link, BlockIntake intake, FetchMemory memory, IMessageBus bus, TimeProvider time, FetchOptions options, ILogger logger)
    {
        _link = link;
        _intake = intake;
        _memory = memory;
        _bus = bus;
        _time = time;
        _options = options;
        _logger = logger;
        _retry = new RetryDelay(FirstRetry, LastRetry, RetryDelay.SeedOf(options.Source));
        _state = new FetchState { Source = options.Source };
    }

    /// <summary>How it is going.</summary>
    public FetchState State
    {
        get
        {
            lock (_gate)
            {
                var state = _state with { SentBytes = _link.SentBytes, ReceivedBytes = _link.ReceivedBytes, Refused = _link.Refusals };
                return state with { Session = _progress?.Of(state) };
            }
        }
    }

    /// <summary>Starts a session now; without effect while one runs.</summary>
    /// <returns>False while the client is disabled.</returns>
    public bool Start()
    {
        lock (_gate)
        {
            return _isEnabled && (_session is not null || _start.Writer.TryWrite(true));
        }
    }

    /// <summary>Ends a running session and starts none until <see cref="Enable"/>.</summary>
    public void Disable()
    {
        lock (_gate)
        {
            _isEnabled = false;
            _session?.Cancel();
        }
    }

    /// <summary>Lets sessions start again.</summary>
    public void Enable()
    {
        lock (_gate)
        {
            _isEnabled = true;
        }
    }

    /// <summary>Starts and ends sessions until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await WaitForStartAsync(cancellationToken);
            using var session = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (!TryBegin(session))
            {
                continue;
            }

            try
            {
                await RunSessionAsync(session.Token);
            }
            catch (OperationCanceledException) when (session.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // Disabled by an operator: the next start finds everything as it was.
            }
            finally
            {
                End();
            }
        }
    }

    private async Task RunSessionAsync(CancellationToken cancellationToken)
    {
        SessionStarted(_logger, _options.Source, _options.Duration.TotalSeconds);
        // What was refused before is tried once more in each session: the program may be newer now.
        _refused.Clear();
        _behind = null;
        var begun = _time.GetTimestamp();
        var reconnected = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        void Connected(bool isConnected) => reconnected.Writer.TryWrite(isConnected);
        _bus.ConnectionChanged += Connected;
        try
        {
            while (_time.GetElapsedTime(begun) < _options.Duration)
            {
                var (pause, trouble) = await RunCycleAsync(begun, cancellationToken);
                SetTrouble(trouble);
                if (pause > TimeSpan.Zero)
                {
                    var left = _options.Duration - _time.GetElapsedTime(begun);
                    await PauseAsync(pause < left ? pause : left, reconnected.Reader, cancellationToken);
                }
            }

            await _link.CloseSessionAsync(cancellationToken);
        }
        finally
        {
            _bus.ConnectionChanged -= Connected;
            SessionEnded(_logger, _options.Source);
        }
    }

    /// <summary>Asks once for what is ready and brings all of it in.</summary>
    /// <returns>How long to wait before the next round, and what is wrong.</returns>
    private async Task<(TimeSpan Pause, string? Trouble)> RunCycleAsync(long begun, CancellationToken cancellationToken)
    {
        if (_options.Suspended() is { } suspended)
        {
            return (SuspendedPause, suspended);
        }

        var opened = await _link.EnsureSessionAsync(cancellationToken, NoteWaiting);
        if (!opened.IsOk)
        {
            return (_retry.Next(), opened.Detail);
        }

        // The open block is closed once in an interval, or small blocks would be made as fast as the link allows.
        var sinceRotation = _rotatedAt is { } at ? _time.GetElapsedTime(at) : _options.Interval;
        var rotate = sinceRotation >= _options.Interval;
        _rotatedAt = rotate ? _time.GetTimestamp() : _rotatedAt;
        var next = !rotate && TakeAnnounced() is { } announced
            ? new LinkAnswer<NextReply>(LinkStatus.Ok, announced, "")
            : await _link.NextAsync(rotate, _options.OffersLimit, _behind, cancellationToken);
        if (!next.IsOk)
        {
            return (_retry.Next(), next.Detail);
        }

        NoteContact(next.Value!);
        var isFurther = GoPastRefused(next.Value!.Offers);
        var offers = next.Value.Offers.Where(o => !_refused.ContainsKey(o.Block)).ToList();
        if (offers.Count == 0 && isFurther)
        {
            // What lies behind the refused blocks has not been offered yet.
            return (TimeSpan.Zero, _refused.Values.FirstOrDefault());
        }

        if (offers.Count == 0)
        {
            _retry.Reset();
            return (rotate ? _options.Interval : _options.Interval - sinceRotation, _refused.IsEmpty ? null : _refused.Values.First());
        }

        var (before, refusedBefore) = (State.Blocks, _refused.Count);
        var until = begun + (long)(_options.Duration.TotalSeconds * _time.TimestampFrequency);
        using var pipeline = new FetchPipeline(_link, _intake, _memory, _options, _time, this, _isImportTroubled);
        var trouble = await pipeline.RunAsync(next.Value with { Offers = offers }, until, cancellationToken);
        _isImportTroubled = pipeline.IsImportTroubled;
        if (trouble is null && State.Blocks == before && _refused.Count == refusedBefore)
        {
            // Asking at once would get the same answer at once, as fast as the link allows.
            trouble = $"the source offers block {offers[0].Name} and can't give it";
        }

        if (State.Blocks != before)
        {
            // A link that breaks after every few blocks delivers: waiting longer each time would take from it what it can do.
            _retry.Reset();
        }

        if (trouble is not null)
        {
            return (_retry.Next(), trouble);
        }

        _retry.Reset();
        return (TimeSpan.Zero, null);
    }

    /// <summary>What the source has offered by itself and is not in yet; null when it has to be asked.</summary>
    private NextReply? TakeAnnounced()
    {
        if (_link.TakeAnnounced() is not { } announced)
        {
            return null;
        }

        // It may have been announced while it was on its way.
        var offers = announced.Offers.Where(o => !_confirmed.Contains(o.Block)).ToList();
        return offers.Exists(o => !_refused.ContainsKey(o.Block)) ? announced with { Offers = offers } : null;
    }

    /// <summary>
    /// The source offers a limited number of its oldest blocks: where those that are refused here are as many, it would never come to
    /// the others. So it is told the last one of the refused blocks at the head, and offers what lies behind it.
    /// </summary>
    /// <returns>True when the next answer starts further back than this one.</returns>
    private bool GoPastRefused(IReadOnlyList<BlockOffer> offers)
    {
        if (offers.TakeWhile(o => _refused.ContainsKey(o.Block)).LastOrDefault()?.Block is not { } last || last == _behind)
        {
            return false;
        }

        _behind = last;
        return true;
    }

    bool IFetchBooks.IsRefused(BlockKey block) => _refused.ContainsKey(block);

    void IFetchBooks.Refuse(BlockKey block, string trouble) => _refused[block] = trouble;

    void IFetchBooks.Confirmed(BlockOffer offer, in Taken imported)
    {
        Imported(_logger, offer.Name, _options.Source, imported.Events, imported.Duplicates);
        if (_confirmed.Add(offer.Block))
        {
            _confirmedOrder.Enqueue(offer.Block);
        }

        if (_confirmedOrder.Count > RememberedConfirmations)
        {
            _confirmed.Remove(_confirmedOrder.Dequeue());
        }

        lock (_gate)
        {
            _state = _state with
            {
                Blocks = _state.Blocks + 1,
                Events = _state.Events + imported.Events,
                Duplicates = _state.Duplicates + imported.Duplicates,
                RefusedEvents = _state.RefusedEvents + imported.RefusedEvents,
                BacklogBlocks = Math.Max(_state.BacklogBlocks, 1) - 1,
                BacklogEvents = Math.Max(_state.BacklogEvents, offer.EventCount) - offer.EventCount,
                LastContact = _time.GetUtcNow(),
            };
            _progress?.Note(_state with { ReceivedBytes = _link.ReceivedBytes });
        }
    }

    /// <summary>Waits; an announcement of the source or a fresh connection ends it early.</summary>
    private async Task PauseAsync(TimeSpan pause, ChannelReader<bool> reconnected, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(
            Task.Delay(pause > Shortest ? pause : Shortest, _time, done.Token),
            _link.AnnouncedAsync(done.Token).AsTask(),
            reconnected.ReadAsync(done.Token).AsTask());
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var byHand = _start.Reader.ReadAsync(done.Token).AsTask();
        await Task.WhenAny(byHand, ScheduledAsync(done.Token));
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>
    /// Ends at the schedule's next instant. That is one of the wall clock, which may be set meanwhile: back by years, and the instant would not
    /// come in years; so it is looked at anew now and then.
    /// </summary>
    private async Task ScheduledAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset? next = null;
        while (true)
        {
            var now = _time.GetUtcNow();
            if (next is { } due && due <= now)
            {
                return;
            }

            if (_options.Schedule?.Next(now, _time.LocalTimeZone) is { } coming && !(next <= coming))
            {
                next = coming;
            }

            var left = next - now ?? ClockCheck;
            await Task.Delay(left < Shortest ? Shortest : left < ClockCheck ? left : ClockCheck, _time, cancellationToken);
        }
    }

    private bool TryBegin(CancellationTokenSource session)
    {
        lock (_gate)
        {
            if (!_isEnabled)
            {
                return false;
            }

            _session = session;
            _state = _state with { IsActive = true, Sessions = _state.Sessions + 1 };
            _progress = new SessionProgress(_state with { ReceivedBytes = _link.ReceivedBytes }, _options.Duration, _time);
            return true;
        }
    }

    private void End()
    {
        lock (_gate)
        {
            _session = null;
            _progress = null;
            _state = _state with { IsActive = false };
        }
    }

    void IFetchBooks.NoteContact(NextReply reply) => NoteContact(reply);

    private void NoteContact(NextReply reply)
    {
        lock (_gate)
        {
            _state = _state with { BacklogBlocks = reply.BacklogBlocks, BacklogEvents = reply.BacklogEvents, LastContact = _time.GetUtcNow() };
            _progress?.InTouch();
        }
    }

    /// <summary>Until the answer is given up it may take a minute, in which nobody should think that all is well.</summary>
    private void NoteWaiting(string trouble)
    {
        if (State.Trouble is null)
        {
            SetTrouble(trouble);
        }
    }

    private void SetTrouble(string? trouble)
    {
        string? before;
        lock (_gate)
        {
            before = _state.Trouble;
            _state = _state with { Trouble = trouble };
        }

        if (trouble is not null && before != trouble)
        {
            Troubled(_logger, _options.Source, trouble);
        }
        else if (trouble is null && before is not null)
        {
            TroubleOver(_logger, _options.Source);
        }
    }

    [LoggerMessage(1220, LogLevel.Information, "fetching from {Source} starts, for {Seconds} s")]
    private static partial void SessionStarted(ILogger logger, string source, double seconds);

    [LoggerMessage(1221, LogLevel.Information, "fetching from {Source} ends until it is started again")]
    private static partial void SessionEnded(ILogger logger, string source);

    [LoggerMessage(1222, LogLevel.Debug, "block {Block} of {Source} is imported and confirmed: {Events} events, {Duplicates} known already")]
    private static partial void Imported(ILogger logger, string block, string source, long events, long duplicates);

    [LoggerMessage(1223, LogLevel.Warning, "fetching from {Source} waits: {Trouble}; data: it stays at the source; next: it is tried again by itself")]
    private static partial void Troubled(ILogger logger, string source, string trouble);

    [LoggerMessage(1224, LogLevel.Information, "fetching from {Source} goes on")]
    private static partial void TroubleOver(ILogger logger, string source);
}
