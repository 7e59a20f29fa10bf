using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>The subscriber against a server that misbehaves as the test says.</summary>
public sealed class ScriptedSubscriberTests
{
    private static readonly IReadOnlyList<WatchedItem> One = [new(NodeId.Parse("ns=1;s=X"), "x", TimeSpan.Zero, 10)];

    private readonly Books _books = new();

    [Fact]
    public async Task Nothing_is_acknowledged_before_it_is_durable()
    {
        await using var server = new ScriptedServer();
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        await AcknowledgedAsync(server, 1);
        subscriber.Host.CloseGate();
        await server.PublishAsync(2);
        await server.PublishAsync(3);
        await server.KeepAliveAsync(4);
        await subscriber.UntilAsync(() => subscriber.Host.Open == 2, "two that are not durable");
        Assert.Equal([1u], server.Acknowledged);
        subscriber.Host.OpenGate();
        await subscriber.UntilAsync(() => _books.Count == 3, "all durable");
        await server.KeepAliveAsync(4);
        await server.KeepAliveAsync(4);
        await AcknowledgedAsync(server, 1, 2, 3);
        Assert.Equal([1.0, 2, 3], Values());
    }

    [Fact]
    public async Task A_number_that_is_left_out_is_asked_for_and_handed_over_in_order()
    {
        await using var server = new ScriptedServer();
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        server.Lose(2);
        server.Lose(3);
        await server.PublishAsync(4);
        await subscriber.UntilAsync(() => _books.Count == 4, "all four");
        server.Lose(5);
        await server.KeepAliveAsync(6);
        await subscriber.UntilAsync(() => _books.Count == 5, "what the keep-alive told of");
        Assert.Equal([1.0, 2, 3, 4, 5], Values());
        Assert.Equal(3, subscriber.State.Republished);
        Assert.Empty(_books.Losses);
    }

    [Fact]
    public async Task Answers_out_of_order_are_put_in_order()
    {
        await using var server = new ScriptedServer();
        await using var subscriber = Start(server);
        foreach (var number in new uint[] { 2, 1, 4, 5, 3 })
        {
            server.Lose(number);
        }

        foreach (var number in new uint[] { 2, 1, 4, 5, 3, 3, 1 })
        {
            await server.SendAsync(ScriptedServer.Message(number, number));
        }

        await server.KeepAliveAsync(6);
        await subscriber.UntilAsync(() => _books.Count == 5, "all five");
        Assert.Equal([1.0, 2, 3, 4, 5], Values());
        Assert.Equal(0, _books.EnteredTwice);
    }

    [Fact]
    public async Task What_the_server_has_not_got_is_a_gap_with_its_bounds_and_the_stream_goes_on()
    {
        await using var server = new ScriptedServer();
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        await server.PublishAsync(5);
        await subscriber.UntilAsync(() => _books.Count == 2, "both");
        var loss = Assert.Single(_books.Losses);
        Assert.Equal((NotificationLossKind.Gap, 2u, 4u), (loss.Kind, loss.FirstSequenceNumber, loss.LastSequenceNumber));
        Assert.Equal(ScriptedServer.Message(1).PublishTime, loss.From);
        Assert.Equal(ScriptedServer.Message(5).PublishTime, loss.To);
    }

    [Fact]
    public async Task A_notification_that_cannot_be_read_is_a_gap_and_is_acknowledged()
    {
        await using var server = new ScriptedServer();
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        var broken = new NotificationMessage
        {
            SequenceNumber = 2,
            NotificationData = [new ExtensionObject(new NodeId(DataChangeNotification.TypeId), [255, 255, 255, 127])],
        };
        server.Held[2] = broken;
        await server.SendAsync(broken);
        await server.PublishAsync(3);
        await subscriber.UntilAsync(() => _books.Count == 2, "the others");
        await server.KeepAliveAsync(4);
        await server.KeepAliveAsync(4);
        await subscriber.UntilAsync(() => server.Acknowledged.Contains(2u), "the acknowledgement");
        Assert.Equal((2u, 2u), (_books.Losses[0].FirstSequenceNumber, _books.Losses[0].LastSequenceNumber));
        Assert.Equal(0, subscriber.State.Reconnects);
    }

