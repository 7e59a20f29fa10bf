using System.Collections.Frozen;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Import;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Replicator.Bus;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Proof;
using ZfRepl.Replicator.Repair;
using ZfRepl.Replicator.Sinks;

namespace ZfRepl.Replicator;

/// <summary>The fetching side: history, inbox, sinks, and one client for each source. Empty until it is opened.</summary>
/// <param name="options">The replicator's settings.</param>
/// <param name="storage">The files.</param>
/// <param name="context">The service.</param>
/// <param name="openHistory">Opens the history database.</param>
internal sealed class FetchingSide(
    ReplicatorOptions options,
    IStorage storage,
    ServiceContext context,
    Func<HistoryOptions, CancellationToken, ValueTask<HistoryResult<IHistoryDatabase>>> openHistory) : IAsyncDisposable
{
    private readonly List<Func<CancellationToken, Task>> _loops = [];
    private readonly List<FetchClient> _clients = [];
    private readonly List<RepairClient> _repairs = [];
    private readonly List<ProofSource> _proofs = [];
    private readonly Lock _keyGate = new();
    private readonly SemaphoreSlim _retrying = new(1, 1);
    private FrozenDictionary<string, SourceLink> _links = FrozenDictionary<string, SourceLink>.Empty;
    private SequenceMarks? _marks;
    private MqttBus? _archiveBus;
    private ArchiveSink? _archiveRetry;
    private JsonLinesSink? _jsonLines;
    private ProofKey? _proofKey;
    private ImportDigests? _digests;
    private IDisposable? _subscription;
    private CollectorRelay? _relay;

    /// <summary>What has to run.</summary>
    public IReadOnlyList<Func<CancellationToken, Task>> Loops => _loops;

    /// <summary>The clients.</summary>
    public IReadOnlyList<FetchClient> Clients => _clients;

    /// <summary>The self-repair of each source.</summary>
    public IReadOnlyList<RepairClient> Repairs => _repairs;

    /// <summary>What proofs can be made about.</summary>
    public IReadOnlyList<ProofSource> Proofs => _proofs;

    /// <summary>The proofs that are being made.</summary>
    public ProofJobs ProofJobs { get; } = new();

    /// <summary>The book of what was imported, where one is kept.</summary>
    public ImportDigests? Digests => _digests;

    /// <summary>The gaps, once it is open.</summary>
    public GapBook? Gaps { get; private set; }

    /// <summary>What is wrong with what self-repair keeps on disk, or null.</summary>
    public string? RepairTrouble => Gaps?.Finding ?? _marks?.Trouble;

    /// <summary>The history database, once it is open.</summary>
    public IHistoryDatabase? History { get; private set; }

    /// <summary>The importer, once it is open.</summary>
    public BlockImporter? Importer { get; private set; }

    /// <summary>What goes through the inbox once, before anything is fetched; once it is open.</summary>
    public InboxLeftovers? Leftovers { get; private set; }

    /// <summary>The quarantine, once it is open.</summary>
    public Quarantine? Quarantine { get; private set; }

    /// <summary>What watches other services; it suspends fetching while one of them is down.</summary>
    public ServiceWatch Watch { get; private set; } = new([], context.Time, context.Logger);

    /// <summary>What publishes on the archive topic, or null where nothing is published.</summary>
    public ArchiveSink? Archive { get; private set; }

    /// <summary>Opens everything.</summary>
    public async Task<ServiceFailure?> OpenAsync(IMessageBus bus, CancellationToken cancellationToken)
    {
        var client = options.Client!;
        var inbox = Inbox.Open(storage, client.InboxPath);
        if (!inbox.IsOk)
        {
            return Failure(inbox.Error);
        }

        var quarantine = Quarantine.Open(storage, client.QuarantinePath, context.Time);
        if (!quarantine.IsOk)
        {
            return Failure(quarantine.Error);
        }

        var history = await openHistory(client.History, cancellationToken);
        if (!history.IsOk)
        {
            return new ServiceFailure(ExitCode.Failed, history.Error.Detail, history.Error.Remedy);
        }

        History = history.Value;
        Quarantine = quarantine.Value;
        var sinks = new List<IEventSink>();
        if (client.Archive is { } archive)
        {
            if (archive.Bus is { } archiveBroker)
            {
                _archiveBus = new MqttBus(archiveBroker, $"zfrepl-{options.Node}-archive", context.Time, context.Loggers.CreateLogger("archive"));
                _loops.Add(_archiveBus.RunAsync);
            }

            var pacer = archive.MaxEventsPerSecond is { } rate ? new EventPacer(rate, context.Time) : null;
            _archiveRetry = new ArchiveSink(_archiveBus ?? bus, archive.TopicPrefix, quarantine: null, context.Time, pacer);
            Archive = new ArchiveSink(_archiveBus ?? bus, archive.TopicPrefix, Quarantine, context.Time, pacer);
            sinks.Add(Archive);
        }

        if (client.JsonLinesPath is { } linesPath)
        {
            var linesFolder = storage.CreateFolder(Path.GetDirectoryName(linesPath)!);
            if (!linesFolder.IsOk)
            {
                return Failure(linesFolder.Error);
            }

            var opened = JsonLinesSink.Open(storage, linesPath);
            if (!opened.IsOk)
            {
                return Failure(opened.Error);
            }

            _jsonLines = opened.Value;
            sinks.Add(_jsonLines);
        }

        var gaps = GapBook.Open(storage, Quarantine, client.RepairPath);
        if (!gaps.IsOk)
        {
            return Failure(gaps.Error);
        }

        Gaps = gaps.Value;
        if (client.Repairs.Count > 0)
        {
            var marks = SequenceMarks.Open(storage, client.RepairPath, context.Time);
            if (!marks.IsOk)
            {
                return Failure(marks.Error);
            }

            _marks = marks.Value;
            sinks.Add(_marks);
        }

        if (client.DigestsPath is { } digestsPath)
        {
            var digests = ImportDigests.Open(digestsPath);
            if (!digests.IsOk)
            {
                return new ServiceFailure(ExitCode.Failed, $"the book of what was imported can't be used: {digests.Error.Detail}", digests.Error.Remedy);
            }

            _digests = digests.Value;
        }

        Importer = new BlockImporter(
            storage,
            History,
            sinks,
            context.Time,
            new BlockImporterOptions
            {
                Guards = client.Guards,
                Quarantine = Quarantine,
                MaxEventsPerTransaction = client.EventsPerTransaction,
                Digests = _digests,
            });
        OpenRelay();
        var intake = new BlockIntake(
            inbox.Value, Importer, History, Quarantine, context.Loggers.CreateLogger("import"), _relay, context.Time);
        Watch = new ServiceWatch(client.WatchedServices, context.Time, context.Loggers.CreateLogger("fetch"));
        var sources = client.Mailboxes.ToFrozenDictionary(m => m.Fetch.Source, m => m.Fetch, StringComparer.Ordinal);
        Leftovers = new InboxLeftovers(
            inbox.Value,
            storage,
            Importer,
            History,
            options.Node,
            sources,
            () => Watch.Trouble,
            context.Time,
            context.Loggers.CreateLogger("import"),
            _relay);
        _loops.Add(Watch.RunAsync);
        _loops.Add(Leftovers.RunAsync);
        _loops.Add(ProofJobs.RunAsync);
        MakeClients(bus, intake, Leftovers);
        return null;
    }

    /// <summary>The key that proofs are signed with, made when it is needed first.</summary>
    public StorageResult<ProofKey> ProofKey()
    {
        lock (_keyGate)
        {
            if (_proofKey is null)
            {
                var opened = Core.Proof.ProofKey.Open(storage, options.Client!.StatePath);
                if (!opened.IsOk)
                {
                    return opened;
                }

                _proofKey = opened.Value;
            }

            return _proofKey;
        }
    }

    /// <summary>Tries a file of the quarantine again.</summary>
    public async ValueTask<QuarantineRetry> RetryAsync(QuarantineEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Kind != QuarantineKind.ArchiveEvents)
        {
            return await ImportRetry.RunAsync(Importer!, entry, cancellationToken);
        }

        if (_archiveRetry is not { } sink)
        {
            return new QuarantineRetry(false, "refused", "the archive topic is switched off (client.archive: null), so nothing can be published on it");
        }

        // One attempt at a time: the sink serves one block after the other.
        await _retrying.WaitAsync(cancellationToken);
        try
        {
            var events = 0L;
            var read = await KeptEvents.ReadAsync(storage, entry.Path, async batch =>
            {
                events += batch.Runs.Sum(r => r.Count);
                return await sink.DeliverAsync(batch, cancellationToken) ?? await sink.CompleteAsync(batch.Block, cancellationToken);
            });
            return !read.IsOk ? new QuarantineRetry(false, "", "", read.Error.ToString())
                : read.Value is { } error ? new QuarantineRetry(false, "refused", error.ToString())
                : new QuarantineRetry(true, "published", $"all {events} events are published");
        }
        finally
        {
            _retrying.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _subscription?.Dispose();
        _relay?.Dispose();
        _repairs.ForEach(r => r.Dispose());
        if (_marks?.Save() is { } unsaved)
        {
            RepairLog.NotSaved(context.Logger, unsaved);
        }

        _retrying.Dispose();
        ProofJobs.Dispose();
        _proofKey?.Dispose();
        Importer?.Dispose();
        _jsonLines?.Dispose();
        if (_archiveBus is not null)
        {
            await _archiveBus.DisposeAsync();
        }

        if (History is not null)
        {
            await History.DisposeAsync();
        }

        _digests?.Dispose();
    }

    private void OpenRelay()
    {
        var client = options.Client!;
        if (!client.Mailboxes.Any(m => m.Fetch.RelayTo.Count > 0))
        {
            return;
        }

        // The path is checked when the configuration is bound; a collector that is not there yet is waited for.
        if (!ServiceSockets.TryPathOf(options.SocketFolder, client.CollectorService, out var socket, out var reason))
        {
            throw new InvalidOperationException(reason);
        }

        _relay = new CollectorRelay(new RpcClient(socket, context.Time), client.CollectorService);
    }

    private void MakeClients(IMessageBus bus, BlockIntake intake, InboxLeftovers leftovers)
    {
        var memory = new FetchMemory();
        var links = new Dictionary<string, SourceLink>(StringComparer.Ordinal);
        foreach (var (configured, link) in options.Client!.Mailboxes)
        {
            var fetch = configured with { Suspended = () => Watch.Trouble };
            var source = new SourceLink(bus, context.Time, link, context.Causes);
            links.Add(fetch.Source, source);
            var fetchClient = new FetchClient(
                source, intake, memory, bus, context.Time, fetch, context.Loggers.CreateLogger("fetch"));
            _clients.Add(fetchClient);
            var repair = new RepairClient(
                fetch,
                options.Client.Repairs.GetValueOrDefault(fetch.Source) ?? new RepairOptions(),
                fetchClient,
                source,
                History!,
                Gaps!,
                _marks,
                context.Time,
                context.Loggers.CreateLogger("repair"));
            _repairs.Add(repair);
            _proofs.Add(new ProofSource(fetch.Source, options.Node, fetchClient, source, repair, Gaps!, History!, _digests));
            _loops.Add(async token =>
            {
                await leftovers.FirstPass.WaitAsync(token);
                await repair.RunAsync(token);
            });
            _loops.Add(async token =>
            {
                await leftovers.FirstPass.WaitAsync(token);
                await fetchClient.RunAsync(token);
            });
        }

        _links = links.ToFrozenDictionary(StringComparer.Ordinal);
        if (options.Client.Mailboxes is [var (_, first), ..])
        {
            _subscription = bus.Subscribe(first.Topics.RepliesTo(options.Node), ReceiveAsync);
        }
    }

    private ValueTask ReceiveAsync(string topic, ReadOnlyMemory<byte> message)
    {
        // What is not of this protocol, or of a node that nothing is fetched from, concerns nobody here.
        if (TransferTopics.SenderOf(topic) is { } sender
            && _links.TryGetValue(sender, out var link)
            && MessageHeader.TryRead(message.Span, out var header))
        {
            link.Receive(header, message);
        }

        return ValueTask.CompletedTask;
    }

    private static ServiceFailure Failure(StorageError error) => new(ExitCode.Failed, error.ToString(), error.Remedy);
}
