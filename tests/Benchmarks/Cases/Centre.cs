using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using ZfRepl.Core.History;
using ZfRepl.Core.History.Sqlite;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Logging;
using ZfRepl.Replicator.Fetch;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>The fetching node as the product builds it: link, inbox, import, SQLite or another history database.</summary>
internal sealed class Centre : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly CancellationTokenSource _end = new();
    private readonly IHistoryDatabase _history;
    private readonly BlockImporter _importer;
    private readonly FetchClient _client;
    private readonly SourceLink _link;
    private readonly IDisposable _subscription;
    private Task _running = Task.CompletedTask;

    private Centre(IMessageBus bus, ApiKey key, IHistoryDatabase history, string folder)
    {
        _history = history;
        _importer = new BlockImporter(DiskStorage.Instance, history, [], TimeProvider.System);
        var intake = new BlockIntake(
            Inbox.Open(DiskStorage.Instance, Path.Combine(folder, "inbox")).Value,
            _importer,
            history,
            Quarantine.Open(DiskStorage.Instance, Path.Combine(folder, "quarantine"), TimeProvider.System).Value,
            NullLogger.Instance);
        var options = new SourceLinkOptions { Source = Spool.Node, Target = Spool.Target, Key = key };
        var link = _link = new SourceLink(bus, TimeProvider.System, options, new CauseLog(NullLogger.Instance, TimeProvider.System));
        _client = new FetchClient(
            link, intake, new FetchMemory(), bus, TimeProvider.System,
            new FetchOptions { Source = Spool.Node, Target = Spool.Target, Interval = TimeSpan.FromSeconds(1) }, NullLogger.Instance);
        _subscription = bus.Subscribe(options.Topics.RepliesTo(Spool.Target), (_, message) =>
        {
            if (MessageHeader.TryRead(message.Span, out var header))
            {
                link.Receive(header, message);
            }

            return ValueTask.CompletedTask;
        });
    }

    public FetchState State => _client.State;

    /// <summary>Requests that were sent again because no answer came.</summary>
    public long Repeats => _link.Repeats;

    /// <summary>A centre that only counts.</summary>
    public static Centre OpenCounting(IMessageBus bus, ApiKey key, string folder) => new(bus, key, new CountingHistory(), folder);

    public static async Task<Centre> OpenAsync(IMessageBus bus, ApiKey key, string folder)
    {
        var history = await SqliteHistory.OpenAsync(new SqliteHistoryOptions { Path = Path.Combine(folder, "history.db") });
        return new Centre(bus, key, history.Value, folder);
    }

    /// <summary>As above, with a history of the caller's, which is disposed with the node.</summary>
    public static Centre Open(IMessageBus bus, ApiKey key, string folder, IHistoryDatabase history) => new(bus, key, history, folder);

    /// <summary>Starts fetching.</summary>
    public void Start()
    {
        _running = _client.RunAsync(_end.Token);
        _client.Start();
    }

    /// <summary>Ends when so many events are imported and confirmed.</summary>
    public async Task FetchedAsync(long events)
    {
        var begun = Stopwatch.GetTimestamp();
        while (State.Events < events)
        {
            if (_running.IsCompleted || Stopwatch.GetElapsedTime(begun) > Patience)
            {
                throw new InvalidOperationException($"Only {State.Events} of {events} events arrived: {State.Trouble}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
    }

    /// <summary>Throws unless the database holds exactly so many events.</summary>
    public async Task ExpectAsync(long events)
    {
        var counts = await _history.CountByOidAsync(after: null, 100_000, CancellationToken.None);
        var stored = counts.Value.Sum(c => c.Events);
        if (stored != events)
        {
            throw new InvalidOperationException($"The database holds {stored} events instead of {events}.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            await _running;
        }
        catch (OperationCanceledException)
        {
            // The orderly end.
        }

        _subscription.Dispose();
        _importer.Dispose();
        await _history.DisposeAsync();
        _end.Dispose();
    }
}
