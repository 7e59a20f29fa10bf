using ZfRepl.Core.Frames;
using ZfRepl.Core.History;
using ZfRepl.Core.Import;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.History;
using ZfRepl.Core.Tests.Telemetry;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Import;

/// <summary>Of an untrusted source, what its key may write is imported; the rest is counted, kept aside, and can be tried again.</summary>
public sealed class UntrustedSourceTests : IDisposable
{
    private const int Events = 30;
    private const string Allowed = "sensor:plant/s1,sensor:plant/s2";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Only_what_the_key_may_write_goes_into_the_database_and_to_the_sinks()
    {
        await using var bench = await StartAsync(Allowed);
        var block = BlockFiles.Simple().Seal();
        var applied = await bench.ImportAsync<ImportOutcome.Applied>(block);

        var expected = Numbers(mayWrite: true);
        Assert.Equal(expected, await HeldAsync(bench));
        Assert.Equal(expected, Lines(bench));
        Assert.Equal(expected.Count, applied.Receipt.Counts.Events);
        Assert.Equal(Events - expected.Count, applied.LeftOut!.Events);
        Assert.Empty(applied.Missing);

        // They have arrived, so they are not missing; the books say how many stay out.
        var account = await bench.AccountAsync();
        Assert.Equal(((ulong)Events, 0UL), (account.Received, account.MissingCount));
        var loss = Assert.Single(account.Losses);
        Assert.Equal((LossReason.Refused, LossOrigin.Import, (ulong)(Events - expected.Count)), (loss.Reason, loss.Origin, loss.Events));

        var entry = Assert.Single(Quarantine().List(null, 10).Value);
        Assert.Equal(QuarantineKind.RefusedEvents, entry.Kind);
        Assert.Contains("key 'edge1-key' may not write sensor:plant/s0, sensor:plant/s3", entry.Reason, StringComparison.Ordinal);

        // A replay changes nothing.
        await bench.ImportAsync<ImportOutcome.AlreadyApplied>(block);
        Assert.Single(Quarantine().List(null, 10).Value);
        Assert.Equal(expected, await HeldAsync(bench));
    }

    [Fact]
    public async Task Without_a_guard_everything_goes_in_and_so_it_does_from_other_nodes()
    {
        await using var trusting = await ImportBench.StartAsync();
        await trusting.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple().Seal());
        await trusting.HoldsExactlyAsync(new SequenceRange(1, Events));

