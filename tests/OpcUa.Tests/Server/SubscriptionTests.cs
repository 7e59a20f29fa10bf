using ZfRepl.OpcUa.Server;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>Subscriptions by the state table of the specification, in time that the test owns.</summary>
public sealed class SubscriptionTests : IAsyncLifetime
{
    private const int IntervalMs = 100;

    private readonly ManualTime _time = new();
    private ServerUnderTest _server = null!;
    private PipeClient _client = null!;
    private Variable[] _variables = [];

    public async Task InitializeAsync()
    {
        _server = await ServerUnderTest.StartAsync(o => o with { RetransmissionQueueMax = 5, PublishRequestsMax = 3 }, _time);
        _variables = _server.AddVariables(3);
        _client = await PipeClient.SessionAsync(_server);
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Keep_alives_carry_the_next_number_and_use_up_none()
    {
        var subscription = await _client.SubscribeAsync(IntervalMs, keepAliveCount: 3);

        // The first interval has a message whatever happens, so that the client knows that the subscription works.
        var first = await CycleAsync(1);
        Assert.Empty(first.NotificationMessage.NotificationData);
        Assert.Equal(1u, first.NotificationMessage.SequenceNumber);

        var second = await _client.PublishAsync();
        await SyncAsync();
        Cycles(2);
        await _client.MonitorAsync(subscription, ["ns=1;s=V0"]);
        Cycles(1);
        var data = await _client.AnswerAsync<PublishResponse>(second);
        Assert.Single(PipeClient.Changes(data.NotificationMessage));
        Assert.Equal(1u, data.NotificationMessage.SequenceNumber);

        var third = await _client.PublishAsync();
        await SyncAsync();
        Cycles(2);
        _variables[1].Set(ServerUnderTest.At(new Variant(5L), 5));
        Assert.Equal(0, _client.EarlyCount);
        Cycles(1);
        var keepAlive = await _client.AnswerAsync<PublishResponse>(third);
        Assert.Empty(keepAlive.NotificationMessage.NotificationData);
        Assert.Equal(2u, keepAlive.NotificationMessage.SequenceNumber);
        Assert.Equal([1u], keepAlive.AvailableSequenceNumbers);

        _variables[0].Set(ServerUnderTest.At(new Variant(6L), 6));
        Assert.Equal(2u, (await CycleAsync(1)).NotificationMessage.SequenceNumber);
    }

    [Fact]
    public async Task Without_a_publish_request_a_subscription_ends_after_its_lifetime_and_its_session_is_told()
    {
        var subscription = await _client.SubscribeAsync(IntervalMs, keepAliveCount: 2, lifetimeCount: 20);
        await _client.MonitorAsync(subscription, ["ns=1;s=V0"]);
        Cycles(19);
        Assert.Equal(1u, (await _client.NextAsync()).NotificationMessage.SequenceNumber);
        Cycles(19);
        Assert.NotNull(await _client.RepublishAsync(subscription, 1));
        Cycles(19);
        Assert.Equal(StatusCode.Good, await _client.ResultAsync(new SetPublishingModeRequest { PublishingEnabled = true, SubscriptionIds = [subscription] }));
        Cycles(20);
        var told = await _client.NextAsync();
        Assert.Equal(subscription, told.SubscriptionId);
        Assert.Equal(StatusCodes.BadTimeout, PipeClient.StatusChange(told.NotificationMessage));
        Assert.Equal(StatusCodes.BadNoSubscription, await _client.ResultAsync(new PublishRequest()));
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, await _client.ResultAsync(new RepublishRequest { SubscriptionId = subscription, RetransmitSequenceNumber = 1 }));
        Assert.Equal(0, ItemCount());
    }

