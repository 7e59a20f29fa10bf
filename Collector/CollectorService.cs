using Microsoft.Extensions.Logging;
using ZfRepl.Collector.Fill;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Proof;
using ZfRepl.Collector.Sources;
using ZfRepl.Collector.Sources.Generator;
using ZfRepl.Collector.Sources.OpcUa;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.OpcUa.Security;

namespace ZfRepl.Collector;

/// <summary>The collector as a service: wires sources, mailboxes, local history and methods together, and keeps them running.</summary>
public sealed partial class CollectorService(CollectorOptions options, IStorage storage) : IService
{
    private const string LocalHistoryMailbox = ".history";
    private const string SpoolCheck = "spool";
    private static readonly TimeSpan OpenRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public string Id => options.Id;

    /// <inheritdoc/>
    public string Description => $"collects on node {options.Node} into {options.Mailboxes.Count} mailbox{(options.Mailboxes.Count == 1 ? "" : "es")}";

    /// <inheritdoc/>
    public async Task<ServiceFailure?> RunAsync(ServiceContext context, CancellationToken stop)
    {
        var opened = await OpenSpoolAsync(context, stop);
        if (!opened.IsOk)
        {
            return opened.Error.Errno == Errno.WouldBlock
                ? new ServiceFailure(ExitCode.TryLater, $"the spool {options.SpoolPath} is in use by another collector", "give each collector a `path` of its own")
                : new ServiceFailure(ExitCode.Failed, $"the spool can't be used: {opened.Error}", opened.Error.Remedy);
        }

        // Starts are counted and subscriptions remembered for the spool as a whole: two collectors in it would give one identity twice.
        using var spoolLock = opened.Value.Lock;
        var (application, problem) = OpcUaApplication.Open(
            options.Node, options.PkiPath, options.OpcUa.Any(o => o.Policy != SecurityPolicy.None), context.Time);
        if (application is null)
        {
            return new ServiceFailure(ExitCode.Failed, $"there is no certificate for OPC UA: {problem}", $"make {options.PkiPath} writable for the service");
        }

        using var owned = application;
        if (problem is not null)
        {
            CertificateProblem(context.Logger, problem);
        }

        var (_, quarantine, boot) = opened.Value;
        var oids = new OidTable();
        var recoding = new RecodingRoom(oids);
        var mailboxes = options.Mailboxes
            .Select(m => new Mailbox(storage, quarantine, context.Time, m, context.Loggers.CreateLogger("mailbox"), recoding))
            .ToList();
        LocalHistory? history = null;
        if (options.History is { } historyOptions)
        {
            history = new LocalHistory(
                new Mailbox(storage, quarantine, context.Time, LocalHistoryOptions(), context.Loggers.CreateLogger("history"), recoding),
                storage,
                historyOptions,
                new HistoryBegin(storage, options.SpoolPath),
                context);
            mailboxes.Add(history.Mailbox);
        }

        try
        {
            if (await OpenMailboxesAsync(context, mailboxes, stop) is { } failure)
            {
                return failure;
            }

            var snapshots = options.Mailboxes.Where(m => m.SnapshotInterval is not null).ToList();
            var ignoring = options.Mailboxes.Where(m => m.IgnoresEvents).Select(m => m.Name).ToHashSet(StringComparer.Ordinal);
            var intake = new Intake([.. mailboxes.Where(m => !ignoring.Contains(m.Name))], boot, oids, keepsStates: snapshots.Count > 0);
            var sources = MakeSources(context, application);
            var loops = snapshots.Select(m => new SnapshotLoop(
                mailboxes.Single(b => b.Name == m.Name), m, intake, name => IsConnected(sources, name), context.Time));
            var served = mailboxes.Where(m => m.Name != LocalHistoryMailbox).ToList();
            var book = FillBook.Open(storage, quarantine, context.Time, options.SpoolPath);
            if (!book.IsOk)
            {
                return new ServiceFailure(ExitCode.Failed, $"the list of fill tasks can't be read: {book.Error}", book.Error.Remedy);
            }

            var fills = new FillService(
                book.Value, [.. served.Select(m => (m, options.Mailboxes.Single(o => o.Name == m.Name)))], history, intake.Oids, context);
            new CollectorApi(
                options, served, sources, intake, quarantine, storage, new ReadySignal(served, context.Time), new FillApi(options, fills, context.Time),
                new RelayApi(served))
                .Register(context.Methods);
            new BeginApi(served, history).Register(context.Methods);
            using var statements = new ProofStatements(options, storage, context.Time, hasHistory: history is not null);
            using var walks = history is null ? null : new DigestWalks(history);
            new ProofApi(served, statements, walks).Register(context.Methods);
            await RunAllAsync(
                context, mailboxes, history, intake, sources, [.. loops.Select(l => (Func<CancellationToken, Task>)l.RunAsync), fills.RunAsync], stop);
            return null;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            foreach (var mailbox in mailboxes)
            {
                await mailbox.DisposeAsync();
            }

            if (history is not null)
            {
                await history.DisposeAsync();
            }
        }
    }

