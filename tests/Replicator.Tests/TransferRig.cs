using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>A server with real block files and a link to it, over a bus with faults.</summary>
internal sealed class TransferRig : IAsyncDisposable
{
    public const string Source = "edge1";
    public const string Target = "centre";

    private readonly TempFolder _folder = new();
    private readonly CancellationTokenSource _end = new();
    private readonly LoopbackBus? _loopback;
    private readonly IMessageBus _targetBus;
    private readonly IDisposable _subscription;
    private readonly Task _serving;

    public TransferRig(
        LoopbackBus bus, ApiKey? serverKey = null, ApiKey? linkKey = null, Func<SourceLinkOptions, SourceLinkOptions>? tune = null,
        TransferCoding coding = TransferCoding.ColumnarBrotli, Func<ServedMailbox, ServedMailbox>? serve = null)
        : this(bus, bus.Connect(), bus.Connect(), serverKey, linkKey, tune, coding, serve)
    {
    }

    /// <summary>Over buses of the caller's making.</summary>
    public TransferRig(IMessageBus edge, IMessageBus target)
        : this(null, edge, target, null, null, null, TransferCoding.ColumnarBrotli)
    {
    }

    private TransferRig(
        LoopbackBus? bus, IMessageBus edge, IMessageBus target, ApiKey? serverKey, ApiKey? linkKey, Func<SourceLinkOptions, SourceLinkOptions>? tune,
        TransferCoding coding, Func<ServedMailbox, ServedMailbox>? serve = null)
    {
        _loopback = bus;
        Key = serverKey ?? NewKey("default");
        var served = new ServedMailbox(Target, Key, coding) { AllowFill = true };
        var options = new BlockServerOptions
        {
            Node = Source,
            Mailboxes = [serve is null ? served : serve(served)],
            ChunkBytes = 4096,
        };
        Server = new BlockServer(
            edge, Blocks, DiskStorage.Instance, TimeProvider.System, options, ServerLog, new CauseLog(ServerLog, TimeProvider.System));
        var linkOptions = new SourceLinkOptions
        {
            Source = Source,
            Target = Target,
            Key = linkKey ?? Key,
            RepeatAfter = TimeSpan.FromSeconds(5),
            Timeout = TimeSpan.FromSeconds(30),
            Window = 8,
        };
        _targetBus = target;
        Link = new SourceLink(
            _targetBus, TimeProvider.System, tune is null ? linkOptions : tune(linkOptions), new CauseLog(LinkLog, TimeProvider.System));
        _subscription = _targetBus.Subscribe(linkOptions.Topics.RepliesTo(Target), (_, message) =>
        {
            if (MessageHeader.TryRead(message.Span, out var header))
            {
                Link.Receive(header, message);
            }

            return ValueTask.CompletedTask;
        });
        _serving = Server.RunAsync(_end.Token);
    }

    public LoopbackBus Bus => _loopback ?? throw new InvalidOperationException("The rig has buses of its caller's making.");

    public IMessageBus TargetBus => _targetBus;

    public ApiKey Key { get; }

    public FakeBlocks Blocks { get; } = new();

    public BlockServer Server { get; }

    public SourceLink Link { get; }

    public ListLogger ServerLog { get; } = new();

    public ListLogger LinkLog { get; } = new();

    public static ApiKey NewKey(string id)
    {
        Assert.True(ApiKey.TryCreate(id, ApiKey.Generate(), out var key, out var error), error);
        return key;
    }

    /// <summary>Makes a sealed block file with some events and has it offered.</summary>
    public SourceBlock AddBlock(int events, int seed = 1, string node = Source, string mailbox = Target, BlockWay? way = null)
    {
        var index = (ulong)Blocks.All.Count + 1;
        var header = new BlockHeader(new StreamId(7, 8), index, 1, 0, node, mailbox);
        using var appender = BlockAppender.Create(DiskStorage.Instance, _folder.Path, new BlockName((long)index), header).Value;
        var builder = new EventFrameBuilder();
        var batch = new EventBatch(new OidTable());
        var random = new Random(seed);
        for (var i = 0; i < events; i++)
        {
            batch.Add(new TelemetryEvent(
                Oid.Parse($"sensor:s{i % 10}"), i, 1, 0, TelemetryValue.From(random.NextDouble()), new Ieid(1, (ulong)i)));
            builder.Append(batch, i);
        }

        var frame = new ByteWriter();
        builder.Finish(frame, 7, 1);
        Assert.True(appender.Append(frame.Written, new FrameStats(1, (uint)events, 1 + (ulong)events, 0, events)).IsOk);
        var sealedBlock = appender.Seal().Value;
        var block = new SourceBlock(
            new BlockKey(header.Stream, index, sealedBlock.Trailer.Hash),
            sealedBlock.Name.ToString(), appender.SealedPath, 1, 1 + (ulong)events, (ulong)events, sealedBlock.LengthBytes)
        {
            Way = way,
        };
        Blocks.All.Add(block);
        return block;
    }

