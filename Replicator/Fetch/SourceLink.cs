using System.Threading.Channels;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Replicator.Fetch;

/// <summary>
/// Talks to one source: opens sessions, asks, downloads. Every request is harmless when it is repeated, so what the bus loses is simply
/// sent again. One download at a time; other requests may be made beside it; messages may arrive on any thread.
/// </summary>
public sealed partial class SourceLink
{
    private readonly IMessageBus _bus;
    private readonly TimeProvider _time;
    private readonly SourceLinkOptions _options;
    private readonly CauseLog _causes;
    private readonly Channel<bool> _announced = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private UInt128 _lastStarted;
    private volatile LinkSession? _session;
    private volatile PendingHello? _hello;
    private BlockDownload? _unfinished;
    private long _sentBytes;
    private long _receivedBytes;
    private long _repeats;
    private long _refusals;
    private string? _lastRefusal;

    /// <summary>A link without a session.</summary>
    public SourceLink(IMessageBus bus, TimeProvider time, SourceLinkOptions options, CauseLog causes)
    {
        _bus = bus;
        _time = time;
        _options = options;
        _causes = causes;
    }

    /// <summary>Bytes given to the bus, headers included.</summary>
    public long SentBytes => Interlocked.Read(ref _sentBytes);

    /// <summary>Bytes received, headers included.</summary>
    public long ReceivedBytes => Interlocked.Read(ref _receivedBytes);

    /// <summary>Requests that were sent again because no answer came.</summary>
    public long Repeats => Interlocked.Read(ref _repeats);

    /// <summary>Messages that were refused: changed on their way, sealed with another key, or sent again.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    /// <summary>Ends when the source has announced a block, or itself, since the last call; several announcements count once.</summary>
    public ValueTask<bool> AnnouncedAsync(CancellationToken cancellationToken) => _announced.Reader.ReadAsync(cancellationToken);

    /// <summary>Takes a message from the source off the bus.</summary>
    public void Receive(in MessageHeader header, ReadOnlyMemory<byte> message)
    {
        Interlocked.Add(ref _receivedBytes, message.Length);
        switch (header.Type)
        {
            case MessageType.HelloReply:
                ReceiveHelloReply(header, message.Span);
                break;
            case MessageType.Started:
                ReceiveStarted(header, message.Span);
                break;
            case MessageType.Reply or MessageType.Announce when _session is { } session && session.Id == header.Session:
                ReceiveReply(session, header, message.Span);
                break;
            case MessageType.Chunk when _session is { } session && session.Id == header.Session:
                ReceiveChunk(session, header, message.Span);
                break;
            default:
                // Of an earlier session, or for another instance of this node.
                break;
        }
    }

    /// <summary>Asks which blocks are ready.</summary>
    /// <param name="rotate">Has the open block closed when no other can be offered.</param>
    /// <param name="limit">The most offers wanted, from 1 to <see cref="NextReply.MaxOffers"/>.</param>
    /// <param name="behind">
    /// Only what lies behind this block; null for all. All are offered as well when the source does not have the block any more, or does
    /// not know this wish.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<LinkAnswer<NextReply>> NextAsync(bool rotate, int limit, BlockKey? behind, CancellationToken cancellationToken)
    {
        var reply = await CallAsync(new TransferRequest(TransferOperation.Next, behind, Rotate: rotate, Limit: limit), cancellationToken);
        if (!reply.IsOk)
        {
            return reply.As<NextReply>();
        }

        return NextReply.TryDecode(reply.Value!.Content.Span) is { } next
            ? new LinkAnswer<NextReply>(LinkStatus.Ok, next, "")
            : new LinkAnswer<NextReply>(LinkStatus.Refused, null, "the source's list of blocks is malformed");
    }

