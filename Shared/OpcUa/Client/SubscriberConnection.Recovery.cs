using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <content>Taking subscriptions over, handing notifications on in their order, and finding what is missing.</content>
internal sealed partial class SubscriberConnection
{
    private double _shortestLifetimeMs = options.Lifetime.TotalMilliseconds;

    /// <summary>
    /// Finds out if the session has the subscription, and else has it transferred. A subscription that cannot be had is lost.
    /// </summary>
    private async Task<ConnectionEnd?> AttachAsync(TrackedSubscription subscription, CancellationToken cancellationToken)
    {
        var first = subscription.Expected == 0 ? 1 : subscription.Expected;
        if (session.IsResumed && subscription.IsFatal(first))
        {
            var error = await ProbeWithoutDataAsync(subscription, cancellationToken);
            if (error is not null && IsTrouble(error))
            {
                return ConnectionEnd.Retry(error);
            }

            if (error is null || !IsGone(error))
            {
                subscription.BeginAt(first);
                Attached(subscription);
                return null;
            }
        }
        else if (session.IsResumed)
        {
            var probe = await RepublishAsync(subscription, first, cancellationToken);
            if (probe.Error is null)
            {
                Keep(subscription, probe.Summary!, probe.Batch!, isRepublished: true);
                Attached(subscription);
                return null;
            }

            if (!IsGone(probe.Error))
            {
                if (IsTrouble(probe.Error))
                {
                    return ConnectionEnd.Retry(probe.Error);
                }

                if (!subscription.HasGap)
                {
                    subscription.OnTailKnown();
                }

                Attached(subscription);
                return null;
            }
        }

        var answer = await session.CallAsync<TransferSubscriptionsRequest, TransferSubscriptionsResponse>(
            new TransferSubscriptionsRequest { SubscriptionIds = [subscription.Id], SendInitialValues = false }, cancellationToken);
        if (answer.Error is { } refused)
        {
            return LoseUnlessTrouble(subscription, refused);
        }

        var result = answer.Value.Results is [var single] ? single : new TransferResult(StatusCodes.BadUnexpectedError, []);
        if (result.StatusCode.IsBad)
        {
            return LoseUnlessTrouble(subscription, new UaError(result.StatusCode, "the server does not transfer it"));
        }

        subscription.OnTransferred(result.AvailableSequenceNumbers);
        Attached(subscription);
        if (subscription.Expected == 0)
        {
            subscription.OnTailKnown();
        }

        return null;
    }

    private void Attached(TrackedSubscription subscription)
    {
        subscription.IsAttached = true;
        if (subscription.IsRetiring)
        {
            subscription.Retire(time.GetTimestamp());
        }

        Volatile.Write(ref _shortestLifetimeMs, Math.Min(_shortestLifetimeMs, subscription.Saved.Lifetime.TotalMilliseconds));
        ClientLog.SubscriptionKept(logger, subscription.Id, subscription.Expected);
    }

    private ConnectionEnd? LoseUnlessTrouble(TrackedSubscription subscription, UaError error)
    {
        if (IsTrouble(error))
        {
            return ConnectionEnd.Retry(error);
        }

        Lose(subscription, error.ToString());
        return null;
    }

    private async Task<ConnectionEnd?> PumpAllAsync(CancellationToken cancellationToken)
    {
        foreach (var subscription in memory.Subscriptions.ToArray())
        {
            if (await PumpAsync(subscription, cancellationToken) is { } end)
            {
                return end;
            }
        }

        return null;
    }

    /// <summary>
    /// Hands on what can be handed on, strictly in the order of the numbers; asks again for what is missing, and enters into the books what
    /// the server does not have any more. Stops when the host has enough.
    /// </summary>
    private async Task<ConnectionEnd?> PumpAsync(TrackedSubscription subscription, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await CollectAsync() is { } refused)
            {
                return refused;
            }

