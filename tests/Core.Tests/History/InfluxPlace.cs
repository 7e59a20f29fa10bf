using System.Globalization;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Influx;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>One real InfluxDB for all test classes that do no harm to it.</summary>
public sealed class InfluxFixture : IAsyncLifetime
{
    public const string Name = "influxdb";

    private InfluxServer? _server;

    public InfluxServer Server => _server ?? throw new InvalidOperationException("There is no InfluxDB on this machine.");

    public async Task InitializeAsync() =>
        _server = ProgramLookup.WhyMissing(InfluxServer.Program) is null ? await InfluxServer.StartAsync() : null;

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

/// <summary>The test classes that share it.</summary>
[CollectionDefinition(InfluxFixture.Name)]
public sealed class InfluxCollection : ICollectionFixture<InfluxFixture>;

/// <summary>A database of a test's own on a real server, with a ledger in a folder of its own.</summary>
internal sealed class InfluxPlace(InfluxServer server) : IHistoryPlace
{
    private static int _count;

    private readonly TempFolder _folder = new();
    private readonly List<InfluxHistory> _opened = [];

    public InfluxServer Server => server;

    public string Folder => _folder.Path;

    public string Database { get; } = string.Create(CultureInfo.InvariantCulture, $"history {Interlocked.Increment(ref _count)}");

    public InfluxHistoryOptions Options => new() { Url = server.Url, Database = Database, LedgerPath = _folder["ledger.db"] };

    async Task<IHistoryDatabase> IHistoryPlace.OpenAsync() => await OpenAsync();

    public async Task<InfluxHistory> OpenAsync(InfluxHistoryOptions? options = null)
    {
        var history = Ok(await InfluxHistory.OpenAsync(options ?? Options, TimeProvider.System));
        lock (_opened)
        {
            _opened.Add(history);
        }

        return history;
    }

    /// <summary>Asks the server, past the product.</summary>
    public Task<string> QueryAsync(string statement) => server.QueryAsync(statement, Database);

    public async ValueTask DisposeAsync()
    {
        foreach (var history in _opened)
        {
            await history.DisposeAsync();
        }

        _folder.Dispose();
    }
}
