using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>What a channel is opened with.</summary>
/// <param name="EndpointUrl">Where the socket goes, and what Hello says.</param>
/// <param name="Policy">The security policy.</param>
/// <param name="Mode">The security mode.</param>
/// <param name="Own">This application's certificate; null with policy None.</param>
/// <param name="ServerCertificate">The server's certificate, already judged; null with policy None.</param>
/// <param name="Judge">Judges it again before each renewal; null when it may go on.</param>
/// <param name="Lifetime">How long a token is asked for.</param>
/// <param name="Timeout">The bound of every single step.</param>
internal sealed record ChannelParameters(
    string EndpointUrl,
    SecurityPolicy Policy,
    MessageSecurityMode Mode,
    ApplicationCertificate? Own,
    byte[]? ServerCertificate,
    Func<UaError?> Judge,
    TimeSpan Lifetime,
    TimeSpan Timeout);

/// <summary>
/// The client's end of one connection with its secure channel: matches answers to requests and renews the keys at three quarters of their
/// lifetime. It ends with its connection; a new one is a new object.
/// </summary>
/// <remarks>Thread-safe. <see cref="DisposeAsync"/> only when no request is under way.</remarks>
internal sealed class ClientChannel : IAsyncDisposable
{
    private const int SocketReceiveBytes = 1 << 20;
    private const double RenewAt = 0.75;
    private static readonly TimeSpan RenewalRetry = TimeSpan.FromSeconds(1);

    private readonly ChannelParameters _parameters;
    private readonly SecureConnection _connection;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<uint, PendingRequest> _pending = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource<UaError> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PendingOpen? _opening;
    private uint _lastRequestId;
    private Task _receiving = Task.CompletedTask;
    private Task _renewing = Task.CompletedTask;

    private ClientChannel(ChannelParameters parameters, SecureConnection connection, ILogger logger, TimeProvider time)
    {
        _parameters = parameters;
        _connection = connection;
        _logger = logger;
        _time = time;
    }

    /// <summary>Cancelled when the connection is gone.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Why the connection ended; never fails.</summary>
    public Task<UaError> Completion => _completion.Task;

    /// <summary>The security policy of the channel.</summary>
    public SecurityPolicy Policy => _parameters.Policy;

    /// <summary>The security mode of the channel.</summary>
    public MessageSecurityMode Mode => _parameters.Mode;

    /// <summary>The server's certificate; null with policy None.</summary>
    public PeerCertificate? Peer => _connection.Channel!.Peer;

