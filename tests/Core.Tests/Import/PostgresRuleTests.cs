using ZfRepl.Core.Frames;
using ZfRepl.Core.History.Postgres;
using ZfRepl.Core.Import;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.History;
using ZfRepl.Core.Tests.Telemetry;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.Import;

/// <summary>Rules that somebody gave a real PostgreSQL: what they keep out goes to the quarantine, the rest is imported, and a retry brings in what is let in by then.</summary>
[Collection(PostgresTests.Name)]
public sealed class PostgresRuleTests(PostgresCluster cluster) : IDisposable
{
    private const int Events = 60;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [RequiresTheory(PostgresServer.Programs)]
    [InlineData("ALTER TABLE event ADD CONSTRAINT low CHECK (number IS NULL OR number < 20)", "ALTER TABLE event DROP CONSTRAINT low", "low")]
    [InlineData("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.number >= 20 THEN RAISE EXCEPTION 'too hot'; END IF; RETURN NEW; END $$; CREATE TRIGGER no BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION no()", "DROP TRIGGER no ON event", "too hot")]
    [InlineData("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.number >= 20 THEN RAISE EXCEPTION 'too hot'; END IF; RETURN NEW; END $$; CREATE CONSTRAINT TRIGGER no AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()", "DROP TRIGGER no ON event", "too hot")]
    [InlineData("DROP VIEW history; ALTER TABLE event ADD COLUMN small smallint GENERATED ALWAYS AS ((number * 1640)::smallint) STORED", "ALTER TABLE event DROP COLUMN small", "out of range")]
    [InlineData("ALTER TABLE oid ADD CONSTRAINT s3 CHECK (text <> 'sensor:plant/s3')", "ALTER TABLE oid DROP CONSTRAINT s3", "s3")]
    public async Task What_a_rule_keeps_out_goes_to_the_quarantine_and_the_rest_is_imported(string rule, string undo, string reason)
    {
        await using var place = new PostgresPlace(cluster.Server);
        await place.OpenAsync();
        await place.QueryAsync(rule);
        using var digests = Ok(ImportDigests.Open(_folder["digests.db"]));
        await using var bench = new Bench(await place.OpenAsync(), _folder, digests, maxEvents: 25);
        var block = BlockFiles.Simple(frames: Events / 10).Seal().WriteTo(_folder["block"]);

        // Once more after a crash before the block was noted: nothing is kept twice.
        bench.Importer.Probe = step => Break(step == ImportStep.PartWritten);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => bench.ImportAsync(block));
        bench.Importer.Probe = null;
        var applied = Assert.IsType<ImportOutcome.Applied>(await bench.ImportAsync(block));
        var held = await bench.HeldAsync();
        Assert.Equal(All.Where(n => !IsRuledOut(n, rule)), held);
        Assert.Equal(Events - held.Count, applied.RuledOut!.Events);
        Assert.Equal(held.Count, await BookedAsync(digests));
        var account = await AccountAsync(bench.History, BlockFiles.Stream);
        Assert.Equal(((ulong)Events, 0UL), (account.Received, account.MissingCount));
        var loss = Assert.Single(account.Losses);
        Assert.Equal((LossReason.Refused, (ulong)(Events - held.Count)), (loss.Reason, loss.Events));
        var entries = bench.Quarantine.List(null, 10).Value;
        Assert.All(entries, e => Assert.Contains(reason, e.Reason, StringComparison.Ordinal));
        Assert.Equal(Events - held.Count, await RetryAsync(bench, refused: true));
        Assert.IsType<ImportOutcome.AlreadyApplied>(await bench.ImportAsync(block));
        Assert.Equal(entries.Count, bench.Quarantine.List(null, 10).Value.Count);

