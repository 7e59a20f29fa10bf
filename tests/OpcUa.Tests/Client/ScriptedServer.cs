using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;
using ZfRepl.TestKit;

namespace ZfRepl.OpcUa.Tests.Client;

/// <summary>
/// A server without security that does what a test says, right or wrong: the test sends the notifications and decides what is kept.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    public const string Uri = "urn:test:scripted";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _tasks = [];
    private readonly ConcurrentDictionary<SecureConnection, bool> _connections = new();
    private readonly Lock _gate = new();
    private readonly List<(SecureConnection Connection, uint RequestId, PublishRequest Request)> _publishes = [];
    private readonly HashSet<NodeId> _sessions = [];
    private uint _lastId;

    public ScriptedServer()
    {
        _listener.Start();
        _tasks.Add(AcceptAsync());
    }

    public string EndpointUrl => $"opc.tcp://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public UaDateTime StartTime { get; set; } = new(133_000_000_000_000_000);

    /// <summary>The notifications that Republish can give.</summary>
    public ConcurrentDictionary<uint, NotificationMessage> Held { get; } = new();

    public ConcurrentQueue<uint> Acknowledged { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The subscriptions that exist.</summary>
    public ConcurrentDictionary<uint, bool> Subscriptions { get; } = new();

    public ConcurrentQueue<uint> Deleted { get; } = new();

    public ConcurrentQueue<MonitoredItemCreateRequest> Items { get; } = new();

    public uint LastSubscription { get; private set; }

    public int PublishesMax { get; set; } = 100;

    /// <summary>Answers instead of the usual answer; null for the usual one.</summary>
    public Func<IServiceMessage, ServiceResponse?>? Instead { get; set; }

    /// <summary>Whether the connection is cut instead of an answer.</summary>
    public Func<IServiceMessage, bool>? HangsUp { get; set; }

    /// <summary>When set, messages go out that are larger than the client takes.</summary>
    public bool IgnoresLimits { get; set; }

    public string[] Namespaces { get; set; } = ["http://opcfoundation.org/UA/", "urn:a"];

    public Func<MonitoredItemCreateRequest, MonitoredItemCreateResult> Item { get; set; } =
        r => new MonitoredItemCreateResult
        {
            RevisedSamplingInterval = r.RequestedParameters.SamplingInterval,
            RevisedQueueSize = r.RequestedParameters.QueueSize,
        };

    public int PublishesWaiting
    {
        get
        {
            lock (_gate)
            {
                return _publishes.Count;
            }
        }
    }

    /// <summary>Waits until the server has noticed that its client is gone.</summary>
    public Task AloneAsync() => Eventually.TrueAsync(() => _connections.IsEmpty, "the end of all connections", TimeSpan.FromSeconds(10));

    /// <summary>Forgets all sessions, as after a restart.</summary>
    public void ForgetSessions()
    {
        lock (_gate)
        {
            _sessions.Clear();
        }
    }

    public async Task CutAsync()
    {
        foreach (var connection in _connections.Keys)
        {
            await connection.CloseAsync();
        }

        lock (_gate)
        {
            _publishes.Clear();
        }
    }

    public static NotificationMessage Message(uint number, params double[] values)
    {
        using var writer = new UaWriter();
        DataChangeEncoder.Encode(
            writer, values.Length, values,
            static (v, i) => (0u, new DataValue(new Variant(v[i]), StatusCode.Good, new UaDateTime(1000 + i))));
        return new NotificationMessage
        {
            SequenceNumber = number,
            PublishTime = new UaDateTime(133_000_000_000_000_000 + number),
            NotificationData = [new ExtensionObject(new NodeId(DataChangeNotification.TypeId), writer.WrittenSpan.ToArray())],
        };
    }

    /// <summary>Sends a notification and keeps it for Republish.</summary>
    public Task PublishAsync(uint number, params double[] values)
    {
        var message = Message(number, values.Length == 0 ? [number] : values);
        Held[number] = message;
        return SendAsync(message);
    }

    /// <summary>Numbers a notification and keeps it, but does not send it.</summary>
    public void Lose(uint number) => Held[number] = Message(number, number);

    public Task KeepAliveAsync(uint next) => SendAsync(new NotificationMessage { SequenceNumber = next });

    public async Task StatusAsync(uint number, StatusCode status)
    {
        using var writer = new UaWriter();
        writer.WriteStatusCode(status);
        writer.WriteDiagnosticInfo(null);
        await SendAsync(new NotificationMessage
        {
            SequenceNumber = number,
            NotificationData = [new ExtensionObject(new NodeId(StatusChangeNotification.TypeId), writer.WrittenSpan.ToArray())],
        });
    }

    /// <summary>Answers the oldest Publish with a message, whatever it is.</summary>
    public async Task SendAsync(NotificationMessage message, uint? subscription = null)
    {
        await Eventually.TrueAsync(() => PublishesWaiting > 0, "a Publish to answer", TimeSpan.FromSeconds(10));
        (SecureConnection Connection, uint RequestId, PublishRequest Request) next;
        lock (_gate)
        {
            next = _publishes[0];
            _publishes.RemoveAt(0);
        }

        await RespondAsync(next.Connection, next.RequestId, next.Request.Header, new PublishResponse
        {
            SubscriptionId = subscription ?? LastSubscription,
            AvailableSequenceNumbers = [.. Held.Keys.Order()],
            NotificationMessage = message,
            Results = [.. next.Request.SubscriptionAcknowledgements.Select(a => Acknowledge(a.SequenceNumber))],
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await CutAsync();
        await Task.WhenAll(_tasks);
        _stop.Dispose();
    }

    private void Forget(SecureConnection connection)
    {
        lock (_gate)
        {
            _publishes.RemoveAll(p => p.Connection == connection);
        }

        _connections.TryRemove(connection, out _);
    }

    private StatusCode Acknowledge(uint number) => Held.TryRemove(number, out _) ? StatusCode.Good : StatusCodes.BadSequenceNumberUnknown;

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _tasks.Add(ServeAsync(await _listener.AcceptSocketAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var wire = new UaConnection(new NetworkStream(socket, ownsSocket: true), TransportLimits.Default.ReceiveChunkBytes);
        try
        {
            var handshake = await ConnectionHandshake.AcceptAsync(wire, TransportLimits.Default, _stop.Token);
            if (handshake.Status.IsBad)
            {
                return;
            }

            var limits = IgnoresLimits
                ? handshake.Limits! with { SendMessageBytesMax = int.MaxValue, SendChunkCountMax = int.MaxValue }
                : handshake.Limits!;
            await using var connection = new SecureConnection(wire, limits);
            connection.Attach(new SecureChannel(ChannelRole.Server, SecurityPolicy.None, null, null, limits, TimeProvider.System));
            connection.Channel!.TrySetMode(MessageSecurityMode.None);
            _connections[connection] = true;
            while (true)
            {
                var incoming = await connection.ReceiveAsync(_stop.Token);
                if (incoming.Kind == IncomingKind.Open)
                {
                    await OpenAsync(connection, incoming.Data);
                }
                else if (incoming.Kind == IncomingKind.Message)
                {
                    await AnswerAsync(connection, incoming.RequestId, ServiceCodec.Decode(incoming.Body.Span, DecodeLimits.Default).Message!);
                }
                else
                {
                    Forget(connection);
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task OpenAsync(SecureConnection connection, Memory<byte> chunk)
    {
        var opened = connection.Channel!.OpenAsymmetric(chunk.Span);
        var body = chunk.Span.Slice(opened.BodyOffset, opened.BodyLength);
        var request = (OpenSecureChannelRequest)ServiceCodec.Decode(body, DecodeLimits.Default).Message!;
        var id = connection.Channel.ChannelId == 0 ? Interlocked.Increment(ref _lastId) : connection.Channel.ChannelId;
        var token = new ChannelSecurityToken(id, Interlocked.Increment(ref _lastId), UaDateTime.Null, request.RequestedLifetime);
        connection.Channel.Install(token.ToToken(), null, null);
        using var answer = new UaWriter();
        ServiceCodec.Encode(answer, new OpenSecureChannelResponse { SecurityToken = token });
        await connection.SendOpenAsync(opened.RequestId, answer.WrittenMemory, _stop.Token);
    }

    private async Task AnswerAsync(SecureConnection connection, uint requestId, IServiceMessage message)
    {
        var request = (ServiceRequest)message;
        Requests.Enqueue(message.GetType().Name.Replace("Request", "", StringComparison.Ordinal));
        if (HangsUp?.Invoke(message) == true)
        {
            await connection.CloseAsync();
            return;
        }

        if (message is PublishRequest publish)
        {
            var isTooMany = false;
            foreach (var acknowledgement in publish.SubscriptionAcknowledgements)
            {
                Acknowledged.Enqueue(acknowledgement.SequenceNumber);
            }

            lock (_gate)
            {
                isTooMany = _publishes.Count >= PublishesMax;
                if (!isTooMany)
                {
                    _publishes.Add((connection, requestId, publish));
                }
            }

            if (isTooMany)
            {
                await RespondAsync(connection, requestId, request.Header, Fault(StatusCodes.BadTooManyPublishRequests));
            }

            return;
        }

        await RespondAsync(connection, requestId, request.Header, Instead?.Invoke(message) ?? Usual(message));
    }

    private static async Task RespondAsync(SecureConnection connection, uint requestId, RequestHeader header, ServiceResponse response)
    {
        response.Header = new ResponseHeader { RequestHandle = header.RequestHandle, ServiceResult = response.Header.ServiceResult };
        using var body = new UaWriter();
        ServiceCodec.Encode(body, (IServiceMessage)response);
        try
        {
            await connection.SendAsync(MessageType.Message, requestId, body.WrittenMemory, CancellationToken.None);
        }
        catch (ObjectDisposedException)
        {
            // The client has left in the middle of the answer, and the receive loop has closed the connection.
        }
    }

    public static ServiceFault Fault(StatusCode status) => new() { Header = new ResponseHeader { ServiceResult = status } };

    private ServiceResponse Usual(IServiceMessage message)
    {
        switch (message)
        {
            case GetEndpointsRequest:
                return new GetEndpointsResponse { Endpoints = [Endpoint()] };
            case CreateSessionRequest create:
                var token = new NodeId(0, Guid.NewGuid());
                lock (_gate)
                {
                    _sessions.Add(token);
                }

                return new CreateSessionResponse
                {
                    SessionId = new NodeId(1, 1),
                    AuthenticationToken = token,
                    RevisedSessionTimeout = create.RequestedSessionTimeout,
                    ServerEndpoints = [Endpoint()],
                };
            case ActivateSessionRequest activate:
                lock (_gate)
                {
                    return _sessions.Contains(activate.Header.AuthenticationToken)
                        ? new ActivateSessionResponse()
                        : Fault(StatusCodes.BadSessionIdInvalid);
                }

            case ReadRequest read:
                return new ReadResponse { Results = [.. read.NodesToRead.Select(n => Read(n.NodeId))] };
            case CreateSubscriptionRequest subscribe:
                LastSubscription = Interlocked.Increment(ref _lastId);
                Subscriptions[LastSubscription] = true;
                return new CreateSubscriptionResponse
                {
                    SubscriptionId = LastSubscription,
                    RevisedPublishingInterval = subscribe.RequestedPublishingInterval,
                    RevisedLifetimeCount = subscribe.RequestedLifetimeCount,
                    RevisedMaxKeepAliveCount = subscribe.RequestedMaxKeepAliveCount,
                };
            case CreateMonitoredItemsRequest items:
                return new CreateMonitoredItemsResponse { Results = [.. items.ItemsToCreate.Select(Watch)] };
            case SetPublishingModeRequest mode:
                return new SetPublishingModeResponse { Results = new StatusCode[mode.SubscriptionIds.Length] };
            case RepublishRequest republish:
                return !Subscriptions.ContainsKey(republish.SubscriptionId) ? Fault(StatusCodes.BadSubscriptionIdInvalid)
                    : Held.TryGetValue(republish.RetransmitSequenceNumber, out var held) ? new RepublishResponse { NotificationMessage = held }
                    : Fault(StatusCodes.BadMessageNotAvailable);
            case TransferSubscriptionsRequest transfer:
                return new TransferSubscriptionsResponse
                {
                    Results =
                    [
                        .. transfer.SubscriptionIds.Select(id => Subscriptions.ContainsKey(id)
                            ? new TransferResult(StatusCode.Good, [.. Held.Keys.Order()])
                            : new TransferResult(StatusCodes.BadSubscriptionIdInvalid, [])),
                    ],
                };
            case DeleteSubscriptionsRequest delete:
                foreach (var id in delete.SubscriptionIds)
                {
                    Subscriptions.TryRemove(id, out _);
                    Deleted.Enqueue(id);
                }

                return new DeleteSubscriptionsResponse { Results = new StatusCode[delete.SubscriptionIds.Length] };
            default:
                return Fault(StatusCodes.BadServiceUnsupported);
        }
    }

    private MonitoredItemCreateResult Watch(MonitoredItemCreateRequest request)
    {
        Items.Enqueue(request);
        return Item(request);
    }

    private DataValue Read(NodeId node) =>
        node.IsNumeric(WellKnownNodes.NamespaceArray)
            ? new DataValue(Variant.Array(BuiltInType.String, Namespaces))
        : node.IsNumeric(WellKnownNodes.ServerStatusStartTime) ? new DataValue(new Variant(StartTime))
        : node.IsNumeric(WellKnownNodes.ServerStatusState) ? new DataValue(new Variant(0))
        : new DataValue(StatusCodes.BadNodeIdUnknown);

    private EndpointDescription Endpoint() => new()
    {
        EndpointUrl = EndpointUrl,
        Server = new ApplicationDescription { ApplicationUri = Uri },
        SecurityMode = MessageSecurityMode.None,
        SecurityPolicyUri = SecurityPolicy.None.Uri,
        UserIdentityTokens = [new UserTokenPolicy { PolicyId = "anonymous", TokenType = UserTokenType.Anonymous }],
    };
}
