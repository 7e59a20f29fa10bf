using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Tests.Transport;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Security;

public sealed class SecureConnectionTests : IAsyncDisposable
{
    private readonly SecureConnection _client;
    private readonly SecureConnection _server;

    public SecureConnectionTests()
    {
        var (left, right) = DuplexPipe.Connections();
        _client = new SecureConnection(left, TransportLimits.Default);
        _server = new SecureConnection(right, TransportLimits.Default);
    }

    [Fact]
    public async Task Messages_of_one_and_of_many_chunks_arrive_in_order()
    {
        await OpenAsync(SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt);
        var large = new AnyValue(1).Filled(300_000);
        Assert.Equal(StatusCode.Good, await _client.SendAsync(MessageType.Message, 5, "small"u8.ToArray(), default));
        Assert.Equal(StatusCode.Good, await _client.SendAsync(MessageType.Message, 6, large, default));
        Assert.Equal(StatusCode.Good, await _client.SendAsync(MessageType.Close, 7, default, default));
        var first = await _server.ReceiveAsync(default);
        Assert.Equal((IncomingKind.Message, 5u), (first.Kind, first.RequestId));
        Assert.Equal("small"u8.ToArray(), first.Body.ToArray());
        var second = await _server.ReceiveAsync(default);
        Assert.Equal(6u, second.RequestId);
        Assert.True(second.Body.Span.SequenceEqual(large));
        Assert.Equal(IncomingKind.Closed, (await _server.ReceiveAsync(default)).Kind);
    }

    [Fact]
    public async Task Many_senders_at_once_keep_the_sequence()
    {
        await OpenAsync(SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign);
        var sending = Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
            Assert.Equal(StatusCode.Good, await _client.SendAsync(MessageType.Message, (uint)i, new byte[i * 100], default)))));
        var seen = new HashSet<uint>();
        while (seen.Count < 200)
        {
            var incoming = await _server.ReceiveAsync(default);
            Assert.Equal(IncomingKind.Message, incoming.Kind);
            Assert.Equal((int)incoming.RequestId * 100, incoming.Body.Length);
            Assert.True(seen.Add(incoming.RequestId));
        }

        await sending;
    }

    [Fact]
    public async Task A_message_before_the_channel_is_open_ends_the_connection()
    {
        Attach(SecurityPolicy.None, MessageSecurityMode.None, _client, ChannelRole.Client);
        _client.Channel!.Install(new ChannelToken(1, 1, 1000), null, null);
        await _client.SendAsync(MessageType.Message, 1, new byte[10], default);
        var incoming = await _server.ReceiveAsync(default);
        Assert.Equal((IncomingKind.Failed, StatusCodes.BadTcpSecureChannelUnknown), (incoming.Kind, incoming.Status));
    }

    [Fact]
    public async Task An_error_message_ends_the_connection_with_its_reason()
    {
        await _server.SendErrorAsync(new ErrorMessage(StatusCodes.BadTcpServerTooBusy, "come back later"), default);
        var incoming = await _client.ReceiveAsync(default);
        Assert.Equal((IncomingKind.Failed, StatusCodes.BadTcpServerTooBusy), (incoming.Kind, incoming.Status));
        Assert.Contains("come back later", incoming.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_abort_is_handed_out_and_the_connection_goes_on()
    {
        var (left, right) = DuplexPipe.Create();
        await using var raw = left;
        await using var receiver = new SecureConnection(new UaConnection(right, 65_535), TransportLimits.Default);
        using var pair = new ChannelPair(SecurityPolicy.None, MessageSecurityMode.None).Open();
        receiver.Attach(pair.Client);
        using var sent = new UaWriter();
        pair.Server.ProtectAbort(9, new ErrorMessage(StatusCodes.BadResponseTooLarge, "too much"), sent);
        pair.Server.Protect(MessageType.Message, 10, "next"u8, sent);
        await raw.WriteAsync(sent.WrittenMemory);
        var abort = await receiver.ReceiveAsync(default);
        Assert.Equal((IncomingKind.Aborted, 9u, StatusCodes.BadResponseTooLarge), (abort.Kind, abort.RequestId, abort.Status));
        Assert.Equal("next"u8.ToArray(), (await receiver.ReceiveAsync(default)).Body.ToArray());
    }

    [Fact]
    public async Task The_channel_is_attached_once()
    {
        await OpenAsync(SecurityPolicy.None, MessageSecurityMode.None);
        Assert.Throws<InvalidOperationException>(() => Attach(SecurityPolicy.None, MessageSecurityMode.None, _client, ChannelRole.Client));
    }

    [Fact]
    public async Task Closing_ends_a_receive_that_waits()
    {
        var waiting = _server.ReceiveAsync(default).AsTask();
        await _client.CloseAsync();
        Assert.Equal(StatusCodes.BadConnectionClosed, (await waiting).Status);
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static void Attach(SecurityPolicy policy, MessageSecurityMode mode, SecureConnection connection, ChannelRole role)
    {
        var own = role == ChannelRole.Client ? TestCertificates.Client() : TestCertificates.Server();
        var peer = role == ChannelRole.Client ? TestCertificates.Server() : TestCertificates.Client();
        connection.Attach(new SecureChannel(
            role, policy, policy.IsNone ? null : own, policy.IsNone ? null : TestCertificates.AsPeer(peer), TransportLimits.Default, TimeProvider.System));
        Assert.Equal(StatusCode.Good, connection.Channel!.TrySetMode(mode));
    }

    private async Task OpenAsync(SecurityPolicy policy, MessageSecurityMode mode)
    {
        Attach(policy, mode, _client, ChannelRole.Client);
        var clientNonce = _client.Channel!.NewNonce();
        Assert.Equal(StatusCode.Good, await _client.SendOpenAsync(1, "please open"u8.ToArray(), default));
        var request = await _server.ReceiveAsync(default);
        Assert.Equal(IncomingKind.Open, request.Kind);
        Attach(policy, mode, _server, ChannelRole.Server);
        Assert.Equal(StatusCode.Good, _server.Channel!.OpenAsymmetric(request.Data.Span).Status);
        var serverNonce = _server.Channel.NewNonce();
        var token = new ChannelToken(3, 1, 60_000);
        _server.Channel.Install(token, clientNonce, serverNonce);
        await _server.SendOpenAsync(1, "open"u8.ToArray(), default);
        var response = await _client.ReceiveAsync(default);
        Assert.Equal(StatusCode.Good, _client.Channel.OpenAsymmetric(response.Data.Span).Status);
        _client.Channel.Install(token, clientNonce, serverNonce);
    }
}
