using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Transport;

/// <summary>What the two sides have agreed on, or why not.</summary>
/// <param name="Status">Good when the connection is ready for a secure channel.</param>
/// <param name="Limits">The sizes that count from now on.</param>
/// <param name="EndpointUrl">On the server's side: what the client wants to reach.</param>
/// <param name="Reason">Details of a failure, for the log.</param>
internal readonly record struct HandshakeResult(StatusCode Status, TransportLimits? Limits, string? EndpointUrl, string? Reason);

/// <summary>The exchange of Hello and Acknowledge at the beginning of a connection (OPC 10000-6, 7.1.3).</summary>
internal static class ConnectionHandshake
{
    /// <summary>Sends Hello and waits for the answer; the caller bounds the time by the token.</summary>
    public static async ValueTask<HandshakeResult> ConnectAsync(
        UaConnection connection, string endpointUrl, TransportLimits limits, CancellationToken cancellationToken)
    {
        using var writer = new UaWriter();
        new HelloMessage(0, limits.Announce(), endpointUrl).Write(writer);
        var status = await connection.SendAsync(writer.WrittenMemory, cancellationToken);
        if (status.IsBad)
        {
            return Failure(status, "Hello could not be sent");
        }

        var received = await connection.ReceiveAsync(cancellationToken);
        return received.Status.IsBad ? Failure(received.Status, received.Reason) : ReadAnswer(received, limits);
    }

    /// <summary>Waits for Hello and answers it; the caller bounds the time by the token.</summary>
    /// <remarks>
    /// The connection should accept only <see cref="HelloMessage.ChunkBytesMax"/> until here; afterwards it accepts the agreed size.
    /// </remarks>
    public static async ValueTask<HandshakeResult> AcceptAsync(
        UaConnection connection, TransportLimits limits, CancellationToken cancellationToken)
    {
        var received = await connection.ReceiveAsync(cancellationToken);
        if (received.Status.IsBad)
        {
            return await RefuseAsync(connection, received.Status, received.Reason, cancellationToken);
        }

        if (received.Header.Type != MessageType.Hello)
        {
            return await RefuseAsync(connection, StatusCodes.BadTcpMessageTypeInvalid, "the first message is not Hello", cancellationToken);
        }

        var error = HelloMessage.TryRead(received.Chunk.Span, out var hello);
        if (hello is null)
        {
            return await RefuseAsync(connection, error.Status, "Hello cannot be read: " + error, cancellationToken);
        }

        var status = limits.TryNarrow(hello.Sizes, out var agreed);
        if (status.IsBad)
        {
            return await RefuseAsync(connection, status, "buffers are too small", cancellationToken);
        }

        using var writer = new UaWriter();
        new AcknowledgeMessage(0, AnswerTo(hello.Sizes, agreed)).Write(writer);
        status = await connection.SendAsync(writer.WrittenMemory, cancellationToken);
        connection.ChunkBytesMax = agreed.ReceiveChunkBytes;
        return new HandshakeResult(status, agreed, hello.EndpointUrl, null);
    }

    private static HandshakeResult ReadAnswer(in ReceivedChunk received, TransportLimits limits)
    {
        if (received.Header.Type == MessageType.Error)
        {
            _ = ErrorMessage.TryRead(received.Chunk.Span, out var refusal);
            return Failure(AsFailure(refusal?.Status), refusal?.Reason ?? "refused without a reason");
        }

        if (received.Header.Type != MessageType.Acknowledge)
        {
            return Failure(StatusCodes.BadTcpMessageTypeInvalid, "the answer to Hello is no Acknowledge");
        }

        var error = AcknowledgeMessage.TryRead(received.Chunk.Span, out var acknowledge);
        if (acknowledge is null)
        {
            return Failure(error.Status, "Acknowledge cannot be read: " + error);
        }

        var status = limits.TryNarrow(acknowledge.Sizes, out var agreed);
        return status.IsBad ? Failure(status, "the server's buffers are too small") : new HandshakeResult(status, agreed, null, null);
    }

    /// <summary>An error message with a good code in it is still an error.</summary>
    private static StatusCode AsFailure(StatusCode? status) => status is { IsBad: true } bad ? bad : StatusCodes.BadTcpInternalError;

    /// <summary>A server announces no larger buffers than the client has (OPC 10000-6, 7.1.2.4).</summary>
    private static BufferSizes AnswerTo(in BufferSizes client, TransportLimits agreed)
    {
        var own = agreed.Announce();
        return own with
        {
            ReceiveBufferBytes = Math.Min(own.ReceiveBufferBytes, client.SendBufferBytes),
            SendBufferBytes = Math.Min(own.SendBufferBytes, client.ReceiveBufferBytes),
        };
    }

    private static HandshakeResult Failure(StatusCode status, string? reason) => new(status, null, null, reason);

    private static async ValueTask<HandshakeResult> RefuseAsync(
        UaConnection connection, StatusCode status, string? reason, CancellationToken cancellationToken)
    {
        using var writer = new UaWriter();
        new ErrorMessage(status, null).Write(writer);

        // Whether the refusal arrives makes no difference to the result.
        _ = await connection.SendAsync(writer.WrittenMemory, cancellationToken);
        return Failure(status, reason);
    }
}
