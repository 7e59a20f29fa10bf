using System.Globalization;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Postgres;
using ZfRepl.TestKit;
using static ZfRepl.Core.Tests.History.HistoryVerbs;

namespace ZfRepl.Core.Tests.History;

/// <summary>One PostgreSQL cluster for the tests that do it no harm.</summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private PostgresServer? _server;

    public PostgresServer Server => _server ?? throw new InvalidOperationException("Tests that need it are skipped where it is missing.");

    public async Task InitializeAsync() =>
        _server = ProgramLookup.WhyMissing(PostgresServer.Programs) is null ? await PostgresServer.StartAsync() : null;

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class PostgresTests : ICollectionFixture<PostgresCluster>
{
    public const string Name = "PostgreSQL";
}

/// <summary>A schema of one test's own.</summary>
internal sealed class PostgresPlace(PostgresServer server) : IHistoryPlace
{
    private static int _last;

    private readonly List<PostgresHistory> _opened = [];

    public PostgresHistoryOptions Options { get; init; } = server.Options with
    {
        Schema = string.Create(CultureInfo.InvariantCulture, $"test {Interlocked.Increment(ref _last)}"),
    };

    public string Schema => $"\"{Options.Schema}\"";

    public async Task<PostgresHistory> OpenAsync()
    {
        var history = Ok(await PostgresHistory.OpenAsync(Options));
        lock (_opened)
        {
            _opened.Add(history);
        }

        return history;
    }

    public Task<List<string>> QueryAsync(string sql) => server.QueryAsync($"SET search_path = {Schema}; {sql}");

    async Task<IHistoryDatabase> IHistoryPlace.OpenAsync() => await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var history in _opened)
        {
            await history.DisposeAsync();
        }
    }
}
