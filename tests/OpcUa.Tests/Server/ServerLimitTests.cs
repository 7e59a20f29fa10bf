using System.Net.Sockets;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Security;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>Everything that a client can ask for has an end, and what it sends wrong ends its own connection only.</summary>
public sealed class ServerLimitTests
{
    [Fact]
    public async Task Sessions_subscriptions_and_items_are_bounded()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { SessionsMax = 2, SubscriptionsMax = 2, MonitoredItemsMax = 3, OperationsMax = 5 });
        server.AddVariables(6);
        await using var first = await PipeClient.SessionAsync(server);
        await using var second = await PipeClient.SessionAsync(server);
        await using var third = await PipeClient.OpenAsync(server);
        Assert.Equal(StatusCodes.BadTooManySessions, await third.ResultAsync(third.SessionRequest()));

        var subscription = await first.SubscribeAsync();
        await second.SubscribeAsync();
        Assert.Equal(StatusCodes.BadTooManySubscriptions, await second.ResultAsync(new CreateSubscriptionRequest()));
        Assert.Equal(
            [StatusCode.Good, StatusCode.Good, StatusCode.Good, StatusCodes.BadTooManyMonitoredItems],
            (await first.MonitorAsync(subscription, ["ns=1;s=V0", "ns=1;s=V1", "ns=1;s=V2", "ns=1;s=V3"])).Select(r => r.StatusCode));
        Assert.Equal(StatusCodes.BadTooManyOperations, await first.ResultAsync(new ReadRequest { NodesToRead = [.. Enumerable.Repeat(new ReadValueId(), 6)] }));
        Assert.Equal(StatusCodes.BadNothingToDo, await first.ResultAsync(new BrowseRequest()));

        // A connection that leaves without activating its session takes the session with it.
        await second.RequestAsync<CloseSessionRequest, CloseSessionResponse>(new CloseSessionRequest { DeleteSubscriptions = true });
        await third.CreateSessionAsync();
        await third.DisposeAsync();
        await using var fourth = await PipeClient.OpenAsync(server);
        await Eventually.TrueAsync(async () => (await fourth.ResultAsync(fourth.SessionRequest())).IsGood, "the session that was not activated is gone");
    }

    [Fact]
    public async Task Queue_sizes_intervals_and_counts_are_brought_into_bounds()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { QueueSizeMax = 50, SubscriptionLifetimeMax = TimeSpan.FromMinutes(1) });
        server.AddVariables(1);
        await using var client = await PipeClient.SessionAsync(server);
        foreach (var interval in new[] { double.NaN, double.NegativeInfinity, -1, 0, double.PositiveInfinity, 1e300 })
        {
            var created = await client.RequestAsync<CreateSubscriptionRequest, CreateSubscriptionResponse>(new CreateSubscriptionRequest
            {
                RequestedPublishingInterval = interval,
                RequestedLifetimeCount = uint.MaxValue,
                RequestedMaxKeepAliveCount = uint.MaxValue,
            });
            Assert.Equal(interval > 1 ? 3_600_000 : 10, created.RevisedPublishingInterval);
            Assert.Equal(interval > 1 ? 3u : 6000, created.RevisedLifetimeCount);
            Assert.True(created.RevisedLifetimeCount >= 3 * created.RevisedMaxKeepAliveCount);
        }

        var subscription = await client.SubscribeAsync();
        foreach (var (asked, granted) in new[] { (double.NaN, 20.0), (-1, 20), (double.PositiveInfinity, 86_400_000), (1e-3, 10), (0, 0) })
        {
            var item = Assert.Single(await client.MonitorAsync(subscription, ["ns=1;s=V0"], queueSize: uint.MaxValue, samplingInterval: asked));
            Assert.Equal((50u, granted), (item.RevisedQueueSize, item.RevisedSamplingInterval));
        }
    }

    [Fact]
    public async Task Browsing_goes_on_behind_a_bounded_number_of_continuation_points()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { ContinuationPointsMax = 2 });
        server.AddVariables(25);
        await using var client = await PipeClient.SessionAsync(server);
        var first = Assert.Single((await BrowseAsync(10)).Results);
        var second = Assert.Single((await BrowseAsync(24)).Results);
        Assert.Equal(StatusCodes.BadNoContinuationPoints, Assert.Single((await BrowseAsync(10)).Results).StatusCode);
        Assert.Equal(25, Assert.Single((await BrowseAsync(0)).Results).References.Length);

        var next = await NextAsync(false, first.ContinuationPoint);
        Assert.Equal(10, next.References.Length);
        Assert.Equal(StatusCodes.BadContinuationPointInvalid, (await NextAsync(false, first.ContinuationPoint)).StatusCode);
        var last = await NextAsync(false, next.ContinuationPoint);
        Assert.Equal((5, null), (last.References.Length, last.ContinuationPoint));
        Assert.Equal(
            Enumerable.Range(0, 25).Select(i => "V" + i),
            first.References.Concat(next.References).Concat(last.References).Select(r => r.BrowseName.Name));
        Assert.Empty((await NextAsync(true, second.ContinuationPoint)).References);
        Assert.NotNull(Assert.Single((await BrowseAsync(10)).Results).ContinuationPoint);

        Task<BrowseResponse> BrowseAsync(uint most) => client.RequestAsync<BrowseRequest, BrowseResponse>(new BrowseRequest
        {
            RequestedMaxReferencesPerNode = most,
            NodesToBrowse = [new BrowseDescription { NodeId = server.Plant, ReferenceTypeId = new NodeId(33), IncludeSubtypes = true }],
        });

        async Task<BrowseResult> NextAsync(bool release, byte[]? point) => Assert.Single(
            (await client.RequestAsync<BrowseNextRequest, BrowseNextResponse>(new() { ReleaseContinuationPoints = release, ContinuationPoints = [point] })).Results);
    }

    [Fact]
    public async Task A_response_that_is_too_large_for_the_client_becomes_a_fault()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { ResponseBytesMax = 10_000 });
        var variable = server.Add("Long", new Variant(new string('x', 9000)));
        await using var client = await PipeClient.SessionAsync(server);
        var node = new ReadValueId { NodeId = variable.NodeId };
        Assert.Equal(StatusCode.Good, await client.ResultAsync(new ReadRequest { NodesToRead = [node] }));
        Assert.Equal(StatusCodes.BadResponseTooLarge, await client.ResultAsync(new ReadRequest { NodesToRead = [node, node] }));

        // Notifications are cut to fit instead.
        var subscription = await client.SubscribeAsync();
        await client.MonitorAsync(subscription, ["ns=1;s=Long", "ns=1;s=Long"]);
        Assert.Equal((true, 1), await CountAsync());
        Assert.Equal((false, 1), await CountAsync());

        async Task<(bool More, int Count)> CountAsync()
        {
            var response = await client.NextAsync();
            return (response.MoreNotifications, PipeClient.Changes(response.NotificationMessage).Length);
        }
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_a_fault_and_the_session_goes_on()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var client = await PipeClient.SessionAsync(server);
        Assert.Equal(StatusCodes.BadServiceUnsupported, await client.ResultAsync(new HistoryReadRequest()));
        Assert.Equal(StatusCodes.BadServiceUnsupported, await client.ResultAsync(new CloseSecureChannelRequest()));
        Assert.Equal(StatusCodes.BadServiceUnsupported, await client.ResultAsync(new RegisterNodesRequest()));
        Assert.Equal(StatusCodes.BadDecodingError, await client.ResultAsync(new CutReadRequest()));
        client.Token = new NodeId(0, new byte[32]);
        Assert.Equal(StatusCodes.BadSessionIdInvalid, await client.ResultAsync(new ReadRequest()));
        Assert.Equal(StatusCode.Good, await client.ResultAsync(new GetEndpointsRequest()));
    }

    [Fact]
    public async Task A_connection_without_a_session_is_closed_and_others_stay()
    {
        var time = new ManualTime();
        await using var server = await ServerUnderTest.StartAsync(time: time);
        await using var client = await PipeClient.SessionAsync(server, timeoutMs: 3_600_000);
        using var silent = await RawAsync(server);
        using var half = await RawAsync(server);
        await half.SendAsync("HELF"u8.ToArray());
        await using var idle = await PipeClient.OpenAsync(server);
        await using var unactivated = await PipeClient.OpenAsync(server);
        await unactivated.CreateSessionAsync();
        time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(0, await EndOfAsync(silent));
        Assert.Equal(0, await EndOfAsync(half));
        Assert.Equal(IncomingKind.Failed, (await idle.ReceiveAsync()).Kind);
        Assert.Equal(IncomingKind.Failed, (await unactivated.ReceiveAsync()).Kind);
        Assert.Equal(StatusCodes.BadNothingToDo, await client.ResultAsync(new ReadRequest()));
    }

    [Fact]
    public async Task A_channel_whose_token_has_run_out_is_closed_and_a_renewed_one_stays()
    {
        var time = new ManualTime();
        await using var server = await ServerUnderTest.StartAsync(time: time);
        await using var lazy = await PipeClient.SessionAsync(server);
        await using var diligent = await PipeClient.SessionAsync(server, TestCertificates.Client());
        await lazy.OpenChannelAsync(SecurityTokenRequestType.Renew, 10_000);
        await diligent.OpenChannelAsync(SecurityTokenRequestType.Renew, 10_000);
        for (var i = 0; i < 5; i++)
        {
            time.Advance(TimeSpan.FromSeconds(8));
            var renewed = await diligent.OpenChannelAsync(SecurityTokenRequestType.Renew, 10_000);
            Assert.Equal(10_000u, renewed.SecurityToken.RevisedLifetime);
            Assert.Equal(StatusCodes.BadNothingToDo, await diligent.ResultAsync(new ReadRequest()));
            Assert.Equal(1, diligent.Channel.TokenCount);
        }

        Assert.Equal(IncomingKind.Failed, (await lazy.ReceiveAsync()).Kind);
    }

    [Fact]
    public async Task Too_many_connections_are_closed_at_once()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { ConnectionsMax = 2 });
        await using var first = await PipeClient.SessionAsync(server);
        var second = await PipeClient.OpenAsync(server);
        using var third = await RawAsync(server);
        Assert.Equal(0, await EndOfAsync(third));
        await second.DisposeAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                using var again = await RawAsync(server);
                await TrySendAsync(again, "XXXXXXXX"u8.ToArray());
                return await EndOfAsync(again) > 0;
            },
            "there is room again");
        Assert.Equal(StatusCodes.BadNothingToDo, await first.ResultAsync(new ReadRequest()));
    }

    [Fact]
    public async Task A_client_that_does_not_read_keeps_nobody_else_waiting()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var deaf = await PipeClient.SessionAsync(server);
        await using var client = await PipeClient.SessionAsync(server);
        const int floodMax = 20_000;
        var request = new GetEndpointsRequest { LocaleIds = [new string('x', 100_000)] };
        var sent = 0;
        for (var isTaken = true; isTaken && sent < floodMax; sent++)
        {
            // The answers fill the socket; then the server stops reading, and then nothing more can be sent.
            isTaken = await deaf.TrySendAsync(request, TimeSpan.FromMilliseconds(500));
        }

        Assert.InRange(sent, 1, floodMax - 1);
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(StatusCodes.BadNothingToDo, await client.ResultAsync(new ReadRequest()));
        }

        await deaf.AbandonAsync();
        await Eventually.TrueAsync(() => server.Server.ConnectionCount == 1, "the connection of the deaf client ends");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Hostile_bytes_end_their_own_connection_only(bool isSecured)
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { ConnectionsMax = 1000 });
        server.AddVariables(3);
        await using var witness = await PipeClient.SessionAsync(server, isSecured ? TestCertificates.Client() : null);
        var random = new AnyValue(isSecured ? 77 : 7).Random;
        var recorded = await RecordAsync(server, isSecured);
        for (var i = 0; i < 200; i++)
        {
            using var socket = await RawAsync(server);
            var keep = random.Next(recorded.Count + 1);
            for (var m = 0; m < recorded.Count; m++)
            {
                var bytes = recorded[m].ToArray();
                if (m >= keep)
                {
                    Damage(bytes, random);
                }

                if (!await TrySendAsync(socket, bytes))
                {
                    break;
                }
            }

            if (i % 50 == 0)
            {
                Assert.Equal(StatusCodes.BadNothingToDo, await witness.ResultAsync(new ReadRequest()));
            }
        }

        var rubbish = new byte[5000];
        for (var i = 0; i < 50; i++)
        {
            using var socket = await RawAsync(server);
            random.NextBytes(rubbish);
            await TrySendAsync(socket, rubbish);
        }

        Assert.Equal(StatusCodes.BadNothingToDo, await witness.ResultAsync(new ReadRequest()));
        await Eventually.TrueAsync(() => server.Server.ConnectionCount == 1, "only the witness is left");
        Assert.False(server.Server.Completion.IsCompleted);
    }

    [Fact]
    public async Task Requests_with_damaged_contents_get_an_answer()
    {
        await using var server = await ServerUnderTest.StartAsync(o => o with { ConnectionsMax = 1000 });
        server.AddVariables(3);
        var random = new AnyValue(99).Random;
        for (var i = 0; i < 40; i++)
        {
            var client = await PipeClient.SessionAsync(server);
            await client.SubscribeAsync();
            var requests = Services.Samples.All(i).OfType<ServiceRequest>().Where(r => r is not CloseSessionRequest and not ActivateSessionRequest);
            foreach (var request in requests)
            {
                await client.SendDamagedAsync(request, random);
            }

            // All of them have an answer by now, but for Publish; none was worth the connection.
            Assert.Equal(StatusCodes.BadNothingToDo, await client.ResultAsync(new ReadRequest()));
            await client.AbandonAsync();
        }

        await using var last = await PipeClient.SessionAsync(server);
        Assert.Equal(StatusCodes.BadNothingToDo, await last.ResultAsync(new ReadRequest()));
        Assert.False(server.Server.Completion.IsCompleted);
    }

    private static void Damage(byte[] bytes, Random random)
    {
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }
    }

    /// <summary>What an honest client sends, to be damaged.</summary>
    private static async Task<List<byte[]>> RecordAsync(ServerUnderTest server, bool isSecured)
    {
        var sent = new List<byte[]>();
        await using var client = await PipeClient.SessionAsync(
            server, isSecured ? TestCertificates.Client() : null, wrap: stream => new RecordingStream(stream, sent));
        await client.SubscribeAsync();
        await client.ResultAsync(new ReadRequest { NodesToRead = [new ReadValueId { NodeId = NodeId.Parse("i=2258") }] });
        return [.. sent];
    }

    private static async Task<Socket> RawAsync(ServerUnderTest server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", server.Port);
        return socket;
    }

    private static async Task<bool> TrySendAsync(Socket socket, byte[] bytes)
    {
        try
        {
            await socket.SendAsync(bytes);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The bytes that come until the other side closes.</summary>
    private static async Task<int> EndOfAsync(Socket socket)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var buffer = new byte[1000];
        var total = 0;
        try
        {
            while (await socket.ReceiveAsync(buffer, timeout.Token) is var read and > 0)
            {
                total += read;
            }
        }
        catch (SocketException)
        {
            // Closed the hard way.
        }

        return total;
    }

    /// <summary>560, which the codec does not know.</summary>
    private sealed class RegisterNodesRequest : ServiceRequest, IServiceMessage
    {
        public uint EncodingId => 560;

        protected override void EncodeBody(OpcUa.Encoding.UaWriter writer) => writer.WriteInt32(0);
    }

    /// <summary>A Read that ends in the middle.</summary>
    private sealed class CutReadRequest : ServiceRequest, IServiceMessage
    {
        public uint EncodingId => ReadRequest.TypeId;

        protected override void EncodeBody(OpcUa.Encoding.UaWriter writer) => writer.WriteInt32(0);
    }
}
