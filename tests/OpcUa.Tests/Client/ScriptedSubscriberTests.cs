using ZfRepl.OpcUa.Client;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

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
        await subscriber.UntilAsync(() => subscriber.State.Reconnects > 0, "the next connection");
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

    [Fact]
    public async Task Items_that_a_loading_server_has_refused_are_asked_for_again_ever_less_often_until_it_takes_them()
    {
        var time = new ManualTime();
        var isLoaded = false;
        await using var server = new ScriptedServer();
        var usual = server.Item;
        server.Item = r => Volatile.Read(ref isLoaded) || r.ItemToMonitor.NodeId == One[0].Node.Node
            ? usual(r)
            : new MonitoredItemCreateResult { StatusCode = StatusCodes.BadNodeIdUnknown };
        WatchedItem[] items = [One[0], new(NodeId.Parse("ns=1;s=Y"), "y", TimeSpan.Zero, 10)];
        await using var subscriber = new RunningSubscriber(PatientClient(server), new TestHost(_books, items), Patient, time);
        await subscriber.UntilAsync(() => subscriber.State is { IsConnected: true, Items: 1, ItemsRefused: 1 }, "one of two");
        var number = 0u;
        var asked = 1;
        foreach (var pause in new[] { 30, 60, 120, 240, 300, 300 })
        {
            time.Advance(TimeSpan.FromSeconds(pause - 1));
            await RoundAsync();
            await RoundAsync();
            Assert.Equal(asked, server.Requests.Count(r => r == "CreateMonitoredItems"));
            time.Advance(TimeSpan.FromSeconds(1));
            asked++;
            await RoundAsync();
            await subscriber.UntilAsync(() => server.Requests.Count(r => r == "CreateMonitoredItems") == asked, $"asking after {pause} s");
            await RoundAsync();
        }

        Assert.Equal(1, subscriber.State.ItemsRefused);
        Volatile.Write(ref isLoaded, true);
        time.Advance(TimeSpan.FromSeconds(300));
        await RoundAsync();
        await subscriber.UntilAsync(() => subscriber.State is { Items: 2, ItemsRefused: 0 }, "both");
        await RoundAsync();
        time.Advance(TimeSpan.FromSeconds(600));
        await RoundAsync();
        await RoundAsync();
        Assert.Equal(asked + 1, server.Requests.Count(r => r == "CreateMonitoredItems"));
        Assert.Equal(asked + 2, server.Items.Count);
        Assert.Equal(0, subscriber.State.Reconnects);
        Assert.Single(server.Requests, r => r == "CreateSubscription");
        Assert.Single(subscriber.Log.Lines, l => l.Text.Contains("were refused", StringComparison.Ordinal));
        Assert.Single(subscriber.Log.Lines, l => l.Text.Contains("takes 1 items now", StringComparison.Ordinal));

        // The loop may not wait for the clock yet when that moves; a message wakes it. What it asks for in a round is asked before the next one.
        async Task RoundAsync()
        {
            await server.PublishAsync(++number);
            await subscriber.UntilAsync(() => _books.Count == number, "a sign that the loop has gone round");
        }
    }

    [Fact]
    public async Task An_item_whose_namespace_is_loaded_later_is_watched_without_a_reconnect()
    {
        var time = new ManualTime();
        await using var server = new ScriptedServer();
        WatchedItem[] items = [One[0], new(ExpandedNodeId.Parse("nsu=urn:late;s=Y"), "y", TimeSpan.Zero, 10)];
        await using var subscriber = new RunningSubscriber(PatientClient(server), new TestHost(_books, items), Patient, time);
        await subscriber.UntilAsync(() => subscriber.State is { IsConnected: true, Items: 1, ItemsRefused: 1 }, "one of two");
        server.Namespaces = [.. server.Namespaces, "urn:late"];
        time.Advance(TimeSpan.FromSeconds(30));
        await server.PublishAsync(1);
        await subscriber.UntilAsync(() => subscriber.State is { Items: 2, ItemsRefused: 0 }, "both");
        Assert.Equal(0, subscriber.State.Reconnects);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_notification_that_ends_every_connection_is_a_gap_in_the_end_and_the_stream_goes_on(bool isSessionForgotten)
    {
        var asked = 0;
        await using var server = new ScriptedServer { IgnoresLimits = true };
        server.HangsUp = message =>
        {
            asked += message is RepublishRequest { RetransmitSequenceNumber: 2 } ? 1 : 0;
            if (isSessionForgotten && message is GetEndpointsRequest)
            {
                // A server that does not keep sessions without a connection; the subscription is transferred each time.
                server.ForgetSessions();
            }

            return false;
        };
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        await subscriber.UntilAsync(() => _books.Count == 1, "the first");
        server.Held[2] = TooLarge(2);
        server.Lose(3);
        await server.SendAsync(server.Held[2]);
        await subscriber.UntilAsync(() => _books.Count == 2, "what comes after it");
        var loss = Assert.Single(_books.Losses);
        Assert.Equal((NotificationLossKind.Gap, 2u, 2u), (loss.Kind, loss.FirstSequenceNumber, loss.LastSequenceNumber));
        Assert.Contains("BadTcpMessageTooLarge", loss.Detail, StringComparison.Ordinal);
        await server.PublishAsync(4);
        await server.PublishAsync(5);
        await subscriber.UntilAsync(() => _books.Count == 4, "the stream");
        Assert.Equal([1.0, 3, 4, 5], Values());
        Assert.Single(_books.Losses);
        Assert.Single(server.Requests, r => r == "CreateSubscription");

        Assert.Equal(3, asked);

        // It is freed at the server, too, and told once.
        await server.KeepAliveAsync(6);
        await server.KeepAliveAsync(6);
        await subscriber.UntilAsync(() => server.Acknowledged.Contains(2u), "the acknowledgement");
        Assert.Equal(1, subscriber.Log.Lines.Count(l => l.Text.Contains("are lost", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Connections_that_are_cut_while_a_notification_is_asked_for_never_make_it_a_gap()
    {
        var cuts = 8;
        await using var server = new ScriptedServer();
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        await subscriber.UntilAsync(() => _books.Count == 1, "the first");
        server.HangsUp = message => message is RepublishRequest && Interlocked.Decrement(ref cuts) >= 0;
        server.Lose(2);
        await server.CutAsync();
        await subscriber.UntilAsync(() => _books.Count == 2, "the second");
        Assert.True(Volatile.Read(ref cuts) < 0);
        Assert.Equal([1.0, 2], Values());
        Assert.Empty(_books.Losses);
    }

    [Fact]
    public async Task A_server_that_answers_with_another_number_when_nothing_is_missing_gets_no_request_storm()
    {
        await using var server = new ScriptedServer();
        await using var subscriber = Start(server);
        await server.PublishAsync(1);
        await subscriber.UntilAsync(() => _books.Count == 1, "the first");
        server.Instead = message => message is RepublishRequest
            ? new RepublishResponse { NotificationMessage = ScriptedServer.Message(1, 1) }
            : null;
        await server.CutAsync();
        await subscriber.UntilAsync(() => subscriber.State is { IsConnected: true, Reconnects: 1 }, "the next connection");
        await server.PublishAsync(2);
        await subscriber.UntilAsync(() => _books.Count == 2, "the next");
        Assert.Empty(_books.Losses);
        Assert.InRange(server.Requests.Count(r => r == "Republish"), 1, 3);
    }

    /// <summary>More than the client has announced to take, in chunks that are each fine.</summary>
    private static NotificationMessage TooLarge(uint number) => new()
    {
        SequenceNumber = number,
        NotificationData = [new ExtensionObject(new NodeId(DataChangeNotification.TypeId), new byte[17 << 20])],
    };

    /// <summary>For a clock that is moved by minutes: nothing but what is tested may be due by then.</summary>
    private static SubscriptionOptions Patient { get; } =
        RunningSubscriber.Quick with { KeepAliveInterval = TimeSpan.FromHours(1), Lifetime = TimeSpan.FromHours(10) };

    private static UaClientOptions PatientClient(ScriptedServer server) => Client(server) with
    {
        RequestTimeout = TimeSpan.FromHours(1),
        ChannelLifetime = TimeSpan.FromHours(10),
    };

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