    [Fact]
    public async Task A_session_that_is_gone_is_replaced_and_the_subscription_transferred()
    {
        await using var server = new ScriptedServer();
        await using (var first = Start(server))
        {
            await server.PublishAsync(1);
            await first.UntilAsync(() => _books.Count == 1, "the first");
        }

        await server.AloneAsync();
        server.ForgetSessions();
        server.Lose(2);
        server.Lose(3);
        await using var second = Start(server);
        await second.UntilAsync(() => _books.Count == 3, "what was sent in between");

        // Number 4 was the notice to the former session.
        await server.PublishAsync(5);
        await second.UntilAsync(() => _books.Count == 4, "what comes after the notice");
        Assert.Equal([1.0, 2, 3, 5], Values());
        Assert.Empty(_books.Losses);
        Assert.Single(server.Requests, r => r == "CreateSubscription");
        await server.PublishAsync(7);
        await second.UntilAsync(() => _books.Losses.Count == 1, "a number that is really missing");
    }

    [Fact]
    public async Task A_restarted_server_is_not_asked_for_subscriptions_that_may_be_somebody_elses()
    {
        await using var server = new ScriptedServer();
        await using (var first = Start(server))
        {
            await server.PublishAsync(1);
            await first.UntilAsync(() => _books.Count == 1, "the first");
        }

        await server.AloneAsync();
        server.ForgetSessions();
        server.StartTime = new UaDateTime(server.StartTime.Ticks + TimeSpan.FromMinutes(1).Ticks);
        server.Held.Clear();
        await using var second = Start(server);
        await second.UntilAsync(() => _books.Losses.Count == 1, "the loss");
        Assert.Equal((NotificationLossKind.SubscriptionLost, 2u), (_books.Losses[0].Kind, _books.Losses[0].FirstSequenceNumber));
        Assert.DoesNotContain("TransferSubscriptions", server.Requests);
        await server.PublishAsync(1, 100);
        await second.UntilAsync(() => _books.Count == 2, "the new subscription's first");
    }

    [Fact]
    public async Task A_subscription_that_the_server_ends_is_lost_and_made_anew()
    {
        await using var server = new ScriptedServer();
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        await subscriber.UntilAsync(() => _books.Count == 1, "the first");
        var former = server.LastSubscription;
        server.Subscriptions.Clear();
        server.Held.Clear();
        await server.StatusAsync(2, StatusCodes.BadTimeout);
        await subscriber.UntilAsync(() => _books.Losses.Count == 1 && server.LastSubscription != former, "the next subscription");
        await subscriber.UntilAsync(() => subscriber.State is { IsConnected: true, Reconnects: 1 }, "the next connection");
        Assert.Equal(NotificationLossKind.SubscriptionLost, _books.Losses[0].Kind);
        await server.PublishAsync(1, 7);
        await subscriber.UntilAsync(() => Values().Contains(7), "its first value");
    }

    [Fact]
    public async Task A_server_that_falls_silent_is_left()
    {
        await using var server = new ScriptedServer();
        var options = RunningSubscriber.Quick with { KeepAliveInterval = TimeSpan.FromMilliseconds(100) };
        var client = Client(server) with { RequestTimeout = TimeSpan.FromMilliseconds(500) };
        await using var subscriber = new RunningSubscriber(client, new TestHost(_books, One), options);
        await server.PublishAsync(1);
        await subscriber.UntilAsync(() => _books.Count == 1, "the first");
        server.Lose(2);
        await subscriber.UntilAsync(() => _books.Count == 2, "what was sent into the silence");
        Assert.True(subscriber.State.Reconnects > 0);
        Assert.Contains(subscriber.Log.Lines, l => l.Text.Contains("has said nothing", StringComparison.Ordinal));
        Assert.Empty(_books.Losses);
    }

