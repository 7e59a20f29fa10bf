using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>The work of a <see cref="Subscriber"/> over one connection, from the session to the end of the connection.</summary>
internal sealed partial class SubscriberConnection(
    UaClientOptions client,
    SubscriptionOptions options,
    ISubscriptionHost host,
    SubscriberMemory memory,
    Session session,
    ILogger logger,
    TimeProvider time) : IAsyncDisposable
{
    /// <summary>How long an orderly end may wait for the host.</summary>
    public static readonly TimeSpan GoodbyeLimit = TimeSpan.FromSeconds(2);

    private const int NotReadableMax = 100;
    private static readonly TimeSpan LookAtDeadlines = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SelectAgainAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RestartTolerance = TimeSpan.FromSeconds(2);

    private readonly PublishPipeline _pipeline = new(session, memory.Pool, memory.Signal, time);
    private readonly SubscriptionMaker _maker = new(session, memory.Told, logger);
    private readonly CancellationTokenSource _stopKeepAlive = new();
    private readonly HashSet<uint> _strangers = [];
    private uint[] _attachedIds = [];
    private UaError? _unresponsive;
    private long? _selectAgainFrom;
    private string? _lastPutOff;
    private int _notReadable;

    /// <summary>True when anything was received.</summary>
    public bool HasReceived { get; private set; }

    /// <summary>Acknowledgements that the server did not know.</summary>
    public long AcknowledgementsUnknown { get; private set; }

    /// <summary>Called when other items are watched than before.</summary>
    public Action Changed { get; init; } = static () => { };

    /// <summary>Takes up what there was before, or makes a subscription, and receives until the connection ends.</summary>
    /// <param name="streaming">Called when receiving begins.</param>
    /// <param name="cancellationToken">Ends it in order: what is durable by then is acknowledged.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<ConnectionEnd> RunAsync(Action streaming, CancellationToken cancellationToken)
    {
        using var wake = session.Ended.Register(memory.Signal.Set);
        var keepingAlive = KeepAliveAsync(_stopKeepAlive.Token);
        ConnectionEnd? end = null;
        try
        {
            end = await BeginAsync(cancellationToken) ?? await StreamAsync(streaming, cancellationToken);
            return end;
        }
        finally
        {
            if (end is null or { Kind: EndKind.Refused })
            {
                await SayGoodbyeAsync();
            }

            await _stopKeepAlive.CancelAsync();
            await keepingAlive;
        }
    }

    /// <summary>Closes the connection; session and subscriptions stay at the server. What has arrived is kept in the memory.</summary>
    public async ValueTask DisposeAsync()
    {
        session.KeepAtServer();
        await session.DisposeAsync();
        while (_pipeline.TryTake(out var outcome))
        {
            Absorb(outcome);
        }

        foreach (var subscription in memory.Subscriptions)
        {
            subscription.OnBreak();
        }

        _stopKeepAlive.Dispose();
    }

    private async Task<ConnectionEnd?> BeginAsync(CancellationToken cancellationToken)
    {
        var isOver = session.IsResumed || memory.Session is null ? null
            : memory.Session.ServerUri != session.Server.ApplicationUri ? $"it was at {memory.Session.ServerUri}, another server answers now"
            : IsAnotherStart(memory.ServerStartTime, session.ServerStartTime) ? "the server was restarted"
            : null;
        memory.Session = new FormerSession(session.Server.ApplicationUri, session.Server.Thumbprint, session.Handle);
        memory.ServerStartTime = session.ServerStartTime;
        foreach (var subscription in memory.Subscriptions.ToArray())
        {
            if (isOver is not null)
            {
                Lose(subscription, isOver);
            }
            else if (await AttachAsync(subscription, cancellationToken) is { } end)
            {
                return end;
            }
        }

        // The host may still be busy with what came over the last connection; by now the subscriptions are being kept alive over this one.
        ShareAttachedIds();
        return await SaveAsync(cancellationToken)
            ?? await PumpAllAsync(cancellationToken)
            ?? await SelectAsync(cancellationToken);
    }

    private async Task<ConnectionEnd> StreamAsync(Action streaming, CancellationToken cancellationToken)
    {
        streaming();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            while (_pipeline.TryTake(out var outcome))
            {
                if (Absorb(outcome) is { } end)
                {
                    return end;
                }
            }

            var problem = await CollectAsync()
                ?? await PumpAllAsync(cancellationToken)
                ?? await SettleLossesAsync(cancellationToken)
                ?? await RetireAsync(cancellationToken)
                ?? await DeleteStrangersAsync(cancellationToken)
                ?? await SelectAgainAsync(cancellationToken)
                ?? await AskForRefusedAgainAsync(cancellationToken);
            if (problem is not null)
            {
                return problem;
            }

            await TopUpAsync();
            if (FindEnd() is { } over)
            {
                return over;
            }

            await memory.Signal.WaitAsync(LookAtDeadlines, time, cancellationToken);
        }
    }

    /// <summary>Looks if the connection is still there, without waiting.</summary>
    private ConnectionEnd? FindEnd()
    {
        if (session.Completion.IsCompletedSuccessfully && !_pipeline.HasArrived)
        {
            return ConnectionEnd.Retry(session.Completion.Result);
        }

        if (_unresponsive is { } error)
        {
            return ConnectionEnd.Retry(error);
        }

        var limit = (KeepAliveInterval() * 3) + client.RequestTimeout;
        return _pipeline.Silence > limit
            ? ConnectionEnd.Retry(new UaError(StatusCodes.BadTimeout, $"the server has said nothing for {limit.TotalSeconds:0} s"))
            : null;
    }

    private TimeSpan KeepAliveInterval() => memory.Subscriptions.Count == 0
        ? options.KeepAliveInterval
        : memory.Subscriptions.Max(s => s.Saved.KeepAliveInterval);

    /// <summary>Sends as many Publish requests as there is room for answers.</summary>
    private async Task TopUpAsync()
    {
        if (!memory.Subscriptions.Exists(s => s.IsAttached) || memory.Subscriptions.Exists(s => s.IsAttached && s.IsTailUnknown))
        {
            return;
        }

        var max = Math.Max(1, options.UnacknowledgedMax) - memory.Window.Count - memory.Subscriptions.Sum(s => s.ArrivedCount);
        while (_pipeline.HasRoom && _pipeline.Outstanding < max && !session.Ended.IsCancellationRequested)
        {
            await _pipeline.SendAsync((KeepAliveInterval() * 4) + TimeSpan.FromMinutes(1));
        }
    }

    /// <summary>Sorts what came of a Publish into the books of its subscription; nothing is handed over here.</summary>
    private ConnectionEnd? Absorb(PublishOutcome outcome)
    {
        if (outcome.Error is { } error)
        {
            return AbsorbError(outcome, error);
        }

        var summary = outcome.Summary!;
        HasReceived = true;
        AcknowledgementsUnknown += summary.Results.Count(r => r.IsBad);
        var subscription = memory.Subscriptions.Find(s => s.Id == summary.SubscriptionId && s.IsAttached);
        if (subscription is null || subscription.IsDrained)
        {
            memory.Pool.Return(outcome.Batch!);
            if (subscription is null && !memory.Lost.Exists(l => l.Subscription.Id == summary.SubscriptionId))
            {
                _strangers.Add(summary.SubscriptionId);
            }

            return null;
        }

        if (summary.IsKeepAlive)
        {
            subscription.OnKeepAlive(summary.SequenceNumber, summary.AvailableSequenceNumbers);
            memory.Pool.Return(outcome.Batch!);
        }
        else
        {
            Keep(subscription, summary, outcome.Batch!, isRepublished: false);
        }

        subscription.OnAnswer(outcome.Order, summary.MoreNotifications);
        Sweep(subscription, summary.AvailableSequenceNumbers);
        return AbsorbStatus(subscription, summary.StatusChange);
    }

    private ConnectionEnd? AbsorbError(PublishOutcome outcome, UaError error)
    {
        if (error.Status.Is(StatusCodes.BadDecodingError) || error.Status.Is(StatusCodes.BadEncodingLimitsExceeded)
            || error.Status.Is(StatusCodes.BadUnknownResponse) || error.Status.Is(StatusCodes.BadResponseTooLarge))
        {
            // The request was taken, acknowledgements and all. The number that is missing now is asked for like any other.
            if (_notReadable++ == 0)
            {
                ClientLog.NotReadable(logger, error.ToString());
            }

            return _notReadable > NotReadableMax ? ConnectionEnd.Retry(error) : null;
        }

        _pipeline.AcknowledgeAgain(outcome.Acknowledged);
        if (session.Completion.IsCompleted)
        {
            return ConnectionEnd.Retry(error);
        }

        if (error.Status.Is(StatusCodes.BadTooManyPublishRequests) && _pipeline.Outstanding > 0)
        {
            _pipeline.Lower();
            ClientLog.FewerPublishRequests(logger, _pipeline.Limit);
            return null;
        }

        if (error.Status.Is(StatusCodes.BadTimeout) || error.Status.Is(StatusCodes.BadRequestTimeout))
        {
            return null;
        }

        if (error.Status.Is(StatusCodes.BadNoSubscription))
        {
            foreach (var subscription in memory.Subscriptions.Where(s => s.IsAttached).ToArray())
            {
                Lose(subscription, "the server does not know it any more");
            }
        }

        return ConnectionEnd.Retry(error);
    }

    private ConnectionEnd? AbsorbStatus(TrackedSubscription subscription, StatusCode? change)
    {
        if (change is not { } status)
        {
            return null;
        }

        if (status.Is(StatusCodes.GoodSubscriptionTransferred))
        {
            return new ConnectionEnd(
                EndKind.RetryLate, new UaError(status, "another client has taken the subscription over; do two processes use the same state?"));
        }

        if (status.IsBad)
        {
            Lose(subscription, $"the server ended it: {status}");
        }

        return null;
    }

    private void Keep(TrackedSubscription subscription, NotificationSummary summary, Encoding.DataChangeBatch batch, bool isRepublished)
    {
        var number = summary.SequenceNumber;

        // Some servers leave the publish time out; the time of the response is the same but for a republished one.
        var publishTime = summary.PublishTime.IsNull ? summary.Header.Timestamp : summary.PublishTime;
        var arrived = new ArrivedNotification(number, publishTime, isRepublished, batch);
        if (subscription.OnArrived(arrived, summary.AvailableSequenceNumbers))
        {
            return;
        }

        memory.Pool.Return(batch);
        if (subscription.IsBefore(number))
        {
            AcknowledgeUnlessHeld(subscription, number);
        }
    }

    /// <summary>Once after each break: what is durable and still at the server may be forgotten there.</summary>
    private void Sweep(TrackedSubscription subscription, uint[] available)
    {
        if (!subscription.IsUnswept || subscription.IsTailUnknown)
        {
            return;
        }

        subscription.IsUnswept = false;
        foreach (var number in available.Where(subscription.IsBefore).TakeWhile(_ => _pipeline.HasRoomToAcknowledge))
        {
            AcknowledgeUnlessHeld(subscription, number);
        }
    }

    private void AcknowledgeUnlessHeld(TrackedSubscription subscription, uint number)
    {
        if (!memory.Window.Holds(subscription.Saved.Incarnation, number) && !_pipeline.WillAcknowledge(subscription.Id, number))
        {
            _pipeline.Acknowledge(subscription.Id, number);
        }
    }

    private void Lose(TrackedSubscription subscription, string cause)
    {
        ClientLog.SubscriptionLost(logger, subscription.Id, cause);
        memory.Lose(subscription, cause);
        ShareAttachedIds();
    }

    private void ShareAttachedIds() => Volatile.Write(ref _attachedIds, [.. memory.Subscriptions.Where(s => s.IsAttached).Select(s => s.Id)]);

    private async Task<ConnectionEnd?> CollectAsync()
    {
        var refusal = await memory.Window.CollectAsync((incarnation, number) =>
        {
            // After a break the acknowledgement is found missing and made up for by the sweep.
            if (memory.Subscriptions.Find(s => s.Saved.Incarnation == incarnation && s.IsAttached) is { } subscription)
            {
                _pipeline.Acknowledge(subscription.Id, number);
            }
        });
        return refusal is null ? null : ConnectionEnd.Refused(refusal);
    }

    /// <summary>The host is asked one thing at a time: waits until it has answered, or the connection is gone.</summary>
    private async Task<ConnectionEnd?> UntilHostIsFreeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await CollectAsync() is { } refused)
            {
                return refused;
            }

            if (!memory.Window.IsBusy)
            {
                return null;
            }

            if (session.Completion.IsCompletedSuccessfully)
            {
                return ConnectionEnd.Retry(session.Completion.Result);
            }

            await memory.Signal.WaitAsync(LookAtDeadlines, time, cancellationToken);
        }
    }

    private async Task<ConnectionEnd?> SaveAsync(CancellationToken cancellationToken)
    {
        if (await UntilHostIsFreeAsync(cancellationToken) is { } end)
        {
            return end;
        }

        if (!await host.SaveStateAsync(SubscriptionStateCodec.Write(memory.ToSave()), cancellationToken))
        {
            ClientLog.StateNotSaved(logger);
        }

        return null;
    }

    /// <summary>
    /// Keeps session and subscriptions alive when no Publish does: while the host is too far behind, none is sent. SetPublishingMode with
    /// the mode that is set already changes nothing, brings no data, and starts the subscription's lifetime anew (OPC 10000-4, 5.14.1.2).
    /// </summary>
    private async Task KeepAliveAsync(CancellationToken stop)
    {
        try
        {
            while (!session.Ended.IsCancellationRequested)
            {
                var period = KeepAlivePeriod();
                await Task.Delay(period, time, stop);
                if (session.Ended.IsCancellationRequested || (_pipeline.Outstanding > 0 && session.SinceLastRequest < period))
                {
                    continue;
                }

                var ids = Volatile.Read(ref _attachedIds);
                UaError? error;
                if (ids.Length > 0)
                {
                    error = (await session.CallAsync<SetPublishingModeRequest, SetPublishingModeResponse>(
                        new SetPublishingModeRequest { PublishingEnabled = true, SubscriptionIds = ids }, stop)).Error;
                }
                else
                {
                    error = (await session.ReadAsync([new NodeId(WellKnownNodes.ServerStatusState)], cancellationToken: stop)).Error;
                }

                if (error is not null && error.Status.Is(StatusCodes.BadTimeout))
                {
                    _unresponsive = error;
                    memory.Signal.Set();
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The connection is being closed.
        }
    }

    private TimeSpan KeepAlivePeriod()
    {
        var shortest = Math.Min(session.Handle.Timeout.TotalMilliseconds, Volatile.Read(ref _shortestLifetimeMs));
        return TimeSpan.FromMilliseconds(Math.Clamp(shortest / 4, 250, 60_000));
    }

    /// <summary>
    /// Before the connection is closed on purpose: gives the host a moment to make durable what it has, and the server the acknowledgements.
    /// </summary>
    private async Task SayGoodbyeAsync()
    {
        await memory.Window.SettleAsync(GoodbyeLimit, time);
        _ = await CollectAsync();
        if (session.Ended.IsCancellationRequested || !_pipeline.HasAcknowledgements || !memory.Subscriptions.Exists(s => s.IsAttached))
        {
            return;
        }

        using var limit = new CancellationTokenSource(GoodbyeLimit, time);
        try
        {
            await _pipeline.SendAsync(KeepAliveInterval());

            // A server works on requests in their order: when this one is answered, the acknowledgements have been seen.
            _ = await session.ReadAsync([new NodeId(WellKnownNodes.ServerStatusState)], cancellationToken: limit.Token);
        }
        catch (OperationCanceledException)
        {
            // What was not acknowledged comes once more.
        }
    }

    private static bool IsAnotherStart(UaDateTime before, UaDateTime now) =>
        !before.IsNull && !now.IsNull && Math.Abs(before.Ticks - now.Ticks) > RestartTolerance.Ticks;
}
