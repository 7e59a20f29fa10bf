using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Security;

/// <summary>What arrived.</summary>
internal enum IncomingKind
{
    /// <summary>A whole OPN chunk, still protected: hand it to <see cref="SecureChannel.OpenAsymmetric"/>.</summary>
    Open,

    /// <summary>A whole message, plain.</summary>
    Message,

    /// <summary>The other side gave one message up; the connection goes on.</summary>
    Aborted,

    /// <summary>The other side has closed the channel in order.</summary>
    Closed,

    /// <summary>The connection is of no use any more.</summary>
    Failed,
}

/// <summary>One thing that arrived on a connection.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="RequestId">The request that a message or an abort belongs to.</param>
/// <param name="Data">The chunk of an <see cref="IncomingKind.Open"/>, which may be changed in place; valid until the next receive.</param>
/// <param name="Body">The body of a message; valid until the next receive.</param>
/// <param name="Status">Why, for aborts and failures.</param>
/// <param name="Reason">The same in words, for the log.</param>
internal readonly record struct Incoming(
    IncomingKind Kind, uint RequestId, Memory<byte> Data, ReadOnlyMemory<byte> Body, StatusCode Status, string? Reason);

/// <summary>
/// A connection with its secure channel: the one receive loop and the one send lock that client and server both need. It runs nothing by
/// itself: the owner calls <see cref="ReceiveAsync"/> in a loop.
/// </summary>
/// <remarks>
/// Receiving is for one caller at a time; sending is thread-safe and keeps the order of the sequence numbers. It owns connection and
/// channel.
/// </remarks>
internal sealed class SecureConnection(UaConnection connection, TransportLimits limits) : IAsyncDisposable
{
    private readonly MessageAssembler _assembler = new(limits.ReceiveMessageBytesMax, limits.ReceiveChunkCountMax);
    private readonly SemaphoreSlim _sending = new(1, 1);
    private SecureChannel? _channel;
    private bool _sendBroken;

    /// <summary>The channel; null until <see cref="Attach"/>.</summary>
    public SecureChannel? Channel => _channel;

    /// <summary>
    /// Sets the channel once. The client does it before it sends OPN, the server when it has judged the client's certificate.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is one already.</exception>
    public void Attach(SecureChannel channel)
    {
        if (Interlocked.CompareExchange(ref _channel, channel, null) is not null)
        {
            throw new InvalidOperationException("The connection already has a channel.");
        }
    }

    /// <summary>The next whole message, or whatever else happens.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<Incoming> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var received = await connection.ReceiveAsync(cancellationToken);
            if (received.Status.IsBad)
            {
                return Failure(received.Status, received.Reason);
            }

            if (Take(received) is { } incoming)
            {
                return incoming;
            }
        }
    }

    /// <summary>Protects and sends a request, a response or a CloseSecureChannel.</summary>
    /// <returns>What <see cref="SecureChannel.Protect"/> returns, or BadConnectionClosed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled; if bytes had left, later sends give
    /// BadConnectionClosed.</exception>
    public ValueTask<StatusCode> SendAsync(
        MessageType type, uint requestId, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        SendAsync(
            body.Length,
            (type, requestId, body),
            static (c, s, output) => c.Protect(s.type, s.requestId, s.body.Span, output),
            cancellationToken);

    /// <summary>Protects and sends an OpenSecureChannel request or response.</summary>
    /// <param name="requestId">The request that the message belongs to.</param>
    /// <param name="body">The encoded request or response.</param>
    /// <param name="cancellationToken">As for <see cref="SendAsync(MessageType, uint, ReadOnlyMemory{byte}, CancellationToken)"/>.</param>
    /// <returns>What <see cref="SecureChannel.ProtectOpen"/> returns, or BadConnectionClosed.</returns>
    public ValueTask<StatusCode> SendOpenAsync(uint requestId, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        SendAsync(
            body.Length,
            (requestId, body),
            static (c, s, output) => c.ProtectOpen(s.requestId, s.body.Span, output),
            cancellationToken);

    /// <summary>Sends the last message before the connection is closed because of an error (server only).</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask<StatusCode> SendErrorAsync(ErrorMessage error, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            using var output = new UaWriter();
            error.Write(output);
            return await WriteAsync(output, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Closes the socket, which ends a receive that waits.</summary>
    public ValueTask CloseAsync() => connection.CloseAsync();

    /// <summary>Closes everything; nobody may be sending or receiving any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        _assembler.Dispose();
        _channel?.Dispose();
        _sending.Dispose();
    }

    private static Incoming Failure(StatusCode status, string? reason) => new(IncomingKind.Failed, 0, default, default, status, reason);

    private Incoming? Take(in ReceivedChunk received)
    {
        switch (received.Header.Type)
        {
            case MessageType.Open:
                return new Incoming(IncomingKind.Open, 0, received.Chunk, default, StatusCode.Good, null);
            case MessageType.Message or MessageType.Close:
                return TakeProtected(received);
            case MessageType.Error:
                _ = ErrorMessage.TryRead(received.Chunk.Span, out var error);
                var status = error is { Status.IsBad: true } ? error.Status : StatusCodes.BadTcpInternalError;
                return Failure(status, "the other side ended the connection: " + error?.Reason);
            default:
                return Failure(StatusCodes.BadTcpMessageTypeInvalid, "Hello or Acknowledge on an open connection");
        }
    }

    private Incoming? TakeProtected(in ReceivedChunk received)
    {
        if (_channel is not { } channel)
        {
            return Failure(StatusCodes.BadTcpSecureChannelUnknown, "a message before the channel was opened");
        }

        var opened = channel.Open(received.Chunk.Span);
        if (opened.Status.IsBad)
        {
            return Failure(opened.Status, "a chunk failed verification");
        }

        if (received.Header.Type == MessageType.Close)
        {
            return new Incoming(IncomingKind.Closed, opened.RequestId, default, default, StatusCode.Good, null);
        }

        var body = received.Chunk.Slice(opened.BodyOffset, opened.BodyLength);
        var assembly = _assembler.Add(opened.RequestId, received.Header.Kind, body);
        return assembly.Outcome switch
        {
            AssemblyOutcome.Incomplete => null,
            AssemblyOutcome.Complete => new Incoming(IncomingKind.Message, opened.RequestId, default, assembly.Body, StatusCode.Good, null),
            AssemblyOutcome.Aborted =>
                new Incoming(IncomingKind.Aborted, opened.RequestId, default, default, assembly.Status, assembly.Reason),
            _ => Failure(assembly.Status, assembly.Reason),
        };
    }

    private async ValueTask<StatusCode> SendAsync<TState>(
        int bodyBytes, TState state, Func<SecureChannel, TState, UaWriter, StatusCode> protect, CancellationToken cancellationToken)
    {
        var channel = _channel ?? throw new InvalidOperationException("The connection has no channel yet.");
        await _sending.WaitAsync(cancellationToken);
        try
        {
            // Room for the protection of a message of a few chunks; more is taken when needed.
            using var output = new UaWriter(initialBytes: bodyBytes + 4096);
            var status = protect(channel, state, output);
            return status.IsBad ? status : await WriteAsync(output, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async ValueTask<StatusCode> WriteAsync(UaWriter output, CancellationToken cancellationToken)
    {
        if (_sendBroken)
        {
            return StatusCodes.BadConnectionClosed;
        }

        // Until the write has succeeded, nobody knows how much of it has left.
        _sendBroken = true;
        var status = await connection.SendAsync(output.WrittenMemory, cancellationToken);
        _sendBroken = status.IsBad;
        return status;
    }
}
