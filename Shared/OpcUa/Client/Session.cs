using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>Which server a session is with.</summary>
/// <param name="ApplicationUri">What the server calls itself.</param>
/// <param name="Thumbprint">Its certificate in hexadecimal; empty when it has none.</param>
internal sealed record ServerIdentity(string ApplicationUri, string Thumbprint);

/// <summary>
/// A session with a server over one connection: it ends with the connection and does not come back. The keys of the channel are renewed by
/// themselves. Nothing is sent to keep a session alive that is not used: the server ends it after
/// <see cref="UaClientOptions.SessionTimeout"/>.
/// </summary>
/// <remarks>Thread-safe. Dispose it only when no call is under way; that closes it at the server with everything in it.</remarks>
public sealed class Session : IAsyncDisposable
{
    private const int BrowseReferencesPerCall = 1000;

    private readonly ClientChannel _channel;
    private readonly TimeProvider _time;
    private long _lastSentAt;
    private bool _isKept;

    internal Session(ClientChannel channel, SessionHandle handle, ServerIdentity server, bool isResumed, TimeProvider time)
    {
        _channel = channel;
        _time = time;
        Handle = handle;
        Server = server;
        IsResumed = isResumed;
        _lastSentAt = time.GetTimestamp();
    }

    /// <summary>The server's namespaces as read last, after the activation or later.</summary>
    public NamespaceTable Namespaces { get; private set; } = new([]);

    /// <summary>When the server was started, by its own clock; null time when it does not say.</summary>
    public UaDateTime ServerStartTime { get; private set; }

    /// <summary>Cancelled when the connection is gone; every call fails from then on.</summary>
    public CancellationToken Ended => _channel.Ended;

    /// <summary>Ends with the reason when the connection is gone; never fails.</summary>
    public Task<UaError> Completion => _channel.Completion;

    internal SessionHandle Handle { get; }

    internal ServerIdentity Server { get; }

    /// <summary>True when an earlier session was activated again.</summary>
    internal bool IsResumed { get; }

    internal OperationLimits Limits { get; private set; } = new();

    /// <summary>How long ago the last request was sent.</summary>
    internal TimeSpan SinceLastRequest => _time.GetElapsedTime(Volatile.Read(ref _lastSentAt));

