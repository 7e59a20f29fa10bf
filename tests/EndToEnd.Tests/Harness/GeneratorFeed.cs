using ZfRepl.Core.Telemetry;
using ZfRepl.EndToEnd.Tests.Proof;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>Something that produces events at the edge, and knows afterwards which of them have to be at the centre.</summary>
internal interface IFeed : IAsyncDisposable
{
    /// <summary>The lines of the collector's <c>sources</c>.</summary>
    IReadOnlyList<string> Sources { get; }

    /// <summary>Begins to produce, once the site runs.</summary>
    Task StartAsync(Site site);

    /// <summary>The collector was killed and does not run.</summary>
    void CollectorKilled(Site site);

    /// <summary>Stops producing, waits until everything is delivered, and judges.</summary>
    Task<ProofResult> ProveAsync(Site site);
}

/// <summary>Generators of the collector itself: they count, and go on only when the last value is durable.</summary>
internal sealed class GeneratorFeed(int count, string interval = "10ms") : IFeed
{
    private readonly List<TelemetryEvent> _seenOnDisk = [];

    public IReadOnlyList<string> Sources { get; } =
        [.. Enumerable.Range(1, count).Select(i => $"beat{i}: {{ kind: generator, oid: \"sensor:edge1/beat{i}\", interval: {interval}, value: counter }}")];

    public Task StartAsync(Site site) => Task.CompletedTask;

    public void CollectorKilled(Site site) => _seenOnDisk.AddRange(SpoolReader.Read(site.MailboxPath));

    public async Task<ProofResult> ProveAsync(Site site)
    {
        var books = await site.DrainAsync();
        Assert.True(books.Balance, books.ToString());
        return CounterProof.Check(await site.ReadHistoryAsync(), _seenOnDisk, books.Accepted);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
