using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>The services of monitored items (OPC 10000-4, 5.13). Called under the gate.</summary>
internal static class MonitoredItemService
{
    /// <summary>How often a value is looked at that does not tell of its changes.</summary>
    private const double LiveSamplingMs = 1000;

    private const double SamplingMsMax = 24 * 3600 * 1000;

    public static StatusCode Create(in Caller caller, ServerSession session, CreateMonitoredItemsRequest request)
    {
        var status = Check(caller, session, request.SubscriptionId, request.ItemsToCreate.Length, out var subscription);
        if (subscription is null)
        {
            return status;
        }

        if (request.TimestampsToReturn is < TimestampsToReturn.Source or > TimestampsToReturn.Neither)
        {
            return StatusCodes.BadTimestampsToReturnInvalid;
        }

        var core = caller.Core;
        var room = core.Options.MonitoredItemsMax - core.Subscriptions.ItemCount;
        return caller.Answer(new CreateMonitoredItemsResponse
        {
            Results = Array.ConvertAll(request.ItemsToCreate, item => room-- > 0
                ? Create(core, subscription, item, request.TimestampsToReturn)
                : new MonitoredItemCreateResult { StatusCode = StatusCodes.BadTooManyMonitoredItems }),
        });
    }

    public static StatusCode Modify(in Caller caller, ServerSession session, ModifyMonitoredItemsRequest request)
    {
        var status = Check(caller, session, request.SubscriptionId, request.ItemsToModify.Length, out var subscription);
        if (subscription is null)
        {
            return status;
        }

        if (request.TimestampsToReturn is < TimestampsToReturn.Source or > TimestampsToReturn.Neither)
        {
            return StatusCodes.BadTimestampsToReturnInvalid;
        }

        var core = caller.Core;
        return caller.Answer(new ModifyMonitoredItemsResponse
        {
            Results = Array.ConvertAll(request.ItemsToModify, item => Modify(core, subscription, item, request.TimestampsToReturn)),
        });
    }

    public static StatusCode SetMode(in Caller caller, ServerSession session, SetMonitoringModeRequest request)
    {
        var status = Check(caller, session, request.SubscriptionId, request.MonitoredItemIds.Length, out var subscription);
        if (subscription is null)
        {
            return status;
        }

        if (request.MonitoringMode is < MonitoringMode.Disabled or > MonitoringMode.Reporting)
        {
            return StatusCodes.BadMonitoringModeInvalid;
        }

        var core = caller.Core;
        return caller.Answer(new SetMonitoringModeResponse
        {
            Results = Array.ConvertAll(request.MonitoredItemIds, id =>
            {
                if (!subscription.Items.TryGetValue(id, out var item))
                {
                    return StatusCodes.BadMonitoredItemIdInvalid;
                }

                SetMode(core, item, request.MonitoringMode);
                return StatusCode.Good;
            }),
        });
    }

    public static StatusCode Delete(in Caller caller, ServerSession session, DeleteMonitoredItemsRequest request)
    {
        var status = Check(caller, session, request.SubscriptionId, request.MonitoredItemIds.Length, out var subscription);
        if (subscription is null)
        {
            return status;
        }

        var core = caller.Core;
        return caller.Answer(new DeleteMonitoredItemsResponse
        {
            Results = Array.ConvertAll(request.MonitoredItemIds, id =>
            {
                if (!subscription.Items.TryGetValue(id, out var item))
                {
                    return StatusCodes.BadMonitoredItemIdInvalid;
                }

                core.Subscriptions.Unhook(item);
                subscription.Remove(item);
                return StatusCode.Good;
            }),
        });
    }

    /// <summary>Puts the present value of what is monitored into the item's queue.</summary>
    public static void ShowPresentValue(MonitoredItem item, bool evenIfUnchanged)
    {
        if (item.Attribute == AttributeId.Value && item.Node.Variable is { } variable)
        {
            variable.Show(item, evenIfUnchanged);
        }
        else
        {
            item.Take(NodeAttributes.Read(item.Node, item.Attribute), evenIfUnchanged);
        }
    }

    private static StatusCode Check(
        in Caller caller, ServerSession session, uint subscriptionId, int operations, out Subscription? subscription)
    {
        if (!session.Subscriptions.TryGetValue(subscriptionId, out subscription))
        {
            return StatusCodes.BadSubscriptionIdInvalid;
        }

        var status = caller.CheckCount(operations);
        if (status.IsBad)
        {
            subscription = null;
            return status;
        }

        subscription.ResetLifetime();
        return StatusCode.Good;
    }

