using ZfRepl.Core.Schedule;

namespace ZfRepl.Replicator.Serve;

/// <summary>Is told by the collector when a block has become ready, and says so to targets that are in a session. One use.</summary>
internal sealed class ReadyNews(CollectorBlocks collector, BlockServer server, IReadOnlyList<string> mailboxes, TimeProvider time)
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(5);

    private readonly RetryDelay _retry = new(FirstRetry, LastRetry, seed: 1);

    /// <summary>Works until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        long? seen = null;
        while (true)
        {
            var news = await collector.WaitAsync(seen, cancellationToken);
            if (news.Status != SourceStatus.Ok)
            {
                // Without its collector nothing becomes ready; whoever asks is told what is wrong.
                await Task.Delay(_retry.Next(), time, cancellationToken);
                continue;
            }

            _retry.Reset();

            // What became ready before the first answer of this collector's process, nobody was told of: a target that had asked by then, and got
            // nothing, would wait for its whole interval. A process that is new may have a lower number where the clock was set back.
            var before = seen is { } last && news.Value.Version >= last ? last : long.MinValue;
            foreach (var mailbox in mailboxes.Where(m => news.Value.Mailboxes.GetValueOrDefault(m, long.MinValue) > before))
            {
                server.Announce(mailbox);
            }

            seen = news.Value.Version;
        }
    }
}
