using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>
/// One scenario of accepting, sealing, delivering; it is cut short at every storage operation there is, with a process kill and with
/// power cuts of several seeds, and once the same with errors. What was accepted must be there afterwards, once.
/// </summary>
public sealed class MailboxCrashTests
{
    private const int Appends = 6;
    private const int EventsPerAppend = 3;

    [Fact]
    public async Task Nothing_accepted_is_lost_or_doubled_wherever_the_process_is_killed()
    {
        await ForEveryOperationAsync(async operation => Assert.Null(await RunAsync(operation, seed: null)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Nothing_accepted_is_lost_or_doubled_wherever_the_power_goes(int seed)
    {
        await ForEveryOperationAsync(async operation => Assert.Null(await RunAsync(operation, seed)));
    }

    [Fact]
    public async Task Negative_control_without_syncs_the_power_cut_test_finds_loss()
    {
        var found = 0;
        await ForEveryOperationAsync(async operation => found += await IsSoundAsync(operation) ? 0 : 1);
        Assert.NotEqual(0, found);

        static async Task<bool> IsSoundAsync(int operation)
        {
            try
            {
                return await RunAsync(operation, 1, ignoreSyncs: true) is null;
            }
            catch (Xunit.Sdk.XunitException)
            {
                return false;
            }
        }
    }

    [Theory]
    [InlineData(Errno.InputOutput)]
    [InlineData(Errno.NoSpace)]
    [InlineData(Errno.QuotaExceeded)]
    [InlineData(Errno.ReadOnly)]
    public async Task Nothing_is_lost_wherever_an_operation_fails_once(int errno)
    {
        await ForEveryOperationAsync(async operation => Assert.Null(await RunAsync(crashAt: null, seed: 9, failAt: (operation, errno))));
    }

    private static async Task ForEveryOperationAsync(Func<int, Task> body)
    {
        var storage = new SimulatedStorage();
        var model = new Model();
        await LiveAsync(storage, model, new ManualTime());
        for (var operation = 0; operation <= storage.Operations; operation++)
        {
            await body(operation);
        }
    }

    /// <summary>Runs the scenario with one fault, then a power cut, then a fault-free life; returns what is wrong, or null.</summary>
    private static async Task<string?> RunAsync(int? crashAt, int? seed, bool ignoreSyncs = false, (int Operation, int Errno)? failAt = null)
    {
        var storage = new SimulatedStorage { IgnoreSyncs = ignoreSyncs, CrashAt = crashAt };
        if (failAt is { } fail)
        {
            storage.Fault = (index, _, _) => index == fail.Operation ? fail.Errno : null;
        }

        var model = new Model();
        try
        {
            await LiveAsync(storage, model, new ManualTime());
        }
        catch (SimulatedCrashException)
        {
            // What the test is about.
        }

        if (seed is { } s)
        {
            storage.Crash(new Random(s * 10_000 + (crashAt ?? failAt!.Value.Operation)));
        }
        else
        {
            storage.KillProcess();
        }

        var before = string.Join('\n', storage.Snapshot().Select(f => $"{f.Key} {f.Value.Length}"));
        await using var rig = await MailboxRig.StartAsync(storage);
        // The source sends again what was never acknowledged to it.
        for (var i = model.Acknowledged; i < Appends; i++)
        {
            if (await rig.AppendAsync(i * EventsPerAppend, EventsPerAppend, new SourcePosition("plc", 1, (ulong)i + 1)) != AppendResult.Accepted)
            {
                return "an append after the fault was not accepted";
            }
        }

        var (values, losses) = await rig.DrainAsync();
        await rig.AssertAccountsAsync();
        var all = model.Delivered.Concat(values).ToList();
        var missing = Enumerable.Range(0, Appends * EventsPerAppend).Except(all).Except(model.MaybeDelivered).ToList();
        if (missing.Count > 0)
        {
            return $"missing {string.Join(',', missing)}; operation {crashAt}; acknowledged {model.Acknowledged}\n{before}\n{rig.Log}";
        }

        // What was fetched and not confirmed may be offered again: the target recognises it by its sequence numbers.
        var twice = all.GroupBy(v => v).Where(g => g.Count() > 1).Select(g => g.Key).ToList();
        if (twice.Count > 0)
        {
            return $"twice {string.Join(',', twice)}";
        }

        return losses.Count == 0 ? null : $"the ledger speaks of a loss that was none: {losses[0]}";
    }

    /// <summary>Appends, closes blocks by size and delivers some, noting what was acknowledged and confirmed.</summary>
    private static async Task LiveAsync(SimulatedStorage storage, Model model, ManualTime time)
    {
        var rig = await MailboxRig.StartAsync(storage, time, MailboxRig.Options with { MaxBlockBytes = 300 }, attempts: 5);
        await using (rig)
        {
            using var clock = new CancellationTokenSource();
            var ticking = TickAsync(time, clock.Token);
            try
            {
                for (var i = 0; i < Appends; i++)
                {
                    var accepted = await rig.AppendAsync(i * EventsPerAppend, EventsPerAppend, new SourcePosition("plc", 1, (ulong)i + 1));
                    Assert.Equal(AppendResult.Accepted, accepted);
                    model.Acknowledged = i + 1;
                    if (i % 2 == 1)
                    {
                        await DeliverOneAsync(rig, model);
                    }
                }

                await rig.StopAsync();
            }
            finally
            {
                await clock.CancelAsync();
                await ticking;
            }
        }
    }

    private static async Task DeliverOneAsync(MailboxRig rig, Model model)
    {
        var next = await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None);
        if (!next.IsOk || next.Value is not { } ready)
        {
            return;
        }

        List<int> values;
        try
        {
            values = [.. MailboxRig.ReadValues(rig.Storage, ready.Path)];
        }
        catch (InvalidOperationException)
        {
            // The injected error hit the target's reading: it fetches again later.
            return;
        }

        model.MaybeDelivered.AddRange(values);
        var confirmed = await rig.Mailbox.ConfirmAsync(ready.Block.Name, ready.Block.Trailer.Hash, CancellationToken.None);
        if (confirmed.IsOk)
        {
            Assert.Equal(RemoveResult.Removed, confirmed.Value);
            model.Delivered.AddRange(values);
            model.MaybeDelivered.Clear();
        }
    }

    private static async Task TickAsync(ManualTime time, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            time.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Yield();
        }
    }

    private sealed class Model
    {
        public int Acknowledged { get; set; }

        public List<int> Delivered { get; } = [];

        public List<int> MaybeDelivered { get; } = [];
    }
}
