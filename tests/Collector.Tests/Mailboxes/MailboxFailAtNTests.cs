using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Frames;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Every storage operation of a mailbox's work fails, once and for a while (<see cref="FailAtN"/>): nothing is lost, doubled or hidden.</summary>
public sealed class MailboxFailAtNTests
{
    private static readonly MailboxOptions Rows = MailboxRig.Options with { Coding = BlockCoding.Rows, Keep = null };
    private static readonly MailboxOptions Columns = MailboxRig.Options with { Keep = null };

    [Fact]
    public Task Appending_and_committing() => FailAtN.RunAsync("append", AppendAsync);

    [Fact]
    public Task Sealing() => FailAtN.RunAsync("seal", faults => RunAsync(faults, Rows, async life =>
    {
        await life.AppendAsync(3);
        faults.Arm();
        await life.SealAsync();
        await life.AppendAsync(3);
    }));

    [Fact]
    public Task Recoding() => FailAtN.RunAsync("recode", faults => RunAsync(faults, Columns, async life =>
    {
        await life.AppendAsync(80);
        faults.Arm();
        await life.SealAsync();
        await life.AppendAsync(3);
    }));

    [Fact]
    public Task Confirming_and_removing() => FailAtN.RunAsync("confirm", faults => RunAsync(faults, Rows, async life =>
    {
        for (var i = 0; i < 3; i++)
        {
            await life.AppendAsync(3);
            await life.SealAsync();
        }

        faults.Arm();
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await life.DeliverAsync());
        }
    }));

    [Fact]
    public Task Deleting_all() => FailAtN.RunAsync("rotate", async faults =>
    {
        await using var life = await FailingLife.StartAsync(faults, faults.NewStorage(), Rows);
        for (var i = 0; i < 2; i++)
        {
            await life.AppendAsync(3);
            await life.SealAsync();
        }

        faults.Arm();
        foreach (var block in await life.Rig.Mailbox.ListAsync(CancellationToken.None))
        {
            var removed = await faults.RepeatAsync(() => life.Rig.Mailbox.DeleteAsync(block.Block.Name, CancellationToken.None));

            // Once the ledger has it, it also goes by itself.
            Assert.NotEqual(RemoveResult.WrongHash, removed);
        }

        await GoneAsync(life, LossReason.Deleted, 6);
    });

    [Fact]
    public Task Expiring() => FailAtN.RunAsync("expire", async faults =>
    {
        await using var life = await FailingLife.StartAsync(faults, faults.NewStorage(), Rows with { Keep = TimeSpan.FromDays(1) });
        await life.AppendAsync(3);
        await life.SealAsync();
        faults.Arm();
        life.Time.Advance(TimeSpan.FromDays(1));
        await life.UntilAsync(async () => (await life.Rig.Mailbox.StatusAsync(CancellationToken.None)).LostEvents == 3);
        await GoneAsync(life, LossReason.Expired, 3);
    });

    [Fact]
    public async Task Negative_control_a_program_that_ignores_errors_is_found()
    {
        var found = await Assert.ThrowsAsync<FailAtNException>(() => FailAtN.RunAsync("append", faults => AppendAsync(faults, isDeaf: true)));
        Assert.Contains("Sync /spool/centre/mbb_", found.Message, StringComparison.Ordinal);
    }

    private static Task AppendAsync(DiskFaults faults) => AppendAsync(faults, isDeaf: false);

    private static Task AppendAsync(DiskFaults faults, bool isDeaf) => RunAsync(
        faults,
        Rows with { MaxBlockBytes = 300 },
        async life =>
        {
            faults.Arm();
            for (var i = 0; i < 4; i++)
            {
                await life.AppendAsync(3);
            }
        },
        isDeaf);

    private static async Task RunAsync(DiskFaults faults, MailboxOptions options, Func<FailingLife, Task> work, bool isDeaf = false)
    {
        await using var life = await FailingLife.StartAsync(faults, faults.NewStorage(), options, isDeaf);
        await work(life);
        await life.FinishWithoutLossAsync();
    }

    /// <summary>The first events were given up: the ledger has them once, the others arrive.</summary>
    private static async Task GoneAsync(FailingLife life, LossReason reason, int count)
    {
        var status = await life.FinishAsync();
        Assert.Equal(Enumerable.Range(count, life.Appended - count), life.Delivered.Order());
        Assert.All(life.Losses, l => Assert.Equal((reason, true), (l.Reason, l.IsExact)));
        Assert.Equal((ulong)count, life.Losses.Aggregate(0UL, (sum, l) => sum + l.Count));
        Assert.Equal(((ulong)count, 0UL), (status.LostEvents, status.QuarantinedEvents));
    }
}
