using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Replicator.Fetch;

/// <summary>A service that has to run while anything is fetched.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Socket">Its socket.</param>
public sealed record WatchedService(string Id, string Socket);

/// <summary>
/// Asks the watched services again and again whether they are there. While one is not, clients neither fetch nor import; what waits, waits at
/// its source. Trouble: thread-safe.
/// </summary>
internal sealed partial class ServiceWatch(IReadOnlyList<WatchedService> services, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private volatile string? _trouble = services.Count == 0 ? null : "the watched services have not been asked yet";

    /// <summary>Why nothing is fetched, or null.</summary>
    public string? Trouble => _trouble;

    /// <summary>Asks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var clients = services.Select(s => (s.Id, Client: new RpcClient(s.Socket, time))).ToList();
        try
        {
            while (services.Count > 0)
            {
                string? trouble = null;
                foreach (var (id, client) in clients)
                {
                    trouble ??= Explain(id, await client.CallAsync("test", null, AnswerLimit, cancellationToken));
                }

                Note(trouble);
                await Task.Delay(Interval, time, cancellationToken);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }
        finally
        {
            clients.ForEach(c => c.Client.Dispose());
        }
    }

    private static string? Explain(string id, RpcReply reply) => reply switch
    {
        RpcReply.Value => null,
        RpcReply.RemoteError error => $"the watched service {id} answers with an error: {error.Message}",
        RpcReply.Unreachable gone => $"the watched service {id} is down: {gone.Message} ({gone.Remedy}; or take it out of watch_svcs)",
        _ => $"the watched service {id} does not answer within {AnswerLimit.TotalSeconds:0} s",
    };

    private void Note(string? trouble)
    {
        var before = _trouble;
        _trouble = trouble;
        if (trouble is not null && trouble != before)
        {
            Down(logger, trouble);
        }
        else if (trouble is null && before is not null)
        {
            Up(logger);
        }
    }

    [LoggerMessage(1237, LogLevel.Warning, "{Trouble}; data: it stays at the sources; next: fetching goes on by itself when the service answers")]
    private static partial void Down(ILogger logger, string trouble);

    [LoggerMessage(1238, LogLevel.Information, "all watched services answer; fetching goes on")]
    private static partial void Up(ILogger logger);
}