    /// <summary>Tells the source that a block is durably imported.</summary>
    public async Task<LinkAnswer<bool>> ConfirmAsync(BlockKey block, CancellationToken cancellationToken)
    {
        var reply = await CallAsync(new TransferRequest(TransferOperation.Confirm, block), cancellationToken);
        return reply.IsOk ? new LinkAnswer<bool>(LinkStatus.Ok, true, "") : reply.As<bool>();
    }

    /// <summary>Fetches one block: all its chunks, verified, decoded and verified again.</summary>
    /// <returns>The block file's bytes.</returns>
    public async Task<LinkAnswer<byte[]>> DownloadAsync(BlockOffer offer, CancellationToken cancellationToken)
    {
        if (offer.LengthBytes > _options.MaxBlockBytes)
        {
            return new LinkAnswer<byte[]>(
                LinkStatus.Refused, null, $"block {offer.Name} has {offer.LengthBytes} bytes, more than the {_options.MaxBlockBytes} that are taken here");
        }

        var request = new TransferRequest(TransferOperation.Get, offer.Block, Codec: _options.Codecs[0]);
        var prepared = await CallAsync(request, cancellationToken);
        if (!prepared.IsOk)
        {
            return prepared.As<byte[]>();
        }

        var transfer = GetReply.TryDecode(prepared.Value!.Content.Span);
        if (transfer is null || transfer.BlockBytes != offer.LengthBytes || transfer.WireBytes > transfer.BlockBytes || transfer.WireBytes == 0)
        {
            return new LinkAnswer<byte[]>(LinkStatus.Refused, null, "the source's description of the transfer does not fit its offer");
        }

        return await DownloadAsync(offer.Block, transfer, cancellationToken);
    }

    /// <summary>Opens a session unless one is open.</summary>
    public async Task<LinkAnswer<bool>> EnsureSessionAsync(CancellationToken cancellationToken)
    {
        if (_session is not null)
        {
            return new LinkAnswer<bool>(LinkStatus.Ok, true, "");
        }

        var deadline = _time.GetTimestamp();
        while (true)
        {
            var hello = new PendingHello(SessionKeys.NewNonce());
            _hello = hello;
            using var key = SessionKeys.Hello(_options.Key, _options.Source, _options.Target, hello.Nonce);
            var content = new Hello(_options.Target, _options.MaxChunkBytes, _options.MaxBlockBytes, _options.Codecs).Encode();
            var message = key.Seal(new MessageHeader(MessageType.Hello, IsLast: false, hello.Nonce, 0, _options.Key.Id), 0, content);
            if (await SendAsync(message, cancellationToken) is { } failure)
            {
                return failure.As<bool>();
            }

            if (await InTimeAsync(hello.Answer.Task, _options.RepeatAfter, cancellationToken))
            {
                _session = await hello.Answer.Task;
                Volatile.Write(ref _lastRefusal, null);
                return new LinkAnswer<bool>(LinkStatus.Ok, true, "");
            }

            if (_time.GetElapsedTime(deadline) >= _options.Timeout)
            {
                return new LinkAnswer<bool>(
                    LinkStatus.TimedOut,
                    false,
                    $"{_options.Source} does not answer within {_options.Timeout.TotalSeconds:0} s{Refusal()}: is its replicator running and connected to the same broker, "
                    + $"does it serve mailbox {_options.Target}, and is key '{_options.Key.Id}' the same on both sides? Its log says what it refuses");
            }

            Interlocked.Increment(ref _repeats);
        }
    }

    /// <summary>Says goodbye, if there is a session, and forgets it.</summary>
    public async Task CloseSessionAsync(CancellationToken cancellationToken)
    {
        if (_session is { } session && _bus.IsConnected)
        {
            var (number, _) = session.Begin();
            _ = await SendRequestAsync(session, number, new TransferRequest(TransferOperation.Bye), cancellationToken);
        }

        DropSession();
    }

