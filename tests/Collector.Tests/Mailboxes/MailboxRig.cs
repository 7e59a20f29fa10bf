using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>A mailbox on a simulated disk with a manual clock, and what a target would have of it.</summary>
internal sealed class MailboxRig : IAsyncDisposable
{
    public const string Folder = "/spool/centre";

    private static readonly Oid Item = Oid.Parse("sensor:a");

    private readonly CancellationTokenSource _end = new();
    private Task _run = Task.CompletedTask;

    private MailboxRig(SimulatedStorage storage, ManualTime time, MailboxOptions options, IStorage? through, IKeepAside? aside)
    {
        Storage = storage;
        Time = time;
        Mailbox = new Mailbox(through ?? storage, aside ?? new KeepAside(storage), time, options, Log);
    }

    public SimulatedStorage Storage { get; }

    public ManualTime Time { get; }

    public Mailbox Mailbox { get; }

    public ListLogger Log { get; } = new();

    public OidTable Oids { get; } = new();

    public static MailboxOptions Options { get; } = new()
    {
        Name = "centre",
        Node = "edge1",
        Folder = Folder,
        Durability = Durability.Always,
        RetryDelay = TimeSpan.FromMilliseconds(1),
        BookEntriesPerWrite = 2,
    };

    /// <summary>Opens and runs a mailbox on whatever the disk holds; an error at start is tried again as often as a test allows.</summary>
    public static async Task<MailboxRig> StartAsync(
        SimulatedStorage storage, ManualTime? time = null, MailboxOptions? options = null, int attempts = 1, IStorage? through = null, IKeepAside? aside = null,
        Action<StorageError>? failed = null)
    {
        var rig = new MailboxRig(storage, time ?? new ManualTime(), options ?? Options, through, aside);
        try
        {
            var error = await rig.Mailbox.OpenAsync(CancellationToken.None);
            for (var i = 1; i < attempts && error is not null; i++)
            {
                failed?.Invoke(error);
                error = await rig.Mailbox.OpenAsync(CancellationToken.None);
            }

            Assert.Null(error);
        }
        catch
        {
            await rig.DisposeAsync();
            throw;
        }

        rig._run = rig.Mailbox.RunAsync(rig._end.Token);
        return rig;
    }

    public EventBatch Batch(int first, int count)
    {
        var batch = new EventBatch(Oids);
        for (var i = first; i < first + count; i++)
        {
            batch.Add(new TelemetryEvent(Item, i * 1_000_000L, 1, 0, TelemetryValue.From(i), new Ieid(1, (ulong)i)));
        }

        return batch;
    }

    public async Task<AppendResult> AppendAsync(int first, int count, SourcePosition? position = null)
    {
        var durable = await Mailbox.EnqueueAsync(Batch(first, count), position, CancellationToken.None);
        var ended = await Task.WhenAny(durable, _run);
        if (ended == _run)
        {
            await _run;
        }

        return await durable;
    }

    /// <summary>Every value in the mailbox's files, block by block, in order of the sequence.</summary>
    public async Task<List<int>> ValuesAsync()
    {
        Assert.True((await Mailbox.SealAsync(CancellationToken.None)).IsOk);
        var values = new List<int>();
        foreach (var ready in await Mailbox.ListAsync(CancellationToken.None))
        {
            values.AddRange(ReadValues(Storage, ready.Path));
        }

        return values;
    }

    public static IEnumerable<int> ReadValues(IStorage storage, string path) => ReadFrames(storage, path).Values;

    public static (List<int> Values, List<LossRecord> Losses) ReadFrames(IStorage storage, string path)
    {
        var (events, losses) = ReadAll(storage, path);
        return ([.. events.Select(e => (int)e.Value.AsInt64)], losses);
    }

    public static IReadOnlyList<TelemetryEvent> ReadEvents(IStorage storage, string path) => ReadAll(storage, path).Events;