    private static async Task RunAllAsync(
        ServiceContext context,
        IReadOnlyList<Mailbox> mailboxes,
        LocalHistory? history,
        Intake intake,
        IReadOnlyList<ITelemetrySource> sources,
        IReadOnlyList<Func<CancellationToken, Task>> others,
        CancellationToken stop)
    {
        // Sources end first, so that what they have handed in can still become durable and be acknowledged.
        using var mailboxEnd = new CancellationTokenSource();
        var writing = Supervisor.RunAsync(mailboxEnd.Token, [.. mailboxes.Select(m => (Func<CancellationToken, Task>)m.RunAsync)]);
        using var sourceEnd = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var loops = sources.Select(s => (Func<CancellationToken, Task>)(token => s.RunAsync(intake, token)))
            .Append(token => ReportHealthAsync(context, mailboxes, sources, token))
            .Concat(history is null ? [] : [history.RunAsync])
            .Concat(others);
        var reading = Supervisor.RunAsync(sourceEnd.Token, [.. loops]);
        context.SignalReady();
        var first = await Task.WhenAny(writing, reading);
        await sourceEnd.CancelAsync();
        try
        {
            await reading;
        }
        finally
        {
            await mailboxEnd.CancelAsync();
            await writing;
        }

        await first;
    }

    private static bool IsConnected(List<ITelemetrySource> sources, string name) =>
        sources.Find(s => s.Name == name) is not { } source || source.State.IsConnected;

    private static async Task ReportHealthAsync(
        ServiceContext context, IReadOnlyList<Mailbox> mailboxes, IReadOnlyList<ITelemetrySource> sources, CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var mailbox in mailboxes)
            {
                var status = await mailbox.StatusAsync(cancellationToken);
                context.Health.Set(
                    $"mailbox {mailbox.Name}",
                    status.Trouble is null ? HealthState.Ok : HealthState.Failed,
                    status.Trouble ?? "takes and keeps");
            }

            // A moment late: what is only just connecting is not yet in trouble.
            await Task.Delay(HealthInterval, context.Time, cancellationToken);
            foreach (var source in sources)
            {
                var state = source.State;
                context.Health.Set($"source {source.Name}", state.IsHealthy ? HealthState.Ok : HealthState.Degraded, state.Text);
            }
        }
    }

    /// <summary>Opens what all mailboxes share. A disk that others have filled is waited for, as it is later on.</summary>
    private async Task<StorageResult<(IDisposable Lock, Quarantine Quarantine, ulong Boot)>> OpenSpoolAsync(ServiceContext context, CancellationToken stop)
    {
        while (true)
        {
            var opened = OpenSpool(context);
            if (opened.IsOk || !opened.Error.IsNoSpace)
            {
                context.Health.Remove(SpoolCheck);
                return opened;
            }

            context.Health.Set(SpoolCheck, HealthState.Failed, opened.Error.ToString());
            await Task.Delay(OpenRetry, context.Time, stop);
        }
    }

    private StorageResult<(IDisposable Lock, Quarantine Quarantine, ulong Boot)> OpenSpool(ServiceContext context)
    {
        var created = storage.CreateFolder(options.SpoolPath);
        if (!created.IsOk)
        {
            return created.Error;
        }

        var locked = storage.Lock(Path.Combine(options.SpoolPath, "spool.lock"));
        if (!locked.IsOk)
        {
            return locked.Error;
        }

        var quarantine = Quarantine.Open(storage, options.QuarantinePath, context.Time);
        var boot = quarantine.IsOk ? BootCounter.Next(storage, options.SpoolPath, context.Time) : quarantine.Error;
        if (boot.IsOk)
        {
            return (locked.Value, quarantine.Value, boot.Value);
        }

        locked.Value.Dispose();
        return boot.Error;
    }

    /// <summary>Opens the mailboxes. A full disk is waited for, as it is later on; anything else ends the start.</summary>
    private static async Task<ServiceFailure?> OpenMailboxesAsync(ServiceContext context, IReadOnlyList<Mailbox> mailboxes, CancellationToken stop)
    {
        foreach (var mailbox in mailboxes)
        {
            while (await mailbox.OpenAsync(stop) is { } error)
            {
                if (!error.IsNoSpace)
                {
                    return error.Errno == Errno.WouldBlock
                        ? new ServiceFailure(ExitCode.TryLater, $"mailbox {mailbox.Name} is in use by another process: {error}", error.Remedy)
                        : new ServiceFailure(ExitCode.Failed, $"mailbox {mailbox.Name} can't be opened: {error}", error.Remedy);
                }

                context.Health.Set($"mailbox {mailbox.Name}", HealthState.Failed, error.ToString());
                await Task.Delay(OpenRetry, context.Time, stop);
            }
        }

        return null;
    }

    private List<ITelemetrySource> MakeSources(ServiceContext context, OpcUaApplication application)
    {
        var logger = context.Loggers.CreateLogger("opcua");
        return
        [
            .. options.Generators.Select(g => new GeneratorSource(g, context.Time)),
            .. options.OpcUa.Select(o => new OpcUaSource(
                o, application, new SubscriptionStateFile(storage, options.SpoolPath, o.Name, logger), logger, context.Time)),
        ];
    }

    [LoggerMessage(1122, LogLevel.Warning, "OPC UA certificates: {Problem}")]
    private static partial void CertificateProblem(ILogger logger, string problem);

    /// <summary>
    /// The database beside the collector gets as much patience as the most patient mailbox. A broken one must not fill the disk that the plant's
    /// readings for the centre need; what it misses is in the log as a loss.
    /// </summary>
    private MailboxOptions LocalHistoryOptions() => new()
    {
        // Imported and gone within a second: not worth writing it once more.
        Coding = BlockCoding.Rows,
        Name = LocalHistoryMailbox,
        Node = options.Node,
        Folder = Path.Combine(options.SpoolPath, LocalHistoryMailbox),
        Keep = options.Mailboxes.Any(m => m.Keep is null) ? null : options.Mailboxes.Max(m => m.Keep),
    };
}