    private async Task<LinkAnswer<byte[]>> DownloadAsync(BlockKey block, GetReply transfer, CancellationToken cancellationToken)
    {
        var session = _session!;
        var chunkBytes = session.Terms.ChunkBytes;
        if (_unfinished is null || !_unfinished.Continues(block, transfer, chunkBytes))
        {
            _unfinished = new BlockDownload(block, transfer, chunkBytes);
        }

        var download = _unfinished;
        var arrived = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var key = session.Keys.ForTransfer(transfer.Nonce, block.Hash, transfer.Codec, transfer.WireBytes);
        session.Transfer = new ActiveTransfer(transfer.TransferId, key, download, () => arrived.Writer.TryWrite(true));
        try
        {
            var pulled = await PullAllAsync(session, download, transfer.TransferId, arrived.Reader, cancellationToken);
            if (!pulled.IsOk)
            {
                return pulled.As<byte[]>();
            }
        }
        finally
        {
            session.Transfer = null;
        }

        _unfinished = null;
        return download.Decode(out var content) is { } error
            ? new LinkAnswer<byte[]>(LinkStatus.Refused, null, error)
            : new LinkAnswer<byte[]>(LinkStatus.Ok, content, "");
    }

    /// <summary>Keeps a window of chunks on their way, and pulls again what got lost.</summary>
    private async Task<LinkAnswer<bool>> PullAllAsync(
        LinkSession session, BlockDownload download, ulong transferId, ChannelReader<bool> arrived, CancellationToken cancellationToken)
    {
        var window = Math.Min(_options.Window, session.Terms.MaxWindow);
        var end = download.Contiguous;
        var lastArrival = _time.GetTimestamp();
        while (!download.IsComplete)
        {
            var onTheirWay = end - download.Contiguous;
            if (end < download.ChunkCount && onTheirWay <= window / 2)
            {
                var count = Math.Min(window - onTheirWay, download.ChunkCount - end);
                if (await PullAsync(session, transferId, (uint)end, count, cancellationToken) is { } failure)
                {
                    return failure;
                }

                end += count;
            }

            if (await ArrivesAsync(arrived, cancellationToken))
            {
                lastArrival = _time.GetTimestamp();
                continue;
            }

            var patience = session.IsSuspect ? 2 * _options.RepeatAfter : _options.Timeout;
            if (!ReferenceEquals(session, _session) || _time.GetElapsedTime(lastArrival) >= patience)
            {
                DropSession();
                return new LinkAnswer<bool>(LinkStatus.TimedOut, false, $"no chunk came for {_time.GetElapsedTime(lastArrival).TotalSeconds:0} s");
            }

            Interlocked.Increment(ref _repeats);
            var (first, missing) = download.FirstMissing(end)!.Value;
            if (await PullAsync(session, transferId, first, Math.Min(missing, window), cancellationToken) is { } again)
            {
                return again;
            }
        }

        return new LinkAnswer<bool>(LinkStatus.Ok, true, "");
    }

    /// <summary>Waits until a chunk has arrived; false when none did for a while.</summary>
    private async Task<bool> ArrivesAsync(ChannelReader<bool> arrived, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var limit = Task.Delay(_options.RepeatAfter, _time, done.Token);
        var first = await Task.WhenAny(arrived.WaitToReadAsync(done.Token).AsTask(), limit);
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        arrived.TryRead(out _);
        return first != limit;
    }

    private async Task<LinkAnswer<bool>?> PullAsync(
        LinkSession session, ulong transferId, uint first, int count, CancellationToken cancellationToken)
    {
        var (number, _) = session.Begin();
        var request = new TransferRequest(TransferOperation.Pull, Limit: count, TransferId: transferId, FirstChunk: first);
        var sent = await SendRequestAsync(session, number, request, cancellationToken);
        session.End([number]);
        return sent;
    }