    [Fact]
    public async Task Republish_is_bounded_and_the_oldest_messages_go_first()
    {
        var subscription = await _client.SubscribeAsync(IntervalMs);
        await _client.MonitorAsync(subscription, ["ns=1;s=V0"]);
        for (var n = 1; n <= 7; n++)
        {
            _variables[0].Set(ServerUnderTest.At(new Variant((long)n), n));
            Assert.Equal((uint)n, (await CycleAsync(1)).NotificationMessage.SequenceNumber);
        }

        for (var n = 1u; n <= 8; n++)
        {
            var message = await _client.RepublishAsync(subscription, n);
            Assert.Equal(n is >= 3 and <= 7, message is not null);
        }

        Assert.Contains(_server.Log.Lines, l => l.Text.Contains("cannot be republished", StringComparison.Ordinal));
    }

    [Fact]
    public async Task More_values_than_one_notification_takes_come_in_several_in_order()
    {
        var subscription = await _client.SubscribeAsync(IntervalMs, valuesMax: 4);
        await _client.MonitorAsync(subscription, ["ns=1;s=V0", "ns=1;s=V1"]);
        for (var n = 1; n < 6; n++)
        {
            _variables[0].Set(ServerUnderTest.At(new Variant((long)n), n));
            _variables[1].Set(ServerUnderTest.At(new Variant((long)-n), n));
        }

        var first = await _client.PublishAsync();
        var second = await _client.PublishAsync();
        await SyncAsync();
        Cycles(1);
        var messages = new List<PublishResponse>
        {
            await _client.AnswerAsync<PublishResponse>(first),
            await _client.AnswerAsync<PublishResponse>(second),

            // The third request comes late and is answered at once.
            await _client.NextAsync(),
        };
        Assert.Equal([true, true, false], messages.Select(m => m.MoreNotifications));
        Assert.Equal([1u, 2u, 3u], messages.Select(m => m.NotificationMessage.SequenceNumber));
        var changes = messages.SelectMany(m => PipeClient.Changes(m.NotificationMessage)).ToLookup(c => c.ClientHandle, c => c.Value.Value.GetInt64());
        Assert.Equal([0, 1, 2, 3, 4, 5], changes[0]);
        Assert.Equal([0, -1, -2, -3, -4, -5], changes[1]);
    }

    [Fact]
    public async Task The_oldest_of_too_many_publish_requests_is_refused()
    {
        await _client.SubscribeAsync(IntervalMs);
        var oldest = await _client.PublishAsync();
        for (var i = 0; i < 3; i++)
        {
            await _client.PublishAsync();
        }

        Assert.Equal(StatusCodes.BadTooManyPublishRequests, (await _client.AnyAsync(oldest)).Header.ServiceResult);
    }

    [Fact]
    public async Task A_publish_request_that_nobody_waits_for_any_more_is_refused()
    {
        await _client.SubscribeAsync(60_000);
        _client.TimeoutHint = 3000;
        var waiting = await _client.PublishAsync();
        await SyncAsync();
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(StatusCodes.BadTimeout, (await _client.AnyAsync(waiting)).Header.ServiceResult);
    }

    [Fact]
    public async Task A_publish_request_can_be_cancelled()
    {
        await _client.SubscribeAsync(60_000);
        var waiting = await _client.PublishAsync();
        var handle = waiting;
        var cancelled = await _client.RequestAsync<CancelRequest, CancelResponse>(new CancelRequest { RequestHandle = handle });
        Assert.Equal(1u, cancelled.CancelCount);
        Assert.Equal(StatusCodes.BadRequestCancelledByClient, (await _client.AnyAsync(waiting)).Header.ServiceResult);
    }

    [Fact]
    public async Task Deleting_the_last_subscription_answers_the_requests_that_wait()
    {
        var subscription = await _client.SubscribeAsync(IntervalMs);
        var waiting = await _client.PublishAsync();
        var deleted = await _client.RequestAsync<DeleteSubscriptionsRequest, DeleteSubscriptionsResponse>(new() { SubscriptionIds = [subscription, 99] });
        Assert.Equal([StatusCode.Good, StatusCodes.BadSubscriptionIdInvalid], deleted.Results);
        Assert.Equal(StatusCodes.BadNoSubscription, (await _client.AnyAsync(waiting)).Header.ServiceResult);
    }