    private static MonitoredItemCreateResult Create(
        ServerCore core, Subscription subscription, MonitoredItemCreateRequest request, TimestampsToReturn timestamps)
    {
        var target = request.ItemToMonitor;
        var status = AttributeService.Check(core.AddressSpace, target, out var node);
        if (node is not null && request.MonitoringMode is < MonitoringMode.Disabled or > MonitoringMode.Reporting)
        {
            status = StatusCodes.BadMonitoringModeInvalid;
        }

        var settings = default(ItemSettings);
        if (status.IsGood)
        {
            status = TryRevise(core, subscription, node!, target.AttributeId, request.RequestedParameters, timestamps, out settings);
        }

        if (status.IsBad)
        {
            return new MonitoredItemCreateResult { StatusCode = status };
        }

        var item = new MonitoredItem(subscription.NextItemId(), node!, target.AttributeId, subscription.Queues, settings);
        subscription.Add(item);
        SetMode(core, item, request.MonitoringMode);
        return new MonitoredItemCreateResult
        {
            MonitoredItemId = item.Id,
            RevisedSamplingInterval = settings.SamplingInterval,
            RevisedQueueSize = (uint)settings.QueueSize,
        };
    }

    private static MonitoredItemModifyResult Modify(
        ServerCore core, Subscription subscription, MonitoredItemModifyRequest request, TimestampsToReturn timestamps)
    {
        if (!subscription.Items.TryGetValue(request.MonitoredItemId, out var item))
        {
            return new MonitoredItemModifyResult { StatusCode = StatusCodes.BadMonitoredItemIdInvalid };
        }

        var status = TryRevise(core, subscription, item.Node, item.Attribute, request.RequestedParameters, timestamps, out var settings);
        if (status.IsBad)
        {
            return new MonitoredItemModifyResult { StatusCode = status };
        }

        if (settings.SamplingInterval != item.Settings.SamplingInterval)
        {
            core.Subscriptions.Disconnect(item);
            item.Change(settings);
            core.Subscriptions.Hook(item);

            // A change that has come just now is not to be missed.
            ShowPresentValue(item, evenIfUnchanged: false);
        }
        else
        {
            item.Change(settings);
        }

        return new MonitoredItemModifyResult
        {
            RevisedSamplingInterval = settings.SamplingInterval,
            RevisedQueueSize = (uint)settings.QueueSize,
        };
    }

    private static void SetMode(ServerCore core, MonitoredItem item, MonitoringMode mode)
    {
        var before = item.Mode;
        if (before != MonitoringMode.Disabled && mode == MonitoringMode.Disabled)
        {
            core.Subscriptions.Unhook(item);
            return;
        }

        item.SetMode(mode);
        if (before == MonitoringMode.Disabled && mode != MonitoringMode.Disabled)
        {
            core.Subscriptions.Hook(item);
            ShowPresentValue(item, evenIfUnchanged: false);
        }
    }

    private static StatusCode TryRevise(
        ServerCore core,
        Subscription subscription,
        ServerNode node,
        AttributeId attribute,
        MonitoringParameters wanted,
        TimestampsToReturn timestamps,
        out ItemSettings settings)
    {
        settings = default;
        var status = ChangeFilter.TryRead(wanted.Filter, node, attribute, out var filter);
        if (status.IsBad)
        {
            return status;
        }

        var size = (int)Math.Clamp(wanted.QueueSize, 1u, (uint)core.Options.QueueSizeMax);
        var interval = SamplingInterval(core.Options, subscription, node, attribute, wanted.SamplingInterval);
        settings = new ItemSettings(wanted.ClientHandle, interval, size, wanted.DiscardOldest, filter, timestamps);
        return StatusCode.Good;
    }

    private static double SamplingInterval(
        UaServerOptions options, Subscription subscription, ServerNode node, AttributeId attribute, double wanted)
    {
        var interval = wanted < 0 || double.IsNaN(wanted) ? subscription.Settings.PublishingIntervalMs : wanted;
        if (attribute != AttributeId.Value || node.Variable is not { } variable)
        {
            return 0;
        }

        if (interval == 0)
        {
            return variable.IsLive ? LiveSamplingMs : 0;
        }

        return Math.Clamp(Math.Ceiling(interval), options.SamplingIntervalMin.TotalMilliseconds, SamplingMsMax);
    }
}
