using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Replicator.Serve;

/// <summary>Counts what the serving side does and refuses; a refusal is logged once for each cause, with what to do. Thread-safe.</summary>
internal sealed partial class ServerAudit(CauseLog causes)
{
    private readonly ConcurrentDictionary<string, long> _refused = new(StringComparer.Ordinal);
    private long _sentBytes;
    private long _receivedBytes;
    private long _chunks;
    private long _confirmed;

    public void Sent(int bytes) => Interlocked.Add(ref _sentBytes, bytes);

    public void Received(int bytes) => Interlocked.Add(ref _receivedBytes, bytes);

    public void ChunkSent() => Interlocked.Increment(ref _chunks);

    public void Confirmed() => Interlocked.Increment(ref _confirmed);

    public void Refuse(string reason, string cause, string remedy)
    {
        _refused.AddOrUpdate(reason, 1, (_, count) => count + 1);
        causes.Report($"{reason}: {cause}", logger => Refused(logger, cause, remedy));
    }

    public ServerCounters Snapshot(int sessions) => new()
    {
        SentBytes = Interlocked.Read(ref _sentBytes),
        ReceivedBytes = Interlocked.Read(ref _receivedBytes),
        Chunks = Interlocked.Read(ref _chunks),
        ConfirmedBlocks = Interlocked.Read(ref _confirmed),
        Refused = new Dictionary<string, long>(_refused, StringComparer.Ordinal),
        Sessions = sessions,
    };

    [LoggerMessage(1200, LogLevel.Warning, "refused: {Cause}; data: nothing is lost, blocks stay; next: {Remedy}")]
    private static partial void Refused(ILogger logger, string cause, string remedy);
}
