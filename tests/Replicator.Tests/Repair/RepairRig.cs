using System.Collections.Concurrent;
using ZfRepl.Core.History;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Repair;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests.Repair;

/// <summary>Self-repair with a real database and a real link, against a source that says of fill tasks whatever a test wants.</summary>
internal sealed class RepairRig : IAsyncDisposable
{
    public static readonly Oid Heartbeat = Oid.Parse("sensor:edge1/heartbeat");

    // A clock that is behind: what was filled "a while ago" was so at once.
    private readonly ShiftedTime _behind = new(TimeSpan.FromMinutes(-10));

    private readonly TransferRig _transfer;
    private readonly FetchRig _fetch;
    private CancellationTokenSource _end = new();
    private Task _run = Task.CompletedTask;
    private string? _suspended;
    private int _suspendedReads;
    private RepairOptions _options = Options;

    private RepairRig(TransferRig transfer, FetchRig fetch)
    {
        (_transfer, _fetch) = (transfer, fetch);
        Open();
    }

    public FakeFills Fills { get; } = new();

    public GapBook Book { get; private set; } = null!;

    public RepairClient Client { get; private set; } = null!;

    /// <summary>Where the book is.</summary>
    public string BookFolder => _fetch.Folder["repair"];

    public IHistoryDatabase History => _fetch.History;

    /// <summary>The clock's now, nanoseconds since 1970.</summary>
    public long NowNs => UnixTime.FromDateTimeOffset(_behind.GetUtcNow());

    public static RepairOptions Options { get; } = new()
    {
        Heartbeats = [Heartbeat],
        Range = TimeSpan.FromHours(1),
        Gap = TimeSpan.FromSeconds(5),
    };

    public static async Task<RepairRig> StartAsync()
    {
        var transfer = new TransferRig(new LoopbackBus());
        var rig = new RepairRig(transfer, await FetchRig.StartAsync(transfer));
        transfer.Server.Fills = rig.Fills;
        return rig;
    }

    /// <summary>Says why nothing is to be done at present, or null.</summary>
    public string? Suspended
    {
        get => Volatile.Read(ref _suspended);
        set => Volatile.Write(ref _suspended, value);
    }

    /// <summary>How often the work has asked if it is suspended.</summary>
    public int SuspendedReads => Volatile.Read(ref _suspendedReads);

    /// <summary>As <see cref="RestartAsync()"/>, with a search every so often.</summary>
    public Task RestartAsync(TimeSpan interval)
    {
        _options = Options with { Interval = interval };
        return RestartAsync();
    }

    public async Task<int> SearchAsync(bool force = false)
    {
        var found = await Client.SearchAsync(Options, force, CancellationToken.None);
        Assert.True(found.IsOk, found.Error?.ToString());
        return found.Value;
    }

    /// <summary>Ends the process's work and begins it anew from what is on disk.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        Open();
    }

    /// <summary>Puts the clock forward.</summary>
    public void Forward(TimeSpan by) => _behind.Forward(by);

    /// <summary>Heartbeats, a second apart, so many seconds before the clock's now.</summary>
    public Task BeatAsync(int fromSecondsAgo, int toSecondsAgo)
    {
        var nowNs = NowNs;
        return BeatAsync(nowNs - (fromSecondsAgo * UnixTime.NsPerSecond), nowNs - (toSecondsAgo * UnixTime.NsPerSecond));
    }

    /// <summary>Heartbeats, a second apart.</summary>
    public async Task BeatAsync(long fromNs, long toNs)
    {
        var batch = new EventBatch(new OidTable());
        for (var timeNs = fromNs; timeNs <= toNs; timeNs += UnixTime.NsPerSecond)
        {
            batch.Add(new TelemetryEvent(Heartbeat, timeNs, 1, 0, TelemetryValue.From(1), new Ieid(1, (ulong)timeNs)));
        }

        var written = await History.WriteAsync(new HistoryWrite { Events = batch, Count = batch.Count }, CancellationToken.None);
        Assert.True(written.IsOk, written.Error?.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _fetch.DisposeAsync();
        await _transfer.DisposeAsync();
    }

    private void Open()
    {
        var quarantine = Core.Import.Quarantine.Open(DiskStorage.Instance, _fetch.Folder["aside"], TimeProvider.System).Value;
        Book = GapBook.Open(DiskStorage.Instance, quarantine, _fetch.Folder["repair"]).Value;
        _end = new CancellationTokenSource();
        Client = new RepairClient(
            new FetchOptions { Source = TransferRig.Source, Target = TransferRig.Target, Interval = TimeSpan.FromMilliseconds(100), Suspended = IsSuspended },
            _options,
            _fetch.Client,
            _transfer.Link,
            History,
            Book,
            marks: null,
            _behind,
            _fetch.Log);
        _run = Client.RunAsync(_end.Token);
    }

    private string? IsSuspended()
    {
        Interlocked.Increment(ref _suspendedReads);
        return Suspended;
    }

    private async Task StopAsync()
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

        Client.Dispose();
        _end.Dispose();
    }

    /// <summary>The source's part.</summary>
    internal sealed class FakeFills : IFillSource
    {
        public ConcurrentDictionary<string, FillWish> Wishes { get; } = new(StringComparer.Ordinal);

        public Func<FillWish, SourceAnswer<FillReply>> Answer { get; set; } = wish =>
            new SourceAnswer<FillReply>(SourceStatus.Ok, new FillReply(FillProgress.Open, 0, wish.Range.FromNs, null, 0, "fills"), null);

        public Task<SourceAnswer<FillReply>> FillAsync(string mailbox, FillWish wish, CancellationToken cancellationToken)
        {
            Wishes[wish.Id] = wish;
            return Task.FromResult(Answer(wish));
        }

        /// <summary>Since when the source has had the heartbeats.</summary>
        public Func<SourceAnswer<BeginReply>> Begin { get; set; } = () => new SourceAnswer<BeginReply>(SourceStatus.Ok, BeginReply.Unknown, null);

        public Task<SourceAnswer<BeginReply>> BeginAsync(string mailbox, IReadOnlyList<Oid> items, CancellationToken cancellationToken)
        {
            Assert.Equal([Heartbeat], items);
            return Task.FromResult(Begin());
        }
    }

    private sealed class ShiftedTime(TimeSpan by) : TimeProvider
    {
        private long _byTicks = by.Ticks;

        public void Forward(TimeSpan further) => Interlocked.Add(ref _byTicks, further.Ticks);

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _byTicks));
    }
}
