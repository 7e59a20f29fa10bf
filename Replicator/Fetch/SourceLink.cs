using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Replicator.Fetch;

/// <summary>
/// Talks to one source: opens sessions, asks, downloads. Every request is harmless when it is repeated, so what the bus loses is simply
/// sent again. Several downloads and requests may be under way at once, each block once; messages may arrive on any thread.
/// </summary>
public sealed partial class SourceLink
{
    // How many times longer than on an idle link is waited while other messages of the source come.
    private const int PatienceWhileBusy = 4;

    // Of blocks of which a part is kept after a break; a single one may be larger.
    private const long MaxUnfinishedBytes = 2 * FetchMemory.SourceBytes;

    private readonly IMessageBus _bus;
    private readonly TimeProvider _time;
    private readonly SourceLinkOptions _options;
    private readonly CauseLog _causes;
    private readonly Channel<bool> _announced = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentDictionary<BlockKey, BlockDownload> _unfinished = new();
    private UInt128 _lastStarted;
    private volatile LinkSession? _session;
    private volatile Exception? _broken;
    private volatile PendingHello? _hello;
    private NextReply? _announcedOffers;
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

    /// <summary>What the last announcement offered, once; null when it offered nothing by itself: then the source is to be asked.</summary>
    internal NextReply? TakeAnnounced() => Interlocked.Exchange(ref _announcedOffers, null);

    /// <summary>Takes a message from the source off the bus.</summary>
    public void Receive(in MessageHeader header, ReadOnlyMemory<byte> message)
    {
        Interlocked.Add(ref _receivedBytes, message.Length);
        _ = UsableSession();
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
        var received = await ReceiveAsync(offer, lease: null, cancellationToken);
        if (!received.IsOk)
        {
            return received.As<byte[]>();
        }

        return received.Value!.Decode(out var content) is { } error
            ? new LinkAnswer<byte[]>(LinkStatus.Refused, null, error)
            : new LinkAnswer<byte[]>(LinkStatus.Ok, content, "");
    }

    /// <summary>
    /// Fetches one block's chunks. Those of the first window come with the answer that describes the transfer, so that a block of ordinary size
    /// takes one round trip.
    /// </summary>
    /// <param name="offer">Which block.</param>
    /// <param name="lease">What it was reckoned with; what it turns out not to take is given back. Null where nobody reckons.</param>
    /// <param name="cancellationToken">Ends the waiting; what has arrived by then is not fetched again.</param>
    /// <returns>The block as it travelled, complete and to be decoded.</returns>
    internal async Task<LinkAnswer<BlockDownload>> ReceiveAsync(BlockOffer offer, FetchBudget.Lease? lease, CancellationToken cancellationToken)
    {
        if (offer.LengthBytes > _options.MaxBlockBytes || offer.LengthBytes <= 0)
        {
            return new LinkAnswer<BlockDownload>(
                LinkStatus.Refused, null, $"block {offer.Name} has {offer.LengthBytes} bytes, more than the {_options.MaxBlockBytes} that are taken here");
        }

        if (UsableSession() is not { } session)
        {
            return NoSession<BlockDownload>();
        }

        _unfinished.TryRemove(offer.Block, out var unfinished);
        var window = Math.Min(_options.Window, session.Terms.MaxWindow);
        var first = unfinished is not null && unfinished.ChunkBytes == session.Terms.ChunkBytes ? unfinished.Contiguous : 0;
        var count = Math.Min(window, BlockDownload.CountChunks(offer.LengthBytes, session.Terms.ChunkBytes) - first);
        var request = new TransferRequest(TransferOperation.Get, offer.Block, Limit: count, Codec: _options.Codecs[0], FirstChunk: (uint)first);
        using var incoming = new IncomingTransfer(session, offer, unfinished);
        var prepared = await CallAsync(
            session, request, request with { Limit = 0, FirstChunk = 0 }, (reply, asked) => incoming.Begin(reply, asked), cancellationToken);
        if (!prepared.IsOk)
        {
            Keep(unfinished);
            return prepared.As<BlockDownload>();
        }

        if (incoming.Transfer is not { } transfer)
        {
            return new LinkAnswer<BlockDownload>(LinkStatus.Refused, null, "the source's description of the transfer does not fit its offer");
        }

        var download = transfer.Download;
        lease?.Shrink(download.WireBytes);
        var pulled = await PullAllAsync(session, transfer, incoming.Arrived, incoming.IsFirst ? first + count : 0, window, cancellationToken);
        if (pulled.IsOk)
        {
            return new LinkAnswer<BlockDownload>(LinkStatus.Ok, download, "");
        }

        Keep(download);
        return pulled.As<BlockDownload>();
    }

