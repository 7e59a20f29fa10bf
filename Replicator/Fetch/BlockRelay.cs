using System.Text.Json.Nodes;
using ZfRepl.Core.Blocks;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Replicator.Fetch;

/// <summary>How handing a block on ended: done, in trouble for now, or refused for good.</summary>
internal readonly record struct HandedOn(string? Trouble, bool IsRefused = false);

/// <summary>Hands blocks on to mailboxes that other nodes fetch. Thread-safe.</summary>
internal interface IBlockRelay
{
    /// <summary>Hands a block on; only when the answer has no trouble, it is durable there.</summary>
    /// <param name="path">Its file, as it was sealed.</param>
    /// <param name="block">What names it.</param>
    /// <param name="way">The nodes that it has passed, the source last.</param>
    /// <param name="mailboxes">All of these take it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<HandedOn> HandOnAsync(string path, BlockKey block, BlockWay way, IReadOnlyList<string> mailboxes, CancellationToken cancellationToken);
}

/// <summary>Asks the collector next door, the only one who writes in mailboxes.</summary>
internal sealed class CollectorRelay(RpcClient collector, string serviceId) : IBlockRelay, IDisposable
{
    // Writing a large block to a slow disk takes its time.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(120);

    public async Task<HandedOn> HandOnAsync(
        string path, BlockKey block, BlockWay way, IReadOnlyList<string> mailboxes, CancellationToken cancellationToken)
    {
        foreach (var mailbox in mailboxes)
        {
            var parameters = new JsonObject
            {
                ["i"] = mailbox,
                ["path"] = Path.GetFullPath(path),
                ["stream"] = block.Stream.ToString(),
                ["index"] = block.Index,
                ["hash"] = block.Hash.ToString(),
                ["way"] = new JsonArray([.. way.Nodes.Select(n => (JsonNode?)JsonValue.Create(n))]),
            };
            var answer = await collector.CallAsync("mailbox.relay", parameters, Timeout, cancellationToken) switch
            {
                RpcReply.Value => default,
                // Of this one block, and for ever. What else may be wrong is wrong with the configuration or the disk, and can pass.
                RpcReply.RemoteError { Code: RpcErrorCode.InvalidData } error => new HandedOn(error.Message, IsRefused: true),
                RpcReply.RemoteError error => new HandedOn($"{serviceId} does not take it for mailbox {mailbox}: {error.Message} ({error.Code})"),
                RpcReply.Unreachable gone => new HandedOn($"{gone.Message} ({gone.Remedy})"),
                RpcReply.TimedOut late => new HandedOn($"{serviceId} did not answer within {late.After.TotalSeconds:0} s"),
                var other => throw new InvalidOperationException($"An answer that nobody knows: {other}."),
            };
            if (answer.Trouble is not null)
            {
                return answer;
            }
        }

        return default;
    }

    public void Dispose() => collector.Dispose();
}
