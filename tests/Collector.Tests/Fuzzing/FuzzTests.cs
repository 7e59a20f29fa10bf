using System.Text;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Tests.Mailboxes;
using ZfRepl.Core.Blocks;
using ZfRepl.TestKit;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Collector.Tests.Fuzzing;

/// <summary>Any file of a spool may hold anything: the mailbox starts, takes events, gives them out, and its accounts are right.</summary>
public sealed class FuzzTests
{
    private const int EventsBefore = 30;

    [Fact]
    public async Task A_mailbox_starts_and_its_accounts_are_right_whatever_one_of_its_files_holds()
    {
        var files = await SpoolAsync();
        var names = files.Keys.Order(StringComparer.Ordinal).ToArray();
        Assert.Contains(names, n => n.EndsWith(".open", StringComparison.Ordinal));
        var target = new FuzzTarget(
            "spool",
            [.. names.Select((name, i) => (byte[])[(byte)i, .. files[name]])],
            input => Task.Run(() => StartAsync(files, names[input.Length == 0 ? 0 : input[0] % names.Length], input.AsMemory(Math.Min(1, input.Length)))).GetAwaiter().GetResult())
        {
            Words = [Encoding.ASCII.GetBytes("\n"), Encoding.ASCII.GetBytes("18446744073709551615"), Encoding.ASCII.GetBytes("\"\""), Encoding.ASCII.GetBytes("null")],
        };
        await Task.Run(() => Fuzzer.Run(target, rounds: 500));
    }

    /// <summary>What a mailbox with sealed blocks, confirmed ones, losses and an open block leaves behind when it dies.</summary>
    private static async Task<IReadOnlyDictionary<string, byte[]>> SpoolAsync()
    {
        var storage = new SimulatedStorage();
        var rig = await MailboxRig.StartAsync(storage);
        for (var i = 0; i < EventsBefore; i += 5)
        {
            await rig.AppendAsync(i, 5, new Core.Frames.SourcePosition("plc", 7, (ulong)i));
            if (i < 20)
            {
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            }
        }

        var first = (await rig.Mailbox.NextAsync(rotate: false, CancellationToken.None)).Value!;
        Assert.True((await rig.Mailbox.ConfirmAsync(first.Block.Name, first.Block.Trailer.Hash, CancellationToken.None)).IsOk);
        Assert.True((await rig.Mailbox.DeleteAsync((await rig.Mailbox.ListAsync(CancellationToken.None))[0].Block.Name, CancellationToken.None)).IsOk);
        var files = storage.Snapshot();
        await rig.StopAsync();
        return files;
    }

    private static async Task StartAsync(IReadOnlyDictionary<string, byte[]> files, string broken, ReadOnlyMemory<byte> content)
    {
        var storage = new SimulatedStorage();
        foreach (var (name, bytes) in files)
        {
            storage.Overwrite(name, name == broken ? content.ToArray() : bytes);
        }

        for (var start = 0; start < 2; start++)
        {
            await using var rig = await MailboxRig.StartAsync(storage);
            await rig.AppendAsync(1_000 + (start * 10), 3);
            AssertAccounts(await rig.Mailbox.StatusAsync(CancellationToken.None), rig, broken);
            if (start == 1)
            {
                var values = await DrainAsync(rig);
                Assert.All(new[] { 1_000, 1_001, 1_002, 1_010, 1_011, 1_012 }, v => Assert.Contains(v, values));
                AssertAccounts(await rig.Mailbox.StatusAsync(CancellationToken.None), rig, broken);
            }

            await rig.StopAsync();
            storage.KillProcess();
        }
    }

    private static void AssertAccounts(MailboxStatus status, MailboxRig rig, string broken) => Assert.True(
        status.AcceptedEvents == status.DeliveredEvents + status.BacklogEvents + status.LostEvents + status.QuarantinedEvents,
        $"{broken}: {status}\n{string.Join('\n', rig.Log.Lines)}\n{string.Join('\n', rig.Storage.Snapshot().Keys)}");

    /// <summary>As a target does: a block that is not as it was sealed is given back for repair, and what comes of it is taken.</summary>
    private static async Task<List<int>> DrainAsync(MailboxRig rig)
    {
        var values = new List<int>();
        var repaired = new HashSet<string>(StringComparer.Ordinal);
        while ((await rig.Mailbox.NextAsync(rotate: true, CancellationToken.None)).Value is { } ready)
        {
            if (!IsAsSealed(rig.Storage, ready.Path))
            {
                Assert.True(repaired.Add(ready.Block.Name.ToString()), $"{ready.Block.Name} was repaired and is not as it was sealed all the same");
                Assert.True((await rig.Mailbox.RepairAsync(ready.Block.Name, CancellationToken.None)).IsOk);
                continue;
            }

            values.AddRange(MailboxRig.ReadValues(rig.Storage, ready.Path));
            Assert.True((await rig.Mailbox.ConfirmAsync(ready.Block.Name, ready.Block.Trailer.Hash, CancellationToken.None)).IsOk);
        }

        return values;
    }

    private static bool IsAsSealed(SimulatedStorage storage, string path)
    {
        using var file = storage.Open(path, write: false).Value;
        return BlockReport.Create(file).Value is { IsAsSealed: true, Damages.Count: 0, TornTail: null };
    }
}