    /// <summary>Opens a session unless one is open.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <param name="waits">Called with what is the matter whenever the source is asked again because nothing came back.</param>
    public async Task<LinkAnswer<bool>> EnsureSessionAsync(CancellationToken cancellationToken, Action<string>? waits = null)
    {
        _options.Live?.Refresh();
        if (UsableSession() is not null)
        {
            return new LinkAnswer<bool>(LinkStatus.Ok, true, "");
        }

        var deadline = _time.GetTimestamp();
        while (true)
        {
            if (_options.KeyNow is not { } apiKey)
            {
                return new LinkAnswer<bool>(LinkStatus.Refused, false, _options.Live?.Trouble ?? "the key may not be used");
            }

            var hello = new PendingHello(SessionKeys.NewNonce(), apiKey);
            _hello = hello;
            using var key = SessionKeys.Hello(apiKey, _options.Source, _options.Target, hello.Nonce);
            var content = new Hello(_options.Target, _options.MaxChunkBytes, _options.MaxBlockBytes, _options.Codecs, _options.AcceptsRelayed).Encode();
            var message = key.Seal(new MessageHeader(MessageType.Hello, IsLast: false, hello.Nonce, 0, apiKey.Id), 0, content);
            if (await BeginSendAsync(SendAsync(message, cancellationToken)) is { } failure)
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

            waits?.Invoke($"{_options.Source} has not answered yet{Refusal()}");

            Interlocked.Increment(ref _repeats);
        }
    }

    /// <summary>Says goodbye, if there is a session, and forgets it.</summary>
    public async Task CloseSessionAsync(CancellationToken cancellationToken)
    {
        if (_session is not { } session)
        {
            _hello = null;
            return;
        }

        if (_bus.IsConnected)
        {
            var (number, _) = session.Begin();
            _ = await SendRequestAsync(session, number, new TransferRequest(TransferOperation.Bye), cancellationToken);
        }

        DropSession(session);
    }

    /// <summary>Keeps a window of chunks on their way, and pulls again what got lost.</summary>
    private async Task<LinkAnswer<bool>> PullAllAsync(
        LinkSession session, ActiveTransfer transfer, ChannelReader<bool> arrived, int asked, int window, CancellationToken cancellationToken)
    {
        var download = transfer.Download;
        var end = Math.Max(Math.Min(asked, download.ChunkCount), download.Contiguous);
        var lastArrival = _time.GetTimestamp();
        while (!download.IsComplete)
        {
            var onTheirWay = end - download.Contiguous;
            if (end < download.ChunkCount && onTheirWay <= window / 2)
            {
                var count = Math.Min(window - onTheirWay, download.ChunkCount - end);
                if (await PullAsync(session, transfer, (uint)end, count, cancellationToken) is { } failure)
                {
                    return failure;
                }

                end += count;
            }

            if (await ArrivesAsync(session, arrived, cancellationToken))
            {
                lastArrival = _time.GetTimestamp();
                continue;
            }

            var waited = _time.GetElapsedTime(lastArrival);
            var patience = session.IsSuspect ? 2 * _options.RepeatAfter : _options.Timeout;
            if (!ReferenceEquals(session, _session) || waited >= patience)
            {
                DropSession(session);
                return new LinkAnswer<bool>(LinkStatus.TimedOut, false, $"no chunk came for {waited.TotalSeconds:0} s");
            }

            // On a slow link they may only be queued behind those of other blocks, and asking again would make the queue longer.
            if (session.Silence < _options.RepeatAfter && session.Served <= transfer.AskedBy && waited < PatienceWhileBusy * _options.RepeatAfter)
            {
                continue;
            }

            // The last one asked for may have come in this very moment.
            if (download.FirstMissing(end) is not var (first, missing))
            {
                continue;
            }

            Interlocked.Increment(ref _repeats);
            if (await PullAsync(session, transfer, first, Math.Min(missing, window), cancellationToken) is { } again)
            {
                return again;
            }
        }

        return new LinkAnswer<bool>(LinkStatus.Ok, true, "");
    }