        await place.QueryAsync(undo);
        Assert.Equal(Events - held.Count, await RetryAsync(bench, refused: false));
        Assert.Equal(All, await bench.HeldAsync());
        Assert.Equal(Events, await BookedAsync(digests));
        Assert.Equal(Events, File.ReadAllLines(_folder["events.jsonl"]).Length);
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task A_rule_about_several_rows_keeps_out_those_that_come_later()
    {
        await using var place = new PostgresPlace(cluster.Server);
        await place.OpenAsync();
        await place.QueryAsync("CREATE UNIQUE INDEX one_a_status ON event(oid_id, status)");
        await using var bench = new Bench(await place.OpenAsync(), _folder, digests: null);
        var applied = Assert.IsType<ImportOutcome.Applied>(await bench.ImportAsync(BlockFiles.Simple(frames: 3).Seal().WriteTo(_folder["block"])));
        Assert.Equal(Enumerable.Range(1, 7).Select(n => (ulong)n), await bench.HeldAsync());
        Assert.Equal(23, applied.RuledOut!.Events);
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task As_many_that_a_rule_keeps_out_as_the_source_may_not_write_are_two_entries_in_the_ledger()
    {
        await using var place = new PostgresPlace(cluster.Server);
        await place.OpenAsync();
        await place.QueryAsync("ALTER TABLE event ADD CONSTRAINT six CHECK (counter % 7 <> 6)");
        var guards = new Dictionary<string, SourceGuard> { ["edge1"] = new("edge1-key", new AccessRights { Write = AccessRightsTests.Masks("#"), DenyWrite = AccessRightsTests.Masks("sensor:plant/s5") }) };
        await using var bench = new Bench(await place.OpenAsync(), _folder, digests: null, guards: guards);
        var applied = Assert.IsType<ImportOutcome.Applied>(await bench.ImportAsync(BlockFiles.Simple(frames: Events / 10).Seal().WriteTo(_folder["block"])));
        Assert.Equal((8L, 8L), (applied.LeftOut!.Events, applied.RuledOut!.Events));
        Assert.Equal(Events - 16, (await bench.HeldAsync()).Count);
        var loss = Assert.Single((await AccountAsync(bench.History, BlockFiles.Stream)).Losses);
        Assert.Equal((LossReason.Refused, 2L, 16UL), (loss.Reason, loss.Records, loss.Events));
        Assert.Equal(2, bench.Quarantine.List(null, 10).Value.Count);
    }

    /// <summary>Nothing goes to the quarantine where a rule keeps everything out whatever the row is, nor where it has no room: the import waits.</summary>
    [RequiresTheory(PostgresServer.Programs)]
    [InlineData("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'maintenance'; END $$; CREATE TRIGGER no BEFORE INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION no()", false, "maintenance")]
    [InlineData("DROP VIEW history; ALTER TABLE event ALTER COLUMN quality TYPE smallint", false, "does not have the tables that it should")]
    [InlineData("ALTER TABLE event ADD CONSTRAINT low CHECK (number IS NULL OR number < 20)", true, "The quarantine has no room for them")]
    [InlineData("ALTER TABLE applied ADD CONSTRAINT none CHECK (events < 0)", false, "none")]
    public async Task Where_no_row_is_the_reason_or_there_is_no_room_the_import_waits(string rule, bool isFull, string reason)
    {
        await using var place = new PostgresPlace(cluster.Server);
        await place.OpenAsync();
        await place.QueryAsync(rule);
        await using var bench = new Bench(await place.OpenAsync(), _folder, digests: null);
        if (isFull)
        {
            await using var huge = new FileStream(Path.Combine(bench.Quarantine.Folder, "huge"), FileMode.CreateNew);
            huge.SetLength(Quarantine.MaxKeptBytes);
        }

        var waits = Assert.IsType<ImportOutcome.TryLater>(await bench.ImportAsync(BlockFiles.Simple(frames: Events / 10).Seal().WriteTo(_folder["block"])));
        Assert.Contains(reason, waits.Reason, StringComparison.Ordinal);
        Assert.True(waits.NeedsOperator);
        Assert.Equal(isFull ? 1 : 0, bench.Quarantine.List(null, 10).Value.Count);
        Assert.Empty(await bench.HeldAsync());
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task A_folder_of_blocks_is_imported_and_its_report_says_what_a_rule_keeps_out()
    {
        await using var place = new PostgresPlace(cluster.Server);
        await place.OpenAsync();
        await place.QueryAsync("ALTER TABLE event ADD CONSTRAINT low CHECK (number IS NULL OR number < 20)");
        await using var bench = new Bench(await place.OpenAsync(), _folder, digests: null);
        Directory.CreateDirectory(_folder["stick"]);
        BlockFiles.Simple(frames: Events / 10).Seal().WriteTo(_folder["stick", "mbb_1700000000"]);
        var report = await new FolderImport(DiskStorage.Instance, bench.Importer, bench.Quarantine).RunAsync(
            new FolderImportRequest(_folder["stick"], FolderImportRequest.AnyNode, Delete: true), progress: null, CancellationToken.None);
        Assert.Contains("are refused by a rule of the database and in the quarantine", Assert.Single(report.Value.Files).Detail, StringComparison.Ordinal);
        Assert.Equal(Events, (await bench.HeldAsync()).Count + (await RetryAsync(bench, refused: true)));
    }

    [RequiresFact(PostgresServer.Programs)]
    public async Task What_is_kept_out_is_found_in_rounds_where_it_is_much()
    {
        await using var place = new PostgresPlace(cluster.Server);
        await place.OpenAsync();
        await place.QueryAsync("ALTER TABLE event ADD CONSTRAINT odd CHECK (counter % 2 = 0)");
        await using var bench = new Bench(await place.OpenAsync(), _folder, digests: null);
        bench.History.MaxRuledOut = 20;
        var block = new BlockFiles().Events(100).Seal();
        var applied = Assert.IsType<ImportOutcome.Applied>(await bench.ImportAsync(block.WriteTo(_folder["block"])));
        Assert.Equal(50, applied.RuledOut!.Events);
        Assert.All(await bench.HeldAsync(), n => Assert.Equal(0UL, n % 2));
        await place.QueryAsync("ALTER TABLE event DROP CONSTRAINT odd");
        Assert.Equal(50, await RetryAsync(bench, refused: false));
        Assert.Equal(100, (await bench.HeldAsync()).Count);
    }

    private static List<ulong> All => [.. Enumerable.Range(1, Events).Select(n => (ulong)n)];

    private static bool IsRuledOut(ulong n, string rule) =>
        rule.Contains("oid", StringComparison.Ordinal) && rule.Contains("s3", StringComparison.Ordinal) ? n % 7 == 3 : n % 3 != 0 && n * 0.5 >= 20;

    /// <returns>How many events were let in, or were refused.</returns>
    private static async Task<long> RetryAsync(Bench bench, bool refused)
    {
        var sum = 0L;
        foreach (var entry in bench.Quarantine.List(null, 10).Value)
        {
            Assert.Equal(QuarantineKind.RefusedEvents, entry.Kind);
            var (done, trouble) = await bench.Importer.RetryRefusedAsync(entry.Path, CancellationToken.None);
            Assert.Null(trouble);
            Assert.Equal(0, refused ? done.Imported : done.Refused);
            sum += refused ? done.Refused : done.Imported;
        }

        return sum;
    }

    private static async Task<long> BookedAsync(ImportDigests digests)
    {
        var sum = 0L;
        foreach (var item in Ok(await digests.ItemsAsync([BlockFiles.Stream], int.MinValue, int.MaxValue, null, 100, CancellationToken.None)))
        {
            using var look = await digests.BeginAsync(CancellationToken.None);
            sum += Ok(look.Sum([BlockFiles.Stream], item, int.MinValue, int.MaxValue)).Values.Sum(s => s.Count);
        }

        return sum;
    }

    private sealed class Bench : IAsyncDisposable
    {
        private readonly JsonLinesSink _sink;

        public Bench(PostgresHistory history, TempFolder folder, ImportDigests? digests, int maxEvents = 65_536, IReadOnlyDictionary<string, SourceGuard>? guards = null)
        {
            History = history;
            _sink = JsonLinesSink.Open(DiskStorage.Instance, folder["events.jsonl"]).Value;
            Quarantine = Core.Import.Quarantine.Open(DiskStorage.Instance, folder["quarantine"], new ManualTime()).Value;
            Importer = new BlockImporter(
                DiskStorage.Instance,
                history,
                [_sink],
                new ManualTime(),
                new BlockImporterOptions
                {
                    Quarantine = Quarantine,
                    Digests = digests,
                    MaxEventsPerTransaction = maxEvents,
                    Guards = guards ?? new Dictionary<string, SourceGuard>(),
                });
        }

        public PostgresHistory History { get; }

        public Quarantine Quarantine { get; }

        public BlockImporter Importer { get; }

        public async Task<ImportOutcome> ImportAsync(string path) => await Importer.ImportAsync(path, BlockExpectation.Anything, CancellationToken.None);

        public async Task<List<ulong>> HeldAsync() => [.. (await ReadAllAsync(History)).Select(e => e.Ieid.Counter).Order()];

        public ValueTask DisposeAsync()
        {
            Importer.Dispose();
            _sink.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
