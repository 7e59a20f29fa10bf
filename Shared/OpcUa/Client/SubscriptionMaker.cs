using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>Makes subscriptions and their items at the server, and deletes them.</summary>
internal sealed class SubscriptionMaker(Session session, ToldOnce told, ILogger logger)
{
    private const int NamedCausesMax = 5;
    private const int SimplificationsMax = 2;

    private static readonly StatusCode[] FilterRefusals =
    [
        StatusCodes.BadMonitoredItemFilterUnsupported, StatusCodes.BadMonitoredItemFilterInvalid, StatusCodes.BadFilterNotAllowed,
        StatusCodes.BadDeadbandFilterInvalid,
    ];

    /// <summary>Makes a subscription with all items. Items that are refused are marked so and named in the log.</summary>
    /// <returns>An error when there is no subscription; one that was begun is deleted again.</returns>
    public async Task<UaResult<SavedSubscription>> MakeAsync(
        PlannedSubscription plan, IReadOnlyList<PlannedItem> items, CancellationToken cancellationToken)
    {
        var answer = await session.CallAsync<CreateSubscriptionRequest, CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestedPublishingInterval = plan.PublishingMs,
                RequestedMaxKeepAliveCount = plan.KeepAliveCount,
                RequestedLifetimeCount = plan.LifetimeCount,
                MaxNotificationsPerPublish = plan.NotificationValuesMax,
                PublishingEnabled = true,
            },
            cancellationToken);
        if (answer.Error is { } refused)
        {
            return refused;
        }

        told.Clear();
        var created = answer.Value;
        var interval = created.RevisedPublishingInterval;
        var subscription = new SavedSubscription
        {
            Id = created.SubscriptionId,
            Incarnation = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
            Plan = plan,
            PublishingMs = double.IsFinite(interval) && interval > 0
                ? Math.Min(interval, SubscriptionStateCodec.MillisecondsMax)
                : plan.PublishingMs,
            KeepAliveCount = Math.Max(1, created.RevisedMaxKeepAliveCount),
            LifetimeCount = Math.Max(3, created.RevisedLifetimeCount),
            Items = items,
            Accepted = new bool[items.Count],
        };
        if (await AddItemsAsync(subscription, cancellationToken) is { } error)
        {
            await DeleteAsync([subscription.Id], cancellationToken);
            return error;
        }

        ClientLog.SubscriptionMade(
            logger, subscription.Id, items.Count, subscription.Accepted.Count(a => !a), subscription.PublishingMs);
        return subscription;
    }

    /// <summary>Asks for all items that the server does not watch yet.</summary>
    /// <returns>An error when a whole request failed; what the requests before it have brought counts.</returns>
    public async Task<UaError?> AddItemsAsync(SavedSubscription subscription, CancellationToken cancellationToken)
    {
        var open = Enumerable.Range(0, subscription.Items.Count).Where(i => !subscription.Accepted[i]).ToList();
        var asked = open.Where(i => !subscription.Items[i].Node.IsNull).ToList();
        var results = new Dictionary<int, MonitoredItemCreateResult>();
        var tried = asked;
        for (var simplification = 0; simplification <= SimplificationsMax && tried.Count > 0; simplification++)
        {
            var created = await CreateAsync(subscription, tried, simplification, results, cancellationToken);
            if (created.Error is { } error)
            {
                // An item that is there must not be asked for once more: it would be watched twice.
                Accept(subscription, results);
                return error;
            }

            var simplified = tried.Count(i => results[i].StatusCode.IsGood);
            if (simplification > 0 && simplified > 0 && told.IsNew("filter"))
            {
                ClientLog.FilterRefused(logger, simplified);
            }

            tried = [.. tried.Where(i => Array.Exists(FilterRefusals, results[i].StatusCode.Is))];
        }

        Accept(subscription, results);
        Report(subscription, open, results);
        return null;
    }

    /// <summary>Deletes subscriptions; those that are not there any more are as good as deleted.</summary>
    public async Task DeleteAsync(uint[] ids, CancellationToken cancellationToken)
    {
        var answer = await session.CallAsync<DeleteSubscriptionsRequest, DeleteSubscriptionsResponse>(
            new DeleteSubscriptionsRequest { SubscriptionIds = ids }, cancellationToken);
        var failure = answer.Error
            ?? answer.Value.Results.Where(r => r.IsBad && !r.Is(StatusCodes.BadSubscriptionIdInvalid))
                .Select(r => new UaError(r, "refused")).FirstOrDefault();
        if (failure is not null)
        {
            ClientLog.NotDeleted(logger, failure.ToString());
        }
    }

    private static void Accept(SavedSubscription subscription, Dictionary<int, MonitoredItemCreateResult> results)
    {
        foreach (var (index, result) in results)
        {
            subscription.Accepted[index] = !result.StatusCode.IsBad;
        }
    }

    private Task<UaResult<IReadOnlyList<MonitoredItemCreateResult>>> CreateAsync(
        SavedSubscription subscription, List<int> indexes, int simplification, Dictionary<int, MonitoredItemCreateResult> all,
        CancellationToken cancellationToken) =>
        OperationLimits.InPartsAsync<int, MonitoredItemCreateResult>(indexes, session.Limits.MonitoredItems, async part =>
        {
            var answer = await session.CallAsync<CreateMonitoredItemsRequest, CreateMonitoredItemsResponse>(
                new CreateMonitoredItemsRequest
                {
                    SubscriptionId = subscription.Id,
                    TimestampsToReturn = TimestampsToReturn.Both,
                    ItemsToCreate = [.. part.Select(index => ToRequest(index, subscription.Items[index], simplification))],
                },
                cancellationToken);
            if (answer.Error is { } error)
            {
                return error;
            }

            var results = answer.Value.Results;
            for (var i = 0; i < part.Length && results.Length == part.Length; i++)
            {
                all[part[i]] = results[i];
            }

            return results;
        });

    private static MonitoredItemCreateRequest ToRequest(int index, PlannedItem item, int simplification) => new MonitoredItemCreateRequest
    {
        ItemToMonitor = new ReadValueId { NodeId = item.Node },
        RequestedParameters = new MonitoringParameters
        {
            ClientHandle = (uint)index,
            SamplingInterval = item.SamplingMs,
            QueueSize = item.QueueSize,
            DiscardOldest = true,
            Filter = FilterOf(item, simplification) is { } filter ? ExtensionCodec.Pack(filter) : null,
        },
    };

    /// <summary>
    /// What is asked for, from the best to what even the smallest server takes. A dead band goes by value, since a time of its own would make
    /// every change count (OPC 10000-4, 7.10); on texts and the like it is refused, and every change is better than none. Equal values with
    /// a new time count, too, where the server can tell.
    /// </summary>
    private static DataChangeFilter? FilterOf(PlannedItem item, int simplification)
    {
        var hasDeadband = item.Deadband != DeadbandType.None;
        return simplification switch
        {
            0 when hasDeadband => new DataChangeFilter
            {
                Trigger = DataChangeTrigger.StatusValue,
                DeadbandType = (Services.DeadbandType)item.Deadband,
                DeadbandValue = item.DeadbandValue,
            },
            0 => new DataChangeFilter { Trigger = DataChangeTrigger.StatusValueTimestamp },
            1 when hasDeadband => new DataChangeFilter { Trigger = DataChangeTrigger.StatusValueTimestamp },
            _ => null,
        };
    }

    private void Report(SavedSubscription subscription, List<int> open, Dictionary<int, MonitoredItemCreateResult> results)
    {
        var refused = open.Where(i => !subscription.Accepted[i])
            .GroupBy(i => results.TryGetValue(i, out var result) ? result.StatusCode : StatusCodes.BadNodeIdUnknown);
        foreach (var cause in refused.OrderByDescending(g => g.Count()).Take(NamedCausesMax))
        {
            if (told.IsNew($"refused: {cause.Key}"))
            {
                ClientLog.ItemsRefused(logger, cause.Count(), cause.Key.ToString(), subscription.Items[cause.First()].Key);
            }
        }

        var taken = results.Where(r => subscription.Accepted[r.Key]).ToList();
        var shorter = taken.FindAll(r => r.Value.RevisedQueueSize < subscription.Items[r.Key].QueueSize);
        if (shorter.Count > 0 && told.IsNew("queue"))
        {
            var item = subscription.Items[shorter[0].Key];
            ClientLog.QueueRevised(logger, shorter.Count, item.Key, shorter[0].Value.RevisedQueueSize, (int)item.QueueSize);
        }

        var slower = taken.FindAll(r => r.Value.RevisedSamplingInterval > subscription.Items[r.Key].SamplingMs);
        if (slower.Count > 0 && told.IsNew("sampling"))
        {
            var item = subscription.Items[slower[0].Key];
            ClientLog.SamplingRevised(logger, slower.Count, item.Key, slower[0].Value.RevisedSamplingInterval, item.SamplingMs);
        }
    }
}
