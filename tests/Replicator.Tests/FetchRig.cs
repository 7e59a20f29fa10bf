using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Schedule;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Fetch;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>A fetching client with a real database, inbox and quarantine, against a real server over a loopback bus.</summary>
internal sealed class FetchRig : IAsyncDisposable
{
    private readonly TempFolder _folder;
    private readonly bool _ownsFolder;
    private readonly CancellationTokenSource _end = new();
    private Task _run = Task.CompletedTask;
    private IAsyncDisposable? _owned;

    private FetchRig(TransferRig transfer, TempFolder? folder)
    {
        Transfer = transfer;
        _ownsFolder = folder is null;
        _folder = folder ?? new TempFolder();
    }

    public TransferRig Transfer { get; }

    public TempFolder Folder => _folder;

    public SqliteHistory History { get; private set; } = null!;

    public FetchClient Client { get; private set; } = null!;

    public ListLogger Log { get; } = new();

    public IMessageBus Bus { get; private set; } = null!;

    public Inbox Inbox { get; private set; } = null!;

    public static async Task<FetchRig> StartAsync(
        TransferRig transfer, TempFolder? folder = null, Func<FetchOptions, FetchOptions>? tune = null, IHistoryDatabase? database = null,
        IAsyncDisposable? owned = null, FetchMemory? memory = null,
        IBlockRelay? relay = null)
    {
        var rig = new FetchRig(transfer, folder) { _owned = owned };
        rig.History = (await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = rig.DatabasePath })).Value;
        var importer = new BlockImporter(DiskStorage.Instance, database ?? rig.History, [], TimeProvider.System);
        rig.Inbox = Inbox.Open(DiskStorage.Instance, rig._folder["inbox"]).Value;
        var intake = new BlockIntake(
            rig.Inbox,
            importer,
            database ?? rig.History,
            Quarantine.Open(DiskStorage.Instance, rig._folder["quarantine"], TimeProvider.System).Value,
            rig.Log,
            relay);
        Assert.True(CronSchedule.TryParse("* * * * * *", out var everySecond, out _));
        var options = new FetchOptions
        {
            Source = TransferRig.Source,
            Target = TransferRig.Target,
            Schedule = everySecond,
            Interval = TimeSpan.FromMilliseconds(100),
        };
        rig.Bus = transfer.TargetBus;
        rig.Client = new FetchClient(transfer.Link, intake, memory ?? new FetchMemory(), rig.Bus, TimeProvider.System, tune is null ? options : tune(options), rig.Log);
        rig._run = rig.Client.RunAsync(rig._end.Token);
        return rig;
    }

    public string DatabasePath => _folder["history.db"];

    public async Task<long> CountAsync() =>
        (await History.CountByOidAsync(after: null, 1000, CancellationToken.None)).Value.Sum(c => c.Events);

    public Task DrainedAsync() => Eventually.TrueAsync(() => Transfer.Blocks.All.Count == 0, "every block is confirmed");

    public async Task StopAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _run;
        }
        catch (OperationCanceledException)
        {
            // The orderly end.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await History.DisposeAsync();
        if (_owned is not null)
        {
            await _owned.DisposeAsync();
        }

        _end.Dispose();
        if (_ownsFolder)
        {
            _folder.Dispose();
        }
    }
}