    public async Task<NextReply> OfferedAsync()
    {
        var opened = await Link.EnsureSessionAsync(CancellationToken.None);
        Assert.True(opened.IsOk, opened.Detail);
        var next = await Link.NextAsync(rotate: true, 16, behind: null, CancellationToken.None);
        Assert.True(next.IsOk, next.Detail);
        return next.Value!;
    }

    /// <summary>Fetches and confirms everything that is offered, as a target does, and returns the block files' bytes.</summary>
    public async Task<List<byte[]>> FetchAllAsync()
    {
        var fetched = new List<byte[]>();
        while (true)
        {
            var opened = await Link.EnsureSessionAsync(CancellationToken.None);
            Assert.True(opened.IsOk, opened.Detail);
            var next = await Link.NextAsync(rotate: true, 1, behind: null, CancellationToken.None);
            if (!next.IsOk)
            {
                continue;
            }

            if (next.Value!.Offers is not [var offer])
            {
                return fetched;
            }

            var download = await Link.DownloadAsync(offer, CancellationToken.None);
            if (download.IsOk)
            {
                LinkAnswer<bool> confirmed;
                do
                {
                    Assert.True((await Link.EnsureSessionAsync(CancellationToken.None)).IsOk);
                    confirmed = await Link.ConfirmAsync(offer.Block, CancellationToken.None);
                }
                while (confirmed.Status == LinkStatus.TimedOut);
                Assert.True(confirmed.IsOk, confirmed.Detail);
                fetched.Add(download.Value!);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _subscription.Dispose();
        _end.Dispose();
        _folder.Dispose();
    }

    /// <summary>The collector's part, in memory over real files.</summary>
    internal sealed class FakeBlocks : IBlockSource
    {
        public List<SourceBlock> All { get; } = [];

        public List<string> Repaired { get; } = [];

        /// <summary>What was asked for.</summary>
        public List<ReadyQuery> Queries { get; } = [];

        /// <summary>The open block: it becomes ready when it is closed.</summary>
        public SourceBlock? Open { get; set; }

        public bool IsDown { get; set; }

        /// <summary>True when a damaged block stays as it is.</summary>
        public bool KeepsWhatItRepairs { get; set; }

        public Task<SourceAnswer<ReadyBlocks>> ReadyAsync(string mailbox, ReadyQuery query, CancellationToken cancellationToken)
        {
            lock (All)
            {
                if (IsDown)
                {
                    return Task.FromResult(new SourceAnswer<ReadyBlocks>(SourceStatus.Unavailable, null, "down"));
                }

                var behind = Behind(query.After);
                if (query.Rotate && behind.Count == 0 && Open is { } open)
                {
                    Open = null;
                    All.Add(open);
                    behind = Behind(query.After);
                }

                Queries.Add(query);
                var total = All.Aggregate(0UL, (sum, b) => sum + b.EventCount);
                return Task.FromResult(new SourceAnswer<ReadyBlocks>(
                    SourceStatus.Ok, new ReadyBlocks([.. behind.Take(query.Limit)], (ulong)All.Count, total), null));
            }
        }

        private List<SourceBlock> Behind(BlockKey? after) =>
            [.. All.Where(b => after is null || b.Identity.Stream != after.Stream || b.Identity.Index > after.Index)];

        public Task<SourceAnswer<bool>> ConfirmAsync(string mailbox, string blockName, BlockHash hash, CancellationToken cancellationToken)
        {
            lock (All)
            {
                return Task.FromResult(Confirm(blockName, hash));
            }
        }

        private SourceAnswer<bool> Confirm(string blockName, BlockHash hash)
        {
            var block = All.Find(b => b.Name == blockName);
            if (block is null)
            {
                return new SourceAnswer<bool>(SourceStatus.NotFound, false, null);
            }

            if (!block.Identity.Hash.Equals(hash))
            {
                return new SourceAnswer<bool>(SourceStatus.WrongHash, false, null);
            }

            All.Remove(block);
            return new SourceAnswer<bool>(SourceStatus.Ok, true, null);
        }

        public Task<SourceAnswer<bool>> RepairAsync(string mailbox, string blockName, CancellationToken cancellationToken)
        {
            Repaired.Add(blockName);
            if (!KeepsWhatItRepairs)
            {
                All.RemoveAll(b => b.Name == blockName);
            }

            return Task.FromResult(new SourceAnswer<bool>(SourceStatus.Ok, true, null));
        }
    }
}
