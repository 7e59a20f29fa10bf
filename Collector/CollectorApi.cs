using System.Text.Json;
using ZfRepl.Collector.Fill;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Collector.Mailboxes.Relay;
using ZfRepl.Collector.Sources;
using ZfRepl.Core.Blocks;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Import;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Import;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Collector;

/// <summary>The collector's methods: those of the manual, and ours. Each one is a thin hand over a mailbox.</summary>
internal sealed class CollectorApi(
    CollectorOptions options,
    IReadOnlyList<Mailbox> mailboxes,
    IReadOnlyList<ITelemetrySource> sources,
    Intake intake,
    Quarantine quarantine,
    IStorage storage,
    ReadySignal waiting,
    FillApi fills,
    RelayApi relay)
{
    private const string AllMailboxes = "*";
    private const int DefaultReady = 128;
    private const int MaxReady = 1000;

    private static readonly RpcParameter MailboxName = new("i", RpcType.String, "mailbox name", IsRequired: true);
    private static readonly RpcParameter MailboxNameOrAll = new("i", RpcType.String, "mailbox name, * for all", IsRequired: true);
    private static readonly RpcParameter BlockId = new("block_id", RpcType.String, "block id, as mailbox.list_blocks gives it", IsRequired: true);

    /// <summary>Adds the methods.</summary>
    public void Register(RpcMethods methods)
    {
        methods.Add("mailbox.list", "lists the mailboxes", [], (_, _) => Task.FromResult(RpcResult.List(mailboxes, WriteMailbox)));
        methods.Add("mailbox.list_blocks", "lists the blocks that are ready", [MailboxName], ListBlocksAsync);
        methods.Add(
            "mailbox.ready",
            "gives some of the blocks that are ready, and how many there are in all",
            [
                MailboxName,
                new RpcParameter("limit", RpcType.Integer, "the most blocks, default 128") { Minimum = 1, Maximum = MaxReady },
                new RpcParameter("stream", RpcType.String, "with after: the stream that is meant; blocks of another one are given from the first"),
                new RpcParameter("after", RpcType.Integer, "only blocks with a higher number") { Minimum = 0 },
                new RpcParameter("rotate", RpcType.Bool, "closes the current block when there are none; default false"),
            ],
            ReadyAsync);
        methods.Add(
            "mailbox.wait",
            "waits until a block has become ready in any mailbox",
            [
                new RpcParameter("after", RpcType.Integer, "the version that the last answer gave; without it the answer comes at once"),
                new RpcParameter("timeout", RpcType.Double, "longest wait in seconds, default 30") { Minimum = 0, Maximum = 300 },
            ],
            (call, token) => waiting.WaitAsync(call, token));
        methods.Add("mailbox.get_block", "gives the next block; the current one is closed when no other is ready", [MailboxName], GetBlockAsync);
        methods.Add(
            "mailbox.delete_block",
            "deletes a block; with the content's hash as delivered, without it as given up, which the loss ledger records",
            [MailboxName, BlockId, new RpcParameter("hash", RpcType.String, "SHA-256 of the content that the target imported")],
            DeleteBlockAsync);
        methods.Add("mailbox.repair_block", "reads a block byte by byte and replaces it by its intact frames if it is damaged", [MailboxName, BlockId], RepairAsync);
        methods.Add("mailbox.rotate", "deletes all blocks of a mailbox; the loss ledger records them", [MailboxName], RotateAsync);
        methods.Add("mailbox.seal", "closes the current block", [MailboxName], SealAsync);
        methods.Add("mailbox.enable", "lets a mailbox collect", [MailboxNameOrAll], (call, _) => Task.FromResult(SetEnabled(call, true)));
        methods.Add("mailbox.disable", "stops a mailbox collecting; its blocks stay", [MailboxNameOrAll], (call, _) => Task.FromResult(SetEnabled(call, false)));
        methods.Add("status", "gives the accounts of the mailboxes and the state of the sources", [], StatusAsync);
        fills.Register(methods);
        relay.Register(methods);
        methods.Add(
            "loss.list",
            "lists the entries of the loss ledger that wait here or were made since the start, the newest first",
            [
                new RpcParameter("i", RpcType.String, "mailbox name; all if not given"),
                new RpcParameter("limit", RpcType.Integer, $"how many of a mailbox at most, {LossListMethod.DefaultLimit} if not given")
                {
                    Minimum = 1,
                    Maximum = LossListMethod.MaxLimit,
                },
            ],
            ListLossesAsync);
        BlockVerifyMethod.Add(methods, storage, [MailboxName, BlockId], FindBlockAsync);
        QuarantineMethods.Add(methods, quarantine, retry: null);
    }

    private static void WriteMailbox(Utf8JsonWriter json, Mailbox mailbox)
    {
        json.WriteStartObject();
        json.WriteBoolean("enabled", mailbox.Enabled);
        json.WriteString("name", mailbox.Name);
        json.WriteString("path", mailbox.Folder);
        json.WriteEndObject();
    }

    private static void WriteBlock(Utf8JsonWriter json, ReadyBlock ready, bool withLast)
    {
        json.WriteStartObject();
        json.WriteString("block_id", ready.Id);
        json.WriteString("path", ready.Path);
        if (withLast)
        {
            json.WriteBoolean("last", ready.IsLast);
        }

        json.WriteNumber("size", ready.Block.LengthBytes);
        json.WriteString("stream", ready.Block.Header.Stream.ToString());
        json.WriteNumber("index", ready.Block.Header.Index);
        json.WriteNumber("first_sequence", ready.Block.Trailer.FirstSequence);
        json.WriteNumber("next_sequence", ready.Block.Trailer.NextSequence);
        json.WriteNumber("events", ready.Block.Trailer.EventCount);
        json.WriteString("hash", ready.Block.Trailer.Hash.ToString());
        if (ready.Way is { } way)
        {
            RelayApi.WriteWay(json, way);
        }

        json.WriteEndObject();
    }

    private static RpcResult NoMailbox(string name) => RpcResult.Error(RpcErrorCode.NotFound, $"i: there is no mailbox {OutsideText.Show(name)}; mailbox.list names them");

    private static RpcResult NoBlock(string name) => RpcResult.Error(RpcErrorCode.NotFound, $"block_id: there is no block {OutsideText.Show(name)}; mailbox.list_blocks names them");

    private static RpcResult Failed(StorageError error) => RpcResult.Error(RpcErrorCode.Io, error.ToString());

    private Mailbox? Find(string name) => mailboxes.FirstOrDefault(m => m.Name == name);

    private async Task<RpcResult> ListBlocksAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call.String("i")) is not { } mailbox)
        {
            return NoMailbox(call.String("i"));
        }

        var blocks = await mailbox.ListAsync(cancellationToken);
        return RpcResult.List(blocks, (json, block) => WriteBlock(json, block, withLast: false));
    }

    private async Task<RpcResult> ReadyAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call.String("i")) is not { } mailbox)
        {
            return NoMailbox(call.String("i"));
        }

        (StreamId Stream, ulong Index)? after = null;
        if (call.Int64OrNull("after") is { } index)
        {
            if (!StreamId.TryParse(call.StringOrNull("stream") ?? "", out var stream))
            {
                return RpcResult.Error(RpcErrorCode.InvalidData, "stream: with after, it says which stream is meant, in 32 hexadecimal digits");
            }

            after = (stream, (ulong)index);
        }

        var limit = (int)(call.Int64OrNull("limit") ?? DefaultReady);
        var ready = await mailbox.ReadyAsync(after, limit, call.BoolOrNull("rotate") ?? false, cancellationToken);
        if (!ready.IsOk)
        {
            return Failed(ready.Error);
        }

        return RpcResult.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("blocks");
            foreach (var block in ready.Value.Blocks)
            {
                WriteBlock(json, block, withLast: false);
            }

            json.WriteEndArray();
            json.WriteNumber("total_blocks", ready.Value.TotalBlocks);
            json.WriteNumber("total_events", ready.Value.TotalEvents);
            json.WriteEndObject();
        });
    }

    private async Task<RpcResult> GetBlockAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call.String("i")) is not { } mailbox)
        {
            return NoMailbox(call.String("i"));
        }

        var next = await mailbox.NextAsync(rotate: true, cancellationToken);
        if (!next.IsOk)
        {
            return Failed(next.Error);
        }

        return next.Value is { } ready ? RpcResult.Write(json => WriteBlock(json, ready, withLast: true)) : RpcResult.Empty;
    }

    private async Task<RpcResult> DeleteBlockAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call.String("i")) is not { } mailbox)
        {
            return NoMailbox(call.String("i"));
        }

        var id = call.String("block_id");
        var isRelayed = RelayedBlock.IsId(id);
        if (!BlockName.TryParse(id, out var name) && !isRelayed)
        {
            return NoBlock(id);
        }

        StorageResult<RemoveResult> removed;
        if (call.StringOrNull("hash") is { } hashText)
        {
            if (!BlockHash.TryParse(hashText, out var hash))
            {
                return RpcResult.Error(RpcErrorCode.InvalidData, "hash: it is no SHA-256: it has 64 hexadecimal digits");
            }

            removed = isRelayed
                ? await mailbox.ConfirmRelayedAsync(id, hash!, cancellationToken)
                : await mailbox.ConfirmAsync(name, hash!, cancellationToken);
        }
        else
        {
            removed = isRelayed ? await mailbox.DeleteRelayedAsync(id, cancellationToken) : await mailbox.DeleteAsync(name, cancellationToken);
        }

        if (!removed.IsOk)
        {
            return Failed(removed.Error);
        }

        return removed.Value switch
        {
            RemoveResult.Removed => RpcResult.Empty,
            RemoveResult.WrongHash => RpcResult.Error(RpcErrorCode.InvalidData, $"hash: block {id} has another content than the hash says; it stays"),
            _ => NoBlock(id),
        };
    }

    private async Task<RpcResult> RepairAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call.String("i")) is not { } mailbox)
        {
            return NoMailbox(call.String("i"));
        }

        var id = call.String("block_id");
        if (!BlockName.TryParse(id, out var name) && !RelayedBlock.IsId(id))
        {
            return NoBlock(id);
        }

        if (!RelayedBlock.IsId(id) && (await mailbox.ListAsync(cancellationToken)).All(b => b.Block.Name != name))
        {
            return NoBlock(id);
        }

        var repaired = RelayedBlock.IsId(id)
            ? await mailbox.RepairRelayedAsync(id, cancellationToken)
            : await mailbox.RepairAsync(name, cancellationToken);
        if (!repaired.IsOk)
        {
            return Failed(repaired.Error);
        }

        return repaired.Value is { } ready ? RpcResult.Write(json => WriteBlock(json, ready, withLast: false)) : RpcResult.Empty;
    }

    private async Task<RpcResult> RotateAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call.String("i")) is not { } mailbox)
        {
            return NoMailbox(call.String("i"));
        }

        // The open one counts as well; what is entered into the ledger for all of them goes into the next.
        var closed = await mailbox.SealAsync(cancellationToken);
        if (!closed.IsOk)
        {
            return Failed(closed.Error);
        }

        foreach (var ready in await mailbox.ListAsync(cancellationToken))
        {
            var removed = ready.Way is null
                ? await mailbox.DeleteAsync(ready.Block.Name, cancellationToken)
                : await mailbox.DeleteRelayedAsync(ready.Id, cancellationToken);
            if (!removed.IsOk)
            {
                return Failed(removed.Error);
            }
        }

        return RpcResult.Empty;
    }

    private async Task<RpcResult> SealAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call.String("i")) is not { } mailbox)
        {
            return NoMailbox(call.String("i"));
        }

        var done = await mailbox.SealAsync(cancellationToken);
        return done.IsOk ? RpcResult.Empty : Failed(done.Error);
    }

    private async Task<RpcResult> ListLossesAsync(RpcCall call, CancellationToken cancellationToken)
    {
        var name = call.StringOrNull("i");
        var chosen = name is null ? mailboxes : mailboxes.Where(m => m.Name == name).ToList();
        if (name is not null && chosen.Count == 0)
        {
            return NoMailbox(name);
        }

        var all = new List<(string Mailbox, MailboxLoss Loss)>();
        foreach (var mailbox in chosen)
        {
            var listed = await mailbox.ListLossesAsync((int)(call.Int64OrNull("limit") ?? LossListMethod.DefaultLimit), cancellationToken);
            if (!listed.IsOk)
            {
                return Failed(listed.Error);
            }

            all.AddRange(listed.Value.Select(l => (mailbox.Name, l)));
        }

        return RpcResult.List(all, (json, item) =>
        {
            json.WriteStartObject();
            json.WriteString("mailbox", item.Mailbox);
            LossJson.Write(json, item.Loss.Record);
            json.WriteBoolean("waiting", item.Loss.IsWaiting);
            json.WriteEndObject();
        });
    }

    private async Task<(string? Path, RpcResult? Error)> FindBlockAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call.String("i")) is not { } mailbox)
        {
            return (null, NoMailbox(call.String("i")));
        }

        var name = call.String("block_id");
        var blocks = await mailbox.ListAsync(cancellationToken);
        var found = blocks.FirstOrDefault(b => b.Id == name);
        return found is null ? (null, NoBlock(name)) : (found.Path, null);
    }

    private RpcResult SetEnabled(RpcCall call, bool enabled)
    {
        var name = call.String("i");
        var chosen = name == AllMailboxes ? mailboxes : mailboxes.Where(m => m.Name == name).ToList();
        if (chosen.Count == 0 && name != AllMailboxes)
        {
            return NoMailbox(name);
        }

        foreach (var mailbox in chosen)
        {
            mailbox.Enabled = enabled;
        }

        return RpcResult.Empty;
    }

    private async Task<RpcResult> StatusAsync(RpcCall call, CancellationToken cancellationToken)
    {
        var statuses = new List<MailboxStatus>();
        foreach (var mailbox in mailboxes)
        {
            statuses.Add(await mailbox.StatusAsync(cancellationToken));
        }

        return RpcResult.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("role", "collector");
            json.WriteString("node", options.Node);
            json.WriteNumber("events", intake.Events);
            json.WriteStartArray("mailboxes");
            foreach (var status in statuses)
            {
                WriteStatus(json, status);
            }

            json.WriteEndArray();
            fills.WriteTasks(json);
            json.WriteStartArray("sources");
            foreach (var source in sources)
            {
                var state = source.State;
                json.WriteStartObject();
                json.WriteString("name", source.Name);
                json.WriteBoolean("healthy", state.IsHealthy);
                json.WriteString("state", state.Text);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static void WriteStatus(Utf8JsonWriter json, MailboxStatus status)
    {
        json.WriteStartObject();
        json.WriteString("name", status.Name);
        json.WriteString("path", status.Path);
        json.WriteString("stream", status.Stream);
        json.WriteBoolean("enabled", status.Enabled);
        json.WriteNumber("accepted_events", status.AcceptedEvents);
        json.WriteNumber("delivered_events", status.DeliveredEvents);
        json.WriteNumber("backlog_events", status.BacklogEvents);
        json.WriteNumber("lost_events", status.LostEvents);
        json.WriteNumber("quarantined_events", status.QuarantinedEvents);
        json.WriteNumber("backlog_blocks", status.BacklogBlocks);
        json.WriteNumber("backlog_bytes", status.BacklogBytes);
        if (status.OldestBlockNs is { } oldest)
        {
            json.WriteString("oldest_block", UnixTime.FormatIso(oldest));
        }

        json.WriteStartObject("losses");
        foreach (var (reason, count) in status.LossesByReason.OrderBy(l => l.Key, StringComparer.Ordinal))
        {
            json.WriteNumber(JsonNamingPolicy.SnakeCaseLower.ConvertName(reason), count);
        }

        json.WriteEndObject();
        if (status.Relay is { } relay)
        {
            RelayApi.WriteStatus(json, relay);
        }

        json.WriteString("trouble", status.Trouble);
        json.WriteEndObject();
    }
}
