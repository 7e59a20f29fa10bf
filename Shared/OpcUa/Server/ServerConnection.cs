using System.Net;
using System.Threading.Channels;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Security;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Transport;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>
/// One connection: handshake, channel, requests one after the other. Answers go through a queue with one writer, so that nobody waits for a
/// client that does not read; the reader of such a client waits, and so takes no more requests from it.
/// </summary>
internal sealed class ServerConnection : IAsyncDisposable
{
    /// <summary>Answers that may wait before the next request is read.</summary>
    private const int AnswersMax = 32;

    private static readonly DecodeLimits Limits = DecodeLimits.Default with { ArrayLengthMax = 200_000, AllocationBytesMax = 32L << 20 };

    private readonly ServerCore _core;
    private readonly UaConnection _wire;
    private readonly Channel<Answer> _answers =
        System.Threading.Channels.Channel.CreateUnbounded<Answer>(new UnboundedChannelOptions { SingleReader = true });
    private SecureConnection? _secure;
    private ChannelAcceptor? _acceptor;
    private int _waiting;
    private int _sessions;
    private long _withoutSessionSince;

    public ServerConnection(ServerCore core, Stream stream, EndPoint? remote)
    {
        _core = core;
        _wire = new UaConnection(stream, HelloMessage.ChunkBytesMax);
        _withoutSessionSince = core.Time.GetTimestamp();
        Remote = remote;
        ResponseBytesMax = core.Options.ResponseBytesMax;
    }

    public EndPoint? Remote { get; }

    /// <summary>The channel; only while a request is served.</summary>
    public SecureChannel Channel => _secure!.Channel!;

    /// <summary>The largest response that goes out here, in bytes.</summary>
    public int ResponseBytesMax { get; private set; }

    /// <summary>True when the client must go: it has shown no session for too long, or lets its channel run out.</summary>
    public bool IsOverdue => (Volatile.Read(ref _sessions) == 0
            && _core.Time.GetElapsedTime(Volatile.Read(ref _withoutSessionSince)) > _core.Options.UnauthenticatedTimeout)
        || _acceptor is { IsExpired: true };

