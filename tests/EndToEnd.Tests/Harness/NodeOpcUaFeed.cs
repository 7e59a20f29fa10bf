using System.Globalization;
using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Proof;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>
/// A real OPC UA server of somebody else, whose variables change; its own log is what has to be at the centre, whatever the collector
/// accepted: also what changed while no collector was there.
/// </summary>
internal sealed class NodeOpcUaFeed : IFeed
{
    private readonly NodeOpcUaServer _server = new();
    private readonly int _ratePerSecond;
    private readonly int _changes;
    private readonly int _variables;

    /// <summary>A server that <see cref="OpenAsync"/> starts.</summary>
    /// <param name="ratePerSecond">Changes per second over all variables.</param>
    /// <param name="changes">How many; 0 for as long as the test runs.</param>
    /// <param name="variables">How many variables.</param>
    /// <param name="settings">More lines of the source's settings.</param>
    public NodeOpcUaFeed(int ratePerSecond, int changes, int variables, params string[] settings)
    {
        (_ratePerSecond, _changes, _variables) = (ratePerSecond, changes, variables);
        string[] source =
        [
            "plant:",
            "  kind: opcua",
            $"  endpoint: {_server.EndpointUrl}",
            "  publishing_interval: 100ms",
            // Every single change, and room for those that happen while nobody asks.
            "  sampling_interval: 0",
            "  queue_size: 10000",
            .. settings.Select(s => $"  {s}"),
            "  browse:",
            "    - { root: \"ns=1;s=Plant\", oid: \"sensor:plant/{path}\" }",
        ];
        Sources = source;
    }

    public IReadOnlyList<string> Sources { get; }

    public Task OpenAsync() => _server.StartAsync(
        "--variables",
        _variables.ToString(CultureInfo.InvariantCulture),
        "--log-start",
        "true",
        // So that status codes are compared too.
        "--uncertain-every",
        "13",
        "--bad-every",
        "17");

    public async Task StartAsync(Site site)
    {
        // The first values say that the subscription stands; what changed before it was nobody's to see.
        await Eventually.TrueAsync(async () => (await site.BooksAsync()).Accepted >= _variables, "the subscription stands", TimeSpan.FromSeconds(60));
        await _server.StartChangesAsync(_ratePerSecond, _changes);
    }

    public void CollectorKilled(Site site)
    {
    }

    public async Task<ProofResult> ProveAsync(Site site)
    {
        await (_changes > 0 ? _server.WaitForChangesAsync() : _server.StopChangesAsync());
        var log = await ChangeLog.ReadAsync(_server.LogFile, OidOf);
        var expected = log.Count(c => c.Number > 0);
        ProofResult? proof = null;
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    if (await CentreDatabase.CountAsync(site.DatabasePath) < expected)
                    {
                        return false;
                    }

                    proof = ChangeProof.Check(log, await CentreDatabase.ReadAsync(site.DatabasePath));
                    return proof.Missing == 0 && (await site.BooksAsync()).Backlog == 0;
                },
                "everything that changed is at the centre",
                TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException)
        {
            // The proof says what is missing.
        }

        proof = ChangeProof.Check(log, await CentreDatabase.ReadAsync(site.DatabasePath));
        var books = await site.BooksAsync();
        Assert.True(books.Balance, books.ToString());
        return proof;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    internal static Oid OidOf(string node) => Oid.Parse($"sensor:plant/{node[(node.IndexOf('=', node.IndexOf(';', StringComparison.Ordinal)) + 1)..]}");
}