    /// <summary>Asks a server for its endpoints, over a connection of its own without security.</summary>
    /// <param name="endpointUrl">The server, <c>opc.tcp://host:port/path</c>.</param>
    /// <param name="timeout">The bound of every single step.</param>
    /// <param name="logger">For what happens on the way.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The endpoints, among them such that this client cannot use; or why there are none.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<UaResult<IReadOnlyList<ServerEndpoint>>> DiscoverAsync(
        string endpointUrl, TimeSpan timeout, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        var found = await EndpointChoice.DiscoverAsync(endpointUrl, timeout, logger, time, cancellationToken);
        return found.Error is { } error ? error : found.Value.Select(ServerEndpoint.From).ToArray();
    }

    /// <summary>Connects and logs in with exactly the security that the options ask for.</summary>
    /// <returns>The session; or why there is none, as a sentence that says what to do where that is known.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<UaResult<Session>> ConnectAsync(
        UaClientOptions options, ILogger logger, TimeProvider time, CancellationToken cancellationToken) =>
        new SessionConnector(options, logger, time).ConnectAsync(null, cancellationToken);

    /// <summary>Reads an attribute of many nodes, in as many requests as the server's limits demand.</summary>
    /// <param name="nodes">The nodes.</param>
    /// <param name="attributeId">The attribute; 13 is the value.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>One value for each node, whose status says if it could be read; an error when a whole request failed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<UaResult<IReadOnlyList<DataValue>>> ReadAsync(
        IReadOnlyList<NodeId> nodes, uint attributeId = 13, CancellationToken cancellationToken = default) =>
        OperationLimits.InPartsAsync<NodeId, DataValue>(nodes, Limits.Read, async part =>
        {
            var answer = await CallAsync<ReadRequest, ReadResponse>(
                new ReadRequest
                {
                    TimestampsToReturn = TimestampsToReturn.Both,
                    NodesToRead = [.. part.Select(n => new ReadValueId { NodeId = n, AttributeId = (AttributeId)attributeId })],
                },
                cancellationToken);
            return answer.Error is { } error ? error : answer.Value.Results;
        });

    /// <summary>Writes values, without status and time stamps, in as many requests as the server's limits demand.</summary>
    /// <returns>One status for each value; an error when a whole request failed: then earlier parts may have been written.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<UaResult<IReadOnlyList<StatusCode>>> WriteAsync(
        IReadOnlyList<(NodeId Node, Variant Value)> values, CancellationToken cancellationToken = default) =>
        OperationLimits.InPartsAsync<(NodeId Node, Variant Value), StatusCode>(values, Limits.Write, async part =>
        {
            var answer = await CallAsync<WriteRequest, WriteResponse>(
                new WriteRequest { NodesToWrite = [.. part.Select(v => new WriteValue { NodeId = v.Node, Value = new DataValue(v.Value) })] },
                cancellationToken);
            return answer.Error is { } error ? error : answer.Value.Results;
        });

    /// <summary>The nodes that a node refers to, forward along hierarchical references. Nodes of other servers are left out.</summary>
    /// <param name="node">The node.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>
    /// The nodes in the server's order; BadEncodingLimitsExceeded when there are more than a million, and the server's reason when it
    /// refuses.
    /// </returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<UaResult<IReadOnlyList<BrowsedNode>>> BrowseAsync(NodeId node, CancellationToken cancellationToken = default) =>
        new Browser(this, BrowseReferencesPerCall).BrowseAsync(node, cancellationToken);

    /// <summary>Closes the session with its subscriptions at the server, as far as that is possible, and the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_isKept && !Ended.IsCancellationRequested)
        {
            // Whatever the answer is, the connection is closed next.
            _ = await CallAsync<CloseSessionRequest, CloseSessionResponse>(
                new CloseSessionRequest { DeleteSubscriptions = true }, CancellationToken.None);
        }

        await _channel.CloseAsync();
        await _channel.DisposeAsync();
    }

    /// <summary>From now on disposing closes the connection alone; the session stays at the server for the next connection.</summary>
    internal void KeepAtServer() => _isKept = true;

    internal Task<UaResult<TResponse>> CallAsync<TRequest, TResponse>(TRequest request, CancellationToken cancellationToken)
        where TRequest : ServiceRequest, IServiceMessage
        where TResponse : ServiceResponse
    {
        Volatile.Write(ref _lastSentAt, _time.GetTimestamp());
        return _channel.CallAsync<TRequest, TResponse>(Handle.AuthenticationToken, request, cancellationToken);
    }

    /// <summary>Sends a request whose answer comes whenever it comes.</summary>
    internal Task SendAsync<TRequest>(TRequest request, PendingRequest pending, TimeSpan timeoutHint)
        where TRequest : ServiceRequest, IServiceMessage
    {
        Volatile.Write(ref _lastSentAt, _time.GetTimestamp());
        return _channel.SendAsync(Handle.AuthenticationToken, request, pending, timeoutHint);
    }

    /// <summary>Reads the namespaces, the start time and the limits of the server.</summary>
    internal async Task<UaError?> LookAroundAsync(CancellationToken cancellationToken)
    {
        uint[] nodes = [WellKnownNodes.NamespaceArray, WellKnownNodes.ServerStatusStartTime, .. OperationLimits.Nodes];
        var read = await ReadAsync([.. nodes.Select(n => new NodeId(n))], cancellationToken: cancellationToken);
        if (read.Error is { } error)
        {
            return error;
        }

        DataValue[] values = [.. read.Value];
        if (TakeNamespaces(values[0]) is { } failure)
        {
            return failure;
        }

        ServerStartTime = values[1].Value is { Type: BuiltInType.DateTime, Shape: VariantShape.Scalar } start
            ? start.GetDateTime()
            : UaDateTime.Null;
        Limits = OperationLimits.From(values.AsSpan(2));
        return null;
    }

    /// <summary>Reads the namespaces once more; when that fails, the table stays as it is.</summary>
    internal async Task<UaError?> ReadNamespacesAsync(CancellationToken cancellationToken)
    {
        var read = await ReadAsync([new NodeId(WellKnownNodes.NamespaceArray)], cancellationToken: cancellationToken);
        return read.Error is { } error ? error : TakeNamespaces(read.Value[0]);
    }

    private UaError? TakeNamespaces(in DataValue value)
    {
        if (value.Value is not { Type: BuiltInType.String, Shape: VariantShape.Array, Reference: string?[] uris })
        {
            return new UaError(StatusCodes.BadUnexpectedError, $"the server's namespaces cannot be read ({value.Status})");
        }

        Namespaces = new NamespaceTable(uris);
        return null;
    }
}
