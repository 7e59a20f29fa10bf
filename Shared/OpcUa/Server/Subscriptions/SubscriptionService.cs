using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>The services of subscriptions (OPC 10000-4, 5.14). Called under the gate.</summary>
internal static class SubscriptionService
{
    public static StatusCode Create(in Caller caller, ServerSession session, CreateSubscriptionRequest request)
    {
        var core = caller.Core;
        if (core.Subscriptions.IsFull)
        {
            return StatusCodes.BadTooManySubscriptions;
        }

        var settings = SubscriptionSettings.Revise(
            core.Options,
            request.RequestedPublishingInterval,
            request.RequestedLifetimeCount,
            request.RequestedMaxKeepAliveCount,
            request.MaxNotificationsPerPublish,
            request.Priority);
        var subscription = new Subscription(core, core.Subscriptions.NextId(), session, settings, request.PublishingEnabled);
        core.Subscriptions.Add(subscription);
        session.Subscriptions.Add(subscription.Id, subscription);
        ServerLog.SubscriptionCreated(
            core.Logger, subscription.Id, settings.PublishingIntervalMs, settings.PublishingIntervalMs * settings.LifetimeCount / 1000);
        return caller.Answer(new CreateSubscriptionResponse
        {
            SubscriptionId = subscription.Id,
            RevisedPublishingInterval = settings.PublishingIntervalMs,
            RevisedLifetimeCount = settings.LifetimeCount,
            RevisedMaxKeepAliveCount = settings.KeepAliveCount,
        });
    }

    public static StatusCode Modify(in Caller caller, ServerSession session, ModifySubscriptionRequest request)
    {
        if (!session.Subscriptions.TryGetValue(request.SubscriptionId, out var subscription))
        {
            return StatusCodes.BadSubscriptionIdInvalid;
        }

        var settings = SubscriptionSettings.Revise(
            caller.Core.Options,
            request.RequestedPublishingInterval,
            request.RequestedLifetimeCount,
            request.RequestedMaxKeepAliveCount,
            request.MaxNotificationsPerPublish,
            request.Priority);
        subscription.Modify(settings);
        return caller.Answer(new ModifySubscriptionResponse
        {
            RevisedPublishingInterval = settings.PublishingIntervalMs,
            RevisedLifetimeCount = settings.LifetimeCount,
            RevisedMaxKeepAliveCount = settings.KeepAliveCount,
        });
    }

    public static StatusCode SetPublishingMode(in Caller caller, ServerSession session, SetPublishingModeRequest request)
    {
        var status = caller.CheckCount(request.SubscriptionIds.Length);
        return status.IsBad ? status : caller.Answer(new SetPublishingModeResponse
        {
            Results = Array.ConvertAll(request.SubscriptionIds, id =>
            {
                if (!session.Subscriptions.TryGetValue(id, out var subscription))
                {
                    return StatusCodes.BadSubscriptionIdInvalid;
                }

                subscription.IsPublishingEnabled = request.PublishingEnabled;
                subscription.ResetLifetime();
                return StatusCode.Good;
            }),
        });
    }

    public static StatusCode Delete(in Caller caller, ServerSession session, DeleteSubscriptionsRequest request)
    {
        var status = caller.CheckCount(request.SubscriptionIds.Length);
        if (status.IsBad)
        {
            return status;
        }

        var core = caller.Core;
        caller.Answer(new DeleteSubscriptionsResponse
        {
            Results = Array.ConvertAll(request.SubscriptionIds, id =>
            {
                if (!session.Subscriptions.Remove(id, out var subscription))
                {
                    return StatusCodes.BadSubscriptionIdInvalid;
                }

                core.Subscriptions.Remove(subscription);
                return StatusCode.Good;
            }),
        });
        RefuseWithoutSubscriptions(session);
        return StatusCode.Good;
    }

