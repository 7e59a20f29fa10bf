using System.Text;
using System.Text.RegularExpressions;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Collector.Tests.Mailboxes;
using ZfRepl.Core.Storage;
using ZfRepl.TestKit;
using ZfRepl.TestKit.Fuzzing;

namespace ZfRepl.Collector.Tests.Fuzzing;

/// <summary>A mailbox's small books with any content under a checksum that fits: the mailbox starts, and its accounts are right.</summary>
public sealed partial class BookFuzzTests
{
    private static readonly IReadOnlyList<byte[]> Words =
    [
        .. new[] { "null", "null,", "-1", "{}", "[]", "\"\"", "\"\\ud800\"", "18446744073709551615", "9223372036854775807", "2147483647" }.Select(Encoding.ASCII.GetBytes),
    ];

    [GeneratedRegex("(?<=[:\\[,])(-?[0-9]+|\"[^\"]*\"|null|true|false|\\[|\\{)")]
    private static partial Regex ValueRegex { get; }

    [Fact]
    public async Task Whatever_the_removal_book_says_a_mailbox_starts_with_accounts_that_are_right()
    {
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage))
        {
            for (var i = 0; i < 5; i++)
            {
                await rig.AppendAsync(i * 5, 5);
                Assert.True((await rig.Mailbox.SealAsync(CancellationToken.None)).IsOk);
            }

            // The second block stays: those behind it wait for their place in the chain.
            foreach (var place in new[] { 0, 1, 1 })
            {
                var block = (await rig.Mailbox.ListAsync(CancellationToken.None))[place].Block;
                await rig.Mailbox.ConfirmAsync(block.Name, block.Trailer.Hash, CancellationToken.None);
            }
        }

        await RunAsync(storage.Snapshot(), $"{MailboxRig.Folder}/{RemovalBook.FileName}", "mailbox-hours", MailboxRig.Options);
    }

    [Fact]
    public async Task Whatever_the_books_of_relayed_blocks_say_a_mailbox_starts_with_accounts_that_are_right()
    {
        var blocks = await RelayRig.CollectAsync(3);
        var storage = new SimulatedStorage();
        await using (var rig = await MailboxRig.StartAsync(storage, options: RelayRig.Options))
        {
            foreach (var block in blocks)
            {
                Assert.Equal(RelayOutcome.Durable, (await rig.HandOverAsync(block)).Outcome);
            }

            await rig.Mailbox.ConfirmRelayedAsync(RelayedBlock.IdOf(blocks[0].Key.Hash), blocks[0].Key.Hash, CancellationToken.None);
        }

        await RunAsync(storage.Snapshot(), $"{MailboxRig.Folder}/{RelayBox.FolderName}/relay.state", "relay-state", RelayRig.Options);
    }

    private static async Task RunAsync(IReadOnlyDictionary<string, byte[]> files, string path, string name, MailboxOptions options)
    {
        var sample = files[path];
        var target = new FuzzTarget(
            name,
            [sample[..Array.IndexOf(sample, (byte)'\n')]],
            line => Task.Run(() => StartAsync(files, path, line, options)).GetAwaiter().GetResult())
        {
            Words = Words,
        };
        foreach (var line in Altered(Encoding.UTF8.GetString(target.Samples[0])))
        {
            await StartAsync(files, path, Encoding.UTF8.GetBytes(line), options);
        }

        await Task.Run(() => Fuzzer.Run(target, rounds: 200));
    }

    /// <summary>Each value replaced by others, and each list with another first.</summary>
    private static IEnumerable<string> Altered(string line) =>
        from Match value in ValueRegex.Matches(line)
        from other in new[] { "null", "-1", "0", "18446744073709551615", "2147483647", "\"\"", "[]", "{}" }
        select line[..value.Index] + (value.Value is "[" or "{" ? value.Value + (value.Value == "[" ? other + "," : $"\"more\":{other},") : other) + line[(value.Index + value.Length)..];

    private static async Task StartAsync(IReadOnlyDictionary<string, byte[]> files, string path, byte[] line, MailboxOptions options)
    {
        var storage = new SimulatedStorage();
        foreach (var (name, bytes) in files)
        {
            storage.Overwrite(name, bytes);
        }

        // A line break ends the content.
        Assert.True(CheckedFile.Write(storage, path, [.. line.Where(b => b != (byte)'\n')]).IsOk);
        await using var rig = await MailboxRig.StartAsync(storage, options: options);
        await rig.AppendAsync(1_000, 3);
        await rig.AssertAccountsAsync();
        if (options.ReplicatesRemote)
        {
            await rig.RelayBooksAsync();
        }
    }
}
