using System.Text.Json.Nodes;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Rpc;
using ZfRepl.Mqtt.Client;
using ZfRepl.Replicator.Bus;
using ZfRepl.Replicator.Fetch;
using ZfRepl.Replicator.Serve;
using ZfRepl.TestKit;

namespace ZfRepl.Replicator.Tests;

/// <summary>What becomes of blocks that an earlier process left in the inbox.</summary>
public sealed class InboxLeftoversTests : IAsyncLifetime, IAsyncDisposable
{
    private static readonly FetchOptions Fetch = new() { Source = TransferRig.Source, Target = TransferRig.Target };

    private readonly TempFolder _folder = new();
    private readonly TransferRig _transfer = new(new LoopbackBus());
    private readonly ListLogger _log = new();
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _running = [];
    private readonly StubbornSink _sink = new();
    private StubbornHistory _history = null!;
    private Inbox _inbox = null!;
    private BlockImporter _importer = null!;

    public async Task InitializeAsync()
    {
        _history = new StubbornHistory(_folder["history.db"]);
        await _history.OpenAsync();
        _inbox = Inbox.Open(DiskStorage.Instance, _folder["inbox"]).Value;
        _importer = new BlockImporter(DiskStorage.Instance, _history, [_sink], TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        foreach (var task in _running)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        }

        _importer.Dispose();
        await _history.DisposeAsync();
        await _transfer.DisposeAsync();
        _end.Dispose();
        _folder.Dispose();
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    [Fact]
    public async Task A_block_that_its_source_never_offers_again_is_imported_and_then_removed()
    {
        Put(_transfer.AddBlock(100));
        var leftovers = await RunAsync();
        Assert.Equal((true, 1L, 100L, null), (leftovers.State.IsDone, leftovers.State.Imported, leftovers.State.Events, leftovers.State.Trouble));
        Assert.Equal(100, await CountAsync());
        Assert.Empty(_inbox.List().Value);
    }

    [Fact]
    public async Task When_it_is_offered_again_all_the_same_it_is_confirmed_without_being_sent()
    {
        Put(_transfer.AddBlock(100));
        await RunAsync();
        await using var rig = await FetchRig.StartAsync(_transfer, _folder);
        await rig.DrainedAsync();
        Assert.Equal(0, _transfer.Server.Counters.Chunks);
        Assert.Equal(100, await rig.CountAsync());
    }

    [Fact]
    public async Task The_file_of_a_block_that_was_imported_and_confirmed_is_removed_and_so_is_a_part_of_it()
    {
        var block = _transfer.AddBlock(100);
        var path = Put(block);
        Assert.IsType<ImportOutcome.Applied>(await _importer.ImportAsync(path, BlockExpectation.Anything, CancellationToken.None));
        await File.WriteAllBytesAsync(Path.ChangeExtension(path, ".part"), new byte[10]);
        var leftovers = await RunAsync();
        Assert.Equal((0, 1), (leftovers.State.Imported, leftovers.State.Removed));
        Assert.Empty(Directory.GetFiles(_inbox.Folder));
    }

    [Fact]
    public async Task While_the_database_does_not_take_a_block_its_file_stays_and_fetching_is_not_kept_waiting()
    {
        var path = Put(_transfer.AddBlock(100));
        _history.IsDown = true;
        var leftovers = Start();
        await leftovers.FirstPass.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains("away for a test", leftovers.State.Trouble, StringComparison.Ordinal);
        Assert.True(File.Exists(path));
        _history.IsDown = false;
        await Eventually.TrueAsync(() => leftovers.State.IsDone, "it is tried again");
        Assert.Null(leftovers.State.Trouble);
        Assert.Equal(100, await CountAsync());
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task While_a_sink_lacks_a_block_its_file_stays()
    {
        var path = Put(_transfer.AddBlock(100));
        _sink.IsDown = true;
        var leftovers = Start();
        await leftovers.FirstPass.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(100, await CountAsync());
        Assert.True(File.Exists(path));
        Assert.Contains("the sink is away", leftovers.State.Trouble, StringComparison.Ordinal);
        _sink.IsDown = false;
        await Eventually.TrueAsync(() => leftovers.State.IsDone, "it is tried again");
        Assert.Equal(1, _sink.Completed);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task What_cannot_be_imported_stays_as_it_is_and_does_not_hold_up_the_others()
    {
        var foreign = Put(_transfer.AddBlock(10, node: "stranger"));
        var damagedBytes = await File.ReadAllBytesAsync(_transfer.AddBlock(20, 2).Path);
        damagedBytes[damagedBytes.Length / 2] ^= 1;
        var damaged = _inbox.Put(_transfer.Blocks.All[^1].Identity, damagedBytes).Value;
        var part = Path.ChangeExtension(Put(_transfer.AddBlock(20, 3)), ".part");
        File.Move(Path.ChangeExtension(part, ".block"), part);
        var note = Path.Combine(_inbox.Folder, "readme.txt");
        await File.WriteAllTextAsync(note, "not ours");
        Put(_transfer.AddBlock(20, 4));
        var before = new[] { foreign, damaged, part, note }.Select(File.ReadAllBytes).ToArray();
        var leftovers = await RunAsync();
        Assert.Equal((1L, 2L, 0L), (leftovers.State.Imported, leftovers.State.Kept, leftovers.State.Removed));
        Assert.Equal(before, new[] { foreign, damaged, part, note }.Select(File.ReadAllBytes));
        Assert.Equal(20, await CountAsync());
        Assert.Contains("nothing is fetched here from node 'stranger'", _log.ToString(), StringComparison.Ordinal);
        Assert.Contains("the block is not whole", _log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_block_whose_note_of_the_way_is_damaged_it_is_said_that_it_is()
    {
        var block = _transfer.AddBlock(10, node: "stranger");
        Assert.True(_inbox.Put(block.Identity, await File.ReadAllBytesAsync(block.Path), new InboxNote { Way = ["stranger", TransferRig.Source] }).IsOk);
        var note = Assert.Single(Directory.GetFiles(_inbox.Folder, "*.way"));
        await File.WriteAllTextAsync(note, "{}\n00000000\n");
        var leftovers = await RunAsync();
        Assert.Equal((0L, 1L), (leftovers.State.Imported, leftovers.State.Kept));
        Assert.Contains("the note of its way is damaged (its checksum does not match), and nothing is fetched here from node 'stranger'", _log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_what_stays_out_it_is_said_how_much_and_why()
    {
        _importer.Dispose();
        _importer = new BlockImporter(
            DiskStorage.Instance,
            _history,
            [_sink],
            TimeProvider.System,
            new BlockImporterOptions
            {
                Quarantine = Quarantine.Open(DiskStorage.Instance, _folder["quarantine"], TimeProvider.System).Value,
                Guards = new Dictionary<string, SourceGuard> { [TransferRig.Source] = new("edge1-key", AccessRights.None) },
            });
        Put(_transfer.AddBlock(100));
        Assert.Equal(1L, (await RunAsync()).State.Imported);
        Assert.Equal(0, await CountAsync());
        Assert.Contains("100 events of block", _log.ToString(), StringComparison.Ordinal);
        Assert.Contains("its key may not write", _log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_arrives_after_the_start_is_left_to_its_session()
    {
        Put(_transfer.AddBlock(10));
        _history.IsDown = true;
        var leftovers = Start();
        await leftovers.FirstPass.WaitAsync(TimeSpan.FromSeconds(30));
        var arrived = Put(_transfer.AddBlock(20, 2));
        _history.IsDown = false;
        await Eventually.TrueAsync(() => leftovers.State.IsDone, "it is tried again");
        Assert.Equal(1, leftovers.State.Imported);
        Assert.True(File.Exists(arrived));
    }

    [Fact]
    public async Task A_session_that_finds_a_file_gone_because_it_was_imported_meanwhile_looks_again_and_refuses_nothing()
    {
        var block = _transfer.AddBlock(100);
        Put(block);
        var quarantine = Quarantine.Open(DiskStorage.Instance, _folder["quarantine"], TimeProvider.System).Value;
        var intake = new BlockIntake(_inbox, _importer, _history, quarantine, _log);
        var offer = new BlockOffer(block.Identity, block.Name, block.FirstSequence, block.NextSequence, block.EventCount, block.LengthBytes);
        var found = (await intake.FindAsync(offer, Fetch, CancellationToken.None)).Block!;
        Assert.NotNull(found.Path);
        await RunAsync();
        var taken = await intake.ImportAsync(found, Fetch, CancellationToken.None);
        Assert.False(taken.IsRefused);
        Assert.Contains("looked for again", taken.Trouble, StringComparison.Ordinal);
        var again = (await intake.FindAsync(offer, Fetch, CancellationToken.None)).Block!;
        Assert.Null(again.Path);
        Assert.Null((await intake.ImportAsync(again, Fetch, CancellationToken.None)).Trouble);
    }

    [Fact]
    public async Task The_service_starts_at_once_and_imports_what_lies_there_though_no_broker_answers()
    {
        Put(_transfer.AddBlock(100));
        var link = new SourceLinkOptions { Source = TransferRig.Source, Target = TransferRig.Target, Key = _transfer.Key };
        var options = new ReplicatorOptions
        {
            Id = "test.replicator",
            Node = TransferRig.Target,
            SocketFolder = _folder.Path,
            Bus = new MqttBusOptions { Hosts = [new MqttHost("127.0.0.1", FreePort.Next())] },
            Client = new ClientOptions
            {
                Mailboxes = [(new FetchOptions { Source = TransferRig.Source, Target = TransferRig.Target }, link)],
                InboxPath = _inbox.Folder,
                StatePath = _folder.Path,
                RepairPath = _folder["repair"],
                QuarantinePath = _folder["quarantine"],
                History = new SqliteHistoryOptions { Path = _folder["service.db"] },
            },
        };
        using var stop = new CancellationTokenSource();
        await using var output = new StringWriter();
        var host = new ServiceHost(new ServiceHostOptions { Output = TextWriter.Synchronized(output), HandleSignals = false, NotifySocket = null });
        var run = host.RunAsync([new HostedService(new ReplicatorService(options, DiskStorage.Instance), _folder.Path)], stop.Token);
        await Eventually.TrueAsync(() => output.ToString().StartsWith("ready ", StringComparison.Ordinal), "the service is ready");
        using var client = new RpcClient(_folder["test.replicator.sock"]);
        JsonNode? inbox = null;
        await Eventually.TrueAsync(
            async () =>
            {
                var reply = await client.CallAsync("status", null, TimeSpan.FromSeconds(10));
                inbox = reply is RpcReply.Value value ? JsonNode.Parse(value.Result.GetRawText())!["inbox_at_start"] : null;
                return (bool?)inbox?["done"] == true;
            },
            "the inbox is looked through");
        Assert.Equal((1, 100), ((int)inbox!["imported_blocks"]!, (int)inbox["imported_events"]!));
        Assert.Empty(_inbox.List().Value);
        await stop.CancelAsync();
        Assert.Equal(0, await run);
    }

    private string Put(SourceBlock block) => _inbox.Put(block.Identity, File.ReadAllBytes(block.Path)).Value;

    private InboxLeftovers Start()
    {
        var leftovers = new InboxLeftovers(
            _inbox,
            DiskStorage.Instance,
            _importer,
            _history,
            TransferRig.Target,
            new Dictionary<string, FetchOptions>(StringComparer.Ordinal) { [TransferRig.Source] = Fetch },
            () => null,
            TimeProvider.System,
            _log);
        _running.Add(leftovers.RunAsync(_end.Token));
        return leftovers;
    }

    private async Task<InboxLeftovers> RunAsync()
    {
        var leftovers = Start();
        await leftovers.FirstPass.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(leftovers.State.IsDone, leftovers.State.Trouble);
        return leftovers;
    }

    private async Task<long> CountAsync() => (await _history.CountByOidAsync(after: null, 1000, CancellationToken.None)).Value.Sum(c => c.Events);

    /// <summary>A sink that can be made to refuse.</summary>
    private sealed class StubbornSink : IEventSink
    {
        public bool IsDown { get; set; }

        public int Completed { get; private set; }

        public string Name => "stubborn";

        public ValueTask<SinkError?> DeliverAsync(SinkBatch batch, CancellationToken cancellation) =>
            ValueTask.FromResult(IsDown ? new SinkError("the sink is away", "wait") : null);

        public ValueTask<SinkError?> CompleteAsync(SinkBlock block, CancellationToken cancellation)
        {
            Completed++;
            return ValueTask.FromResult<SinkError?>(null);
        }
    }
}