        await using var bench = await StartAsync(Allowed);
        var applied = await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple(node: "edge2").Seal());
        Assert.Null(applied.LeftOut);
        await bench.HoldsExactlyAsync(new SequenceRange(1, Events));
        Assert.Empty(Quarantine().List(null, 10).Value);
    }

    [Fact]
    public async Task What_a_node_brings_of_another_one_it_may_write_no_more_than_its_own_also_when_it_is_tried_again()
    {
        await using var bench = await StartAsync(Allowed);
        var block = BlockFiles.Simple(node: "far", mailbox: "edge1");
        var expected = new BlockExpectation { Node = "far", Mailbox = "edge1", Bringer = "edge1" };
        var applied = await bench.ImportAsync<ImportOutcome.Applied>(block.Seal(), expected);
        Assert.Equal(Events - Numbers(mayWrite: true).Count, applied.LeftOut!.Events);
        Assert.Equal(Numbers(mayWrite: true), await HeldAsync(bench));
        Assert.Equal("far", (await bench.AccountAsync()).Facts.Node);

        var entry = Assert.Single(Quarantine().List(null, 10).Value);
        var again = await bench.Importer.RetryRefusedAsync(entry.Path, CancellationToken.None);
        Assert.Equal((0L, (long)applied.LeftOut.Events), (again.Done.Imported, again.Done.Refused));
        Assert.Equal(Numbers(mayWrite: true), await HeldAsync(bench));
    }

    [Fact]
    public async Task What_is_refused_as_a_whole_is_kept_as_a_whole()
    {
        await using var bench = await StartAsync("lvar");
        var applied = await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple().Seal());
        Assert.Equal(Events, applied.LeftOut!.Events);
        Assert.Empty(await HeldAsync(bench));
        Assert.Empty(Lines(bench));
    }

    [Fact]
    public async Task A_retry_imports_what_the_key_may_write_by_now_and_no_more()
    {
        await using (var bench = await StartAsync(Allowed))
        {
            await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple().Seal());
            var entry = Assert.Single(Quarantine().List(null, 10).Value);
            var unchanged = await bench.Importer.RetryRefusedAsync(entry.Path, CancellationToken.None);
            Assert.Equal((0L, (long)Events - Numbers(mayWrite: true).Count), (unchanged.Done.Imported, unchanged.Done.Refused));

            bench.Options = Options($"{Allowed},sensor:plant/s3");
            await bench.RestartAsync();
            var some = await bench.Importer.RetryRefusedAsync(entry.Path, CancellationToken.None);
            Assert.Equal(Count(3), some.Done.Imported);
            Assert.Equal(Events - Numbers(mayWrite: true).Count - Count(3), some.Done.Refused);

            bench.Options = Options("#");
            await bench.RestartAsync();
            var all = await bench.Importer.RetryRefusedAsync(entry.Path, CancellationToken.None);
            Assert.Equal(0, all.Done.Refused);
            Assert.Null(all.Trouble);
            await bench.HoldsExactlyAsync(new SequenceRange(1, Events));
            bench.LinesHoldExactly(new SequenceRange(1, Events));

            // And once more: what is there is recognised.
            await bench.Importer.RetryRefusedAsync(entry.Path, CancellationToken.None);
            await bench.HoldsExactlyAsync(new SequenceRange(1, Events));
            bench.LinesHoldExactly(new SequenceRange(1, Events));
        }
    }

    [Fact]
    public async Task What_a_retry_imports_is_in_the_book_of_what_was_imported()
    {
        using var digests = HistoryVerbs.Ok(ImportDigests.Open(_folder["digests.db"]));
        await using var bench = await ImportBench.StartAsync(options: Options(Allowed) with { Digests = digests });
        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple().Seal());
        bench.Options = Options("#") with { Digests = digests };
        await bench.RestartAsync();
        var entry = Assert.Single(Quarantine().List(null, 10).Value);
        Assert.Equal(Events - Numbers(mayWrite: true).Count, (await bench.Importer.RetryRefusedAsync(entry.Path, CancellationToken.None)).Done.Imported);
        Assert.Equal(Events, await BookedAsync());

        // What is recognised is not booked twice.
        await bench.Importer.RetryRefusedAsync(entry.Path, CancellationToken.None);
        Assert.Equal(Events, await BookedAsync());

        async Task<long> BookedAsync()
        {
            var sum = 0L;
            foreach (var item in HistoryVerbs.Ok(await digests.ItemsAsync([BlockFiles.Stream], int.MinValue, int.MaxValue, null, 100, CancellationToken.None)))
            {
                using var look = await digests.BeginAsync(CancellationToken.None);
                sum += HistoryVerbs.Ok(look.Sum([BlockFiles.Stream], item, int.MinValue, int.MaxValue)).Values.Sum(s => s.Count);
            }

            return sum;
        }
    }

    [Theory]
    [InlineData(nameof(ImportStep.Checked))]
    [InlineData(nameof(ImportStep.PartWritten))]
    [InlineData(nameof(ImportStep.Applied))]
    [InlineData(nameof(ImportStep.PartDelivered))]
    [InlineData(nameof(ImportStep.SinkCompleted))]
    public async Task Wherever_it_is_cut_short_the_next_attempt_ends_with_the_same_events_and_one_file(string where)
    {
        await using var bench = await StartAsync(Allowed, maxEvents: 10);
        var path = BlockFiles.Simple().Seal().WriteTo(_folder["block"]);
        await bench.RestartAsync(probe: step =>
        {
            if (step.ToString() == where)
            {
                throw new InvalidOperationException("the power is gone");
            }
        });
        await Assert.ThrowsAsync<InvalidOperationException>(() => bench.ImportAsync(path));
        await bench.RestartAsync();
        await bench.ImportAsync(path);
        Assert.Equal(Numbers(mayWrite: true), await HeldAsync(bench));
        Assert.Equal(Numbers(mayWrite: true), Lines(bench));
        Assert.Single(Quarantine().List(null, 10).Value);
    }

    [Fact]
    public async Task A_full_quarantine_keeps_no_more_of_them_and_the_books_say_so()
    {
        await using var bench = await StartAsync(Allowed);
        using (var huge = new FileStream(Path.Combine(Quarantine().Folder, "huge"), FileMode.CreateNew))
        {
            huge.SetLength(Core.Import.Quarantine.MaxKeptBytes);
        }

        await bench.ImportAsync<ImportOutcome.Applied>(BlockFiles.Simple().Seal());
        Assert.Equal(Numbers(mayWrite: true), await HeldAsync(bench));
        Assert.Equal("huge", Assert.Single(Quarantine().List(null, 10).Value).Name);
        var booked = Assert.Single((await bench.History.ReadLossesAsync(node: null, 10, CancellationToken.None)).Value);
        Assert.Contains("not kept: the quarantine is full", booked.Record.Detail, StringComparison.Ordinal);
    }

    private Task<ImportBench> StartAsync(string writable, int maxEvents = 65_536) =>
        ImportBench.StartAsync(hasSink: true, Options(writable) with { MaxEventsPerTransaction = maxEvents });

    private BlockImporterOptions Options(string writable) => new()
    {
        Guards = new Dictionary<string, SourceGuard>
        {
            ["edge1"] = new("edge1-key", new AccessRights { Write = AccessRightsTests.Masks(writable) }),
        },
        Quarantine = Quarantine(),
    };

    private Quarantine Quarantine() => Core.Import.Quarantine.Open(DiskStorage.Instance, _folder["quarantine"], new ManualTime()).Value;

    private static List<ulong> Numbers(bool mayWrite) =>
        [.. Enumerable.Range(1, Events).Select(n => (ulong)n).Where(n => Allowed.Contains($"/s{n % 7}", StringComparison.Ordinal) == mayWrite)];

    private static long Count(int item) => Enumerable.Range(1, Events).Count(n => n % 7 == item);

    private static async Task<List<ulong>> HeldAsync(ImportBench bench) =>
        [.. (await HistoryVerbs.ReadAllAsync(bench.History)).Select(e => e.Ieid.Counter).Order()];

    private static List<ulong> Lines(ImportBench bench) =>
    [
        .. File.ReadAllLines(bench.LinesPath)
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("ieid")[1].GetUInt64())
            .Order(),
    ];
}