    [Theory]
    [InlineData(true, 4u, new[] { 7L, 8, 9, 10 }, 0)]
    [InlineData(false, 4u, new[] { 0L, 1, 2, 10 }, 3)]
    [InlineData(true, 1u, new[] { 10L }, -1)]
    [InlineData(false, 1u, new[] { 10L }, -1)]
    [InlineData(true, 11u, new[] { 0L, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, -1)]
    public async Task A_full_queue_loses_values_and_marks_the_place(bool discardOldest, uint queueSize, long[] expected, int marked)
    {
        var subscription = await _client.SubscribeAsync(IntervalMs);
        await _client.MonitorAsync(subscription, ["ns=1;s=V0"], queueSize, discardOldest);
        for (var n = 1; n <= 10; n++)
        {
            _variables[0].Set(ServerUnderTest.At(new Variant((long)n), n, StatusCodes.UncertainLastUsableValue));
        }

        var changes = PipeClient.Changes((await CycleAsync(1)).NotificationMessage);
        Assert.Equal(expected, changes.Select(c => c.Value.Value.GetInt64()));
        for (var i = 0; i < changes.Length; i++)
        {
            Assert.Equal(i == marked, changes[i].Value.Status.HasOverflow);
            Assert.Equal(expected[i] == 0 ? StatusCode.Good : StatusCodes.UncertainLastUsableValue, changes[i].Value.Status.WithoutOverflow());
        }

        // The mark belongs to the loss: what follows has none.
        _variables[0].Set(ServerUnderTest.At(new Variant(11L), 11));
        Assert.Equal(StatusCode.Good, Assert.Single(PipeClient.Changes((await CycleAsync(1)).NotificationMessage)).Value.Status);
    }

    [Fact]
    public async Task The_room_for_all_queues_together_is_bounded_and_a_loss_is_marked()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { QueuedValuesMax = 100 }, _time);
        var variable = server.AddVariables(1)[0];
        await using var client = await PipeClient.SessionAsync(server);
        var subscription = await client.SubscribeAsync(IntervalMs);
        await client.MonitorAsync(subscription, ["ns=1;s=V0"], queueSize: 1000);
        for (var n = 1; n <= 500; n++)
        {
            variable.Set(ServerUnderTest.At(new Variant((long)n), n));
        }

