using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Tests.History;
using ZfRepl.TestKit;

namespace ZfRepl.Core.Tests.Import;

/// <summary>A folder with a real history, an importer and optionally a file of JSON lines, and what they are held against.</summary>
internal sealed class ImportBench : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly bool _hasSink;
    private JsonLinesSink? _sink;
    private SqliteHistory? _history;
    private BlockImporter? _importer;

    private ImportBench(bool hasSink) => _hasSink = hasSink;

    public string this[params string[] parts] => _folder[parts];

    public IStorage Storage { get; set; } = DiskStorage.Instance;

    public BlockImporterOptions Options { get; set; } = new();

    public SqliteHistory History => _history!;

    public BlockImporter Importer => _importer!;

    public string LinesPath => _folder["events.jsonl"];

    public static async Task<ImportBench> StartAsync(bool hasSink = false, BlockImporterOptions? options = null)
    {
        var bench = new ImportBench(hasSink) { Options = options ?? new BlockImporterOptions() };
        await bench.RestartAsync();
        return bench;
    }

    /// <summary>Ends everything without ceremony and starts anew from what is on disk.</summary>
    public async Task RestartAsync(Func<IHistoryDatabase, IHistoryDatabase>? wrap = null, Action<ImportStep>? probe = null, Action<SqliteHistoryStep>? inside = null)
    {
        await StopAsync();
        _history = HistoryVerbs.Ok(await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = _folder["h.db"], BusyTimeoutMs = 50 }));
        _history.Probe = inside;
        _sink = _hasSink ? JsonLinesSink.Open(Storage, LinesPath).Value : null;
        _importer = new BlockImporter(
            Storage, wrap is null ? _history : wrap(_history), _sink is null ? [] : [_sink], new ManualTime(), Options)
        { Probe = probe };
    }

    public async Task<ImportOutcome> ImportAsync(string path, BlockExpectation? expected = null) =>
        await Importer.ImportAsync(path, expected ?? BlockExpectation.Anything, CancellationToken.None);

    public async Task<ImportOutcome> ImportAsync(BlockFiles block, BlockExpectation? expected = null) =>
        await ImportAsync(block.WriteTo(_folder[Guid.NewGuid().ToString("N")]), expected);

    public async Task<T> ImportAsync<T>(BlockFiles block, BlockExpectation? expected = null)
        where T : ImportOutcome => Assert.IsType<T>(await ImportAsync(block, expected));

    public Task<StreamAccount> AccountAsync() => HistoryVerbs.AccountAsync(History, BlockFiles.Stream);

    /// <summary>The database holds exactly the events of some sequence numbers.</summary>
    public async Task HoldsExactlyAsync(params SequenceRange[] ranges)
    {
        var expected = ranges.SelectMany(Numbers).Select(BlockFiles.EventAt);
        Assert.Equal(Sorted(expected), Sorted(await HistoryVerbs.ReadAllAsync(History)));
    }

    /// <summary>The lines hold the events of some sequence numbers, each once.</summary>
    public void LinesHoldExactly(params SequenceRange[] ranges) => Assert.Equal(
        ranges.SelectMany(Numbers).Select(n => n.ToString()).Order(StringComparer.Ordinal),
        File.ReadAllLines(LinesPath).Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("ieid")[1].ToString()).Order(StringComparer.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
    }

    private async Task StopAsync()
    {
        _importer?.Dispose();
        _sink?.Dispose();
        if (_history is not null)
        {
            await _history.DisposeAsync();
        }
    }

    private static IEnumerable<ulong> Numbers(SequenceRange range) => Enumerable.Range(0, (int)range.Count).Select(i => range.First + (ulong)i);

    private static IEnumerable<TelemetryEvent> Sorted(IEnumerable<TelemetryEvent> events) => events.OrderBy(e => e.Oid).ThenBy(e => e.TimeNs);
}