    /// <summary>Connects, shakes hands and opens the channel; every step is bounded by the timeout.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<UaResult<ClientChannel>> OpenAsync(
        ChannelParameters parameters, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(parameters.Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await OpenCoreAsync(parameters, logger, time, linked.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new UaError(StatusCodes.BadTimeout, $"no answer from {parameters.EndpointUrl} in time");
        }
        catch (SocketException e)
        {
            return new UaError(StatusCodes.BadCommunicationError, $"{parameters.EndpointUrl} cannot be reached: {e.Message}");
        }
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <returns>The response when its result is good; else the server's or our own reason.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; the answer, if one comes, is dropped.</exception>
    public async Task<UaResult<TResponse>> CallAsync<TRequest, TResponse>(
        NodeId authenticationToken, TRequest request, CancellationToken cancellationToken)
        where TRequest : ServiceRequest, IServiceMessage
        where TResponse : ServiceResponse
    {
        var pending = new PendingResponse<TResponse>();
        var id = await SendAsync(authenticationToken, request, pending, _parameters.Timeout);
        try
        {
            return await pending.Answer.WaitAsync(_parameters.Timeout, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return new UaError(
                StatusCodes.BadTimeout, $"no answer to {request.GetType().Name} within {_parameters.Timeout.TotalSeconds:0.#} s");
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    /// <summary>
    /// Sends a request; the answer, or the failure to send, goes to <paramref name="pending"/>. A send that hangs ends the connection.
    /// </summary>
    /// <returns>The request's id.</returns>
    public async Task<uint> SendAsync<TRequest>(NodeId authenticationToken, TRequest request, PendingRequest pending, TimeSpan timeoutHint)
        where TRequest : ServiceRequest, IServiceMessage
    {
        var id = NextRequestId();
        request.Header = new RequestHeader
        {
            AuthenticationToken = authenticationToken,
            Timestamp = UaDateTime.From(_time.GetUtcNow()),
            RequestHandle = id,
            TimeoutHint = (uint)Math.Clamp(timeoutHint.TotalMilliseconds, 0, int.MaxValue),
        };
        _pending[id] = pending;
        using var body = new UaWriter();
        ServiceCodec.Encode(body, request);
        var status = body.Overflowed
            ? StatusCodes.BadEncodingLimitsExceeded
            : await SendBoundedAsync((c, b, ct) => c.SendAsync(MessageType.Message, id, b, ct), body.WrittenMemory);

        // The end of the connection fails everything that is in the table by then; what came later looks for itself.
        if ((status.IsBad || _completion.Task.IsCompleted) && _pending.TryRemove(id, out var mine))
        {
            mine.Fail(_completion.Task.IsCompleted
                ? await _completion.Task
                : new UaError(status, $"{request.GetType().Name} could not be sent"));
        }

        return id;
    }

    /// <summary>Tells the server that the channel is closed, as far as that is possible, and closes the connection.</summary>
    public async Task CloseAsync()
    {
        if (!_completion.Task.IsCompleted)
        {
            using var body = new UaWriter();
            ServiceCodec.Encode(
                body, new CloseSecureChannelRequest { Header = new RequestHeader { Timestamp = UaDateTime.From(_time.GetUtcNow()) } });
            var id = NextRequestId();
            await SendBoundedAsync((c, b, ct) => c.SendAsync(MessageType.Close, id, b, ct), body.WrittenMemory);
        }

        await EndAsync(UaErrors.Closed("closed by this side"));
    }

    /// <summary>Ends the connection without a word.</summary>
    public async ValueTask DisposeAsync()
    {
        await EndAsync(UaErrors.Closed("closed by this side"));
        await _receiving;
        await _renewing;
        await _connection.DisposeAsync();
        _ended.Dispose();
    }

    private static async Task<UaResult<ClientChannel>> OpenCoreAsync(
        ChannelParameters parameters, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!EndpointAddress.TryParse(parameters.EndpointUrl, out var host, out var port))
        {
            return new UaError(StatusCodes.BadTcpEndpointUrlInvalid, $"'{parameters.EndpointUrl}' is no opc.tcp URL");
        }

        PeerCertificate? peer = null;
        if (!parameters.Policy.IsNone && !PeerCertificate.TryParse(parameters.ServerCertificate, out peer))
        {
            return new UaError(StatusCodes.BadCertificateInvalid, "the server's certificate cannot be read");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = SocketReceiveBytes };
        SecureConnection? connection = null;
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken);
            var wire = new UaConnection(new NetworkStream(socket, ownsSocket: true), TransportLimits.Default.ReceiveChunkBytes);
            connection = new SecureConnection(wire, TransportLimits.Default);
            var handshake = await ConnectionHandshake.ConnectAsync(wire, parameters.EndpointUrl, TransportLimits.Default, cancellationToken);
            if (handshake.Status.IsBad)
            {
                return new UaError(handshake.Status, $"the server refused the connection: {handshake.Reason}");
            }

            connection.Attach(new SecureChannel(ChannelRole.Client, parameters.Policy, parameters.Own, peer, handshake.Limits!, time));
            peer = null;
            var channel = new ClientChannel(parameters, connection, logger, time);
            connection = null;
            return await channel.StartAsync(cancellationToken);
        }
        finally
        {
            peer?.Dispose();
            if (connection is not null)
            {
                await connection.DisposeAsync();
                socket.Dispose();
            }
            else if (!socket.Connected)
            {
                socket.Dispose();
            }
        }
    }

    private async Task<UaResult<ClientChannel>> StartAsync(CancellationToken cancellationToken)
    {
        var channel = _connection.Channel!;
        var status = channel.TrySetMode(_parameters.Mode);
        if (status.IsBad)
        {
            await DisposeAsync();
            return new UaError(status, $"policy {_parameters.Policy} does not go with mode {_parameters.Mode}");
        }

        _receiving = ReceiveAsync();
        UaResult<uint> opened = UaErrors.Closed("cancelled");
        try
        {
            opened = await RequestTokenAsync(SecurityTokenRequestType.Issue, cancellationToken);
        }
        finally
        {
            if (!opened.IsOk)
            {
                await DisposeAsync();
            }
        }

        if (opened.Error is { } error)
        {
            return error;
        }

        _renewing = RenewAsync(opened.Value);
        return this;
    }

    private uint NextRequestId()
    {
        var id = Interlocked.Increment(ref _lastRequestId);
        return id == 0 ? Interlocked.Increment(ref _lastRequestId) : id;
    }

    private async Task<StatusCode> SendBoundedAsync(
        Func<SecureConnection, ReadOnlyMemory<byte>, CancellationToken, ValueTask<StatusCode>> send, ReadOnlyMemory<byte> body)
    {
        if (_completion.Task.IsCompleted)
        {
            return StatusCodes.BadConnectionClosed;
        }

        using var limit = new CancellationTokenSource(_parameters.Timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _ended.Token);
        StatusCode status;
        try
        {
            status = await send(_connection, body, linked.Token);
        }
        catch (OperationCanceledException)
        {
            status = StatusCodes.BadConnectionClosed;
        }

        if (status == StatusCodes.BadConnectionClosed)
        {
            await EndAsync(UaErrors.Closed(
                limit.IsCancellationRequested ? "the server takes no more data" : "the connection broke while sending"));
        }

        return status;
    }

    private async Task ReceiveAsync()
    {
        while (!_completion.Task.IsCompleted)
        {
            Incoming incoming;
            try
            {
                incoming = await _connection.ReceiveAsync(_ended.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (Take(incoming) is { } error)
            {
                await EndAsync(error);
            }
        }
    }

    /// <summary>Gives what arrived to whoever waits for it; an error ends the connection.</summary>
    private UaError? Take(in Incoming incoming)
    {
        switch (incoming.Kind)
        {
            case IncomingKind.Message:
                if (_pending.TryRemove(incoming.RequestId, out var pending))
                {
                    pending.Receive(incoming.Body.Span);
                }

                return null;
            case IncomingKind.Aborted:
                if (_pending.TryRemove(incoming.RequestId, out var aborted))
                {
                    aborted.Fail(new UaError(incoming.Status, $"the server gave the answer up: {incoming.Reason}"));
                }

                return null;
            case IncomingKind.Open:
                return TakeOpen(incoming.Data.Span);
            case IncomingKind.Closed:
                return new UaError(StatusCodes.BadSecureChannelClosed, "the server closed the channel");
            default:
                return new UaError(incoming.Status, $"the connection ended: {incoming.Reason}");
        }
    }

    private UaError? TakeOpen(Span<byte> chunk)
    {
        var channel = _connection.Channel!;
        var opened = channel.OpenAsymmetric(chunk);
        if (opened.Status.IsBad)
        {
            return new UaError(opened.Status, "the answer to OpenSecureChannel failed verification");
        }

        var opening = Interlocked.Exchange(ref _opening, null);
        if (opening is null || opening.RequestId != opened.RequestId)
        {
            return new UaError(StatusCodes.BadSecurityChecksFailed, "an answer to OpenSecureChannel came unasked");
        }

        var read = PendingResponse<OpenSecureChannelResponse>.Read(chunk.Slice(opened.BodyOffset, opened.BodyLength));
        opening.Complete(read.Error is { } error ? error : Install(channel, opening.Nonce, read.Value));
        return null;
    }

    private static UaResult<uint> Install(SecureChannel channel, byte[]? nonce, OpenSecureChannelResponse response)
    {
        var token = response.SecurityToken;
        if (!channel.IsNonceValid(response.ServerNonce))
        {
            return new UaError(StatusCodes.BadNonceInvalid, "the server's nonce has the wrong length");
        }

        if (token.ChannelId == 0 || (channel.ChannelId != 0 && token.ChannelId != channel.ChannelId) || token.RevisedLifetime == 0)
        {
            return new UaError(StatusCodes.BadSecurityChecksFailed, "the server's token is not valid");
        }

        channel.Install(token.ToToken(), nonce, response.ServerNonce);
        return token.RevisedLifetime;
    }

    /// <summary>Asks for a token, the first or the next one.</summary>
    /// <returns>Its lifetime in milliseconds.</returns>
    private async Task<UaResult<uint>> RequestTokenAsync(SecurityTokenRequestType type, CancellationToken cancellationToken)
    {
        var channel = _connection.Channel!;
        var opening = new PendingOpen(NextRequestId(), channel.NewNonce());
        using var body = new UaWriter();
        ServiceCodec.Encode(body, new OpenSecureChannelRequest
        {
            Header = new RequestHeader { Timestamp = UaDateTime.From(_time.GetUtcNow()), RequestHandle = opening.RequestId },
            RequestType = type,
            SecurityMode = channel.Mode,
            ClientNonce = opening.Nonce,
            RequestedLifetime = (uint)Math.Clamp(_parameters.Lifetime.TotalMilliseconds, 1000, int.MaxValue),
        });
        Interlocked.Exchange(ref _opening, opening);
        var status = await SendBoundedAsync((c, b, ct) => c.SendOpenAsync(opening.RequestId, b, ct), body.WrittenMemory);
        if (status.IsBad)
        {
            return _completion.Task.IsCompleted ? await _completion.Task : new UaError(status, "OpenSecureChannel could not be sent");
        }

        var first = await Task.WhenAny(opening.Answer, _completion.Task).WaitAsync(cancellationToken);
        return first == opening.Answer ? await opening.Answer : await _completion.Task;
    }

    private async Task RenewAsync(uint lifetimeMs)
    {
        try
        {
            while (true)
            {
                var lifetime = TimeSpan.FromMilliseconds(lifetimeMs);
                var installedAt = _time.GetTimestamp();
                await Task.Delay(lifetime * RenewAt, _time, _ended.Token);
                while (true)
                {
                    if (_parameters.Judge() is { } verdict)
                    {
                        await EndAsync(verdict);
                        return;
                    }

                    var renewed = await RenewOnceAsync();
                    if (renewed.IsOk)
                    {
                        lifetimeMs = renewed.Value;
                        ClientLog.Renewed(_logger, lifetimeMs);
                        break;
                    }

                    if (_time.GetElapsedTime(installedAt) > lifetime)
                    {
                        await EndAsync(new UaError(renewed.Error!.Status, $"the channel's keys could not be renewed: {renewed.Error.Reason}"));
                        return;
                    }

                    ClientLog.RenewalFailed(_logger, renewed.Error!.ToString());
                    await Task.Delay(RenewalRetry, _time, _ended.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The connection has ended, and with it the need for keys.
        }
    }

    private async Task<UaResult<uint>> RenewOnceAsync()
    {
        using var limit = new CancellationTokenSource(_parameters.Timeout, _time);
        try
        {
            return await RequestTokenAsync(SecurityTokenRequestType.Renew, limit.Token);
        }
        catch (OperationCanceledException)
        {
            return new UaError(StatusCodes.BadTimeout, "no answer to the renewal in time");
        }
    }

    private async Task EndAsync(UaError error)
    {
        if (!_completion.TrySetResult(error))
        {
            return;
        }

        await _connection.CloseAsync();
        foreach (var id in _pending.Keys)
        {
            if (_pending.TryRemove(id, out var pending))
            {
                pending.Fail(error);
            }
        }

        await _ended.CancelAsync();
    }

    /// <summary>An OpenSecureChannel that waits for its answer; the nonce goes into the keys.</summary>
    private sealed class PendingOpen(uint requestId, byte[]? nonce)
    {
        private readonly TaskCompletionSource<UaResult<uint>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public uint RequestId { get; } = requestId;

        public byte[]? Nonce { get; } = nonce;

        public Task<UaResult<uint>> Answer => _answer.Task;

        public void Complete(UaResult<uint> result) => _answer.TrySetResult(result);
    }
}