            var isDue = subscription.TryPeek(out var notification);
            if (subscription.MissingFirst != 0 && (isDue || !subscription.HasGap))
            {
                if (memory.Window.IsBusy)
                {
                    return null;
                }

                if (await RecordGapAsync(subscription, isDue ? notification.PublishTime : Now(), cancellationToken) is { } end)
                {
                    return end;
                }
            }
            else if (isDue)
            {
                if (!memory.Window.IsOpen)
                {
                    return null;
                }

                HandOver(subscription, notification, cancellationToken);
            }
            else if (subscription.IsAttached && memory.Window.IsOpen && (subscription.HasGap || IsTailOpen(subscription)))
            {
                if (await AskAgainAsync(subscription, cancellationToken) is { } end)
                {
                    return end;
                }
            }
            else
            {
                return null;
            }
        }
    }

    private static bool IsTailOpen(TrackedSubscription subscription) => subscription.IsTailUnknown && subscription.Expected != 0;

    private void HandOver(TrackedSubscription subscription, in ArrivedNotification notification, CancellationToken cancellationToken)
    {
        subscription.OnTaken(notification);
        memory.Count(notification);
        memory.Window.Offer(
            new Notification(
                subscription.Saved.Incarnation, notification.Number, notification.PublishTime, notification.IsRepublished, notification.Batch,
                subscription.Keys),
            cancellationToken);
    }

    /// <summary>
    /// Asks for a number, and remembers when the answer ended the connection. It counts only when no other large answer can have been on its
    /// way; after the reconnect that is so.
    /// </summary>
    private async Task<PublishOutcome> RepublishAsync(TrackedSubscription subscription, uint number, CancellationToken cancellationToken)
    {
        var isAlone = _pipeline.Outstanding == 0;
        var outcome = await _pipeline.RepublishAsync(subscription.Id, number, client.RequestTimeout, cancellationToken);
        if (isAlone && outcome.Error is not null && session.Completion.IsCompletedSuccessfully
            && session.Completion.Result is { } end && end.IsOfTheMessage())
        {
            subscription.OnFatal(number, end.ToString());
        }

        return outcome;
    }

    /// <summary>Finds out if the session has the subscription without asking for a notification; the mode is the one that is set already.</summary>
    private async Task<UaError?> ProbeWithoutDataAsync(TrackedSubscription subscription, CancellationToken cancellationToken)
    {
        var answer = await session.CallAsync<SetPublishingModeRequest, SetPublishingModeResponse>(
            new SetPublishingModeRequest { PublishingEnabled = true, SubscriptionIds = [subscription.Id] }, cancellationToken);
        return answer.Error
            ?? (answer.Value.Results is [{ IsBad: true } refused] ? new UaError(refused, "the session does not have the subscription") : null);
    }

    /// <summary>Enters the number that is due into the books, since asking for it ends the connection, and goes on with the next one.</summary>
    private async Task<ConnectionEnd?> GiveUpAsync(TrackedSubscription subscription, CancellationToken cancellationToken)
    {
        if (subscription.MissingFirst != 0 && await RecordGapAsync(subscription, Now(), cancellationToken) is { } end)
        {
            return end;
        }

        subscription.OnGivenUp();
        return await RecordGapAsync(subscription, Now(), cancellationToken, isGivenUp: true);
    }

    /// <summary>Asks for the number that is due.</summary>
    private async Task<ConnectionEnd?> AskAgainAsync(TrackedSubscription subscription, CancellationToken cancellationToken)
    {
        var isGap = subscription.HasGap;
        if (isGap)
        {
            subscription.SkipHopeless();
        }

        var number = subscription.Expected;
        if (subscription.IsFatal(number))
        {
            return await GiveUpAsync(subscription, cancellationToken);
        }

        var outcome = await RepublishAsync(subscription, number, cancellationToken);
        if (outcome.Error is { } error)
        {
            if (IsGone(error))
            {
                Lose(subscription, error.ToString());
                return null;
            }

            if (IsTrouble(error))
            {
                return ConnectionEnd.Retry(error);
            }

            if (isGap)
            {
                subscription.OnMissing(error.ToString());
            }
            else
            {
                subscription.OnTailKnown();
            }

            return null;
        }

        var summary = outcome.Summary!;
        if (summary.SequenceNumber != number)
        {
            memory.Pool.Return(outcome.Batch!);
            if (isGap)
            {
                subscription.OnMissing($"the server gave number {summary.SequenceNumber} instead");
            }
            else
            {
                // Nobody has said that there is such a number: the next notification may have it.
                subscription.OnTailKnown();
            }

            return null;
        }

        Keep(subscription, summary, outcome.Batch!, isRepublished: true);
        return AbsorbStatus(subscription, summary.StatusChange);
    }

    private async Task<ConnectionEnd?> RecordGapAsync(
        TrackedSubscription subscription, UaDateTime until, CancellationToken cancellationToken, bool isGivenUp = false)
    {
        var first = subscription.MissingFirst;
        var last = NotificationNumbers.Previous(subscription.Expected);
        if (first == last && first == subscription.NoticeOfTransfer)
        {
            ClientLog.NoticeOfTransfer(logger, subscription.Id, first);
        }
        else
        {
            ClientLog.Gap(logger, subscription.Id, first, last, subscription.MissingCause);
            var detail = isGivenUp
                ? $"Notification {first} of subscription {subscription.Id} was given up, because each answer with it ended the connection: "
                : $"The server has not got notifications {first} to {last} of subscription {subscription.Id}: ";
            var loss = new NotificationLoss(
                NotificationLossKind.Gap, subscription.Saved.Incarnation, first, last, subscription.LastPublishTime, until,
                detail + subscription.MissingCause);
            if (!await host.RecordLossAsync(loss, cancellationToken))
            {
                return ConnectionEnd.Refused(new UaError(StatusCodes.BadOutOfService, "a loss could not be entered into the books"));
            }
        }

        // What could not be read is still at the server, which need not keep it any longer.
        for (var number = first; number != subscription.Expected && subscription.IsAttached && _pipeline.HasRoomToAcknowledge;)
        {
            _pipeline.Acknowledge(subscription.Id, number);
            number = NotificationNumbers.Next(number);
        }

        subscription.OnMissingRecorded();
        return null;
    }

    /// <summary>Enters lost subscriptions into the books, once there is another one: the hole ends where that begins.</summary>
    private async Task<ConnectionEnd?> SettleLossesAsync(CancellationToken cancellationToken)
    {
        if (memory.Lost.Count == 0)
        {
            return null;
        }

        if (memory.Current is not { IsAttached: true })
        {
            return ConnectionEnd.Retry(new UaError(StatusCodes.BadNoSubscription, $"the subscription is lost: {memory.Lost[0].Cause}"));
        }

        while (memory.Lost.Count > 0)
        {
            var (subscription, cause) = memory.Lost[0];
            foreach (var notification in subscription.ArrivedInOrder())
            {
                while (!memory.Window.IsOpen)
                {
                    await memory.Signal.WaitAsync(LookAtDeadlines, time, cancellationToken);
                    if (await CollectAsync() is { } refused)
                    {
                        return refused;
                    }
                }

                HandOver(subscription, notification, cancellationToken);
            }

            if (await UntilHostIsFreeAsync(cancellationToken) is { } end)
            {
                return end;
            }

            var loss = new NotificationLoss(
                NotificationLossKind.SubscriptionLost, subscription.Saved.Incarnation, subscription.Expected, 0,
                subscription.LastPublishTime, Now(),
                $"Subscription {subscription.Id} ended at the server: {cause}");
            if (!await host.RecordLossAsync(loss, cancellationToken))
            {
                return ConnectionEnd.Refused(new UaError(StatusCodes.BadOutOfService, "a loss could not be entered into the books"));
            }

            memory.Lost.RemoveAt(0);
        }

        return await SaveAsync(cancellationToken);
    }

    /// <summary>True when the answer says that the session does not have the subscription.</summary>
    private static bool IsGone(UaError error) =>
        error.Status.Is(StatusCodes.BadSubscriptionIdInvalid) || error.Status.Is(StatusCodes.BadNoSubscription);

    /// <summary>True when the answer says nothing about what was asked, but something about the connection.</summary>
    private bool IsTrouble(UaError error) =>
        session.Completion.IsCompleted
        || (error.IsPassing() && !error.Status.Is(StatusCodes.BadDecodingError))
        || error.Status.Is(StatusCodes.BadSessionIdInvalid) || error.Status.Is(StatusCodes.BadSessionClosed)
        || error.Status.Is(StatusCodes.BadSessionNotActivated) || error.Status.Is(StatusCodes.BadSecureChannelIdInvalid);

    private UaDateTime Now() => UaDateTime.From(time.GetUtcNow());
}
