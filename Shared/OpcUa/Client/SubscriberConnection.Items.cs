using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <content>What is watched: asking the host, making the subscription, changing over to another one.</content>
internal sealed partial class SubscriberConnection
{
    private const int QueuesTakenAfterIntervals = 3;
    private static readonly TimeSpan DrainSlack = TimeSpan.FromSeconds(10);

    private async Task<ConnectionEnd?> SelectAgainAsync(CancellationToken cancellationToken)
    {
        if (_selectAgainFrom is not { } from || time.GetElapsedTime(from) < SelectAgainAfter
            || memory.Retiring is not null || memory.Window.IsBusy)
        {
            return null;
        }

        _selectAgainFrom = null;
        return await SelectAsync(cancellationToken);
    }

    /// <summary>Asks the host what to watch, and sees to it that the present subscription watches just that.</summary>
    private async Task<ConnectionEnd?> SelectAsync(CancellationToken cancellationToken)
    {
        if (await UntilHostIsFreeAsync(cancellationToken) is { } end)
        {
            return end;
        }

        var selected = await host.SelectItemsAsync(session, cancellationToken);
        if (selected.Error is { } error)
        {
            return PutOff(new UaError(error.Status, $"the items could not be selected: {error.Reason}"));
        }

        var plan = PlannedSubscription.From(options);
        var items = ItemPlan.Make(selected.Value, session.Namespaces);
        var current = memory.Current is { IsAttached: true } attached ? attached : null;
        if (current is not null && current.Saved.IsWhatWeWant(plan, items))
        {
            _lastPutOff = null;
            return await SettleLossesAsync(cancellationToken) ?? await AskForRefusedAsync(current, cancellationToken);
        }

        if (current is not null && memory.Retiring is not null)
        {
            // One change after the other: the host is asked again when the former subscription is drained.
            _selectAgainFrom = time.GetTimestamp() - (long)(SelectAgainAfter.TotalSeconds * time.TimestampFrequency);
            return null;
        }

        var made = await _maker.MakeAsync(plan, items, cancellationToken);
        return made.Error is { } failure
            ? PutOff(new UaError(failure.Status, $"the subscription could not be made: {failure.Reason}"))
            : await ChangeOverAsync(current, new TrackedSubscription(made.Value, expected: 1, notTaken: 0), cancellationToken);
    }

    private async Task<ConnectionEnd?> ChangeOverAsync(
        TrackedSubscription? former, TrackedSubscription next, CancellationToken cancellationToken)
    {
        next.IsAttached = true;
        _lastPutOff = null;
        OnAsked(isProgress: true);
        Volatile.Write(ref _shortestLifetimeMs, Math.Min(_shortestLifetimeMs, next.Saved.Lifetime.TotalMilliseconds));
        memory.Subscriptions.Add(next);
        former?.Retire(time.GetTimestamp());
        ShareAttachedIds();
        Changed();

        // Losses first: until the next save the lost subscription is in the saved state, so that no crash can make it forgotten.
        return memory.Lost.Count > 0 ? await SettleLossesAsync(cancellationToken) : await SaveAsync(cancellationToken);
    }

    /// <summary>With a subscription at work a failure can wait; without one there is nothing to do but to begin anew.</summary>
    private ConnectionEnd? PutOff(UaError error)
    {
        if (session.Completion.IsCompleted || memory.Current is not { IsAttached: true })
        {
            return ConnectionEnd.Retry(error);
        }

        if (_lastPutOff != error.ToString())
        {
            _lastPutOff = error.ToString();
            ClientLog.SelectFailed(logger, _lastPutOff);
        }

        _selectAgainFrom = time.GetTimestamp();
        return null;
    }

    /// <summary>Deletes the former subscription when it is drained and all of it is durable, or when it takes too long to drain.</summary>
    private async Task<ConnectionEnd?> RetireAsync(CancellationToken cancellationToken)
    {
        if (memory.Retiring is not { } retiring || memory.Current is not { IsAttached: true })
        {
            return null;
        }

        if (time.GetElapsedTime(retiring.RetiredAt) >= TimeSpan.FromMilliseconds(retiring.Saved.PublishingMs * QueuesTakenAfterIntervals))
        {
            retiring.OnQueuesTaken(_pipeline.LastOrder);
        }

        var isComplete = retiring is { HasGap: false, MissingFirst: 0, ArrivedCount: 0 };
        if (memory.Window.IsBusy || memory.Window.HoldsAny(retiring.Saved.Incarnation) || (retiring.IsDrained && !isComplete))
        {
            return null;
        }

        if (!retiring.IsDrained)
        {
            // Where nothing changes, each of the requests that are out is answered by a keep-alive first.
            var limit = (retiring.Saved.KeepAliveInterval * (_pipeline.Limit + 2)) + DrainSlack;
            if (time.GetElapsedTime(retiring.RetiredAt) < limit)
            {
                return null;
            }

            var loss = new NotificationLoss(
                NotificationLossKind.Gap, retiring.Saved.Incarnation, retiring.Expected, 0, retiring.LastPublishTime, Now(),
                $"Subscription {retiring.Id} was replaced, and the server did not send within {limit.TotalSeconds:0} s what it still held.");
            if (!await host.RecordLossAsync(loss, cancellationToken))
            {
                return ConnectionEnd.Refused(new UaError(StatusCodes.BadOutOfService, "a loss could not be entered into the books"));
            }
        }

        await _maker.DeleteAsync([retiring.Id], cancellationToken);
        memory.Subscriptions.Remove(retiring);
        ShareAttachedIds();
        ClientLog.SubscriptionRetired(logger, retiring.Id);
        return await SaveAsync(cancellationToken);
    }

    /// <summary>
    /// Subscriptions of this session that nobody knows: a process has made them and ended before it could save that. The session is ours
    /// alone, so they are too.
    /// </summary>
    private async Task<ConnectionEnd?> DeleteStrangersAsync(CancellationToken cancellationToken)
    {
        if (_strangers.Count > 0)
        {
            ClientLog.StrangersDeleted(logger, _strangers.Count);
            await _maker.DeleteAsync([.. _strangers], cancellationToken);
            _strangers.Clear();
        }

        return null;
    }
}