    /// <summary>Waits until a chunk has arrived; false when none did for a while.</summary>
    private async Task<bool> ArrivesAsync(LinkSession session, ChannelReader<bool> arrived, CancellationToken cancellationToken)
    {
        if (arrived.TryRead(out _))
        {
            return true;
        }

        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var arrival = arrived.WaitToReadAsync(done.Token).AsTask();
        var first = await Task.WhenAny(arrival, Task.Delay(_options.RepeatAfter, _time, done.Token), session.Ended);
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return first == arrival && arrived.TryRead(out _);
    }

    private async Task<LinkAnswer<bool>?> PullAsync(
        LinkSession session, ActiveTransfer transfer, uint first, int count, CancellationToken cancellationToken)
    {
        var (number, _) = session.Begin();
        session.End([number]);
        transfer.AskedBy = number;
        var request = new TransferRequest(TransferOperation.Pull, Limit: count, TransferId: transfer.Id, FirstChunk: first);
        return await BeginSendAsync(SendRequestAsync(session, number, request, cancellationToken));
    }

    /// <summary>
    /// A message is on its way when it was handed over: that the broker has it is not waited for, as it takes a round trip. When it does not get
    /// there, no answer comes.
    /// </summary>
    private async Task<LinkAnswer<bool>?> BeginSendAsync(Task<LinkAnswer<bool>?> sending)
    {
        if (_broken is { } broken)
        {
            ExceptionDispatchInfo.Throw(broken);
        }

        if (sending.IsCompleted)
        {
            return await sending;
        }

        _ = WatchAsync(sending);
        return null;
    }

