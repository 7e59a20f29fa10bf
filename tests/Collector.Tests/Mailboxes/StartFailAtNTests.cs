using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;

namespace ZfRepl.Collector.Tests.Mailboxes;

/// <summary>
/// Every storage operation of a start fails (<see cref="FailAtN"/>), with each kind of thing that a killed process or a bad disk leaves behind. The
/// start is made again until it works, and everything is there once; only what a bad place of the disk (EIO) keeps from being read may be kept aside,
/// and is in the ledger then.
/// </summary>
public sealed class StartFailAtNTests
{
    private static readonly MailboxOptions Options = MailboxRig.Options with { Keep = null };

    [Fact]
    public Task With_an_open_block() => RunAsync("start, open block", async storage =>
    {
        var rig = await MailboxRig.StartAsync(storage, options: Options);
        await rig.AppendAsync(0, 3, Position(0));
        await rig.AppendAsync(3, 3, Position(3));
        await KillAsync(storage, rig);
        return 6;
    });

    [Fact]
    public Task With_sealed_blocks_and_a_book() => RunAsync("start, sealed blocks", async storage =>
    {
        await using var rig = await MailboxRig.StartAsync(storage, options: Options);
        for (var i = 0; i < 4; i++)
        {
            await rig.AppendAsync(i * 3, 3, Position(i * 3));
            Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
        }

        return 12;
    });

    [Fact]
    public Task With_a_damaged_block() => RunAsync("start, damaged block", async storage =>
    {
        await using (var rig = await MailboxRig.StartAsync(storage, options: Options with { Coding = BlockCoding.Rows }))
        {
            for (var i = 0; i < 3; i++)
            {
                await rig.AppendAsync(i * 3, 3, Position(i * 3));
            }
        }

        // In the second frame; and the trailer, so that the start looks into the block.
        var path = Assert.Single(storage.Paths(), p => p.StartsWith(MailboxRig.Folder + "/mbb_", StringComparison.Ordinal));
        var content = storage.Content(path)!;
        content[content.Length / 2] ^= 0x55;
        content[^3] ^= 0x55;
        storage.Overwrite(path, content);
        return 9;
    });

    [Theory]
    [InlineData(StorageOperation.Sync)]
    [InlineData(StorageOperation.Rename)]
    public Task With_a_block_that_is_being_recoded(StorageOperation last) => RunAsync("start, block being re-coded", async storage =>
    {
        var rig = await MailboxRig.StartAsync(storage, options: Options);
        await rig.AppendAsync(0, 80, Position(0));
        var isReached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        storage.Fault = (_, operation, path) =>
        {
            if (operation == last && path.EndsWith(BlockRecoder.RecodeSuffix, StringComparison.Ordinal))
            {
                storage.CrashAt = storage.Operations;
                isReached.TrySetResult();
            }

            return null;
        };
        _ = rig.Mailbox.SealAsync(CancellationToken.None);
        await isReached.Task;
        await rig.DisposeAsync();
        storage.KillProcess();
        return 80;
    });

    private static SourcePosition Position(int first) => new("plc", 1, (ulong)first + 1);

    private static async Task KillAsync(SimulatedStorage storage, MailboxRig rig)
    {
        storage.CrashAt = storage.Operations;
        await rig.DisposeAsync();
        storage.KillProcess();
    }

    private static async Task RunAsync(string name, Func<SimulatedStorage, Task<int>> prepare)
    {
        (int[] Values, ulong Lost, ulong Kept)? clean = null;
        await FailAtN.RunAsync(name, async faults =>
        {
            var storage = new SimulatedStorage();
            var appended = await prepare(storage);
            faults.Break(storage);
            faults.Arm();
            await using var life = await FailingLife.StartAsync(faults, storage, Options);
            life.Appended = appended;
            await life.AppendAsync(2);
            var status = await life.FinishAsync(isWell: false);
            var now = (Values: life.Delivered.Order().ToArray(), Lost: status.LostEvents, Kept: status.QuarantinedEvents);
            clean ??= now;
            if (faults.Errno == Errno.InputOutput && !now.Values.SequenceEqual(clean.Value.Values))
            {
                var missing = Enumerable.Range(0, life.Appended).Except(now.Values).ToList();
                Assert.Empty(now.Values.Except(clean.Value.Values));
                Assert.True(missing.TrueForAll(v => v < appended), "what was accepted after the start is missing");
                Assert.Contains(life.Losses, l => l.Reason == LossReason.Damaged);
                Assert.Contains(storage.Paths(), p => p.StartsWith(FailingLife.Aside + "/mbb_", StringComparison.Ordinal) && !p.EndsWith(".json", StringComparison.Ordinal));
                return;
            }

            Assert.Equal(clean.Value.Values, now.Values);
            if (faults.Errno != Errno.InputOutput)
            {
                Assert.Equal((clean.Value.Lost, clean.Value.Kept), (now.Lost, now.Kept));
            }
        },
        IsSilent);
    }

    /// <summary>What was read at the second attempt; and a copy for which there was no room, as then the block is sealed where it is.</summary>
    private static bool IsSilent(DiskFaults faults, StorageOperation operation, string path) => faults.IsOnce && (faults.Errno == Errno.InputOutput
        ? operation is StorageOperation.Open or StorageOperation.Read
        : faults.Errno is Errno.NoSpace or Errno.QuotaExceeded && path.StartsWith(MailboxRig.Folder + "/mbb_", StringComparison.Ordinal));
}
