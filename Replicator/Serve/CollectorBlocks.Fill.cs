using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Replicator.Serve;

/// <summary>Has mailboxes filled by the collector next door.</summary>
internal sealed partial class CollectorBlocks
{
    private const long NsPerSecond = UnixTime.NsPerSecond;

    public async Task<SourceAnswer<FillReply>> FillAsync(string mailbox, FillWish wish, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject
        {
            ["i"] = mailbox,
            ["t_start"] = Pair(wish.Range.FromNs),
            // The call's times are cut to 100 ns: the end must not be cut off.
            ["t_end"] = Pair(wish.Range.ToNs > long.MaxValue - 100 ? wish.Range.ToNs : wish.Range.ToNs + 99),
            ["id"] = wish.Id,
            ["origin"] = mailbox,
        };
        if (wish.Items.Count > 0)
        {
            parameters["oid"] = new JsonArray([.. wish.Items.Select(i => (JsonNode)i.Text)]);
        }

        var answer = await CallAsync("mailbox.fill", parameters, cancellationToken);
        if (answer.Status != SourceStatus.Ok)
        {
            // It is about the request, not about a block's content.
            return new SourceAnswer<FillReply>(
                answer.Status == SourceStatus.WrongHash ? SourceStatus.Unavailable : answer.Status, null, answer.Detail);
        }

        return ReadTask(answer.Value) is { } reply
            ? new SourceAnswer<FillReply>(SourceStatus.Ok, reply, null)
            : new SourceAnswer<FillReply>(
                SourceStatus.Unavailable, null, $"{serviceId} describes a fill task in a way that this version does not understand");
    }

    public async Task<SourceAnswer<BeginReply>> BeginAsync(string mailbox, IReadOnlyList<Oid> items, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject { ["i"] = mailbox, ["oid"] = new JsonArray([.. items.Select(i => (JsonNode)i.Text)]) };
        var reply = await collector.CallAsync("history.begin", parameters, Timeout, cancellationToken);
        if (reply is RpcReply.RemoteError { Code: RpcErrorCode.MethodNotFound or RpcErrorCode.Unsupported or RpcErrorCode.InvalidData or RpcErrorCode.NotFound })
        {
            // An earlier version, no local history, or items that the mailbox does not take: there is nothing to be known, now or later.
            return new SourceAnswer<BeginReply>(SourceStatus.Ok, BeginReply.Unknown, null);
        }

        var answer = Read(reply, "history.begin");
        if (answer.Status != SourceStatus.Ok)
        {
            return new SourceAnswer<BeginReply>(answer.Status, null, answer.Detail);
        }

        return answer.Value.ValueKind != JsonValueKind.Object ? Odd<BeginReply>() : Text(answer.Value, "known") switch
        {
            "unknown" => new SourceAnswer<BeginReply>(SourceStatus.Ok, BeginReply.Unknown, null),
            "never" => new SourceAnswer<BeginReply>(SourceStatus.Ok, new BeginReply(BeginKnowledge.Never, 0), null),
            "since" when answer.Value.TryGetProperty("since_ns", out var since) && since.TryGetInt64(out var sinceNs) =>
                new SourceAnswer<BeginReply>(SourceStatus.Ok, new BeginReply(BeginKnowledge.Since, sinceNs), null),
            _ => Odd<BeginReply>(),
        };
    }

    private static FillReply? ReadTask(JsonElement task)
    {
        if (task.ValueKind != JsonValueKind.Object
            || !task.TryGetProperty("events", out var events) || !events.TryGetUInt64(out var eventCount)
            || !task.TryGetProperty("current_ns", out var current) || !current.TryGetInt64(out var currentNs))
        {
            return null;
        }

        var doing = Text(task, "doing");
        switch (Text(task, "state"))
        {
            case "open":
                return new FillReply(FillProgress.Open, eventCount, currentNs, null, 0, doing);
            case "cancelled":
                return new FillReply(FillProgress.Cancelled, eventCount, currentNs, null, 0, doing);
            case "done" when StreamId.TryParse(Text(task, "stream"), out var stream)
                && task.TryGetProperty("next_sequence", out var next) && next.TryGetUInt64(out var nextSequence):
                return new FillReply(FillProgress.Done, eventCount, currentNs, stream, nextSequence, doing);
            default:
                return null;
        }
    }

    private static JsonArray Pair(long timeNs) => [timeNs / NsPerSecond, timeNs % NsPerSecond];
}
