using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Security;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>A client dies, and the next one goes on where it was.</summary>
public sealed class TakeOverTests
{
    private const string OtherUri = "urn:test:other";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_an_abandoned_connection_the_session_goes_on_and_republish_gives_exactly_what_was_not_acknowledged(bool isSecured)
    {
        var time = new ManualTime();
        await using var server = await ServerUnderTest.StartAsync(time: time);
        var variable = server.AddVariables(1)[0];
        var own = isSecured ? TestCertificates.Client() : null;
        var first = await PipeClient.SessionAsync(server, own);
        var subscription = await first.SubscribeAsync(100);
        await first.MonitorAsync(subscription, ["ns=1;s=V0"]);
        for (var n = 0; n < 3; n++)
        {
            variable.Set(ServerUnderTest.At(new Variant((long)n + 1), n + 1));
            var acknowledged = n == 2 ? [(subscription, 1u)] : Array.Empty<(uint, uint)>();
            var publish = await first.PublishAsync(acknowledged);
            await SyncAsync(first);
            time.Advance(TimeSpan.FromMilliseconds(100));
            Assert.Equal((uint)n + 1, (await first.AnswerAsync<PublishResponse>(publish)).NotificationMessage.SequenceNumber);
        }

        // Two more requests wait when the client dies; what is sent into its socket now is lost on the way.
        await first.PublishAsync();
        await first.PublishAsync();
        await SyncAsync(first);
        variable.Set(ServerUnderTest.At(new Variant(4L), 4));
        time.Advance(TimeSpan.FromMilliseconds(100));
        await first.AbandonAsync();
        await Eventually.TrueAsync(() => IsAbandoned(server), "the server notices that the client is gone");
        for (var n = 5; n < 8; n++)
        {
            variable.Set(ServerUnderTest.At(new Variant((long)n), n));
            time.Advance(TimeSpan.FromMilliseconds(100));
        }

        await using var second = await PipeClient.OpenAsync(server, own);
        second.TakeOver(first);
        Assert.Equal(StatusCode.Good, await second.ActivateAsync());
        var republished = new List<long>();
        var next = 2u;
        Assert.Null(await second.RepublishAsync(subscription, 1));
        while (await second.RepublishAsync(subscription, next) is { } message)
        {
            Assert.Equal(next++, message.SequenceNumber);
            republished.AddRange(PipeClient.Changes(message).Select(c => c.Value.Value.GetInt64()));
        }

        Assert.Equal(5u, next);
        Assert.Equal([2, 3, 4], republished);
        var rest = await second.NextAsync((subscription, 2), (subscription, 3), (subscription, 4), (subscription, 1), (subscription + 1, 1));
        Assert.Equal(
            [StatusCode.Good, StatusCode.Good, StatusCode.Good, StatusCodes.BadSequenceNumberUnknown, StatusCodes.BadSubscriptionIdInvalid],
            rest.Results);
        Assert.Equal(5u, rest.NotificationMessage.SequenceNumber);
        Assert.Equal([5, 6, 7], PipeClient.Changes(rest.NotificationMessage).Select(c => c.Value.Value.GetInt64()));
        Assert.Equal([5u], rest.AvailableSequenceNumbers);
    }