    /// <summary>Serves until the client leaves, misbehaves, or the token is cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await Task.Yield();
        try
        {
            var end = await ServeAsync(stop);
            ServerLog.ConnectionEnded(_core.Logger, Remote, end.Reason, end.Status.ToString());
        }
        catch (OperationCanceledException)
        {
            ServerLog.ConnectionEnded(_core.Logger, Remote, "the server stops", "");
        }
        catch (Exception e)
        {
            // What one client provokes must not end the others' connections.
            ServerLog.ConnectionDefect(_core.Logger, Remote, e);
        }
        finally
        {
            _core.Sessions.Abandon(this);
        }
    }

    /// <summary>Queues an answer; it is encoded and sent by the connection's writer. Never blocks.</summary>
    public void Send<T>(uint requestId, uint requestHandle, T response)
        where T : ServiceResponse, IServiceMessage
    {
        response.Header.RequestHandle = requestHandle;
        Enqueue(new Answer(requestId, requestHandle, response, null, null));
    }

    public void SendFault(uint requestId, uint requestHandle, StatusCode status) =>
        Send(requestId, requestHandle, new ServiceFault { Header = new ResponseHeader { ServiceResult = status } });

    public void LimitResponses(uint bytesMax)
    {
        if (bytesMax > 0)
        {
            ResponseBytesMax = (int)Math.Clamp(bytesMax, 8192u, (uint)ResponseBytesMax);
        }
    }

    /// <summary>An activated session uses this connection. Called under the gate.</summary>
    public void SessionCame() => Interlocked.Increment(ref _sessions);

    /// <summary>A session uses it no more. Called under the gate.</summary>
    public void SessionLeft()
    {
        Volatile.Write(ref _withoutSessionSince, _core.Time.GetTimestamp());
        Interlocked.Decrement(ref _sessions);
    }

    /// <summary>Closes the socket, which ends <see cref="RunAsync"/>.</summary>
    public ValueTask CloseAsync() => _wire.CloseAsync();

    /// <summary>Only when <see cref="RunAsync"/> has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_secure is not null)
        {
            await _secure.DisposeAsync();
        }
        else
        {
            await _wire.DisposeAsync();
        }
    }

    private async Task<(StatusCode Status, string? Reason)> ServeAsync(CancellationToken stop)
    {
        var limits = new TransportLimits
        {
            ReceiveMessageBytesMax = _core.Options.RequestBytesMax,
            SendMessageBytesMax = _core.Options.ResponseBytesMax,
        };
        var handshake = await ConnectionHandshake.AcceptAsync(_wire, limits, stop);
        if (handshake.Limits is not { } agreed)
        {
            return (handshake.Status, handshake.Reason);
        }

        LimitResponses((uint)agreed.SendMessageBytesMax);
        var chunkBodyBytes = agreed.SendChunkBytes - 1024;
        LimitResponses((uint)Math.Min(int.MaxValue, (long)agreed.SendChunkCountMax * chunkBodyBytes));
        var secure = _secure = new SecureConnection(_wire, agreed);
        _acceptor = new ChannelAcceptor(_core, secure, agreed, Remote);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var writing = WriteAsync(secure, ended.Token);
        try
        {
            return await ReadAsync(secure, writing, ended.Token);
        }
        finally
        {
            await ended.CancelAsync();
            _answers.Writer.TryComplete();
            await writing;
        }
    }

    private async Task<(StatusCode Status, string? Reason)> ReadAsync(SecureConnection secure, Task writing, CancellationToken stop)
    {
        while (true)
        {
            var incoming = await secure.ReceiveAsync(stop);
            var (status, reason) = incoming.Kind switch
            {
                IncomingKind.Open => Open(incoming),
                IncomingKind.Message => Serve(incoming),
                IncomingKind.Aborted => default,
                IncomingKind.Closed => (StatusCodes.BadSecureChannelClosed, "the client has closed the channel"),
                _ => (incoming.Status, incoming.Reason),
            };
            if (status.IsBad)
            {
                await EndAsync(secure, incoming.Kind, status, stop);
                return (status, reason);
            }

            if (Volatile.Read(ref _waiting) > AnswersMax)
            {
                // When the writer has given up, the next receive tells.
                await Task.WhenAny(SentAsync(), writing).WaitAsync(stop);
            }
        }
    }

    /// <summary>Tells the client why its connection ends, if it is there to hear it. Of cryptography it learns nothing.</summary>
    private static async Task EndAsync(SecureConnection secure, IncomingKind kind, StatusCode status, CancellationToken stop)
    {
        var isGone = kind == IncomingKind.Closed
            || status.Is(StatusCodes.BadConnectionClosed) || status.Is(StatusCodes.BadCommunicationError);
        if (!isGone)
        {
            _ = await secure.SendErrorAsync(new ErrorMessage(status, null), stop);
        }
    }

    private (StatusCode Status, string? Reason) Open(in Incoming incoming)
    {
        var (status, reason) = _acceptor!.Open(incoming.Data.Span, out var requestId, out var response);
        if (response is not null)
        {
            Enqueue(new Answer(requestId, response.Header.RequestHandle, null, response, null));
        }

        return (status, reason);
    }

    private (StatusCode Status, string? Reason) Serve(in Incoming incoming)
    {
        var decoded = ServiceCodec.Decode(incoming.Body.Span, Limits);
        var header = (decoded.Message as ServiceRequest)?.Header ?? ServiceCodec.TryReadRequestHeader(incoming.Body.Span, Limits);
        if (header is null)
        {
            return (StatusCodes.BadDecodingError, "a request without a header that can be read");
        }

        var status = decoded.Message is ServiceRequest request
            ? RequestDispatcher.Dispatch(_core, this, incoming.RequestId, request)
            : decoded.Message is null ? decoded.Error.Status : StatusCodes.BadServiceUnsupported;
        if (status.IsBad)
        {
            SendFault(incoming.RequestId, header.RequestHandle, status);
        }

        return default;
    }

    private void Enqueue(in Answer answer)
    {
        Interlocked.Increment(ref _waiting);
        _answers.Writer.TryWrite(answer);
    }

    /// <summary>Ends when everything queued so far is on the wire, or the writer has given up.</summary>
    private Task SentAsync()
    {
        var mark = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Enqueue(new Answer(0, 0, null, null, mark));
        return mark.Task;
    }

    private async Task WriteAsync(SecureConnection secure, CancellationToken stop)
    {
        try
        {
            await foreach (var answer in _answers.Reader.ReadAllAsync(stop))
            {
                Interlocked.Decrement(ref _waiting);
                answer.Mark?.TrySetResult();
                if (answer.Mark is null && !await WriteAsync(secure, answer, stop))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has ended.
        }
        finally
        {
            // Whatever ends the writer: the reader sees the closed socket, and what it still queues is let go with the connection.
            await secure.CloseAsync();
        }
    }

    /// <returns>False when the connection is of no use any more.</returns>
    private async ValueTask<bool> WriteAsync(SecureConnection secure, Answer answer, CancellationToken stop)
    {
        using var body = new UaWriter();
        if (answer.Open is { } open)
        {
            open.Header.Timestamp = UaDateTime.From(_core.Time.GetUtcNow());
            ServiceCodec.Encode(body, open);
            return (await secure.SendOpenAsync(answer.RequestId, body.WrittenMemory, stop)).IsGood;
        }

        var response = answer.Response!;
        ((ServiceResponse)response).Header.Timestamp = UaDateTime.From(_core.Time.GetUtcNow());
        ServiceCodec.Encode(body, response);
        var status = body.Overflowed || body.Length > ResponseBytesMax
            ? StatusCodes.BadResponseTooLarge
            : await secure.SendAsync(MessageType.Message, answer.RequestId, body.WrittenMemory, stop);
        if (!status.Is(StatusCodes.BadResponseTooLarge))
        {
            return status.IsGood;
        }

        body.Clear();
        ServiceCodec.Encode(body, new ServiceFault
        {
            Header = new ResponseHeader
            {
                Timestamp = UaDateTime.From(_core.Time.GetUtcNow()),
                RequestHandle = answer.RequestHandle,
                ServiceResult = StatusCodes.BadResponseTooLarge,
            },
        });
        return (await secure.SendAsync(MessageType.Message, answer.RequestId, body.WrittenMemory, stop)).IsGood;
    }

    /// <summary>Something for the writer: a response, the response to OPN, or a mark that tells how far it has come.</summary>
    private readonly record struct Answer(
        uint RequestId, uint RequestHandle, IServiceMessage? Response, OpenSecureChannelResponse? Open, TaskCompletionSource? Mark);
}
