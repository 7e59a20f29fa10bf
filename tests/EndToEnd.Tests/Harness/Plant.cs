using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Proof;
using ZfRepl.TestKit;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>A real OPC UA server of somebody else for sites of ready configurations; its own log is what they are judged by.</summary>
internal sealed class Plant : IAsyncDisposable
{
    /// <summary>How many variables change, each in its turn.</summary>
    public const int Variables = 100;

    private const string Prefix = "sensor:plant/";
    private readonly NodeOpcUaServer _server = new();

    /// <summary>What a ready configuration has to be changed by.</summary>
    public (string Old, string New) Address => ("opc.tcp://localhost:4840/plant", _server.EndpointUrl);

    public static async Task<Plant> StartAsync()
    {
        var plant = new Plant();
        await plant._server.StartAsync("--log-start", "true");
        return plant;
    }

    /// <summary>Makes so many changes, and returns when they are made: slowly enough that each is seen by itself.</summary>
    public Task ChangeAsync(int count) => _server.ChangeAsync(ratePerSecond: 200, count);

    /// <summary>Begins to change until <see cref="StopAsync"/>.</summary>
    public Task StartChangesAsync() => _server.StartChangesAsync(ratePerSecond: 200, count: 0);

    public Task StopAsync() => _server.StopChangesAsync();

    public async Task<IReadOnlyList<Change>> LogAsync() => await ChangeLog.ReadAsync(_server.LogFile, NodeOpcUaFeed.OidOf);

    /// <summary>Holds the log against a history; items that are none of the plant are left out.</summary>
    public async Task<ProofResult> ProveAsync(string historyPath) => await ProveAsync(historyPath, await LogAsync());

    /// <summary>Holds a part of the log against a history.</summary>
    public static async Task<ProofResult> ProveAsync(string historyPath, IReadOnlyCollection<Change> log) => Prove(await CentreDatabase.ReadAsync(historyPath), log);

    /// <summary>Holds the log, or a part of it, against events.</summary>
    public static ProofResult Prove(IEnumerable<TelemetryEvent> events, IReadOnlyCollection<Change> log) =>
        ChangeProof.Check(log, events.Where(e => e.Oid.Text.StartsWith(Prefix, StringComparison.Ordinal)));

    /// <summary>Waits until a history has what is in the log, and judges.</summary>
    public async Task<ProofResult> WaitForAllAsync(string historyPath)
    {
        var log = await LogAsync();
        ProofResult? proof = null;
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    if (await CentreDatabase.CountAsync(historyPath) < log.Count(c => c.Number > 0))
                    {
                        return false;
                    }

                    proof = await ProveAsync(historyPath, log);
                    return proof.Missing == 0;
                },
                "everything that changed is in the history",
                TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException)
        {
            // The proof says what is missing.
        }

        return proof ?? await ProveAsync(historyPath, log);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
