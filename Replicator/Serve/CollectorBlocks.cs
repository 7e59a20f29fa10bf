using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Replicator.Serve;

/// <summary>Asks the collector next door over its socket. Thread-safe.</summary>
internal sealed partial class CollectorBlocks(RpcClient collector, string serviceId) : IBlockSource, IFillSource
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    public async Task<SourceAnswer<IReadOnlyList<SourceBlock>>> ReadyAsync(string mailbox, bool rotate, CancellationToken cancellationToken)
    {
        var listed = await CallAsync("mailbox.list_blocks", new JsonObject { ["i"] = mailbox }, cancellationToken);
        if (listed.Status != SourceStatus.Ok)
        {
            return new SourceAnswer<IReadOnlyList<SourceBlock>>(listed.Status, null, listed.Detail);
        }

        var blocks = new List<SourceBlock>();
        foreach (var element in listed.Value.EnumerateArray())
        {
            if (Read(element) is not { } block)
            {
                return Nonsense();
            }

            blocks.Add(block);
        }

        if (blocks.Count > 0 || !rotate)
        {
            return new SourceAnswer<IReadOnlyList<SourceBlock>>(SourceStatus.Ok, blocks, null);
        }

        var next = await CallAsync("mailbox.get_block", new JsonObject { ["i"] = mailbox }, cancellationToken);
        if (next.Status != SourceStatus.Ok)
        {
            return new SourceAnswer<IReadOnlyList<SourceBlock>>(next.Status, null, next.Detail);
        }

        if (next.Value.ValueKind == JsonValueKind.Null)
        {
            return new SourceAnswer<IReadOnlyList<SourceBlock>>(SourceStatus.Ok, [], null);
        }

        return Read(next.Value) is { } rotated
            ? new SourceAnswer<IReadOnlyList<SourceBlock>>(SourceStatus.Ok, [rotated], null)
            : Nonsense();
    }

    public async Task<SourceAnswer<bool>> SealAsync(string mailbox, CancellationToken cancellationToken)
    {
        var answer = await CallAsync("mailbox.seal", new JsonObject { ["i"] = mailbox }, cancellationToken);
        return new SourceAnswer<bool>(answer.Status, answer.Status == SourceStatus.Ok, answer.Detail);
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
            || !BlockName.TryParse(Text(element, "block_id"), out var name)
            || !StreamId.TryParse(Text(element, "stream"), out var stream)
            || !BlockHash.TryParse(Text(element, "hash"), out var hash)
            || !element.TryGetProperty("index", out var index) || !index.TryGetUInt64(out var indexValue)
            || !element.TryGetProperty("first_sequence", out var first) || !first.TryGetUInt64(out var firstValue)
            || !element.TryGetProperty("next_sequence", out var next) || !next.TryGetUInt64(out var nextValue)
            || !element.TryGetProperty("events", out var events) || !events.TryGetUInt64(out var eventCount)
            || !element.TryGetProperty("size", out var size) || !size.TryGetInt64(out var lengthBytes))
        {
            return null;
        }

        return new SourceBlock(
            new BlockKey(stream, indexValue, hash!), name.ToString(), Text(element, "path"), firstValue, nextValue, eventCount, lengthBytes);
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private SourceAnswer<IReadOnlyList<SourceBlock>> Nonsense() =>
        new(SourceStatus.Unavailable, null, $"{serviceId} describes a block in a way that this version does not understand");

    private async Task<SourceAnswer<JsonElement>> CallAsync(string method, JsonObject parameters, CancellationToken cancellationToken) =>
        await collector.CallAsync(method, parameters, Timeout, cancellationToken) switch
        {
            RpcReply.Value value => new SourceAnswer<JsonElement>(SourceStatus.Ok, value.Result, null),
            RpcReply.RemoteError { Code: RpcErrorCode.NotFound } error => new SourceAnswer<JsonElement>(SourceStatus.NotFound, default, error.Message),
            RpcReply.RemoteError { Code: RpcErrorCode.InvalidData } error => new SourceAnswer<JsonElement>(SourceStatus.WrongHash, default, error.Message),
            RpcReply.RemoteError error => new SourceAnswer<JsonElement>(SourceStatus.Unavailable, default, $"{serviceId}: {error.Message} ({error.Code})"),
            RpcReply.Unreachable gone => new SourceAnswer<JsonElement>(SourceStatus.Unavailable, default, $"{gone.Message} ({gone.Remedy})"),
            RpcReply.TimedOut late => new SourceAnswer<JsonElement>(
                SourceStatus.Unavailable, default, $"{serviceId} did not answer within {late.After.TotalSeconds:0} s"),
            var other => throw new InvalidOperationException($"An answer that nobody knows: {other}."),
        };
}
