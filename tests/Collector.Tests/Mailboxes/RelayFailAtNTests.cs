using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Core.Frames;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>Every storage operation of handing a block of another node over, and of its leaving, fails (<see cref="FailAtN"/>).</summary>
public sealed class RelayFailAtNTests
{
    private const int Own = 1000;
    private static readonly MailboxOptions Options = RelayRig.Options with { Keep = null };

    [Fact]
    public Task Handing_over_and_delivering() => RunAsync("relay", async (faults, life, blocks) =>
    {
        faults.Arm();
        await HandOverAsync(life, blocks);
        Assert.True(await life.DeliverAsync());
    });

    [Fact]
    public async Task Deleting_what_was_handed_over()
    {
        await RunAsync(
            "relay, delete",
            async (faults, life, blocks) =>
            {
                await HandOverAsync(life, blocks);
                faults.Arm();
                foreach (var block in await life.Rig.RelayedAsync())
                {
                    await faults.RepeatAsync(() => life.Rig.Mailbox.DeleteRelayedAsync(block.Id, CancellationToken.None));
                }
            },
            isDeleted: true);
    }

    private static async Task HandOverAsync(FailingLife life, List<RelayRig.EdgeBlock> blocks)
    {
        foreach (var block in blocks)
        {
            var path = $"/inbox/{block.Key.Index}";
            life.Storage.Overwrite(path, block.Content);
            RelayAnswer answer;
            do
            {
                answer = await life.Rig.Mailbox.RelayAsync(path, block.Key, RelayRig.FromEdge, new HashSet<StreamId>(), CancellationToken.None);
                life.Faults.Say(answer.Reason);
                Assert.Contains(answer.Outcome, new[] { RelayOutcome.Durable, RelayOutcome.Failed });
            }
            while (answer.Outcome == RelayOutcome.Failed);
        }
    }

    private static async Task RunAsync(string name, Func<DiskFaults, FailingLife, List<RelayRig.EdgeBlock>, Task> work, bool isDeleted = false)
    {
        var blocks = await RelayRig.CollectAsync(2);
        await FailAtN.RunAsync(name, async faults =>
        {
            await using var life = await FailingLife.StartAsync(faults, faults.NewStorage(), Options);
            life.Appended = Own;
            await work(faults, life, blocks);
            await life.FinishAsync();
            await life.UntilAsync(() => Task.FromResult(!life.Storage.Paths().Any(p => p.EndsWith(".block", StringComparison.Ordinal))));
            Assert.Equal([.. Enumerable.Range(0, isDeleted ? 0 : 20), Own], life.Delivered.Order());
            Assert.Equal(isDeleted ? 20UL : 0, life.Losses.Aggregate(0UL, (sum, l) => sum + l.Count));
            var relay = await life.Rig.RelayBooksAsync();
            Assert.Equal((20UL, isDeleted ? 0UL : 20, isDeleted ? 20UL : 0, 0UL), (relay.AcceptedEvents, relay.DeliveredEvents, relay.LostEvents, relay.QuarantinedEvents));
        });
    }
}