        var publish = await client.PublishAsync();
        await client.ResultAsync(new ReadRequest());
        Cycles(1);
        var changes = PipeClient.Changes((await client.AnswerAsync<PublishResponse>(publish)).NotificationMessage);
        Assert.InRange(changes.Length, 50, 100);
        Assert.Equal(500L, changes[^1].Value.Value.GetInt64());
        Assert.True(changes[0].Value.Status.HasOverflow);
        Assert.Equal(Enumerable.Range(501 - changes.Length, changes.Length).Select(n => (long)n), changes.Select(c => c.Value.Value.GetInt64()));
    }

    public static TheoryData<int, double, int[]> Filters() => new()
    {
        { (int)DataChangeTrigger.Status, 0, [0, 4] },
        { (int)DataChangeTrigger.StatusValue, 0, [0, 2, 4, 5] },
        { (int)DataChangeTrigger.StatusValueTimestamp, 0, [0, 1, 2, 3, 4, 5] },
        { (int)DataChangeTrigger.StatusValue, 0.5, [0, 4, 5] },
    };

    [Theory]
    [MemberData(nameof(Filters))]
    public async Task A_filter_decides_what_is_a_change(int trigger, double deadband, int[] expected)
    {
        var variable = _server.Add("F", new Variant(1.0));
        DataValue[] values =
        [
            ServerUnderTest.At(new Variant(1.0), 1),
            ServerUnderTest.At(new Variant(1.5), 2),
            ServerUnderTest.At(new Variant(1.5), 3),
            ServerUnderTest.At(new Variant(1.5), 3, StatusCodes.UncertainLastUsableValue),
            ServerUnderTest.At(new Variant(2.25), 3, StatusCodes.UncertainLastUsableValue),
        ];
        var subscription = await _client.SubscribeAsync(IntervalMs);
        var filter = new DataChangeFilter
        {
            Trigger = (DataChangeTrigger)trigger,
            DeadbandType = deadband > 0 ? DeadbandType.Absolute : DeadbandType.None,
            DeadbandValue = deadband,
        };
        await _client.MonitorAsync(subscription, ["ns=1;s=F"], filter: filter);
        foreach (var value in values)
        {
            variable.Set(value);
        }

        DataValue[] all = [ServerUnderTest.At(new Variant(1.0), 0), .. values];
        var changes = PipeClient.Changes((await CycleAsync(1)).NotificationMessage);
        Assert.Equal(expected.Select(i => all[i]), changes.Select(c => WithoutServerTime(c.Value)));
    }

    [Theory]
    [InlineData(0, 1u, -1.0, "V0", 0x808E0000)]
    [InlineData(0, 1u, double.NaN, "V0", 0x808E0000)]
    [InlineData(1, 2u, 1.0, "V0", 0x80440000)]
    [InlineData(1, 1u, 1.0, "Text", 0x80450000)]
    [InlineData(7, 0u, 0.0, "V0", 0x80430000)]
    public async Task A_filter_that_makes_no_sense_is_refused(int trigger, uint deadbandType, double deadband, string node, uint status)
    {
        _server.Add("Text", new Variant("text"));
        var subscription = await _client.SubscribeAsync(IntervalMs);
        var filter = new DataChangeFilter { Trigger = (DataChangeTrigger)trigger, DeadbandType = (DeadbandType)deadbandType, DeadbandValue = deadband };
        var result = Assert.Single(await _client.MonitorAsync(subscription, ["ns=1;s=" + node], filter: filter));
        Assert.Equal(new StatusCode(status).ToString(), result.StatusCode.ToString());
        Assert.Equal(0, ItemCount());
    }

    [Fact]
    public async Task Sampled_items_see_the_value_at_each_interval()
    {
        var subscription = await _client.SubscribeAsync(1000);
        var created = await _client.MonitorAsync(subscription, ["ns=1;s=V0", "i=2258"], samplingInterval: 200);
        Assert.All(created, r => Assert.Equal(200, r.RevisedSamplingInterval));
        for (var n = 1; n <= 9; n++)
        {
            _variables[0].Set(ServerUnderTest.At(new Variant((long)n), n));
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        var publish = await _client.PublishAsync();
        await SyncAsync();
        _time.Advance(TimeSpan.FromMilliseconds(100));
        var changes = PipeClient.Changes((await _client.AnswerAsync<PublishResponse>(publish)).NotificationMessage).ToLookup(c => c.ClientHandle);
        Assert.Equal([0, 2, 4, 6, 8], changes[0].Select(c => c.Value.Value.GetInt64()).Take(5));
        var times = changes[1].Select(c => c.Value.Value.GetDateTime().Ticks).ToList();
        Assert.InRange(times.Count, 5, 6);
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.Equal(200 * TimeSpan.TicksPerMillisecond, pair.Second - pair.First));
    }

    [Fact]
    public async Task Modes_stop_and_start_sampling_and_reporting()
    {
        var subscription = await _client.SubscribeAsync(IntervalMs, keepAliveCount: 1);
        var item = Assert.Single(await _client.MonitorAsync(subscription, ["ns=1;s=V0"], mode: MonitoringMode.Sampling)).MonitoredItemId;
        _variables[0].Set(ServerUnderTest.At(new Variant(1L), 1));
        Assert.Empty((await CycleAsync(1)).NotificationMessage.NotificationData);
        await SetModeAsync(MonitoringMode.Reporting);
        Assert.Equal([0L, 1], Values(await CycleAsync(1)));
        await SetModeAsync(MonitoringMode.Disabled);
        _variables[0].Set(ServerUnderTest.At(new Variant(2L), 2));
        _variables[0].Set(ServerUnderTest.At(new Variant(3L), 3));
        Assert.Empty((await CycleAsync(1)).NotificationMessage.NotificationData);
        await SetModeAsync(MonitoringMode.Reporting);
        Assert.Equal([3L], Values(await CycleAsync(1)));

        async Task SetModeAsync(MonitoringMode mode) => Assert.Equal(
            [StatusCode.Good, StatusCodes.BadMonitoredItemIdInvalid],
            (await _client.RequestAsync<SetMonitoringModeRequest, SetMonitoringModeResponse>(new SetMonitoringModeRequest
            {
                SubscriptionId = subscription,
                MonitoringMode = mode,
                MonitoredItemIds = [item, 99],
            })).Results);
    }

    [Fact]
    public async Task Without_publishing_values_wait_in_their_queues()
    {
        var subscription = await _client.SubscribeAsync(IntervalMs, keepAliveCount: 1, publishing: false);
        await _client.MonitorAsync(subscription, ["ns=1;s=V0"]);
        Assert.Empty((await CycleAsync(1)).NotificationMessage.NotificationData);
        _variables[0].Set(ServerUnderTest.At(new Variant(1L), 1));
        await _client.RequestAsync<SetPublishingModeRequest, SetPublishingModeResponse>(new() { PublishingEnabled = true, SubscriptionIds = [subscription] });
        Assert.Equal([0L, 1], Values(await CycleAsync(1)));
    }

    [Fact]
    public async Task Items_are_modified_and_deleted()
    {
        var subscription = await _client.SubscribeAsync(IntervalMs, keepAliveCount: 1);
        var item = Assert.Single(await _client.MonitorAsync(subscription, ["ns=1;s=V0"])).MonitoredItemId;
        await CycleAsync(1);
        var modified = await _client.RequestAsync<ModifyMonitoredItemsRequest, ModifyMonitoredItemsResponse>(new ModifyMonitoredItemsRequest
        {
            SubscriptionId = subscription,
            TimestampsToReturn = TimestampsToReturn.Source,
            ItemsToModify =
            [
                new MonitoredItemModifyRequest
                {
                    MonitoredItemId = item,
                    RequestedParameters = new MonitoringParameters { ClientHandle = 7, QueueSize = 2, SamplingInterval = 0 },
                },
            ],
        });
        Assert.Equal(2u, Assert.Single(modified.Results).RevisedQueueSize);
        for (var n = 1; n <= 3; n++)
        {
            _variables[0].Set(ServerUnderTest.At(new Variant((long)n), n));
        }

        var changes = PipeClient.Changes((await CycleAsync(1)).NotificationMessage);
        Assert.Equal([2L, 3], changes.Select(c => c.Value.Value.GetInt64()));
        Assert.All(changes, c => Assert.Equal((7u, true), (c.ClientHandle, c.Value.ServerTimestamp.IsNull)));
        await _client.RequestAsync<DeleteMonitoredItemsRequest, DeleteMonitoredItemsResponse>(new() { SubscriptionId = subscription, MonitoredItemIds = [item] });
        _variables[0].Set(ServerUnderTest.At(new Variant(9L), 9));
        Assert.Empty((await CycleAsync(1)).NotificationMessage.NotificationData);
        Assert.Equal(0, ItemCount());
    }

    [Fact]
    public async Task Items_that_come_and_go_without_publishing_leave_nothing_behind()
    {
        var id = await _client.SubscribeAsync(IntervalMs, publishing: false);
        await _client.MonitorAsync(id, ["ns=1;s=V1"]);
        for (var i = 0; i < 20; i++)
        {
            var items = await _client.MonitorAsync(id, Enumerable.Repeat("ns=1;s=V0", 100));
            await _client.RequestAsync<DeleteMonitoredItemsRequest, DeleteMonitoredItemsResponse>(new DeleteMonitoredItemsRequest
            {
                SubscriptionId = id,
                MonitoredItemIds = Array.ConvertAll(items, r => r.MonitoredItemId),
            });
        }

        lock (_server.Server.Core.Gate)
        {
            Assert.True(_server.Server.Core.Subscriptions.TryFind(id, out var subscription));
            Assert.InRange(subscription.Queues.Ready.Count, 1, 250);
        }

        await _client.RequestAsync<SetPublishingModeRequest, SetPublishingModeResponse>(new() { PublishingEnabled = true, SubscriptionIds = [id] });
        Assert.Equal([0L], Values(await CycleAsync(1)));
    }

    [Fact]
    public async Task After_the_last_number_comes_one()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { FirstSequenceNumber = uint.MaxValue - 1 }, _time);
        var variable = server.AddVariables(1)[0];
        await using var client = await PipeClient.SessionAsync(server);
        var subscription = await client.SubscribeAsync(IntervalMs);
        await client.MonitorAsync(subscription, ["ns=1;s=V0"]);
        uint[] numbers = [uint.MaxValue - 1, uint.MaxValue, 1, 2];
        PublishResponse? last = null;
        foreach (var number in numbers)
        {
            var publish = await client.PublishAsync();
            await client.ResultAsync(new ReadRequest());
            Cycles(1);
            last = await client.AnswerAsync<PublishResponse>(publish);
            Assert.Equal(number, last.NotificationMessage.SequenceNumber);
            variable.Set(ServerUnderTest.At(new Variant((long)number), number));
        }

        Assert.Equal(numbers, last!.AvailableSequenceNumbers);
        Assert.NotNull(await client.RepublishAsync(subscription, uint.MaxValue));
    }

    [Fact]
    public async Task Subscriptions_share_the_requests_of_their_session()
    {
        var slow = await _client.SubscribeAsync(IntervalMs);
        var fast = await _client.SubscribeAsync(IntervalMs);
        await _client.MonitorAsync(slow, ["ns=1;s=V0"]);
        await _client.MonitorAsync(fast, ["ns=1;s=V1"]);
        var requests = new[] { await _client.PublishAsync(), await _client.PublishAsync() };
        await SyncAsync();
        Cycles(1);
        var answers = new[] { await _client.AnswerAsync<PublishResponse>(requests[0]), await _client.AnswerAsync<PublishResponse>(requests[1]) };
        Assert.Equal([slow, fast], answers.Select(a => a.SubscriptionId).Order());
    }

    private static DataValue WithoutServerTime(DataValue value) =>
        value with { ServerTimestamp = default, Fields = value.Fields & ~DataValueFields.ServerTimestamp };

    private static IEnumerable<long> Values(PublishResponse response) =>
        PipeClient.Changes(response.NotificationMessage).Select(c => c.Value.Value.GetInt64());

    private int ItemCount()
    {
        lock (_server.Server.Core.Gate)
        {
            return _server.Server.Core.Subscriptions.ItemCount;
        }
    }

    private void Cycles(int count) => _time.Advance(TimeSpan.FromMilliseconds(IntervalMs * count));

    /// <summary>When this is answered, the server has taken everything that was sent before.</summary>
    private Task<StatusCode> SyncAsync() => _client.ResultAsync(new ReadRequest());

    /// <summary>A Publish that waits while so many publishing intervals pass, and its answer.</summary>
    private async Task<PublishResponse> CycleAsync(int count)
    {
        var publish = await _client.PublishAsync();
        await SyncAsync();
        Cycles(count);
        return await _client.AnswerAsync<PublishResponse>(publish);
    }
}