    /// <summary>Sends a request, again and again if need be, until an answer comes or the time is up.</summary>
    private async Task<LinkAnswer<TransferReply>> CallAsync(TransferRequest request, CancellationToken cancellationToken)
    {
        if (_session is not { } session)
        {
            return new LinkAnswer<TransferReply>(LinkStatus.NotReady, null, "there is no session");
        }

        var begun = _time.GetTimestamp();
        var answers = new List<(ulong Number, Task<TransferReply> Answer)>();
        try
        {
            while (true)
            {
                answers.Add(session.Begin());
                if (await SendRequestAsync(session, answers[^1].Number, request, cancellationToken) is { } failure)
                {
                    return failure.As<TransferReply>();
                }

                var first = Task.WhenAny(answers.Select(a => a.Answer));
                if (await InTimeAsync(first, _options.RepeatAfter, cancellationToken))
                {
                    return Judge(await await first);
                }

                // While chunks come, the answer may only be queued behind them; when nothing comes at all, the source has forgotten
                // the session or is gone, and opening a new one finds out which.
                var isLost = !ReferenceEquals(session, _session) || (session.Transfer is null && session.Silence >= 2 * _options.RepeatAfter);
                if (isLost || _time.GetElapsedTime(begun) >= _options.Timeout)
                {
                    DropSession();
                    return new LinkAnswer<TransferReply>(
                        LinkStatus.TimedOut,
                        null,
                        $"{_options.Source} has not answered for {_time.GetElapsedTime(begun).TotalSeconds:0} s{Refusal()}");
                }

                Interlocked.Increment(ref _repeats);
            }
        }
        finally
        {
            session.End(answers.Select(a => a.Number));
        }
    }

    /// <summary>What came in the source's name and was refused since the last session began: most likely why there is no answer.</summary>
    private string Refusal() => Volatile.Read(ref _lastRefusal) is { } refusal ? $"; what comes from it is refused: {refusal}" : "";

    private static LinkAnswer<TransferReply> Judge(TransferReply reply) => reply.Status switch
    {
        TransferStatus.Ok => new(LinkStatus.Ok, reply, ""),
        TransferStatus.NotFound => new(LinkStatus.NotFound, null, reply.Text),
        TransferStatus.NotReady or TransferStatus.Io => new(LinkStatus.NotReady, null, reply.Text),
        _ => new(LinkStatus.Refused, null, $"the source refuses: {reply.Text} ({(int)reply.Status})"),
    };

    private async Task<LinkAnswer<bool>?> SendRequestAsync(
        LinkSession session, ulong number, TransferRequest request, CancellationToken cancellationToken)
    {
        var header = new MessageHeader(MessageType.Request, IsLast: false, session.Id, number, "");
        return await SendAsync(session.Keys.ToSource.Seal(header, number, request.Encode()), cancellationToken);
    }

    private async Task<LinkAnswer<bool>?> SendAsync(byte[] message, CancellationToken cancellationToken)
    {
        var result = await _bus.SendAsync(_options.Topics.Request(_options.Source, _options.Target), message, cancellationToken);
        if (result is BusResult.Sent or BusResult.Unknown)
        {
            Interlocked.Add(ref _sentBytes, message.Length);
        }

        return result switch
        {
            BusResult.NotConnected => new LinkAnswer<bool>(LinkStatus.NotConnected, false, "there is no connection to the broker"),
            BusResult.Refused or BusResult.Unacceptable or BusResult.Forbidden => new LinkAnswer<bool>(LinkStatus.Refused, false, "the broker refuses messages to this topic: check the account's rights"),
            _ => null,
        };
    }

    private async Task<bool> InTimeAsync(Task task, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = await Task.WhenAny(task, Task.Delay(limit, _time, done.Token));
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return first == task;
    }

    /// <summary>Whoever still uses the session's keys at this moment may finish: nobody opens or answers its messages any more.</summary>
    private void DropSession()
    {
        _hello = null;
        _session = null;
    }

    private sealed record PendingHello(UInt128 Nonce)
    {
        public TaskCompletionSource<LinkSession> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
