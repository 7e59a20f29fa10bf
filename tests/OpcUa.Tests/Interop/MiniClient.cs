using System.Net.Sockets;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Interop;

/// <summary>The least that speaks to a server: one request at a time, straight on the layers under test.</summary>
internal sealed class MiniClient : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly string _endpointUrl;
    private readonly ApplicationCertificate? _own;
    private readonly SecureConnection _connection;
    private NodeId _authenticationToken;
    private uint _requestId;

    private MiniClient(string endpointUrl, ApplicationCertificate? own, SecureConnection connection)
    {
        _endpointUrl = endpointUrl;
        _own = own;
        _connection = connection;
    }

    public SecureChannel Channel => _connection.Channel!;

    public CreateSessionResponse? Session { get; private set; }

    public static Task<MiniClient> ConnectPlainAsync(string endpointUrl) =>
        ConnectAsync(endpointUrl, SecurityPolicy.None, MessageSecurityMode.None, null, null);

    public static async Task<MiniClient> ConnectAsync(
        string endpointUrl,
        SecurityPolicy policy,
        MessageSecurityMode mode,
        ApplicationCertificate? own,
        byte[]? serverCertificate,
        uint lifetimeMs = 60_000)
    {
        using var timeout = new CancellationTokenSource(Limit);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", new Uri(endpointUrl).Port, timeout.Token);
        var wire = new UaConnection(new NetworkStream(socket, ownsSocket: true), TransportLimits.Default.ReceiveChunkBytes);
        var handshake = await ConnectionHandshake.ConnectAsync(wire, endpointUrl, TransportLimits.Default, timeout.Token);
        Assert.True(handshake.Status.IsGood, handshake.Reason);
        var connection = new SecureConnection(wire, handshake.Limits!);
        PeerCertificate? peer = null;
        Assert.True(policy.IsNone || PeerCertificate.TryParse(serverCertificate, out peer));
        connection.Attach(new SecureChannel(
            ChannelRole.Client, policy, policy.IsNone ? null : own, peer, handshake.Limits!, TimeProvider.System));
        Assert.Equal(StatusCode.Good, connection.Channel!.TrySetMode(mode));
        var client = new MiniClient(endpointUrl, own, connection);
        await client.OpenAsync(SecurityTokenRequestType.Issue, lifetimeMs);
        return client;
    }

    /// <summary>Asks for a channel, or renews it.</summary>
    public async Task<OpenSecureChannelResponse> OpenAsync(SecurityTokenRequestType type, uint lifetimeMs)
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
        Assert.Equal(StatusCode.Good, await _connection.SendOpenAsync(++_requestId, body.WrittenMemory, timeout.Token));
        var incoming = await _connection.ReceiveAsync(timeout.Token);
        Assert.True(incoming.Kind == IncomingKind.Open, $"{incoming.Kind} {incoming.Status} {incoming.Reason}");
        var opened = Channel.OpenAsymmetric(incoming.Data.Span);
        Assert.Equal(StatusCode.Good, opened.Status);
        var response = Decode<OpenSecureChannelResponse>(incoming.Data.Span.Slice(opened.BodyOffset, opened.BodyLength));
        Assert.True(Channel.IsNonceValid(response.ServerNonce));
        Channel.Install(response.SecurityToken.ToToken(), nonce, response.ServerNonce);
        return response;
    }

    /// <summary>Sends a request and waits for its answer as bytes.</summary>
    public async Task<byte[]> RequestBytesAsync<TRequest>(TRequest request)
        where TRequest : ServiceRequest, IServiceMessage
    {
        using var timeout = new CancellationTokenSource(Limit);
        request.Header = Header();
        using var body = new UaWriter();
        ServiceCodec.Encode(body, request);
        Assert.Equal(StatusCode.Good, await _connection.SendAsync(MessageType.Message, ++_requestId, body.WrittenMemory, timeout.Token));
        var incoming = await _connection.ReceiveAsync(timeout.Token);
        Assert.True(incoming.Kind == IncomingKind.Message, $"{incoming.Kind} {incoming.Status} {incoming.Reason}");
        Assert.Equal(_requestId, incoming.RequestId);
        return incoming.Body.ToArray();
    }

    public async Task<TResponse> RequestAsync<TRequest, TResponse>(TRequest request)
        where TRequest : ServiceRequest, IServiceMessage
        where TResponse : ServiceResponse
    {
        var response = Decode<TResponse>(await RequestBytesAsync(request));
        Assert.Equal(StatusCode.Good, response.Header.ServiceResult);
        return response;
    }

    /// <summary>
    /// The result of a request that the server may refuse as a whole; some send the usual response then, some a ServiceFault.
    /// </summary>
    public async Task<StatusCode> ResultAsync<TRequest>(TRequest request)
        where TRequest : ServiceRequest, IServiceMessage => Decode<ServiceResponse>(await RequestBytesAsync(request)).Header.ServiceResult;

    public async Task CreateSessionAsync()
    {
        var nonce = System.Security.Cryptography.RandomNumberGenerator.GetBytes(32);
        Session = await RequestAsync<CreateSessionRequest, CreateSessionResponse>(new CreateSessionRequest
        {
            ClientDescription = new ApplicationDescription
            {
                ApplicationUri = Security.TestCertificates.ClientUri,
                ApplicationType = ApplicationType.Client,
                ApplicationName = new LocalizedText("Mini client"),
            },
            EndpointUrl = _endpointUrl,
            SessionName = "mini",
            ClientNonce = nonce,
            ClientCertificate = Channel.Policy.IsNone ? null : _own!.RawData,
            RequestedSessionTimeout = 60_000,
        });
        _authenticationToken = Session.AuthenticationToken;
        var signature = Session.ServerSignature;
        Assert.Equal(
            StatusCode.Good,
            SessionSignature.Verify(Channel.Policy, Channel.Peer, _own?.RawData, nonce, signature.Algorithm, signature.Signature));
    }

    /// <summary>The request that activates the session for a user, or for nobody.</summary>
    public ActivateSessionRequest Activation(EndpointDescription endpoint, string? user = null, string? password = null)
    {
        var type = user is null ? UserTokenType.Anonymous : UserTokenType.UserName;
        var policy = endpoint.UserIdentityTokens.First(t => t.TokenType == type);
        return new ActivateSessionRequest
        {
            ClientSignature = new SignatureData(
                Channel.Policy.SignatureUri, SessionSignature.Create(Channel.Policy, _own, Session!.ServerCertificate, Session.ServerNonce)),
            UserIdentityToken = user is null
                ? ExtensionCodec.Pack(new AnonymousIdentityToken { PolicyId = policy.PolicyId })
                : ExtensionCodec.Pack(UserToken(policy, endpoint, user, password!)),
        };
    }

    public async Task ActivateAsync(EndpointDescription endpoint, string? user = null, string? password = null) =>
        await RequestAsync<ActivateSessionRequest, ActivateSessionResponse>(Activation(endpoint, user, password));

    public async Task<DataValue[]> ReadAsync(params string[] nodes)
    {
        var response = await RequestAsync<ReadRequest, ReadResponse>(new ReadRequest
        {
            TimestampsToReturn = TimestampsToReturn.Both,
            NodesToRead = [.. nodes.Select(n => new ReadValueId { NodeId = NodeId.Parse(n) })],
        });
        Assert.Equal(nodes.Length, response.Results.Length);
        return response.Results;
    }

    public Task CloseSessionAsync() =>
        RequestAsync<CloseSessionRequest, CloseSessionResponse>(new CloseSessionRequest { DeleteSubscriptions = true });

    public async ValueTask DisposeAsync()
    {
        using var body = new UaWriter();
        ServiceCodec.Encode(body, new CloseSecureChannelRequest { Header = Header() });
        await _connection.SendAsync(MessageType.Close, ++_requestId, body.WrittenMemory, default);
        await _connection.DisposeAsync();
    }

    private UserNameIdentityToken UserToken(UserTokenPolicy policy, EndpointDescription endpoint, string user, string password)
    {
        var uri = string.IsNullOrEmpty(policy.SecurityPolicyUri) ? Channel.Policy.Uri : policy.SecurityPolicyUri;
        Assert.True(SecurityPolicy.TryFind(uri, out var secrets));
        var plain = System.Text.Encoding.UTF8.GetBytes(password);
        if (secrets.IsNone)
        {
            return new UserNameIdentityToken { PolicyId = policy.PolicyId, UserName = user, Password = plain };
        }

        Assert.True(PeerCertificate.TryParse(endpoint.ServerCertificate, out var server));
        using (server)
        {
            Assert.Equal(StatusCode.Good, UserTokenSecret.TryEncrypt(secrets, server, plain, Session!.ServerNonce, out var cipher));
            return new UserNameIdentityToken
            {
                PolicyId = policy.PolicyId,
                UserName = user,
                Password = cipher,
                EncryptionAlgorithm = secrets.EncryptionUri,
            };
        }
    }

    private static T Decode<T>(ReadOnlySpan<byte> body)
        where T : ServiceResponse
    {
        var decoded = ServiceCodec.Decode(body, DecodeLimits.Default);
        Assert.False(decoded.Error.IsError, decoded.Error.ToString());
        var fault = (decoded.Message as ServiceFault)?.Header.ServiceResult;
        Assert.True(decoded.Message is T, $"expected {typeof(T).Name}, got {decoded.Message!.GetType().Name} {fault}");
        return (T)(object)decoded.Message;
    }

    private RequestHeader Header() => new()
    {
        AuthenticationToken = _authenticationToken,
        Timestamp = UaDateTime.From(TimeProvider.System.GetUtcNow()),
        RequestHandle = _requestId + 1,
        TimeoutHint = 20_000,
    };
}