    public static StatusCode Transfer(in Caller caller, ServerSession session, TransferSubscriptionsRequest request)
    {
        var status = caller.CheckCount(request.SubscriptionIds.Length);
        var core = caller.Core;
        return status.IsBad ? status : caller.Answer(new TransferSubscriptionsResponse
        {
            Results = Array.ConvertAll(request.SubscriptionIds, id => Transfer(core, session, id, request.SendInitialValues)),
        });
    }

    public static StatusCode Publish(in Caller caller, ServerSession session, PublishRequest request)
    {
        var core = caller.Core;
        var acknowledgements = request.SubscriptionAcknowledgements;
        if (acknowledgements.Length > core.Options.OperationsMax)
        {
            return StatusCodes.BadTooManyOperations;
        }

        var results = Array.ConvertAll(acknowledgements, a => session.Subscriptions.TryGetValue(a.SubscriptionId, out var acknowledged)
            ? acknowledged.Acknowledge(a.SequenceNumber)
            : StatusCodes.BadSubscriptionIdInvalid);
        if (session.Subscriptions.Count == 0 && !session.HasStatusChange)
        {
            return StatusCodes.BadNoSubscription;
        }

        if (session.TicketCount >= core.Options.PublishRequestsMax && session.TakeTicket() is { } oldest)
        {
            oldest.Connection.SendFault(oldest.RequestId, oldest.RequestHandle, StatusCodes.BadTooManyPublishRequests);
        }

        session.Add(new PublishTicket(
            caller.Connection,
            caller.RequestId,
            caller.Header.RequestHandle,
            caller.Header.TimeoutHint,
            core.Time.GetTimestamp(),
            results));
        AnswerLate(session);
        return StatusCode.Good;
    }

    public static StatusCode Republish(in Caller caller, ServerSession session, RepublishRequest request)
    {
        if (!session.Subscriptions.TryGetValue(request.SubscriptionId, out var subscription))
        {
            return StatusCodes.BadSubscriptionIdInvalid;
        }

        subscription.ResetLifetime();
        return subscription.Find(request.RetransmitSequenceNumber) is { } message
            ? caller.Answer(new RepublishResponse { NotificationMessage = message })
            : StatusCodes.BadMessageNotAvailable;
    }

    /// <summary>Requests of a session that has no subscription left can never be answered otherwise.</summary>
    private static void RefuseWithoutSubscriptions(ServerSession session)
    {
        if (session.Subscriptions.Count == 0)
        {
            session.RefuseAll(StatusCodes.BadNoSubscription);
        }
    }

    /// <summary>The highest priority goes first, and among equals the one that has waited longest.</summary>
    private static void AnswerLate(ServerSession session)
    {
        if (session.Subscriptions.Count == 1)
        {
            session.Subscriptions.Values.First().Answer();
            return;
        }

        foreach (var subscription in session.Subscriptions.Values.OrderByDescending(s => s.Settings.Priority).ThenBy(s => s.ServedAt))
        {
            subscription.Answer();
        }
    }

    private static TransferResult Transfer(ServerCore core, ServerSession session, uint id, bool sendInitialValues)
    {
        if (!core.Subscriptions.TryFind(id, out var subscription))
        {
            return new TransferResult(StatusCodes.BadSubscriptionIdInvalid, []);
        }

        if (subscription.Session != session && !session.Identity!.MayTakeOverFrom(subscription.Owner))
        {
            return new TransferResult(StatusCodes.BadUserAccessDenied, []);
        }

        if (subscription.Session is { } old && old != session)
        {
            old.Subscriptions.Remove(id);
            subscription.TellStatus(old, StatusCodes.GoodSubscriptionTransferred);
            RefuseWithoutSubscriptions(old);
        }

        subscription.MoveTo(session);
        session.Subscriptions[id] = subscription;
        if (sendInitialValues)
        {
            foreach (var item in subscription.Items.Values.Where(i => i.Mode == MonitoringMode.Reporting))
            {
                MonitoredItemService.ShowPresentValue(item, evenIfUnchanged: true);
            }
        }

        ServerLog.SubscriptionTransferred(core.Logger, id, session.Name);
        return new TransferResult(StatusCode.Good, subscription.Available);
    }
}