    private static (List<TelemetryEvent> Events, List<LossRecord> Losses) ReadAll(IStorage storage, string path)
    {
        using var file = storage.Open(path, write: false).Value;
        var scanner = BlockScanner.Open(file).Value;
        var batch = new EventBatch(new OidTable());
        var reader = new EventFrameReader();
        var losses = new List<LossRecord>();
        while (scanner.Next().Value is { Kind: not ScanKind.End } item)
        {
            Assert.Equal(ScanKind.Frame, item.Kind);
            if (EventFrameReader.HoldsEvents(item.Header.Type))
            {
                Assert.Null(reader.Read(item.Header, item.Payload.Span, batch));
            }
            else if (item.Header.Type == FrameType.Loss)
            {
                Assert.Null(LossRecord.TryRead(item.Payload.Span, out var loss));
                losses.Add(loss!);
            }
        }

        return ([.. Enumerable.Range(0, batch.Count).Select(i => batch[i])], losses);
    }

    /// <summary>Fetches and confirms everything, as a target does; returns what it got.</summary>
    public async Task<(List<int> Values, List<LossRecord> Losses)> DrainAsync()
    {
        var (values, losses) = (new List<int>(), new List<LossRecord>());
        while ((await Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value is { } ready)
        {
            var (blockValues, blockLosses) = ReadFrames(Storage, ready.Path);
            values.AddRange(blockValues);
            losses.AddRange(blockLosses);
            Assert.Equal(
                RemoveResult.Removed, (await Mailbox.ConfirmAsync(ready.Block.Name, ready.Block.Trailer.Hash, CancellationToken.None)).Value);
        }

        return (values, losses);
    }

    /// <summary>The accounts as a whole, which balance also while some of it is not booked yet.</summary>
    public async Task<MailboxStatus> AssertAccountsOfNowAsync()
    {
        var status = await Mailbox.StatusAsync(CancellationToken.None);
        Assert.Equal(
            status.AcceptedEvents, status.DeliveredEvents + status.BacklogEvents + status.LostEvents + status.QuarantinedEvents);
        return status;
    }

    public async Task<MailboxStatus> AssertAccountsAsync()
    {
        var status = await AssertAccountsOfNowAsync();

        // By hour it is the same sum, whatever has happened.
        var (now, accounts) = await Mailbox.AccountsAsync(CancellationToken.None);
        Assert.Equal(
            new EventAccounts(now.AcceptedEvents, now.DeliveredEvents, now.BacklogEvents, now.LostEvents, now.QuarantinedEvents),
            accounts.Hours.Aggregate(accounts.Earlier, (sum, h) => sum + h.Events));
        Assert.Null(accounts.Chain.Check(accounts.Stream));
        return status;
    }

    public async Task StopAsync()
    {
        await _end.CancelAsync();
        await _run;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _run;
        }
        catch (SimulatedCrashException)
        {
            // The test let it die.
        }

        await Mailbox.DisposeAsync();
        _end.Dispose();
    }

    /// <summary>Moves damaged files into a folder beside the mailbox.</summary>
    internal sealed class KeepAside(SimulatedStorage storage) : IKeepAside
    {
        public StorageResult<string> Move(string path, string reason)
        {
            for (var i = 0; ; i++)
            {
                var target = $"/spool/quarantine/{Path.GetFileName(path)}.{i}";
                if (storage.Snapshot().ContainsKey(target))
                {
                    continue;
                }

                var renamed = storage.Rename(path, target);
                var synced = renamed.IsOk ? storage.SyncFolder("/spool/quarantine") : renamed;
                synced = synced.IsOk ? storage.SyncFolder(Path.GetDirectoryName(path)!) : synced;
                return synced.IsOk ? target : synced.Error;
            }
        }

        public StorageResult<string> Copy(string originPath, ReadOnlySpan<byte> bytes, string reason)
        {
            var target = $"/spool/quarantine/{Path.GetFileName(originPath)}.{storage.Operations}.tail";
            var written = StorageFiles.WriteDurably(storage, target, bytes);
            return written.IsOk ? target : written.Error;
        }
    }
}
