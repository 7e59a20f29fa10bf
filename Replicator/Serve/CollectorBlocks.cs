using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Replicator.Serve;

/// <summary>Asks the collector next door over its socket. Thread-safe.</summary>
internal sealed partial class CollectorBlocks(RpcClient collector, string serviceId) : IBlockSource, IFillSource, IProofSource
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongPoll = TimeSpan.FromSeconds(30);

    public async Task<SourceAnswer<ReadyBlocks>> ReadyAsync(string mailbox, ReadyQuery query, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject { ["i"] = mailbox, ["limit"] = query.Limit, ["rotate"] = query.Rotate };
        if (query.After is { } after)
        {
            parameters["stream"] = after.Stream.ToString();
            parameters["after"] = after.Index;
        }

        var listed = await CallAsync("mailbox.ready", parameters, Timeout, cancellationToken);
        if (listed.Status != SourceStatus.Ok)
        {
            return new SourceAnswer<ReadyBlocks>(listed.Status, null, listed.Detail);
        }

        if (listed.Value.ValueKind != JsonValueKind.Object
            || !listed.Value.TryGetProperty("blocks", out var elements) || elements.ValueKind != JsonValueKind.Array
            || !listed.Value.TryGetProperty("total_blocks", out var total) || !total.TryGetUInt64(out var totalBlocks)
            || !listed.Value.TryGetProperty("total_events", out var events) || !events.TryGetUInt64(out var totalEvents))
        {
            return Nonsense<ReadyBlocks>();
        }

        var blocks = new List<SourceBlock>();
        foreach (var element in elements.EnumerateArray())
        {
            if (Read(element) is not { } block)
            {
                return Nonsense<ReadyBlocks>();
            }

            blocks.Add(block);
        }

        return new SourceAnswer<ReadyBlocks>(SourceStatus.Ok, new ReadyBlocks(blocks, totalBlocks, totalEvents), null);
    }

    /// <summary>Waits until a block has become ready in any mailbox.</summary>
    /// <param name="seen">The version that the last answer gave, or null for the first time: then the answer comes at once.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The version now, and for each mailbox the one at which it had news last.</returns>
    public async Task<SourceAnswer<(long Version, IReadOnlyDictionary<string, long> Mailboxes)>> WaitAsync(long? seen, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject { ["timeout"] = LongPoll.TotalSeconds };
        if (seen is not null)
        {
            parameters["after"] = seen;
        }

        var answer = await CallAsync("mailbox.wait", parameters, LongPoll + Timeout, cancellationToken);
        if (answer.Status != SourceStatus.Ok)
        {
            return new SourceAnswer<(long, IReadOnlyDictionary<string, long>)>(answer.Status, default, answer.Detail);
        }

        if (answer.Value.ValueKind != JsonValueKind.Object
            || !answer.Value.TryGetProperty("version", out var element) || !element.TryGetInt64(out var version)
            || !answer.Value.TryGetProperty("mailboxes", out var list) || list.ValueKind != JsonValueKind.Object)
        {
            return Nonsense<(long, IReadOnlyDictionary<string, long>)>();
        }

        var mailboxes = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var mailbox in list.EnumerateObject())
        {
            if (!mailbox.Value.TryGetInt64(out var at))
            {
                return Nonsense<(long, IReadOnlyDictionary<string, long>)>();
            }

            mailboxes[mailbox.Name] = at;
        }

        return new SourceAnswer<(long, IReadOnlyDictionary<string, long>)>(SourceStatus.Ok, (version, mailboxes), null);
    }

    public async Task<SourceAnswer<bool>> ConfirmAsync(string mailbox, string blockName, BlockHash hash, CancellationToken cancellationToken)
    {
        var answer = await CallAsync(
            "mailbox.delete_block", new JsonObject { ["i"] = mailbox, ["block_id"] = blockName, ["hash"] = hash.ToString() }, cancellationToken);
        return new SourceAnswer<bool>(answer.Status, answer.Status == SourceStatus.Ok, answer.Detail);
    }

    public async Task<SourceAnswer<bool>> RepairAsync(string mailbox, string blockName, CancellationToken cancellationToken)
    {
        var answer = await CallAsync("mailbox.repair_block", new JsonObject { ["i"] = mailbox, ["block_id"] = blockName }, cancellationToken);
        return new SourceAnswer<bool>(answer.Status, answer.Status == SourceStatus.Ok, answer.Detail);
    }

    private static SourceBlock? Read(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object
            || !TryReadWay(element, out var way)
            || Text(element, "block_id") is not { Length: > 0 and <= BlockOffer.MaxNameBytes } name
            || !(way is null ? BlockName.TryParse(name, out _) : name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            || !StreamId.TryParse(Text(element, "stream"), out var stream)
            || !BlockHash.TryParse(Text(element, "hash"), out var hash)
            || !TryNumber(element, "index", out var indexValue)
            || !TryNumber(element, "first_sequence", out var firstValue)
            || !TryNumber(element, "next_sequence", out var nextValue)
            || !TryNumber(element, "events", out var eventCount)
            || !TryNumber(element, "size", out var lengthBytes) || lengthBytes > long.MaxValue)
        {
            return null;
        }

        return new SourceBlock(
            new BlockKey(stream, indexValue, hash!), name, Text(element, "path"), firstValue, nextValue, eventCount, (long)lengthBytes)
        {
            Way = way,
        };
    }

    /// <summary>The way of a block that another node collected; null for one of this node's own.</summary>
    private static bool TryReadWay(JsonElement element, out BlockWay? way)
    {
        way = null;
        if (!element.TryGetProperty("way", out var nodes))
        {
            return true;
        }

        return nodes.ValueKind == JsonValueKind.Array
            && nodes.EnumerateArray().All(n => n.ValueKind == JsonValueKind.String)
            && BlockWay.TryCreate([.. nodes.EnumerateArray().Select(n => n.GetString()!)], out way, out _);
    }

    private static bool TryNumber(JsonElement element, string name, out ulong number)
    {
        number = 0;
        return element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out number);
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private SourceAnswer<T> Nonsense<T>() =>
        new(SourceStatus.Unavailable, default, $"{serviceId} describes a block in a way that this version does not understand");

    private Task<SourceAnswer<JsonElement>> CallAsync(string method, JsonObject parameters, CancellationToken cancellationToken) =>
        CallAsync(method, parameters, Timeout, cancellationToken);

    private async Task<SourceAnswer<JsonElement>> CallAsync(
        string method, JsonObject parameters, TimeSpan timeout, CancellationToken cancellationToken) =>
        Read(await collector.CallAsync(method, parameters, timeout, cancellationToken), method);

    private SourceAnswer<JsonElement> Read(RpcReply reply, string method) =>
        reply switch
        {
            RpcReply.Value value => new SourceAnswer<JsonElement>(SourceStatus.Ok, value.Result, null),
            RpcReply.RemoteError { Code: RpcErrorCode.NotFound } error => new SourceAnswer<JsonElement>(SourceStatus.NotFound, default, error.Message),
            RpcReply.RemoteError { Code: RpcErrorCode.InvalidData } error => new SourceAnswer<JsonElement>(SourceStatus.WrongHash, default, error.Message),
            RpcReply.RemoteError { Code: RpcErrorCode.MethodNotFound } => new SourceAnswer<JsonElement>(
                SourceStatus.Unavailable, default, $"{serviceId} is of an earlier version and does not know {method}: update the collector there"),
            RpcReply.RemoteError error => new SourceAnswer<JsonElement>(SourceStatus.Unavailable, default, $"{serviceId}: {error.Message} ({error.Code})"),
            RpcReply.Unreachable gone => new SourceAnswer<JsonElement>(SourceStatus.Unavailable, default, $"{gone.Message} ({gone.Remedy})"),
            RpcReply.TimedOut late => new SourceAnswer<JsonElement>(
                SourceStatus.Unavailable, default, $"{serviceId} did not answer within {late.After.TotalSeconds:0} s"),
            var other => throw new InvalidOperationException($"An answer that nobody knows: {other}."),
        };
}
