using System.Net.Sockets;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Security;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Server;

/// <summary>A client whose every request is driven by hand: requests may be outstanding, and it may vanish without a word.</summary>
internal sealed class PipeClient : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Socket _socket;
    private readonly Dictionary<uint, byte[]> _early = [];
    private uint _requestId;

    private PipeClient(Socket socket, SecureConnection connection, ApplicationCertificate? own, string url)
    {
        _socket = socket;
        Connection = connection;
        Own = own;
        Url = url;
    }

    public SecureConnection Connection { get; }

    public SecureChannel Channel => Connection.Channel!;

    public ApplicationCertificate? Own { get; }

    public string Url { get; }

    public NodeId Token { get; set; }

    /// <summary>In milliseconds; goes into every request.</summary>
    public uint TimeoutHint { get; set; }

    /// <summary>Answers that have arrived and that nobody has asked for yet.</summary>
    public int EarlyCount => _early.Count;

    public byte[]? ServerNonce { get; set; }

    public byte[]? ServerCertificate { get; set; }

    /// <summary>Opens a channel: without protection, or Basic256Sha256 with encryption when there is a certificate.</summary>
    public static async Task<PipeClient> OpenAsync(
        ServerUnderTest server, ApplicationCertificate? own = null, uint lifetimeMs = 3_600_000, Func<Stream, Stream>? wrap = null)
    {
        using var timeout = new CancellationTokenSource(Limit);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", server.Port, timeout.Token);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        var wire = new UaConnection(wrap?.Invoke(stream) ?? stream, TransportLimits.Default.ReceiveChunkBytes);
        var handshake = await ConnectionHandshake.ConnectAsync(wire, server.Url, TransportLimits.Default, timeout.Token);
        Assert.True(handshake.Status.IsGood, handshake.Reason);
        var connection = new SecureConnection(wire, handshake.Limits!);
        var policy = own is null ? SecurityPolicy.None : SecurityPolicy.Basic256Sha256;
        var peer = own is null ? null : TestCertificates.AsPeer(server.Options.Certificate!);
        connection.Attach(new SecureChannel(ChannelRole.Client, policy, own, peer, handshake.Limits!, TimeProvider.System));
        Assert.Equal(StatusCode.Good, connection.Channel!.TrySetMode(own is null ? MessageSecurityMode.None : MessageSecurityMode.SignAndEncrypt));
        var client = new PipeClient(socket, connection, own, server.Url);
        await client.OpenChannelAsync(SecurityTokenRequestType.Issue, lifetimeMs);
        return client;
    }

    /// <summary>Opens a channel with an activated session.</summary>
    public static async Task<PipeClient> SessionAsync(
        ServerUnderTest server, ApplicationCertificate? own = null, string? user = null, double timeoutMs = 600_000, Func<Stream, Stream>? wrap = null)
    {
        var client = await OpenAsync(server, own, wrap: wrap);
        await client.CreateSessionAsync(timeoutMs);
        Assert.Equal(StatusCode.Good, await client.ActivateAsync(user));
        return client;
    }

    public async Task<OpenSecureChannelResponse> OpenChannelAsync(SecurityTokenRequestType type, uint lifetimeMs)
    {
        using var timeout = new CancellationTokenSource(Limit);
        var nonce = Channel.NewNonce();
        using var body = new UaWriter();
        ServiceCodec.Encode(body, new OpenSecureChannelRequest
        {
            Header = Header(),
            RequestType = type,
            SecurityMode = Channel.Mode,
            ClientNonce = nonce,
            RequestedLifetime = lifetimeMs,
        });
        Assert.Equal(StatusCode.Good, await Connection.SendOpenAsync(++_requestId, body.WrittenMemory, timeout.Token));
        var incoming = await ReceiveAsync();
        Assert.True(incoming.Kind == IncomingKind.Open, $"{incoming.Kind} {incoming.Status} {incoming.Reason}");
        var opened = Channel.OpenAsymmetric(incoming.Data.Span);
        Assert.Equal(StatusCode.Good, opened.Status);
        var response = Decode<OpenSecureChannelResponse>(incoming.Data.Slice(opened.BodyOffset, opened.BodyLength).ToArray());
        Channel.Install(response.SecurityToken.ToToken(), nonce, response.ServerNonce);
        return response;
    }

    public async Task<Incoming> ReceiveAsync()
    {
        using var timeout = new CancellationTokenSource(Limit);
        return await Connection.ReceiveAsync(timeout.Token);
    }

    /// <summary>Sends a request and does not wait.</summary>
    public async Task<uint> SendAsync<TRequest>(TRequest request)
        where TRequest : ServiceRequest, IServiceMessage
    {
        using var timeout = new CancellationTokenSource(Limit);
        request.Header = Header();
        using var body = new UaWriter();
        ServiceCodec.Encode(body, request);
        var id = ++_requestId;
        Assert.Equal(StatusCode.Good, await Connection.SendAsync(MessageType.Message, id, body.WrittenMemory, timeout.Token));
        return id;
    }

    /// <summary>Sends a request; false when that takes too long, after which the connection is of no use.</summary>
    public async Task<bool> TrySendAsync<TRequest>(TRequest request, TimeSpan limit)
        where TRequest : ServiceRequest, IServiceMessage
    {
        using var timeout = new CancellationTokenSource(limit);
        using var body = new UaWriter();
        ServiceCodec.Encode(body, request);
        try
        {
            return (await Connection.SendAsync(MessageType.Message, ++_requestId, body.WrittenMemory, timeout.Token)).IsGood;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Sends a request whose body was damaged; its header stays whole, so that the session takes it.</summary>
    public async Task SendDamagedAsync(ServiceRequest request, Random random)
    {
        using var timeout = new CancellationTokenSource(Limit);
        using var header = new UaWriter();
        header.WriteNodeId(new NodeId(((IServiceMessage)request).EncodingId));
        Header().Encode(header);
        request.Header = Header();
        using var body = new UaWriter();
        ServiceCodec.Encode(body, (IServiceMessage)request);
        for (var n = random.Next(4); n > 0 && body.Length > header.Length; n--)
        {
            body.WrittenBytes[random.Next(header.Length, body.Length)] = (byte)random.Next(256);
        }

        await Connection.SendAsync(MessageType.Message, ++_requestId, body.WrittenMemory, timeout.Token);
    }

    /// <summary>The answer to a request that was sent; answers to others are kept.</summary>
    public async Task<byte[]> AnswerAsync(uint requestId)
    {
        byte[]? answer;
        while (!_early.Remove(requestId, out answer))
        {
            var incoming = await ReceiveAsync();
            Assert.True(incoming.Kind == IncomingKind.Message, $"{incoming.Kind} {incoming.Status} {incoming.Reason}");
            _early.Add(incoming.RequestId, incoming.Body.ToArray());
        }

        return answer;
    }

    public async Task<TResponse> AnswerAsync<TResponse>(uint requestId)
        where TResponse : ServiceResponse
    {
        var response = Decode<TResponse>(await AnswerAsync(requestId));
        Assert.Equal(StatusCode.Good, response.Header.ServiceResult);
        return response;
    }

    public async Task<StatusCode> ResultAsync<TRequest>(TRequest request)
        where TRequest : ServiceRequest, IServiceMessage => (await AnyAsync(await SendAsync(request))).Header.ServiceResult;

    public async Task<ServiceResponse> AnyAsync(uint requestId) => Decode<ServiceResponse>(await AnswerAsync(requestId));

    public async Task<TResponse> RequestAsync<TRequest, TResponse>(TRequest request)
        where TRequest : ServiceRequest, IServiceMessage
        where TResponse : ServiceResponse => await AnswerAsync<TResponse>(await SendAsync(request));

    public CreateSessionRequest SessionRequest(double timeoutMs = 600_000) => new()
    {
        ClientDescription = new ApplicationDescription
        {
            ApplicationUri = Own?.ApplicationUri ?? TestCertificates.ClientUri,
            ApplicationType = ApplicationType.Client,
        },
        EndpointUrl = Url,
        SessionName = "pipe",
        ClientNonce = System.Security.Cryptography.RandomNumberGenerator.GetBytes(32),
        ClientCertificate = Own?.RawData,
        RequestedSessionTimeout = timeoutMs,
    };

    public async Task<CreateSessionResponse> CreateSessionAsync(double timeoutMs = 600_000)
    {
        var request = SessionRequest(timeoutMs);
        var session = await RequestAsync<CreateSessionRequest, CreateSessionResponse>(request);
        Token = session.AuthenticationToken;
        ServerNonce = session.ServerNonce;
        ServerCertificate = session.ServerCertificate;
        var (algorithm, signature) = session.ServerSignature;
        Assert.Equal(
            StatusCode.Good, SessionSignature.Verify(Channel.Policy, Channel.Peer, Own?.RawData, request.ClientNonce, algorithm, signature));
        return session;
    }

    /// <summary>Takes the token and the nonce of another client's session, to activate it here.</summary>
    public void TakeOver(PipeClient other)
    {
        Token = other.Token;
        ServerNonce = other.ServerNonce;
        ServerCertificate = other.ServerCertificate;
    }

    public async Task<StatusCode> ActivateAsync(string? user = null, string password = ServerUnderTest.Password)
    {
        var id = await SendAsync(new ActivateSessionRequest
        {
            ClientSignature = new SignatureData(
                Channel.Policy.SignatureUri, SessionSignature.Create(Channel.Policy, Own, ServerCertificate, ServerNonce)),
            UserIdentityToken = user is null
                ? ExtensionCodec.Pack(new AnonymousIdentityToken { PolicyId = "anonymous" })
                : ExtensionCodec.Pack(UserToken(user, password)),
        });
        var response = await AnyAsync(id);
        ServerNonce = (response as ActivateSessionResponse)?.ServerNonce ?? ServerNonce;
        return response.Header.ServiceResult;
    }

    public async Task<uint> SubscribeAsync(
        double intervalMs = 20, uint keepAliveCount = 10, uint lifetimeCount = 1000, uint valuesMax = 0, bool publishing = true) =>
        (await RequestAsync<CreateSubscriptionRequest, CreateSubscriptionResponse>(new CreateSubscriptionRequest
        {
            RequestedPublishingInterval = intervalMs,
            RequestedMaxKeepAliveCount = keepAliveCount,
            RequestedLifetimeCount = lifetimeCount,
            MaxNotificationsPerPublish = valuesMax,
            PublishingEnabled = publishing,
        })).SubscriptionId;

    /// <summary>Monitors variables; the client handles are the positions in the list.</summary>
    public async Task<MonitoredItemCreateResult[]> MonitorAsync(
        uint subscription,
        IEnumerable<string> nodes,
        uint queueSize = 1000,
        bool discardOldest = true,
        double samplingInterval = 0,
        DataChangeFilter? filter = null,
        MonitoringMode mode = MonitoringMode.Reporting,
        TimestampsToReturn timestamps = TimestampsToReturn.Both)
    {
        var response = await RequestAsync<CreateMonitoredItemsRequest, CreateMonitoredItemsResponse>(new CreateMonitoredItemsRequest
        {
            SubscriptionId = subscription,
            TimestampsToReturn = timestamps,
            ItemsToCreate =
            [
                .. nodes.Select((node, i) => new MonitoredItemCreateRequest
                {
                    ItemToMonitor = new ReadValueId { NodeId = NodeId.Parse(node) },
                    MonitoringMode = mode,
                    RequestedParameters = new MonitoringParameters
                    {
                        ClientHandle = (uint)i,
                        SamplingInterval = samplingInterval,
                        QueueSize = queueSize,
                        DiscardOldest = discardOldest,
                        Filter = ExtensionCodec.Pack(filter ?? new DataChangeFilter { Trigger = DataChangeTrigger.StatusValueTimestamp }),
                    },
                }),
            ],
        });
        return response.Results;
    }

    /// <summary>Sends a Publish and does not wait.</summary>
    public Task<uint> PublishAsync(params (uint Subscription, uint Sequence)[] acknowledgements) => SendAsync(new PublishRequest
    {
        SubscriptionAcknowledgements = [.. acknowledgements.Select(a => new SubscriptionAcknowledgement(a.Subscription, a.Sequence))],
    });

    /// <summary>Sends a Publish and waits for its answer.</summary>
    public async Task<PublishResponse> NextAsync(params (uint Subscription, uint Sequence)[] acknowledgements) =>
        await AnswerAsync<PublishResponse>(await PublishAsync(acknowledgements));

    public async Task<NotificationMessage?> RepublishAsync(uint subscription, uint sequence)
    {
        var response = await AnyAsync(await SendAsync(new RepublishRequest { SubscriptionId = subscription, RetransmitSequenceNumber = sequence }));
        Assert.True(
            response.Header.ServiceResult.IsGood || response.Header.ServiceResult == StatusCodes.BadMessageNotAvailable,
            response.Header.ServiceResult.ToString());
        return (response as RepublishResponse)?.NotificationMessage;
    }

    /// <summary>The data changes in a message; empty for a keep-alive.</summary>
    public static MonitoredItemNotification[] Changes(NotificationMessage message) =>
    [
        .. message.NotificationData.SelectMany(data =>
        {
            Assert.False(ExtensionCodec.TryUnpack<DataChangeNotification>(data, DecodeLimits.Default, out var changes).IsError);
            return changes!.MonitoredItems;
        }),
    ];

    public static StatusCode StatusChange(NotificationMessage message)
    {
        Assert.False(ExtensionCodec.TryUnpack<StatusChangeNotification>(Assert.Single(message.NotificationData), DecodeLimits.Default, out var change).IsError);
        return change!.Status;
    }

    /// <summary>Vanishes without a word: no CLO, no more reading.</summary>
    public async Task AbandonAsync()
    {
        _socket.Close(0);
        await Connection.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await Connection.DisposeAsync();

    public static T Decode<T>(byte[] body)
        where T : ServiceResponse
    {
        var decoded = ServiceCodec.Decode(body, DecodeLimits.Default);
        Assert.False(decoded.Error.IsError, decoded.Error.ToString());
        var fault = (decoded.Message as ServiceFault)?.Header.ServiceResult;
        Assert.True(decoded.Message is T, $"expected {typeof(T).Name}, got {decoded.Message!.GetType().Name} {fault}");
        return (T)(object)decoded.Message;
    }

    private UserNameIdentityToken UserToken(string user, string password)
    {
        using var server = PeerCertificate.TryParse(ServerCertificate, out var parsed) ? parsed : throw new InvalidOperationException();
        var policy = SecurityPolicy.Basic256Sha256;
        var plain = System.Text.Encoding.UTF8.GetBytes(password);
        Assert.Equal(StatusCode.Good, UserTokenSecret.TryEncrypt(policy, server, plain, ServerNonce, out var cipher));
        return new UserNameIdentityToken { PolicyId = "username", UserName = user, Password = cipher, EncryptionAlgorithm = policy.EncryptionUri };
    }

    private RequestHeader Header() => new() { AuthenticationToken = Token, RequestHandle = _requestId + 1, TimeoutHint = TimeoutHint };
}
