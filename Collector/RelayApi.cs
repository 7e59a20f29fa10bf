using System.Text.Json;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Collector;

/// <summary>The method by which the replicator next door hands over a block that another node collected.</summary>
internal sealed class RelayApi(IReadOnlyList<Mailbox> mailboxes)
{
    /// <summary>Adds the method.</summary>
    public void Register(RpcMethods methods) => methods.Add(
        "mailbox.relay",
        "takes a block that another node collected, to be passed on as it is; answers when it is durable, the same block twice does no harm",
        [
            new RpcParameter("i", RpcType.String, "mailbox name", IsRequired: true),
            new RpcParameter("path", RpcType.String, "the block's file, an absolute path; it is read, and stays", IsRequired: true),
            new RpcParameter("stream", RpcType.String, "the block's stream, 32 hexadecimal digits", IsRequired: true),
            new RpcParameter("index", RpcType.Integer, "the block's number in the stream", IsRequired: true) { Minimum = 0 },
            new RpcParameter("hash", RpcType.String, "SHA-256 of the content", IsRequired: true),
            new RpcParameter("way", RpcType.Strings, "the nodes that it has passed, the one that collected first, the one it was fetched from last", IsRequired: true),
        ],
        RelayAsync);

    /// <summary>Writes the way of a block.</summary>
    public static void WriteWay(Utf8JsonWriter json, BlockWay way)
    {
        json.WriteStartArray("way");
        foreach (var node in way.Nodes)
        {
            json.WriteStringValue(node);
        }

        json.WriteEndArray();
    }

    /// <summary>Writes the accounts of blocks of other nodes.</summary>
    public static void WriteStatus(Utf8JsonWriter json, RelayStatus status)
    {
        json.WriteStartObject("relay");
        json.WriteBoolean("enabled", status.Enabled);
        json.WriteNumber("accepted_events", status.AcceptedEvents);
        json.WriteNumber("delivered_events", status.DeliveredEvents);
        json.WriteNumber("backlog_events", status.BacklogEvents);
        json.WriteNumber("lost_events", status.LostEvents);
        json.WriteNumber("quarantined_events", status.QuarantinedEvents);
        json.WriteNumber("accepted_blocks", status.AcceptedBlocks);
        json.WriteNumber("delivered_blocks", status.DeliveredBlocks);
        json.WriteNumber("backlog_blocks", status.BacklogBlocks);
        json.WriteNumber("backlog_bytes", status.BacklogBytes);
        json.WriteNumber("refused_loops", status.RefusedLoops);
        json.WriteNumber("refused_invalid", status.RefusedInvalid);
        json.WriteEndObject();
    }

    private async Task<RpcResult> RelayAsync(RpcCall call, CancellationToken cancellationToken)
    {
        var name = call.String("i");
        if (mailboxes.FirstOrDefault(m => m.Name == name) is not { } mailbox)
        {
            return RpcResult.Error(RpcErrorCode.NotFound, $"there is no mailbox {name}; mailbox.list names them");
        }

        var path = call.String("path");
        if (!StreamId.TryParse(call.String("stream"), out var stream) || !BlockHash.TryParse(call.String("hash"), out var hash))
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, "stream has 32 hexadecimal digits, and hash 64");
        }

        if (!BlockWay.TryCreate(call.Strings("way"), out var way, out var badWay))
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, badWay);
        }

        if (!Path.IsPathFullyQualified(path))
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, "path is the absolute path of a block's file");
        }

        var key = new BlockKey(stream, (ulong)call.Int64("index"), hash!);
        var answer = await mailbox.RelayAsync(path, key, way, mailboxes.Select(m => m.Stream).ToHashSet(), cancellationToken);
        return answer.Outcome switch
        {
            RelayOutcome.Durable or RelayOutcome.Known => RpcResult.Write(json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("known", answer.Outcome == RelayOutcome.Known);
                json.WriteEndObject();
            }),
            RelayOutcome.NotAllowed => RpcResult.Error(RpcErrorCode.AccessDenied, answer.Reason),
            RelayOutcome.Failed => RpcResult.Error(RpcErrorCode.Io, answer.Reason),
            _ => RpcResult.Error(RpcErrorCode.InvalidData, answer.Reason),
        };
    }
}