    /// <summary>A bus that throws is a defect: whoever sends next gets to know it.</summary>
    private async Task WatchAsync(Task<LinkAnswer<bool>?> sending)
    {
        try
        {
            await sending;
        }
        catch (OperationCanceledException)
        {
            // Whoever sent it has given up.
        }
#pragma warning disable CA1031 // It is thrown by the next send.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _broken = e;
        }
    }

    private Task<LinkAnswer<TransferReply>> CallAsync(TransferRequest request, CancellationToken cancellationToken) =>
        UsableSession() is { } session
            ? CallAsync(session, request, request, taken: null, cancellationToken)
            : Task.FromResult(NoSession<TransferReply>());

    /// <summary>Sends a request, again and again if need be, until an answer comes or the time is up.</summary>
    /// <param name="session">The session.</param>
    /// <param name="request">The request.</param>
    /// <param name="again">How it is repeated.</param>
    /// <param name="taken">Called with an answer and the number of its request, before the next message is looked at.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    private async Task<LinkAnswer<TransferReply>> CallAsync(
        LinkSession session, TransferRequest request, TransferRequest again, Action<TransferReply, bool>? taken, CancellationToken cancellationToken)
    {
        var begun = _time.GetTimestamp();
        var answers = new List<(ulong Number, Task<TransferReply> Answer)>();
        try
        {
            while (true)
            {
                var isFirst = answers.Count == 0;
                answers.Add(session.Begin(taken is null ? null : reply => taken(reply, isFirst)));
                if (await BeginSendAsync(SendRequestAsync(session, answers[^1].Number, isFirst ? request : again, cancellationToken)) is { } failure)
                {
                    return failure.As<TransferReply>();
                }

                var first = Task.WhenAny(answers.Select(a => a.Answer));
                do
                {
                    if (await InTimeAsync(Task.WhenAny(first, session.Ended), _options.RepeatAfter, cancellationToken) && first.IsCompleted)
                    {
                        return Judge(await await first);
                    }

                    // While chunks come, the answer may only be queued behind them; when nothing comes at all, the source has forgotten
                    // the session or is gone, and opening a new one finds out which.
                    var isLost = !ReferenceEquals(session, _session) || (!session.HasTransfers && session.Silence >= 2 * _options.RepeatAfter);
                    if (isLost || _time.GetElapsedTime(begun) >= _options.Timeout)
                    {
                        DropSession(session);
                        return new LinkAnswer<TransferReply>(
                            LinkStatus.TimedOut,
                            null,
                            $"{_options.Source} has not answered for {_time.GetElapsedTime(begun).TotalSeconds:0} s{Refusal()}");
                    }
                }
                while (session.Silence < _options.RepeatAfter && _time.GetElapsedTime(begun) < answers.Count * PatienceWhileBusy * _options.RepeatAfter);
                Interlocked.Increment(ref _repeats);
            }
        }
        finally
        {
            session.End(answers.Select(a => a.Number));
        }
    }

    private static LinkAnswer<T> NoSession<T>() => new(LinkStatus.NotReady, default, "there is no session");

    /// <summary>Remembers what has arrived of a block, unless that is nothing.</summary>
    private void Keep(BlockDownload? download)
    {
        if (download is not { Contiguous: > 0 })
        {
            return;
        }

        // What nobody has asked for again is of blocks that are gone.
        if (_unfinished.Values.Sum(u => (long)u.WireBytes) + download.WireBytes > MaxUnfinishedBytes)
        {
            _unfinished.Clear();
        }

        _unfinished[download.Block] = download;
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

    /// <summary>The session, unless its key may not be used any more.</summary>
    private LinkSession? UsableSession()
    {
        if (_session is { } session && !ReferenceEquals(session.Key, _options.KeyNow))
        {
            DropSession(session);
        }

        return _session;
    }

    /// <summary>Whoever still uses the session's keys at this moment may finish: nobody opens or answers its messages any more.</summary>
    private void DropSession(LinkSession session)
    {
        _hello = null;
        Interlocked.CompareExchange(ref _session, null, session);
        session.End();
    }

    /// <summary>A transfer from the answer that describes it on. Chunks follow that answer at once, so it is looked at where messages arrive.</summary>
    private sealed class IncomingTransfer(LinkSession session, BlockOffer offer, BlockDownload? unfinished) : IDisposable
    {
        private readonly Channel<bool> _arrived = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        private readonly Lock _gate = new();
        private bool _isOver;

        public ChannelReader<bool> Arrived => _arrived.Reader;

        /// <summary>The transfer, once the source has described one that fits the offer.</summary>
        public ActiveTransfer? Transfer { get; private set; }

        /// <summary>True when the answer was to the request that asked for chunks.</summary>
        public bool IsFirst { get; private set; }

        public void Begin(TransferReply reply, bool isFirst)
        {
            lock (_gate)
            {
                if (_isOver || Transfer is not null || reply.Status != TransferStatus.Ok
                    || GetReply.TryDecode(reply.Content.Span) is not { } described
                    || described.BlockBytes != offer.LengthBytes || described.WireBytes > described.BlockBytes || described.WireBytes == 0)
                {
                    return;
                }

                var chunkBytes = session.Terms.ChunkBytes;
                var download = unfinished is not null && unfinished.Continues(offer.Block, described, chunkBytes)
                    ? unfinished
                    : new BlockDownload(offer.Block, described, chunkBytes);
                var key = session.Keys.ForTransfer(described.Nonce, offer.Block.Hash, described.Codec, described.WireBytes);
                Transfer = new ActiveTransfer(described.TransferId, key, download, () => _arrived.Writer.TryWrite(true)) { AskedBy = reply.RequestNumber };
                IsFirst = isFirst;
                session.Add(Transfer);
            }
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _isOver = true;
                if (Transfer is { } transfer)
                {
                    session.Remove(transfer);
                    transfer.Key.Dispose();
                }
            }
        }
    }

    private sealed record PendingHello(UInt128 Nonce, ApiKey Key)
    {
        public TaskCompletionSource<LinkSession> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
