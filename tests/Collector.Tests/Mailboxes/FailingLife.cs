using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>
/// A mailbox, its source and its target over a disk with faults (<see cref="FailAtN"/>). The clock runs by itself. What fails is done again, as the
/// target and people do; the source waits until what it appends is accepted.
/// </summary>
internal sealed class FailingLife : IAsyncDisposable
{
    public const string Aside = "/spool/quarantine";

    private const int Attempts = 60;

    private readonly CancellationTokenSource _stopClock = new();
    private readonly Task _clock;

    private readonly MailboxOptions _options;

    private FailingLife(DiskFaults faults, SimulatedStorage storage, ManualTime time, MailboxOptions options, MailboxRig rig)
    {
        (Faults, Storage, Time, _options, Rig) = (faults, storage, time, options, rig);
        _clock = TickAsync();
    }

    public DiskFaults Faults { get; }

    public SimulatedStorage Storage { get; }

    public ManualTime Time { get; }

    public MailboxRig Rig { get; private set; }

    /// <summary>How many values were accepted, from 0.</summary>
    public int Appended { get; set; }

    public List<int> Delivered { get; } = [];

    public List<LossRecord> Losses { get; } = [];

    /// <summary>A mailbox on this disk; a start that fails is made again, as the supervisor does.</summary>
    public static async Task<FailingLife> StartAsync(DiskFaults faults, SimulatedStorage storage, MailboxOptions options, bool isDeaf = false)
    {
        var time = new ManualTime();
        var rig = await OpenAsync(faults, storage, time, options, isDeaf);
        return new FailingLife(faults, storage, time, options, rig);
    }

    public async Task AppendAsync(int count)
    {
        var position = new SourcePosition("plc", 1, (ulong)Appended + 1);
        Assert.Equal(AppendResult.Accepted, await Rig.AppendAsync(Appended, count, position));
        Appended += count;
    }

    public Task SealAsync() => Faults.RepeatAsync(() => Rig.Mailbox.SealAsync(CancellationToken.None));

    /// <summary>The target fetches the oldest block and confirms it; false when there is none.</summary>
    public async Task<bool> DeliverAsync()
    {
        if (await Faults.RepeatAsync(() => Rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)) is not { } ready)
        {
            return false;
        }

        // On the target's side nothing fails.
        var there = new SimulatedStorage();
        there.Overwrite(ready.Path, Storage.Content(ready.Path)!);
        var (values, losses) = MailboxRig.ReadFrames(there, ready.Path);
        var removed = await Faults.RepeatAsync(() => ready.Way is null
            ? Rig.Mailbox.ConfirmAsync(ready.Block.Name, ready.Block.Trailer.Hash, CancellationToken.None)
            : Rig.Mailbox.ConfirmRelayedAsync(ready.Id, ready.Block.Trailer.Hash, CancellationToken.None));
        Assert.Equal(RemoveResult.Removed, removed);
        Delivered.AddRange(values);
        Losses.AddRange(losses);
        losses.ForEach(l => Faults.Say(l.Detail));
        return true;
    }

    /// <summary>
    /// The disk is well. The mailbox works on as if nothing had been, or, in every other run, the power goes first; everything is delivered, and the
    /// accounts are whole.
    /// </summary>
    public async Task<MailboxStatus> FinishAsync(bool isWell = true)
    {
        Faults.Lift();
        await SayAsync();
        await Rig.AssertAccountsAsync();
        if (Faults.FailAt % 2 == 1)
        {
            Storage.CrashAt = Storage.Operations;
            await Rig.DisposeAsync();
            Faults.Say(Rig.Log.ToString());
            Storage.Crash(new Random(Faults.FailAt));
            Rig = await OpenAsync(Faults, Storage, Time, _options, isDeaf: false);
        }

        await AppendAsync(1);
        while (await DeliverAsync())
        {
        }

        // What could not be removed, say, is tidied up by itself.
        MailboxStatus status = null!;
        await UntilAsync(
            async () =>
            {
                status = await Rig.AssertAccountsAsync();
                return status.BacklogEvents == 0 && (!isWell || status.Trouble is null)
                    && !Storage.Paths().Any(p => p.StartsWith(MailboxRig.Folder + "/mbb_", StringComparison.Ordinal) && !p.EndsWith(".open", StringComparison.Ordinal));
            });
        Faults.Say(Rig.Log.ToString());
        return status;
    }

    /// <summary>As <see cref="FinishAsync"/>; all that was accepted has arrived once, and no loss is spoken of.</summary>
    public async Task FinishWithoutLossAsync()
    {
        var status = await FinishAsync();
        Assert.Equal(Enumerable.Range(0, Appended), Delivered.Order());
        Assert.Empty(Losses);
        Assert.Equal((0UL, 0UL), (status.LostEvents, status.QuarantinedEvents));
    }

    /// <summary>Waits for what the mailbox does by itself; the clock runs meanwhile. How long is up to <see cref="FailAtN"/>.</summary>
    public async Task UntilAsync(Func<Task<bool>> isDone)
    {
        while (!await isDone())
        {
            Assert.False(Faults.IsGivenUp, "it did not come to an end");
            await Task.Yield();
        }
    }

    /// <summary>Notes what the status and the log say now.</summary>
    public async Task SayAsync()
    {
        Faults.Say((await Rig.Mailbox.StatusAsync(CancellationToken.None)).Trouble);
        Faults.Say(Rig.Log.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        Faults.Lift();
        await Rig.DisposeAsync();
        await _stopClock.CancelAsync();
        await _clock;
        _stopClock.Dispose();
    }

    private static async Task<MailboxRig> OpenAsync(DiskFaults faults, SimulatedStorage storage, ManualTime time, MailboxOptions options, bool isDeaf)
    {
        IStorage through = isDeaf ? new DeafStorage(storage) : storage;
        var quarantine = await faults.RepeatAsync(() => Quarantine.Open(through, Aside, time));
        return await MailboxRig.StartAsync(
            storage, time, options, Attempts, through, quarantine, error => faults.Say(error.ToString()));
    }

    private async Task TickAsync()
    {
        while (!_stopClock.IsCancellationRequested)
        {
            Time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Yield();
        }
    }
}
