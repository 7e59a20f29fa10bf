using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>
/// Serves one mailbox to its target: one message after the other, so that one mailbox never waits for another; the collector's work for
/// confirmations goes on beside that. What comes faster than it is worked off is dropped; the target asks again.
/// </summary>
internal sealed partial class MailboxServer(
    IMessageBus bus,
    IBlockSource source,
    IStorage storage,
    TimeProvider time,
    BlockServerOptions options,
    ServedMailbox mailbox,
    ServerAudit audit,
    ILogger logger)
{
    // A target has 128 blocks under way, each with a request for it or its confirmation.
    private const int QueueLimit = 512;
    private const int RememberedHellos = 4096;
    private const string UnknownOperation = "the operation is not known to this version";
    private const int MaxAnnounced = 4;

    // Anybody can make up a session; the answer to that is small, and rare.
    private static readonly TimeSpan StartedInterval = TimeSpan.FromSeconds(1);

    private readonly Channel<Incoming> _queue = Channel.CreateBounded<Incoming>(QueueLimit);
    private readonly Channel<Confirmation> _confirmations = Channel.CreateBounded<Confirmation>(QueueLimit);
    private readonly Outbox _outbox = new(bus, options.Topics.Reply(options.Node, mailbox.Target), audit);
    private readonly ConcurrentDictionary<UInt128, ServedSession> _sessions = new();
    private readonly HashSet<UInt128> _helloNonces = [];
    private readonly Queue<UInt128> _helloOrder = new();
    private long? _saidStarted;
    private ulong _opened;

    public bool Enabled { get; set; } = true;

    public int SessionCount => _sessions.Count;

    /// <summary>Takes a message off the bus; the bytes are copied.</summary>
    public void Receive(in MessageHeader header, ReadOnlyMemory<byte> message)
    {
        if (!_queue.Writer.TryWrite(new Incoming(header, message.ToArray())))
        {
            audit.Refuse("overload", $"more messages of {mailbox.Target} wait than {QueueLimit}", "look for a node that repeats its requests too fast");
        }
    }

    /// <summary>Has the sessions told that a block is ready. When the queue is full they learn it from their next request.</summary>
    public void Announce() => _queue.Writer.TryWrite(default);

    /// <summary>Has the target told that this node is there. When the queue is full it learns it from its next attempt.</summary>
    public void SayStarted() => _queue.Writer.TryWrite(new Incoming(new MessageHeader(MessageType.Started, IsLast: false, 0, 0, ""), null));

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Supervisor.RunAsync(cancellationToken, AnswerAllAsync, ConfirmAllAsync, ProveAllAsync);
        }
        finally
        {
            foreach (var session in _sessions.Values)
            {
                session.Dispose();
            }

            _sessions.Clear();
        }
    }

    private async Task AnswerAllAsync(CancellationToken cancellationToken)
    {
        await foreach (var incoming in _queue.Reader.ReadAllAsync(cancellationToken))
        {
            await (incoming switch
            {
                { Message: { } message } => HandleAsync(incoming.Header, message, cancellationToken),
                { Confirmed: { } confirmed } => ConfirmedAsync(confirmed, cancellationToken),
                { Proved: { } proved } => ProvedAsync(proved, cancellationToken),
                { Header.Type: MessageType.Started } => SayStartedAsync(cancellationToken),
                _ => AnnounceAsync(cancellationToken),
            });
        }
    }

    /// <summary>The collector makes each removal durable, which takes its time: meanwhile blocks are read and sent.</summary>
    private async Task ConfirmAllAsync(CancellationToken cancellationToken)
    {
        await foreach (var confirmation in _confirmations.Reader.ReadAllAsync(cancellationToken))
        {
            // The answer is given by the worker that the sessions belong to. It never waits for this one.
            var answer = await source.ConfirmAsync(mailbox.Target, confirmation.BlockName, confirmation.Block.Hash, cancellationToken);
            await _queue.Writer.WriteAsync(new Incoming(default, null, confirmation with { Answer = answer }), cancellationToken);
        }
    }

    /// <summary>
    /// A target that is in a session with this node's process of before need not wait until it is sure of that, and one that pauses because
    /// nobody answered need not pause any longer. Where the message gets lost, it is its patience that ends.
    /// </summary>
    private async Task SayStartedAsync(CancellationToken cancellationToken)
    {
        _saidStarted = time.GetTimestamp();
        var nonce = SessionKeys.NewNonce();
        if (mailbox.KeyNow is not { } apiKey)
        {
            return;
        }

        using var key = SessionKeys.Started(apiKey, options.Node, mailbox.Target, nonce);
        var header = new MessageHeader(MessageType.Started, IsLast: false, nonce, 0, apiKey.Id);
        _ = await _outbox.SendAsync(key.Seal(header, 0, default), cancellationToken);
    }

    private Task HandleAsync(MessageHeader header, byte[] message, CancellationToken cancellationToken) => header.Type switch
    {
        MessageType.Hello => HelloAsync(header, message, cancellationToken),
        MessageType.Request => RequestAsync(header, message, cancellationToken),
        _ => RefuseAsync("malformed", $"{mailbox.Target} sent a {header.Type}, which only a source sends", "check that no node has this node's name"),
    };

    private async Task HelloAsync(MessageHeader header, byte[] message, CancellationToken cancellationToken)
    {
        if (header.KeyId != mailbox.Key.Id)
        {
            await RefuseAsync(
                "unknown key id",
                $"node {mailbox.Target} uses key id '{header.KeyId}', its mailbox is opened by '{mailbox.Key.Id}'",
                "set the same key_id on both sides");
            return;
        }

        mailbox.Live?.Refresh();
        if (mailbox.KeyNow is not { } apiKey)
        {
            await RefuseAsync("retired key", $"node {mailbox.Target} may not fetch: {mailbox.Live?.Trouble}", "give both sides another key");
            return;
        }

        using var key = SessionKeys.Hello(apiKey, options.Node, mailbox.Target, header.Session);
        var plain = Open(key, header, 0, message);
        if (plain is null || Hello.TryDecode(plain) is not { } hello)
        {
            return;
        }

        if (hello.Mailbox != mailbox.Target)
        {
            await RefuseAsync("wrong mailbox", $"node {mailbox.Target} asks for mailbox {hello.Mailbox}", "a node opens the mailbox of its own name");
            return;
        }

        if (!Remember(header.Session))
        {
            await RefuseAsync("replay", $"an old hello of node {mailbox.Target} came again", "find out who repeats messages on the broker");
            return;
        }

        await OpenSessionAsync(apiKey, header.Session, hello, cancellationToken);
    }

    private async Task OpenSessionAsync(ApiKey apiKey, UInt128 targetNonce, Hello hello, CancellationToken cancellationToken)
    {
        DropIdleSessions();
        var sourceNonce = SessionKeys.NewNonce();
        var keys = new SessionKeys(apiKey, options.Node, mailbox.Target, targetNonce, sourceNonce);
        var chunkBytes = Math.Clamp(hello.MaxChunkBytes, 1024, options.ChunkBytes);
        var session = new ServedSession(sourceNonce, keys, hello, chunkBytes, time) { Key = apiKey, Order = ++_opened };
        _sessions[sourceNonce] = session;
        SessionOpened(logger, mailbox.Target, chunkBytes);
        var header = new MessageHeader(MessageType.HelloReply, IsLast: false, targetNonce, sourceNonce, "");
        await _outbox.SendAsync(keys.HelloReply.Seal(header, 0, new HelloReply(chunkBytes, options.MaxWindow).Encode()), cancellationToken);
    }

    private async Task RequestAsync(MessageHeader header, byte[] message, CancellationToken cancellationToken)
    {
        if (!_sessions.TryGetValue(header.Session, out var session))
        {
            // A session of before a restart, most likely: the target opens a new one when nobody answers.
            audit.Refuse("unknown session", $"node {mailbox.Target} goes on with a session that is not open here", "nothing, it opens a new one");
            if (_saidStarted is not { } said || time.GetElapsedTime(said) >= StartedInterval)
            {
                // It has missed what was said at the start: without this, only its patience would end.
                await SayStartedAsync(cancellationToken);
            }

            return;
        }

        if (!ReferenceEquals(session.Key, mailbox.KeyNow))
        {
            Close(session);
            await RefuseAsync(
                "retired key",
                $"node {mailbox.Target} goes on with a session whose key was retired or changed{(mailbox.Live?.Trouble is { } trouble ? $": {trouble}" : "")}",
                "give both sides the same key");
            return;
        }

        var number = header.MessageNumber;
        var plain = Open(session.Keys.ToSource, header, number, message);
        if (plain is null)
        {
            return;
        }

        if (!session.Requests.TryTake(number))
        {
            await RefuseAsync("replay", $"request {number} of node {mailbox.Target} came twice", "nothing, if the broker repeats messages now and then");
            return;
        }

        session.Touch();
        if (TransferRequest.TryDecode(plain) is not { } request)
        {
            await ReplyAsync(session, number, TransferStatus.InvalidRequest, "the request is malformed", default, cancellationToken);
            return;
        }

        await AnswerAsync(session, number, request, cancellationToken);
    }

    private async Task AnswerAsync(ServedSession session, ulong number, TransferRequest request, CancellationToken cancellationToken)
    {
        if (request.Operation == TransferOperation.Bye)
        {
            Close(session);
        }
        else if (!Enabled)
        {
            await ReplyAsync(session, number, TransferStatus.NotReady, "the source is disabled by its operator", default, cancellationToken);
        }
        else
        {
            switch (request.Operation)
            {
                case TransferOperation.Next:
                    await NextAsync(session, number, request, cancellationToken);
                    break;
                case TransferOperation.Get:
                    await GetAsync(session, number, request, cancellationToken);
                    break;
                case TransferOperation.Pull:
                    await PullAsync(session, number, request, cancellationToken);
                    break;
                case TransferOperation.Confirm:
                    await ConfirmAsync(session, number, request, cancellationToken);
                    break;
                case TransferOperation.Fill:
                    await FillAsync(session, number, request.Fill!, cancellationToken);
                    break;
                case TransferOperation.Begin:
                    await BeginAsync(session, number, request.Begin!, cancellationToken);
                    break;
                case TransferOperation.Statement:
                    await StatementAsync(session, number, request.Statement!, cancellationToken);
                    break;
                case TransferOperation.Digest:
                    await DigestAsync(session, number, request.Digest!, cancellationToken);
                    break;
                default:
                    await ReplyAsync(session, number, TransferStatus.InvalidRequest, UnknownOperation, default, cancellationToken);
                    break;
            }
        }
    }

    private async Task NextAsync(ServedSession session, ulong number, TransferRequest request, CancellationToken cancellationToken)
    {
        var limit = Math.Clamp(request.Limit, 1, NextReply.MaxOffers);
        var query = new ReadyQuery(limit, request.Block, request.Rotate);
        while (true)
        {
            var answer = await source.ReadyAsync(mailbox.Target, query, cancellationToken);
            if (answer.Status != SourceStatus.Ok)
            {
                await ReplyFailureAsync(session, number, answer.Status, answer.Detail, cancellationToken);
                return;
            }

            var ready = answer.Value!;
            var offered = ready.Blocks.Where(b => IsAcceptable(session, b)).ToArray();
            if (offered.Length == 0 && ready.Blocks is [.., var last])
            {
                // What waits is nothing that this target can take: what lies behind it must not wait for that.
                query = query with { After = last.Identity };
                continue;
            }

            var reply = new ByteWriter(1024);
            WriteOffers(reply, offered, ready);
            session.Offered(offered);
            await ReplyAsync(session, number, TransferStatus.Ok, "", reply.WrittenMemory, cancellationToken);
            return;
        }
    }

    private bool IsAcceptable(ServedSession session, SourceBlock block)
    {
        if (block.Way is not null && !session.Hello.AcceptsRelayed)
        {
            audit.Refuse(
                "relayed",
                $"node {mailbox.Target} takes no blocks of other nodes, and mailbox {mailbox.Target} has some of node {block.Way.Origin}; they wait",
                "set accept_relayed: true for this node's mailbox at the target");
            return false;
        }

        if (block.LengthBytes <= MaxBlockBytes(session))
        {
            return true;
        }

        audit.Refuse(
            "too large",
            $"block {block.Name} of mailbox {mailbox.Target} has {block.LengthBytes} bytes, more than source or target allow",
            "lower max_block_size at the collector; carry this block over by hand (process_dir)");
        return false;
    }

    private long MaxBlockBytes(ServedSession session) => Math.Min(session.Hello.MaxBlockBytes, options.MaxBlockBytes);

    private async Task GetAsync(ServedSession session, ulong number, TransferRequest request, CancellationToken cancellationToken)
    {
        if (request.Block is null || session.FindOffered(request.Block) is not { } block)
        {
            await ReplyAsync(session, number, TransferStatus.NotFound, "the block was not offered in this session", default, cancellationToken);
            return;
        }

        var read = EncodedBlock.Read(storage, block, mailbox.Coding, session.Hello.Codecs, options.MaxBlockBytes);
        if (!read.IsOk && !read.Error.IsNotFound)
        {
            await ReplyAsync(session, number, TransferStatus.Io, read.Error.Detail, default, cancellationToken);
            return;
        }

        // Without a file there is nothing to salvage, and the collector gives the block up.
        if (!read.IsOk || read.Value is not { } encoded)
        {
            await HaveRepairedAsync(session, number, block, cancellationToken);
            return;
        }

        var nonce = SessionKeys.NewNonce();
        var key = session.Keys.ForTransfer(nonce, encoded.Identity.Hash, encoded.Codec, encoded.Wire.Length);
        var transfer = new PreparedTransfer(encoded, nonce, key, session.Id, session.ChunkBytes);
        session.Add(transfer);
        var reply = new ByteWriter(128);
        new GetReply(nonce, encoded.Codec, encoded.Wire.Length, encoded.BlockBytes, encoded.WireHash).Write(reply);
        await ReplyAsync(session, number, TransferStatus.Ok, "", reply.WrittenMemory, cancellationToken);
        if (request.Limit > 0 && request.FirstChunk < transfer.ChunkCount)
        {
            await SendChunksAsync(transfer, request, cancellationToken);
        }
    }

    private async Task HaveRepairedAsync(ServedSession session, ulong number, SourceBlock block, CancellationToken cancellationToken)
    {
        audit.Refuse(
            "damaged block",
            $"block {block.Name} of mailbox {mailbox.Target} is damaged on disk, or gone; the collector salvages its intact frames",
            "check the disk; the damaged file is in the collector's quarantine");
        var repaired = await source.RepairAsync(mailbox.Target, block.Name, cancellationToken);
        await ReplyAsync(
            session,
            number,
            repaired.Status is SourceStatus.Ok or SourceStatus.NotFound ? TransferStatus.NotFound : TransferStatus.NotReady,
            "the block was damaged; ask again for what is ready",
            default,
            cancellationToken);
    }

    private async Task PullAsync(ServedSession session, ulong number, TransferRequest request, CancellationToken cancellationToken)
    {
        if (session.FindTransfer(request.TransferId) is not { } transfer || request.FirstChunk >= transfer.ChunkCount)
        {
            await ReplyAsync(session, number, TransferStatus.NotFound, "there is no such transfer or chunk", default, cancellationToken);
            return;
        }

        await SendChunksAsync(transfer, request, cancellationToken);
    }

    private async Task SendChunksAsync(PreparedTransfer transfer, TransferRequest request, CancellationToken cancellationToken)
    {
        var count = Math.Min((uint)Math.Clamp(request.Limit, 1, options.MaxWindow), transfer.ChunkCount - request.FirstChunk);
        for (var index = request.FirstChunk; index < request.FirstChunk + count; index++)
        {
            if (!await _outbox.SendAsync(transfer.Chunk(index), cancellationToken))
            {
                // The target misses the rest and pulls it again.
                return;
            }

            audit.ChunkSent();
        }
    }

    private async Task ConfirmAsync(ServedSession session, ulong number, TransferRequest request, CancellationToken cancellationToken)
    {
        if (request.Block is null)
        {
            await ReplyAsync(session, number, TransferStatus.InvalidRequest, "a confirmation names a block", default, cancellationToken);
            return;
        }

        var name = session.FindOffered(request.Block)?.Name;
        if (name is null)
        {
            var before = request.Block.Index > 0 ? request.Block with { Index = request.Block.Index - 1 } : null;
            var ready = await source.ReadyAsync(mailbox.Target, new ReadyQuery(1, before), cancellationToken);
            if (ready.Status != SourceStatus.Ok)
            {
                await ReplyFailureAsync(session, number, ready.Status, ready.Detail, cancellationToken);
                return;
            }

            name = ready.Value!.Blocks.FirstOrDefault(
                b => b.Identity.Stream == request.Block.Stream && b.Identity.Index == request.Block.Index)?.Name;
        }

        var confirmation = new Confirmation(session, number, request.Block, name ?? "", default);
        if (name is null)
        {
            // Not there any more: an earlier confirmation went through, and its answer was lost.
            await ConfirmedAsync(confirmation with { Answer = new SourceAnswer<bool>(SourceStatus.NotFound, false, null) }, cancellationToken);
        }
        else if (!_confirmations.Writer.TryWrite(confirmation))
        {
            audit.Refuse("overload", $"more confirmations of {mailbox.Target} wait than {QueueLimit}", "look for a node that repeats its requests too fast");
        }
    }

    private async Task ConfirmedAsync(Confirmation confirmation, CancellationToken cancellationToken)
    {
        var (session, number, block, name, confirmed) = confirmation;
        if (confirmed.Status == SourceStatus.WrongHash)
        {
            audit.Refuse(
                "wrong hash",
                $"node {mailbox.Target} confirms block {name} with another content hash than it has; the block stays",
                "look into the target's log: it imported something else than this block");
        }

        if (confirmed.Status is SourceStatus.Ok)
        {
            audit.Confirmed();
        }

        if (session.IsClosed)
        {
            // The target has left; it confirms again what it got no answer to.
            return;
        }

        if (confirmed.Status is SourceStatus.Ok or SourceStatus.NotFound)
        {
            session.Forget(block);
            await ReplyAsync(session, number, TransferStatus.Ok, "", default, cancellationToken);
        }
        else
        {
            await ReplyFailureAsync(session, number, confirmed.Status, confirmed.Detail, cancellationToken);
        }
    }

    /// <summary>
    /// Says that a block is ready. Where few wait, their offers come along, so that nobody has to ask for them; where many do, the target is
    /// at work anyhow.
    /// </summary>
    private async Task AnnounceAsync(CancellationToken cancellationToken)
    {
        if (_sessions.IsEmpty || !Enabled)
        {
            return;
        }

        var ready = await source.ReadyAsync(mailbox.Target, new ReadyQuery(MaxAnnounced), cancellationToken);
        var apiKey = mailbox.KeyNow;
        foreach (var session in _sessions.Values.Where(s => ReferenceEquals(s.Key, apiKey)).OrderBy(s => s.Order))
        {
            var content = new ByteWriter(256);
            if (ready.Value is { } blocks && blocks.TotalBlocks == (ulong)blocks.Blocks.Count && blocks.Blocks.All(b => IsAcceptable(session, b)))
            {
                session.Offered(blocks.Blocks);
                WriteOffers(content, blocks.Blocks, blocks);
            }

            var number = session.NextNumber();
            var header = new MessageHeader(MessageType.Announce, IsLast: false, session.Id, number, "");
            await _outbox.SendAsync(session.Keys.ToTarget.Seal(header, number, content.Written), cancellationToken);
        }
    }

    private static void WriteOffers(ByteWriter output, IEnumerable<SourceBlock> blocks, ReadyBlocks ready)
    {
        var offers = blocks.Select(b => new BlockOffer(b.Identity, b.Name, b.FirstSequence, b.NextSequence, b.EventCount, b.LengthBytes)
        {
            Way = b.Way,
        });
        new NextReply([.. offers], ready.TotalBlocks, ready.TotalEvents).Write(output);
    }

    private Task ReplyFailureAsync(ServedSession session, ulong number, SourceStatus status, string? detail, CancellationToken cancellationToken) =>
        ReplyAsync(
            session,
            number,
            status switch
            {
                SourceStatus.NotFound => TransferStatus.NotFound,
                SourceStatus.WrongHash => TransferStatus.InvalidData,
                _ => TransferStatus.NotReady,
            },
            detail ?? "",
            default,
            cancellationToken);

    private async Task ReplyAsync(
        ServedSession session, ulong requestNumber, TransferStatus status, string text, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var number = session.NextNumber();
        var header = new MessageHeader(MessageType.Reply, IsLast: false, session.Id, number, "");
        var reply = session.Keys.ToTarget.Seal(header, number, new TransferReply(requestNumber, status, text, content).Encode());
        await _outbox.SendAsync(reply, cancellationToken);
    }

    private byte[]? Open(DirectionKey key, in MessageHeader header, ulong number, byte[] message)
    {
        var plain = new byte[DirectionKey.PlainBytes(header, message.Length)];
        switch (key.Open(header, number, message, plain))
        {
            case OpenError.None:
                return plain;
            case OpenError.Closed:
                return null;
            case OpenError.WrongKey:
                audit.Refuse(
                    "wrong key",
                    $"node {mailbox.Target} has another secret under key id '{mailbox.Key.Id}'",
                    "copy the key anew; a key has the same text on both sides");
                return null;
            default:
                audit.Refuse("tampered", $"a message of node {mailbox.Target} was changed on its way", "find out who writes to these topics");
                return null;
        }
    }

    private bool Remember(UInt128 nonce)
    {
        if (!_helloNonces.Add(nonce))
        {
            return false;
        }

        _helloOrder.Enqueue(nonce);
        if (_helloOrder.Count > RememberedHellos)
        {
            _helloNonces.Remove(_helloOrder.Dequeue());
        }

        return true;
    }

    private void DropIdleSessions()
    {
        var sessions = _sessions.Values.OrderByDescending(s => s.IsProven).ThenBy(s => s.Idle).ThenByDescending(s => s.Order).ToArray();
        foreach (var session in sessions.Where((s, i) => s.Idle > options.SessionIdle || i >= options.MaxSessionsPerMailbox - 1))
        {
            Close(session);
        }
    }

    private void Close(ServedSession session)
    {
        if (_sessions.TryRemove(session.Id, out _))
        {
            session.Dispose();
        }
    }

    private Task RefuseAsync(string reason, string cause, string remedy)
    {
        audit.Refuse(reason, cause, remedy);
        return Task.CompletedTask;
    }

    [LoggerMessage(1201, LogLevel.Information, "node {Target} opened a session, chunks of {ChunkBytes} bytes")]
    private static partial void SessionOpened(ILogger logger, string target, int chunkBytes);

    private readonly record struct Incoming(MessageHeader Header, byte[]? Message, Confirmation? Confirmed = null, Proved? Proved = null);

    private sealed record Confirmation(ServedSession Session, ulong Number, BlockKey Block, string BlockName, SourceAnswer<bool> Answer);
}