    [Fact]
    public async Task Without_protection_nothing_is_transferred_for_nobody_in_particular()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var first = await PipeClient.SessionAsync(server);
        var subscription = await first.SubscribeAsync();
        await using var second = await PipeClient.SessionAsync(server);
        Assert.Equal(StatusCodes.BadUserAccessDenied, (await TransferAsync(second, subscription)).StatusCode);
        Assert.Equal(StatusCode.Good, (await TransferAsync(first, subscription)).StatusCode);
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, (await TransferAsync(second, subscription + 1)).StatusCode);
    }

    [Theory]
    [InlineData(true, null, true, null, true)]
    [InlineData(true, null, false, null, false)]
    [InlineData(true, ServerUnderTest.User, true, null, false)]
    [InlineData(true, ServerUnderTest.User, true, ServerUnderTest.User, true)]
    [InlineData(false, ServerUnderTest.User, false, ServerUnderTest.User, true)]
    public async Task A_subscription_is_transferred_to_the_same_application_and_user_only(
        bool isSecured, string? user, bool hasSameCertificate, string? secondUser, bool isTransferred)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var variable = server.AddVariables(1)[0];
        var own = isSecured ? TestCertificates.Client() : null;
        await using var first = await PipeClient.SessionAsync(server, own, user);
        var subscription = await first.SubscribeAsync();
        await first.MonitorAsync(subscription, ["ns=1;s=V0"]);
        Assert.Equal(1u, (await first.NextAsync()).NotificationMessage.SequenceNumber);
        var waiting = await first.PublishAsync();
        await SyncAsync(first);

        var others = isSecured && !hasSameCertificate ? TestCertificates.Of(OtherUri, 2048) : own;
        await using var second = await PipeClient.SessionAsync(server, others, secondUser);
        var result = await TransferAsync(second, subscription);
        if (!isTransferred)
        {
            Assert.Equal(StatusCodes.BadUserAccessDenied, result.StatusCode);
            return;
        }

        Assert.Equal(StatusCode.Good, result.StatusCode);
        Assert.Equal([1u], result.AvailableSequenceNumbers);
        var told = await first.AnswerAsync<PublishResponse>(waiting);
        Assert.Equal(subscription, told.SubscriptionId);
        Assert.Equal(StatusCodes.GoodSubscriptionTransferred, PipeClient.StatusChange(told.NotificationMessage));
        Assert.Equal(StatusCodes.BadNoSubscription, await first.ResultAsync(new PublishRequest()));
        Assert.Equal(StatusCodes.BadSubscriptionIdInvalid, await first.ResultAsync(new RepublishRequest { SubscriptionId = subscription, RetransmitSequenceNumber = 1 }));

        // The news to the old session has used up no number, so the new one sees no gap.
        variable.Set(ServerUnderTest.At(new Variant(1L), 1));
        var next = await second.NextAsync((subscription, 1));
        while (next.NotificationMessage.NotificationData.Length == 0)
        {
            next = await second.NextAsync();
        }

        Assert.Equal(2u, next.NotificationMessage.SequenceNumber);
        Assert.Equal(1L, Assert.Single(PipeClient.Changes(next.NotificationMessage)).Value.Value.GetInt64());
    }

    [Fact]
    public async Task A_transfer_sends_present_values_when_asked_to()
    {
        await using var server = await ServerUnderTest.StartAsync();
        server.AddVariables(3);
        await using var first = await PipeClient.SessionAsync(server, TestCertificates.Client());
        var subscription = await first.SubscribeAsync();
        await first.MonitorAsync(subscription, ["ns=1;s=V0", "ns=1;s=V1", "ns=1;s=V2"]);
        Assert.Equal(3, PipeClient.Changes((await first.NextAsync()).NotificationMessage).Length);
        await using var second = await PipeClient.SessionAsync(server, TestCertificates.Client());
        Assert.Equal(StatusCode.Good, (await TransferAsync(second, subscription, sendInitialValues: true)).StatusCode);
        Assert.Equal(3, PipeClient.Changes((await second.NextAsync()).NotificationMessage).Length);
    }

    [Fact]
    public async Task Only_the_same_client_with_the_last_nonce_takes_a_session_over()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var first = await PipeClient.SessionAsync(server, TestCertificates.Client(), ServerUnderTest.User);

        await using var stranger = await PipeClient.OpenAsync(server, TestCertificates.Of(OtherUri, 2048));
        stranger.TakeOver(first);
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await stranger.ActivateAsync(ServerUnderTest.User));

        await using var unprotected = await PipeClient.OpenAsync(server);
        unprotected.TakeOver(first);
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await unprotected.ActivateAsync(ServerUnderTest.User));

        await using var second = await PipeClient.OpenAsync(server, TestCertificates.Client());
        second.TakeOver(first);
        Assert.Equal(StatusCodes.BadIdentityChangeNotSupported, await second.ActivateAsync());
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await second.ResultAsync(new ReadRequest()));
        Assert.Equal(StatusCode.Good, await second.ActivateAsync(ServerUnderTest.User));
        Assert.Equal(StatusCodes.BadNothingToDo, await second.ResultAsync(new ReadRequest()));

        // The nonce was used up, and the session belongs to the second connection now.
        Assert.Equal(StatusCodes.BadApplicationSignatureInvalid, await first.ActivateAsync(ServerUnderTest.User));
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await first.ResultAsync(new ReadRequest()));
    }

    [Fact]
    public async Task A_session_is_activated_first_on_the_connection_that_created_it()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await using var first = await PipeClient.OpenAsync(server);
        await first.CreateSessionAsync();
        Assert.Equal(StatusCodes.BadSessionNotActivated, await first.ResultAsync(new ReadRequest()));
        await using var second = await PipeClient.OpenAsync(server);
        second.TakeOver(first);
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await second.ActivateAsync());
    }

    [Fact]
    public async Task A_session_that_times_out_leaves_its_subscriptions_to_its_client_until_their_lifetime_ends()
    {
        var time = new ManualTime();
        await using var server = await ServerUnderTest.StartAsync(time: time);
        server.AddVariables(1);
        var first = await PipeClient.SessionAsync(server, TestCertificates.Client(), timeoutMs: 5000);
        var subscription = await first.SubscribeAsync(1000, keepAliveCount: 5, lifetimeCount: 30);
        await first.MonitorAsync(subscription, ["ns=1;s=V0"]);
        await first.AbandonAsync();
        await Eventually.TrueAsync(() => IsAbandoned(server), "the server notices that the client is gone");
        time.Advance(TimeSpan.FromSeconds(5.5));
        await Eventually.TrueAsync(() => Sessions(server) == 0, "the session times out");

        await using (var second = await PipeClient.SessionAsync(server, TestCertificates.Client()))
        {
            Assert.Equal(StatusCode.Good, (await TransferAsync(second, subscription)).StatusCode);
            Assert.Equal(1u, (await second.NextAsync()).NotificationMessage.SequenceNumber);
            await second.RequestAsync<CloseSessionRequest, CloseSessionResponse>(new CloseSessionRequest { DeleteSubscriptions = false });
        }

        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(1, Subscriptions(server));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, Subscriptions(server));
    }

    /// <summary>When this is answered, the server has taken everything that was sent before.</summary>
    private static Task<StatusCode> SyncAsync(PipeClient client) => client.ResultAsync(new ReadRequest());

    private static async Task<TransferResult> TransferAsync(PipeClient client, uint subscription, bool sendInitialValues = false) => Assert.Single(
        (await client.RequestAsync<TransferSubscriptionsRequest, TransferSubscriptionsResponse>(new TransferSubscriptionsRequest
        {
            SubscriptionIds = [subscription],
            SendInitialValues = sendInitialValues,
        })).Results);

    private static bool IsAbandoned(ServerUnderTest server)
    {
        lock (server.Server.Core.Gate)
        {
            return server.Server.Core.Sessions.All.All(s => s.Connection is null);
        }
    }

    private static int Sessions(ServerUnderTest server)
    {
        lock (server.Server.Core.Gate)
        {
            return server.Server.Core.Sessions.Count;
        }
    }

    private static int Subscriptions(ServerUnderTest server)
    {
        lock (server.Server.Core.Gate)
        {
            return server.Server.Core.Subscriptions.Count;
        }
    }
}
