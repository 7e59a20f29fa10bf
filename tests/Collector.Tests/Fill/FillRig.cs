using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Collector.Fill;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Tasks;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Fill;

/// <summary>A mailbox that does not collect, a local history that does, and the service that fills the one from the other, in a real folder.</summary>
internal sealed class FillRig : IAsyncDisposable
{
    public const string Name = "centre";

    private readonly CancellationTokenSource _end = new();
    private readonly string _folder;
    private readonly Quarantine _quarantine;
    private readonly Mailbox _historyMailbox;
    private readonly Intake _intake;
    private Task _run = Task.CompletedTask;

    private FillRig(string folder, MailboxOptions options, bool withHistory)
    {
        _folder = folder;
        _quarantine = Quarantine.Open(DiskStorage.Instance, Path.Combine(folder, "quarantine"), TimeProvider.System).Value;
        Context = new ServiceContext("test", NullLoggerFactory.Instance, TimeProvider.System);
        Mailbox = new Mailbox(DiskStorage.Instance, _quarantine, TimeProvider.System, options, NullLogger.Instance);
        _historyMailbox = new Mailbox(
            DiskStorage.Instance,
            _quarantine,
            TimeProvider.System,
            new MailboxOptions { Name = ".history", Node = "edge1", Folder = Path.Combine(folder, ".history") },
            NullLogger.Instance);
        History = new LocalHistory(_historyMailbox, DiskStorage.Instance, new SqliteHistoryOptions { Path = DatabaseFile }, new HistoryBegin(DiskStorage.Instance, folder), Context);
        _intake = new Intake([Mailbox, _historyMailbox], boot: 1, new OidTable());
        Book = FillBook.Open(DiskStorage.Instance, _quarantine, TimeProvider.System, folder).Value;
        Fills = new FillService(Book, [(Mailbox, options)], withHistory ? History : null, _intake.Oids, Context);
    }

    public ServiceContext Context { get; }

    public Mailbox Mailbox { get; }

    public LocalHistory History { get; }

    public FillBook Book { get; }

    public FillService Fills { get; }

    public string TaskFile => Path.Combine(_folder, FillBook.FileName);

    public string DatabaseFile => Path.Combine(_folder, "history.db");

    public static MailboxOptions Options(string folder) => new()
    {
        Name = Name,
        Node = "edge1",
        Folder = Path.Combine(folder, Name),
        AutoEnabled = false,
        Durability = Durability.Always,
    };

    public static async Task<FillRig> StartAsync(TempFolder folder, Func<MailboxOptions, MailboxOptions>? change = null, bool withHistory = true)
    {
        var options = Options(folder.Path);
        var rig = new FillRig(folder.Path, change is null ? options : change(options), withHistory);
        Assert.Null(await rig.Mailbox.OpenAsync(CancellationToken.None));
        Assert.Null(await rig._historyMailbox.OpenAsync(CancellationToken.None));
        rig._run = Supervisor.RunAsync(
            rig._end.Token, rig.Mailbox.RunAsync, rig._historyMailbox.RunAsync, rig.History.RunAsync, rig.Fills.RunAsync);
        return rig;
    }

    /// <summary>Takes events as a source brings them; returns when they are accepted.</summary>
    public async Task CollectAsync(IEnumerable<TelemetryEvent> events)
    {
        var batch = new EventBatch(_intake.Oids);
        foreach (var e in events)
        {
            batch.Add(e);
        }

        Assert.True(await await _intake.TakeAsync(batch, position: null, CancellationToken.None));
    }

    public FillTask Ask(long startNs, long endNs, string? id = null)
    {
        var added = Fills.Add(new FillTask
        {
            Id = id ?? Guid.NewGuid().ToString("n"),
            Mailbox = Name,
            StartNs = startNs,
            EndNs = endNs,
            NextNs = startNs,
            RequestedNs = 0,
        });
        Assert.True(added.IsOk, added.Error?.ToString());
        return added.Value!;
    }

    public FillTask Find(string id) => Fills.Tasks.Single(t => t.Id == id);

    public Task DoneAsync(params FillTask[] tasks) => Eventually.TrueAsync(
        () => tasks.All(t => Find(t.Id).State == FillState.Done), "the tasks are done");

    /// <summary>Everything in the mailbox's files.</summary>
    public async Task<List<TelemetryEvent>> EventsAsync()
    {
        Assert.True((await Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        foreach (var ready in await Mailbox.ListAsync(CancellationToken.None))
        {
            using var file = DiskStorage.Instance.Open(ready.Path, write: false).Value;
            var scanner = BlockScanner.Open(file).Value;
            while (scanner.Next().Value is { Kind: not ScanKind.End } item)
            {
                if (EventFrameReader.HoldsEvents(item.Header.Type))
                {
                    Assert.Null(reader.Read(item.Header, item.Payload.Span, batch));
                }
            }
        }

        return [.. Enumerable.Range(0, batch.Count).Select(i => batch[i])];
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _run;
        await Mailbox.DisposeAsync();
        await _historyMailbox.DisposeAsync();
        await History.DisposeAsync();
        _end.Dispose();
    }
}