    [Fact]
    public async Task A_server_that_refuses_the_trigger_gets_the_simple_one_and_short_queues_are_told()
    {
        await using var server = new ScriptedServer
        {
            Item = r => r.RequestedParameters.Filter is null
                ? new MonitoredItemCreateResult { RevisedQueueSize = 1, RevisedSamplingInterval = 250 }
                : new MonitoredItemCreateResult { StatusCode = StatusCodes.BadMonitoredItemFilterUnsupported },
        };
        await using var subscriber = Start(server);
        await subscriber.UntilAsync(() => subscriber.State.Items == 1, "the item");
        Assert.Equal(0, subscriber.State.ItemsRefused);
        foreach (var text in new[] { "refuses the filter", "keeps fewer values", "looks less often" })
        {
            Assert.Single(subscriber.Log.Lines, l => l.Text.Contains(text, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_server_with_few_publish_requests_gets_no_more()
    {
        await using var server = new ScriptedServer { PublishesMax = 2 };
        await using var subscriber = Start(server);
        for (var number = 1u; number <= 20; number++)
        {
            await server.PublishAsync(number);
        }

        await subscriber.UntilAsync(() => _books.Count == 20, "all");
        Assert.Equal(0, subscriber.State.Reconnects);
        Assert.Equal(Enumerable.Range(1, 20).Select(i => (double)i), Values());
        Assert.True(server.Requests.Count(r => r == "Publish") < 40, $"{server.Requests.Count(r => r == "Publish")} requests");
    }

    [Fact]
    public async Task No_publish_is_sent_for_a_host_that_is_behind_but_the_subscription_is_kept_alive()
    {
        await using var server = new ScriptedServer();
        var options = RunningSubscriber.Quick with
        {
            UnacknowledgedMax = 3,
            KeepAliveInterval = TimeSpan.FromMilliseconds(100),
            Lifetime = TimeSpan.FromSeconds(1),
        };
        await using var subscriber = new RunningSubscriber(Client(server), new TestHost(_books, One), options);
        subscriber.Host.CloseGate();
        for (var number = 1u; number <= 3; number++)
        {
            await server.PublishAsync(number);
        }

        await subscriber.UntilAsync(() => subscriber.Host.Open == 3, "the full window");
        await subscriber.UntilAsync(() => server.Requests.Count(r => r == "SetPublishingMode") >= 3, "signs of life");
        Assert.Equal(0, server.PublishesWaiting);
        subscriber.Host.OpenGate();
        await server.PublishAsync(4);
        await subscriber.UntilAsync(() => _books.Count == 4, "all");
        Assert.Equal(0, subscriber.State.Reconnects);
    }

    [Fact]
    public async Task A_subscription_that_was_made_before_a_crash_and_not_saved_is_deleted()
    {
        await using var server = new ScriptedServer();
        await using (var first = Start(server))
        {
            await server.PublishAsync(1);
            await first.UntilAsync(() => _books.Count == 1, "the first");
        }

        await server.AloneAsync();

        var unknown = 999u;
        server.Subscriptions[unknown] = true;
        await using var second = Start(server);
        await server.SendAsync(new NotificationMessage { SequenceNumber = 1 }, unknown);
        await second.UntilAsync(() => server.Deleted.Contains(unknown), "its end");
        await server.PublishAsync(2);
        await second.UntilAsync(() => _books.Count == 2, "the next of ours");
        Assert.Empty(_books.Losses);
    }

    [Fact]
    public async Task A_selection_that_fails_leaves_the_running_subscription_alone()
    {
        await using var server = new ScriptedServer();
        await using (var first = Start(server))
        {
            await server.PublishAsync(1);
            await first.UntilAsync(() => _books.Count == 1, "the first");
        }

        await server.AloneAsync();

        var host = new TestHost(_books, One) { SelectError = new UaError(StatusCodes.BadTimeout, "no names") };
        await using var second = new RunningSubscriber(Client(server), host, RunningSubscriber.Quick);
        await server.PublishAsync(2);
        await second.UntilAsync(() => _books.Count == 2, "the next");
        Assert.Contains(second.Log.Lines, l => l.Text.Contains("could not be selected", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_state_that_cannot_be_read_is_as_none()
    {
        await using var server = new ScriptedServer();
        _books.State = [1, 2, 3];
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        await subscriber.UntilAsync(() => _books.Count == 1, "the first");
        Assert.Contains(subscriber.Log.Lines, l => l.Text.Contains("taken as none", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Options_that_contradict_each_other_end_it_at_once()
    {
        var client = new UaClientOptions
        {
            EndpointUrl = "opc.tcp://localhost",
            ApplicationUri = "urn:x",
            ApplicationName = "x",
            Policy = SecurityPolicy.Basic256Sha256,
            Mode = MessageSecurityMode.Sign,
        };
        await using var subscriber = new RunningSubscriber(client, new TestHost(_books, One));
        Assert.Equal(StatusCodes.BadConfigurationError, (await subscriber.Running)!.Status);
    }

    private static UaClientOptions Client(ScriptedServer server) => new()
    {
        EndpointUrl = server.EndpointUrl,
        ApplicationUri = "urn:test:client",
        ApplicationName = "Test client",
        RequestTimeout = TimeSpan.FromSeconds(5),
        ReconnectDelayMin = TimeSpan.FromMilliseconds(20),
        ReconnectDelayMax = TimeSpan.FromMilliseconds(200),
    };

    private static async Task AcknowledgedAsync(ScriptedServer server, params uint[] numbers) =>
        await TestKit.Eventually.TrueAsync(
            () => server.Acknowledged.SequenceEqual(numbers), $"acknowledgements {string.Join(' ', numbers)}");

    private RunningSubscriber Start(ScriptedServer server) => new(Client(server), new TestHost(_books, One), RunningSubscriber.Quick);

    private IReadOnlyList<double> Values() =>
        [.. _books.Values.Select(v => double.Parse(v[(v.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture))];
}
